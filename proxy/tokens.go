package proxy

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// tokens are those of a file.
type tokens struct {
	digest [sha256.Size]byte // of the file

	// By the token's SHA-256. Go seeds its maps' hashes at random, so the time
	// of a lookup tells nothing about a digest, and a digest nothing about a token.
	accounts map[[sha256.Size]byte]Account
	signers  map[signerID]signer // that sign by OAuth 1
}

var noTokens tokens

// known are the tokens that count now.
func (a *Authenticator) known() *tokens {
	if t := a.tokens.Load(); t != nil {
		return t
	}
	return &noTokens
}

// ParseTokens reads who may come in, one token a line, with the owner of what
// it uploads, the prefix of the keys it may name, "/" for none, and what else
// is to hold for it (parseTerms in owner.go):
//
//	sha256:<64 hex digits>  <owner>  <key prefix>  [<key>=<value> …]
//	oauth1:<consumer key>:<consumer secret>:<token>:<token secret>  <owner>  <key prefix>  …
//
// The first is a bearer token's digest. OAuth 1 needs its secrets as they are,
// since both sides compute signatures from them. Empty lines and those that
// begin with # do not count. Errors name the line, and nothing secret that is in it.
func ParseTokens(r io.Reader) (*Authenticator, error) {
	a := &Authenticator{}
	content, err := io.ReadAll(r)
	if err == nil {
		_, err = a.Reload(content)
	}
	return a, err
}

// Reload takes the file's content anew and says whether it is another than
// before. One that is the same costs its digest only: parsing 100,000 lines
// takes half a second of CPU. After an error the tokens before still count.
// Requests that are under way go on.
func (a *Authenticator) Reload(content []byte) (changed bool, err error) {
	digest := sha256.Sum256(content)
	if a.known().digest == digest {
		return false, nil
	}
	t, err := parseTokens(bytes.NewReader(content), a.allows)
	if err != nil {
		return false, err
	}
	t.digest = digest
	a.tokens.Store(t)
	return true, nil
}

// HasSecrets says whether the file holds secrets as they are: those of OAuth 1.
func (a *Authenticator) HasSecrets() bool { return len(a.known().signers) > 0 }

// parseTokens wants every prefix allowed.
func parseTokens(r io.Reader, allows func(prefix string) error) (*tokens, error) {
	t := &tokens{accounts: map[[sha256.Size]byte]Account{}, signers: map[signerID]signer{}}
	lines := bufio.NewScanner(r)
	n := 0
	for lines.Scan() {
		n++
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := t.add(line, allows); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", n+1, err)
	}
	if len(t.accounts)+len(t.signers) == 0 {
		return nil, errors.New("there is no token")
	}
	return t, nil
}

func (t *tokens) add(line string, allows func(prefix string) error) error {
	fields := strings.Fields(line)
	if len(fields) < 3 {
		return fmt.Errorf("%d fields instead of three or more: <token> <owner> <key prefix> [<key>=<value> …]", len(fields))
	}
	prefix, err := parsePrefix(fields[2])
	if err == nil {
		err = allows(prefix)
	}
	if err != nil {
		return fmt.Errorf("key prefix: %w", err)
	}
	account := Account{Owner: fields[1], Prefix: prefix}
	if err := account.parseTerms(fields[3:]); err != nil {
		return err
	}
	if secrets, ok := strings.CutPrefix(fields[0], "oauth1:"); ok {
		return t.addSigner(secrets, account)
	}
	digest, err := parseDigest(fields[0])
	if err != nil {
		return err
	}
	if _, twice := t.accounts[digest]; twice {
		return errTwice
	}
	t.accounts[digest] = account
	return nil
}

func (t *tokens) addSigner(secrets string, account Account) error {
	s := strings.Split(secrets, ":")
	if len(s) != 4 || slices.Contains(s, "") {
		return errors.New("the first field is not oauth1:<consumer key>:<consumer secret>:<token>:<token secret>")
	}
	id := signerID{consumer: s[0], token: s[2]}
	if _, twice := t.signers[id]; twice {
		return errTwice
	}
	t.signers[id] = signer{consumerSecret: s[1], tokenSecret: s[3], account: account}
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
