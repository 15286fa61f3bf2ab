package testserver

import (
	"net/http"
	"os"
	"path/filepath"
)

// Versity starts a versitygw over plain files in a folder of the test's own.
// Further arguments go to versitygw, before those of its posix backend. The
// first call on a machine builds it, which takes minutes.
func Versity(tb TB, args ...string) Store {
	tb.Helper()
	program := Tool(tb, "versitygw", "versitygw")
	addr := FreeAddr(tb)
	s := newStore(tb, addr)
	if err := os.Mkdir(filepath.Join(s.Data, s.Bucket), 0o755); err != nil {
		tb.Fatal(err)
	}
	args = append([]string{"--port", addr, "--access", s.AccessKey, "--secret", s.SecretKey, "--region", s.Region,
		"--keep-alive", "--quiet"}, args...)
	s.Process = start(tb, answers(s.Endpoint+"/"+s.Bucket, http.StatusForbidden), nil, program,
		append(args, "posix", s.Data)...)
	return s
}
