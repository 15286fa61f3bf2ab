package proxy

import (
	"errors"
	"strings"
)

// IsFolder says whether a key prefix is a folder as the paths of clients make
// them: names with a slash behind each, none of them empty, `.` or `..`.
func IsFolder(prefix string) bool {
	clean, err := cleanPath(prefix)
	return err == nil && clean+"/" == prefix
}

// Reserve names the prefixes of the settings: no account may have one that lies
// under the staging prefix, where the objects of unfinished uploads are. It is
// to be called before the first Reload.
func (a *Authenticator) Reserve(keyPrefix, stagingPrefix string) {
	a.keyPrefix, a.stagingPrefix = keyPrefix, stagingPrefix
}

var errStaging = errors.New("lies under the staging prefix")

// allows says whether an account may have this prefix.
func (a *Authenticator) allows(prefix string) error {
	if reserved(a.keyPrefix+prefix, a.stagingPrefix) {
		return errStaging
	}
	return nil
}

// reserved says whether a key is the engine's: under the staging prefix, or the
// very name of that folder, which a store on a file system could not hold twice.
func reserved(key, stagingPrefix string) bool {
	return stagingPrefix != "" && strings.HasPrefix(key+"/", stagingPrefix)
}
