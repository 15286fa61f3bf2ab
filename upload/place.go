package upload

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// errFolder: there is a folder at the destination. It is never replaced.
// errAbove: no file can be there, nor under another name.
var (
	errFolder = fmt.Errorf("a folder is there: %w", ErrConflict)
	errAbove  = fmt.Errorf("a file is in the place of a folder above: %w", ErrConflict)
)

// checkPlace says whether a file may appear at key: errAbove if something above
// it is a file, errFolder if something is below it. S3 knows no folders,
// so nothing can hold this atomically; what the conditions of a commit promise
// about the file itself does not depend on it.
func (e *Engine) checkPlace(ctx context.Context, root, key string) error {
	for i := len(root); i < len(key); i++ {
		if key[i] != '/' {
			continue
		}
		switch _, err := e.cfg.Objects.Head(ctx, key[:i]); {
		case err == nil:
			return errAbove
		case !errors.Is(err, ErrNotExist):
			return fmt.Errorf("look for a file above: %w", err)
		}
	}
	for _, err := range e.cfg.Objects.List(ctx, strings.TrimSuffix(key, "/")+"/") {
		if err != nil {
			return fmt.Errorf("look for a folder: %w", err)
		}
		return errFolder
	}
	return nil
}
