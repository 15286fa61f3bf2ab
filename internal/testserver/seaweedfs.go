package testserver

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// seaweedIdentity is the one who may do anything in a SeaweedFS.
const seaweedIdentity = `{"identities": [{"name": "tests", "actions": ["Admin"],
	"credentials": [{"accessKey": %q, "secretKey": %q}]}]}`

// SeaweedFS starts master, volume server, filer and S3 gateway of a SeaweedFS
// in one process. Further arguments go to `weed server` and win. The first call
// on a machine builds it, which takes minutes.
func SeaweedFS(tb TB, args ...string) Store {
	tb.Helper()
	program := Tool(tb, "seaweedfs", "weed")
	addr := FreeAddr(tb)
	s := newStore(tb, addr)
	identities := filepath.Join(tb.TempDir(), "identities.json")
	if err := os.WriteFile(identities, fmt.Appendf(nil, seaweedIdentity, s.AccessKey, s.SecretKey), 0o600); err != nil {
		tb.Fatal(err)
	}
	// In a test's own folder their paths would be too long for sockets.
	sockets, err := os.MkdirTemp("", "weed")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(sockets) })
	master, filer := FreeAddr(tb), FreeAddr(tb)
	args = append([]string{"server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-dir=" + s.Data, "-master.telemetry=false",
		"-master.port=" + port(master), "-filer", "-filer.port=" + port(filer), "-s3", "-s3.port=" + port(addr),
		"-s3.config=" + identities, "-s3.port.iceberg=0", "-s3.port.lance=0",
		"-filer.localSocket=" + filepath.Join(sockets, "filer"), "-s3.localSocket=" + filepath.Join(sockets, "s3"),
		// A bucket begins with seven volumes; they are no larger than what is in them.
		"-volume.max=100", "-master.volumeSizeLimitMB=1024", "-volume.preStopSeconds=0",
	}, args...)
	for _, server := range []string{"master.port.grpc", "filer.port.grpc", "s3.port.grpc", "volume.port", "volume.port.grpc"} {
		args = append(args, "-"+server+"="+port(FreeAddr(tb)))
	}
	ready := func(ctx context.Context) error {
		// A bucket is a folder of the filer, and its objects are in volumes of its name.
		if err := answers("http://"+master+"/dir/assign?collection="+s.Bucket, http.StatusOK)(ctx); err != nil {
			return err
		}
		if err := makeFolder(ctx, "http://"+filer+"/buckets/"+s.Bucket+"/"); err != nil {
			return err
		}
		return answers(s.Endpoint+"/"+s.Bucket, http.StatusForbidden)(ctx)
	}
	s.Process = start(tb, ready, nil, program, args...)
	return s
}

// makeFolder has a filer make the folder at url.
func makeFolder(ctx context.Context, url string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(""))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 && resp.StatusCode != http.StatusConflict {
		return fmt.Errorf("make folder %s: %s", url, resp.Status)
	}
	return nil
}

func port(addr string) string {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		panic(err) // it comes from FreeAddr
	}
	return port
}
