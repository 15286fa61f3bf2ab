package proxy

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/chunkgate/chunkgate/upload"
)

// maxKey is S3's limit of an object's key in bytes.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
const maxKey = 1024

// canonical gives every form of a path that clients send the same route:
// `//1/…`, a trailing slash, an escaped slash, also in the endpoint's own name
// (PROTOCOL 1.0). It answers directly, since redirected uploads lose their body.
func canonical(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		u := c.Request().URL
		u.Path = "/" + strings.Join(segments(u.Path), "/")
		u.RawPath = "" // Echo would prefer it
		return next(c)
	}
}

// segments splits a decoded path; empty ones do not count.
func segments(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

// shownRoots are the trees that a client may name, all of them the same one,
// and what each is called in answers: never auto or sandbox (PROTOCOL 1.5).
var shownRoots = map[string]string{"auto": "dropbox", "dropbox": "dropbox", "sandbox": "app_folder"}

// place is where a file lies.
type place struct {
	root string // as shown in answers
	key  string
}

// locate finds the place that an account means by root and path.
// The error is an *upload.InvalidError.
func (s *Server) locate(a Account, root, path string) (place, error) {
	shown, ok := shownRoots[root]
	if !ok {
		return place{}, invalid("root is none of auto, dropbox and sandbox")
	}
	clean, err := cleanPath(path)
	if err != nil {
		return place{}, err
	}
	key := s.prefix(a) + clean
	if len(key) > maxKey {
		return place{}, invalid("path is too long")
	}
	if s.reserved(key) {
		return place{}, invalid("path is reserved")
	}
	return place{root: shown, key: key}, nil
}

// prefix begins every key of an account.
func (s *Server) prefix(a Account) string { return s.cfg.KeyPrefix + a.Prefix }

// reserved says whether a key is the engine's: under the staging prefix, or the
// very name of that folder, which a store on a file system could not hold twice.
func (s *Server) reserved(key string) bool {
	return s.cfg.StagingPrefix != "" && strings.HasPrefix(key+"/", s.cfg.StagingPrefix)
}

// cleanPath is a file's path without needless slashes, or why it cannot be one.
// With no `.` and no `..` in it, what follows a prefix stays under it.
func cleanPath(path string) (string, error) {
	if !utf8.ValidString(path) {
		return "", invalid("path is not UTF-8")
	}
	if strings.ContainsFunc(path, unicode.IsControl) {
		return "", invalid("path has a control character")
	}
	names := segments(path)
	if len(names) == 0 {
		return "", invalid("path is empty")
	}
	for _, name := range names {
		if name == "." || name == ".." {
			return "", invalid("path has a segment that is . or ..")
		}
	}
	return strings.Join(names, "/"), nil
}

func invalid(reason string) error { return &upload.InvalidError{Reason: reason} }
