package main

import (
	"maps"
	"path/filepath"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/checkup"
	"github.com/chunkgate/chunkgate/s3backend"
	"github.com/chunkgate/chunkgate/session"
)

// TestExamine has the checks of doctor find versitygw fit, miniredis fit as far
// as it can be asked, and nothing left behind.
func TestExamine(t *testing.T) {
	data := t.TempDir()
	b, err := s3backend.New(t.Context(), mustStart(t, data))
	if err != nil {
		t.Fatal(err)
	}
	for f := range b.Examine(t.Context(), s3backend.Examination{StagingPrefix: stagingPrefix, TTL: 48 * time.Hour, Now: time.Now}) {
		if f.Level != checkup.OK {
			t.Errorf("%+v", f)
		}
	}
	left, err := filepath.Glob(filepath.Join(data, bucket, stagingPrefix, "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left: %q, %v", left, err)
	}

	url, err := startSessions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	redis, err := session.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer redis.Close()
	got := map[string]checkup.Level{}
	for f := range session.New(redis, session.Options{}).Examine(t.Context(), time.Now) {
		got[f.Check] = f.Level
	}
	want := map[string]checkup.Level{
		"redis": checkup.OK, "redis version": checkup.Warn, "redis eviction": checkup.Warn, "redis memory": checkup.Warn,
		"redis persistence": checkup.Warn, "redis scripts": checkup.OK, "redis clock": checkup.OK,
	}
	if !maps.Equal(got, want) {
		t.Errorf("of miniredis: got %v, want %v", got, want)
	}
}

// mustStart runs an object store on a folder until the test ends.
func mustStart(t *testing.T, folder string) s3backend.Config {
	t.Helper()
	t.Chdir(".") // and back at the end: the store changes the current folder
	c, ended, err := startObjects(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { <-ended })
	return c
}
