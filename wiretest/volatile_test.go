package wiretest

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// mask replaces what changes from run to run in answers, and insists on the
// documented form of each such value (PROTOCOL 1.1, 1.4 and 1.5).
type mask struct {
	id string // the upload_id that was answered first; all others must be the same
}

// volatile finds the members that change.
var volatile = regexp.MustCompile(`"(upload_id|expires|rev|revision|modified|client_mtime|hash|cursor)": ("[^"]*"|[^",}\]]*)`)

var (
	uploadID   = regexp.MustCompile(`^"[A-Za-z0-9_-]{22}"$`)
	rev        = regexp.MustCompile(`^"[0-9a-f]{9,}"$`)
	folderHash = regexp.MustCompile(`^"[0-9a-f]{32}"$`)
	revision   = regexp.MustCompile(`^(0|[1-9][0-9]*)$`)
)

// ofFolders is the time of all folders: a store that knows none has no time of one.
const ofFolders = `"Thu, 01 Jan 1970 00:00:00 +0000"`

// replace puts `<name>` in the place of every such value.
func (m *mask) replace(answer string) (string, error) {
	var wrong error
	text := volatile.ReplaceAllStringFunc(answer, func(member string) string {
		found := volatile.FindStringSubmatch(member)
		if found[2] == ofFolders {
			return member
		}
		if err := m.check(found[1], found[2]); err != nil && wrong == nil {
			wrong = fmt.Errorf("%s: %w", member, err)
		}
		return fmt.Sprintf(`"%s": <%s>`, found[1], found[1])
	})
	if m.id != "" {
		text = strings.ReplaceAll(text, m.id, "<upload_id>")
	}
	return text, wrong
}

func (m *mask) check(name, value string) error {
	switch name {
	case "upload_id":
		return m.checkID(value)
	case "expires":
		return checkDate(value, time.Now().Add(47*time.Hour), time.Now().Add(48*time.Hour))
	case "modified", "client_mtime":
		return checkDate(value, time.Now().Add(-time.Hour), time.Now())
	}
	form := map[string]*regexp.Regexp{"rev": rev, "revision": revision, "hash": folderHash, "cursor": folderHash}[name]
	if !form.MatchString(value) {
		return fmt.Errorf("not of the form %s", form)
	}
	return nil
}

func (m *mask) checkID(value string) error {
	if !uploadID.MatchString(value) {
		return fmt.Errorf("not of the form %s", uploadID)
	}
	id := strings.Trim(value, `"`)
	if m.id == "" {
		m.id = id
	}
	if id != m.id {
		return fmt.Errorf("not the upload_id answered before")
	}
	return nil
}

// checkDate takes the one form that all clients parse, of 31 characters.
func checkDate(value string, from, to time.Time) error {
	date, err := time.Parse(`"`+time.RFC1123Z+`"`, value)
	if err != nil {
		return err
	}
	if len(value) != len(`""`)+31 || !strings.HasSuffix(value, ` +0000"`) {
		return fmt.Errorf("not 31 characters that end in +0000")
	}
	if date.Before(from.Truncate(time.Second)) || date.After(to) {
		return fmt.Errorf("not between %v and %v", from, to)
	}
	return nil
}

func TestVolatile(t *testing.T) {
	soon := time.Now().UTC().Add(48*time.Hour - time.Second)
	const id = "v0k84B0AT9fYkfMUp0sBTA"
	for value, wanted := range map[string]bool{
		`"upload_id": "` + id + `"`:                                        true,
		`"upload_id": "` + id[1:] + `"`:                                    false,
		`"upload_id": "` + id[1:] + `/"`:                                   false,
		`"upload_id": "another0AT9fYkfMUp0sBTA"`:                           false,
		`"upload_id": null`:                                                false,
		`"expires": "` + soon.Format(time.RFC1123Z) + `"`:                  true,
		`"expires": "` + soon.Format(time.RFC1123) + `"`:                   false,
		`"expires": "` + soon.Format("Mon, 2 Jan 06 15:04:05 -0700") + `"`: false,
		`"expires": "` + soon.Add(time.Hour).Format(time.RFC1123Z) + `"`:   false,
		`"expires": "Tue, 19 Jul 2011 21:55:38 +0000"`:                     false,
		`"modified": "` + soon.Format(time.RFC1123Z) + `"`:                 false,
		`"modified": null`:                                                 false,
		`"rev": "400113f659"`:                                              true,
		`"rev": "400113F659"`:                                              false,
		`"rev": ""`:                                                        false,
		`"revision": 64`:                                                   true,
		`"revision": "64"`:                                                 false,
		`"hash": "0123456789abcdef0123456789abcdef"`:                       true,
		`"hash": "0"`:                                                      false,
	} {
		m := mask{id: id}
		got, err := m.replace("{" + value + "}")
		if (err == nil) != wanted {
			t.Errorf("%s: %v", value, err)
		}
		if !strings.HasSuffix(got, ">}") || !strings.Contains(got, `": <`) {
			t.Errorf("%s became %s", value, got)
		}
	}
}
