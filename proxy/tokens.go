package proxy

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ParseTokens reads who may come in, one token a line, with the owner of what
// it uploads and the prefix of the keys it may name, "/" for none:
//
//	sha256:<64 hex digits>  <owner>  <key prefix>
//
// Empty lines and those that begin with # do not count. Errors name the line.
func ParseTokens(r io.Reader) (*Authenticator, error) {
	a := &Authenticator{accounts: map[[sha256.Size]byte]Account{}}
	lines := bufio.NewScanner(r)
	n := 0
	for lines.Scan() {
		n++
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := a.add(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", n+1, err)
	}
	if len(a.accounts) == 0 {
		return nil, errors.New("there is no token")
	}
	return a, nil
}

func (a *Authenticator) add(line string) error {
	fields := strings.Fields(line)
	if len(fields) != 3 {
		return fmt.Errorf("%d fields instead of three: sha256:<digest> <owner> <key prefix>", len(fields))
	}
	digest, err := parseDigest(fields[0])
	if err != nil {
		return err
	}
	if _, twice := a.accounts[digest]; twice {
		return errors.New("the same token again")
	}
	prefix := ""
	if fields[2] != "/" {
		if prefix, err = cleanPath(fields[2]); err != nil {
			return fmt.Errorf("key prefix: %w", err)
		}
		prefix += "/"
	}
	a.accounts[digest] = Account{Owner: fields[1], Prefix: prefix}
	return nil
}

// parseDigest does not repeat what it could not read: it may be a token that
// somebody wrote down as it is.
func parseDigest(s string) (d [sha256.Size]byte, err error) {
	digits, ok := strings.CutPrefix(s, "sha256:")
	sum, err := hex.DecodeString(digits)
	if !ok || err != nil || len(sum) != len(d) {
		return d, errors.New("the first field is not sha256: and 64 hex digits")
	}
	return [sha256.Size]byte(sum), nil
}
