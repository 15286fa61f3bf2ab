package storetest

import (
	"sync"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/internal/testserver"
)

// site is where the flows run.
type site struct {
	name  string
	start func(*testing.T) *ground
	habits
}

// habits are what a store does otherwise than Amazon S3.
type habits struct {
	// noFileBesideFolder: while there is a/b there can be no object a. Two
	// commits at the same moment, to a/b and to a, cannot both succeed.
	noFileBesideFolder bool
	// backslashIsSlash: a\b is stored as a/b.
	backslashIsSlash bool
	// foldersLinger: a folder is there for minutes after all in it was deleted.
	foldersLinger bool
	// doctor is what doctor has to say about it that is not ok, check by check;
	// nil: doctor does not get through to it, and ends with the first check.
	doctor map[string]string
}

// ground is a running store with settings for the program in front of it.
type ground struct {
	testserver.Store                  // past the relay, if there is one
	seen             testserver.Store // as the program sees it
	env              []string
	trouble          func() // comes before each flow
}

// plain is nil for a store that is not among testserver's at the moment.
func plain(start func(testserver.TB) testserver.Store) func(*testing.T) *ground {
	if start == nil {
		return nil
	}
	return func(t *testing.T) *ground {
		s := start(t)
		return &ground{Store: s, seen: s, trouble: func() {}}
	}
}

// relayed is a MinIO behind AWS's rules.
func relayed(trouble func(*testserver.AWS)) func(*testing.T) *ground {
	return func(t *testing.T) *ground {
		s := testserver.MinIO(t)
		a := testserver.RelayAWS(t, s, "eu-central-1")
		seen := a.Store
		env := append(a.Env(), "CHUNKGATE_S3_CHECKSUM=none")
		return &ground{Store: s, seen: seen, env: env, trouble: func() { trouble(a) }}
	}
}

// minioTold is doctor's word on every MinIO that it is not told about.
const minioTold = "24h by default"

// noRule is doctor's word on a bucket without a lifecycle.
var noRule = map[string]string{"s3 expiry": "no rule ends"}

// once is a trouble that comes when the program has begun to use its keys, and
// not again: they are given up only so often.
func once(trouble func(*testserver.AWS)) func(*testserver.AWS) {
	var one sync.Once
	return func(a *testserver.AWS) { one.Do(func() { trouble(a) }) }
}

// locked is a bucket with a default retention, which wants checksums.
func locked(t *testing.T) *ground {
	g := relayed(func(a *testserver.AWS) { a.SetLocked(true) })(t)
	g.env = append(g.env, "CHUNKGATE_S3_CHECKSUM=trailer")
	return g
}

var sites = []site{
	{"MinIO", plain(testserver.Stores()["MinIO"]), habits{doctor: map[string]string{"s3 expiry": minioTold}}},
	{"versitygw", plain(testserver.Stores()["versitygw"]), habits{noFileBesideFolder: true, doctor: map[string]string{}}},
	{"SeaweedFS", plain(testserver.Stores()["SeaweedFS"]), habits{
		backslashIsSlash: true, foldersLinger: true,
		doctor: map[string]string{"s3 names": `takes a\b for a/b`, "s3 expiry": "no rule ends"},
	}},
	{"AWS's rules", relayed(func(*testserver.AWS) {}), habits{doctor: noRule}},
	{"AWS, keys that ended", relayed(once((*testserver.AWS).Expire)), habits{doctor: noRule}},
	{"AWS, clock 20 min ahead", relayed(func(a *testserver.AWS) { a.SetAhead(20 * time.Minute) }), habits{}},
	{"AWS, fresh bucket", relayed(func(a *testserver.AWS) { a.SetRedirects(true) }), habits{}},
	{"AWS, locked bucket", locked, habits{doctor: noRule}},
}
