package proxy

import (
	"regexp"
	"strings"
	"testing"
)

// A request's id is taken over if it is one, and else made; log and answer have
// the same.
func TestRequestID(t *testing.T) {
	made := regexp.MustCompile(`^[A-Z2-7]{26}$`)
	for given, keep := range map[string]bool{
		"7b0e2c1a-9d3f-4f4e-8f0a-1c2d3e4f5a6b": true,
		"r_1":                                  true,
		strings.Repeat("a", 64):                true,
		strings.Repeat("a", 65):                false,
		"":                                     false,
		"two words":                            false,
		`"quoted"`:                             false,
		"?access_token=hunter2":                false,
		"ünlaut":                               false,
	} {
		t.Run(given, func(t *testing.T) {
			s := start(t, &fakeEngine{append: take})
			answer := s.call(t, "PUT", "/1/chunked_upload", "X-Request-Id: "+given+"\r\nContent-Length: 1\r\n", "x")
			got := answer.header.Get("X-Request-Id")
			if keep && got != given || !keep && !made.MatchString(got) {
				t.Errorf("answered %q", got)
			}
			s.await(t, "msg=request")
			if !strings.Contains(s.log.String(), " req="+got+" ") {
				t.Errorf("%q is not in the log: %s", got, s.log.String())
			}
		})
	}
}
