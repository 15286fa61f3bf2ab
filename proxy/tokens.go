package proxy

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ParseTokens reads who may come in, one token a line, with the owner of what
// it uploads and the prefix of the keys it may name, "/" for none:
//
//	sha256:<64 hex digits>  <owner>  <key prefix>
//	oauth1:<consumer key>:<consumer secret>:<token>:<token secret>  <owner>  <key prefix>
//
// The first is a bearer token's digest. OAuth 1 needs its secrets as they are,
// since both sides compute signatures from them. Empty lines and those that
// begin with # do not count. Errors name the line, and nothing that is in it.
func ParseTokens(r io.Reader) (*Authenticator, error) {
	a := &Authenticator{accounts: map[[sha256.Size]byte]Account{}, signers: map[signerID]signer{}}
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
	if len(a.accounts)+len(a.signers) == 0 {
		return nil, errors.New("there is no token")
	}
	return a, nil
}

func (a *Authenticator) add(line string) error {
	fields := strings.Fields(line)
	if len(fields) != 3 {
		return fmt.Errorf("%d fields instead of three: <token> <owner> <key prefix>", len(fields))
	}
	prefix, err := parsePrefix(fields[2])
	if err != nil {
		return fmt.Errorf("key prefix: %w", err)
	}
	account := Account{Owner: fields[1], Prefix: prefix}
	if secrets, ok := strings.CutPrefix(fields[0], "oauth1:"); ok {
		return a.addSigner(secrets, account)
	}
	digest, err := parseDigest(fields[0])
	if err != nil {
		return err
	}
	if _, twice := a.accounts[digest]; twice {
		return errTwice
	}
	a.accounts[digest] = account
	return nil
}

func (a *Authenticator) addSigner(secrets string, account Account) error {
	s := strings.Split(secrets, ":")
	if len(s) != 4 || slices.Contains(s, "") {
		return errors.New("the first field is not oauth1:<consumer key>:<consumer secret>:<token>:<token secret>")
	}
	id := signerID{consumer: s[0], token: s[2]}
	if _, twice := a.signers[id]; twice {
		return errTwice
	}
	a.signers[id] = signer{consumerSecret: s[1], tokenSecret: s[3], account: account}
	return nil
}

func parsePrefix(field string) (string, error) {
	if field == "/" {
		return "", nil
	}
	prefix, err := cleanPath(field)
	return prefix + "/", err
}

var errTwice = errors.New("the same token again")

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
