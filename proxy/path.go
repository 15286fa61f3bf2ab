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

// place is where a file or a folder lies.
type place struct {
	root string // as shown in answers
	path string // likewise; "/" is the root folder
	key  string // a file's; the root folder's is the account's prefix
}

// top says whether it is the root folder.
func (p place) top() bool { return p.path == "/" }

// folder begins the keys of what is in a folder here, and is its marker's.
func (p place) folder() string {
	if p.top() {
		return p.key
	}
	return p.key + "/"
}

// locate finds the place that an account means by root and path.
// The error is an *upload.InvalidError.
func (s *Server) locate(a Account, root, path string) (place, error) {
	shown, err := showRoot(root)
	if err != nil {
		return place{}, err
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
	return place{root: shown, path: "/" + clean, key: key}, nil
}

// locateAny is locate for what may be the root folder, too.
func (s *Server) locateAny(a Account, root, path string) (place, error) {
	if len(segments(path)) > 0 {
		return s.locate(a, root, path)
	}
	shown, err := showRoot(root)
	if err != nil {
		return place{}, err
	}
	top := place{root: shown, path: "/", key: s.prefix(a)}
	if s.reserved(top.key) {
		return place{}, invalid("path is reserved")
	}
	return top, nil
}

func showRoot(root string) (string, error) {
	shown, ok := shownRoots[root]
	if !ok {
		return "", invalid("root is none of auto, dropbox and sandbox")
	}
	return shown, nil
}

// ignoredNames are file names that Dropbox never stores, in lower case
// (PROTOCOL 2.1); `icon\r`, of the same list, has a control character.
var ignoredNames = map[string]bool{
	"desktop.ini": true, "thumbs.db": true, ".ds_store": true, ".dropbox": true, ".dropbox.attr": true,
}

// destination finds the place that a file is to be written to.
// The error is an *upload.InvalidError.
func (s *Server) destination(a Account, root, path string) (place, error) {
	p, err := s.locate(a, root, path)
	if err != nil {
		return place{}, err
	}
	if name := p.key[strings.LastIndexByte(p.key, '/')+1:]; ignoredNames[strings.ToLower(name)] {
		return place{}, invalid("path ends in a file name that is never stored")
	}
	return p, nil
}

// prefix begins every key of an account.
func (s *Server) prefix(a Account) string { return s.cfg.KeyPrefix + a.Prefix }

func (s *Server) reserved(key string) bool { return reserved(key, s.cfg.StagingPrefix) }

// cleanPath is a file's path without needless slashes, or why it cannot be one.
// With no `.` and no `..` in it, what follows a prefix stays under it.
func cleanPath(path string) (string, error) {
	if !utf8.ValidString(path) {
		return "", invalid("path is not UTF-8")
	}
	if strings.ContainsFunc(path, unicode.IsControl) {
		return "", invalid("path has a control character")
	}
	if strings.ContainsFunc(path, unlistable) {
		return "", invalid("path has a character that is none")
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

// unlistable are the characters, besides control characters, that XML does not
// have: S3's listings would tell another name.
func unlistable(r rune) bool { return r == 0xFFFE || r == 0xFFFF }

func invalid(reason string) error { return &upload.InvalidError{Reason: reason} }
