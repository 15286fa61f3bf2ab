package testserver

import "os"

// Store is an S3 server of the test's own, with an empty bucket.
type Store struct {
	*Process
	Endpoint  string
	AccessKey string
	SecretKey string
	Region    string
	Bucket    string
	Data      string // the folder its data lies in
}

// Stores are the servers that the tests know, by name, each with how to start
// one. SeaweedFS, whose first build takes as long as all other tests, is among
// them with STORES=all only.
func Stores() map[string]func(TB) Store {
	stores := map[string]func(TB) Store{
		"MinIO":     func(tb TB) Store { return MinIO(tb) },
		"versitygw": func(tb TB) Store { return Versity(tb) },
	}
	if os.Getenv("STORES") == "all" {
		stores["SeaweedFS"] = func(tb TB) Store { return SeaweedFS(tb) }
	}
	return stores
}

// newStore is a store that will listen at addr.
func newStore(tb TB, addr string) Store {
	return Store{
		Endpoint:  "http://" + addr,
		AccessKey: "local",
		SecretKey: "local-secret",
		Region:    "us-east-1",
		Bucket:    "uploads",
		Data:      tb.TempDir(),
	}
}
