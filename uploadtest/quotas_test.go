package uploadtest_test

import (
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

func TestQuotasFake(t *testing.T) {
	uploadtest.TestQuotas(t, func(_ *testing.T, ahead func() time.Duration) upload.Quotas {
		q := uploadtest.NewQuotas()
		q.Clock = func() time.Time { return time.Now().Add(ahead()) }
		return q
	})
}
