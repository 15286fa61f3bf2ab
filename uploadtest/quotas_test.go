package uploadtest_test

import (
	"testing"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

func TestQuotasFake(t *testing.T) {
	uploadtest.TestQuotas(t, func(*testing.T) upload.Quotas { return uploadtest.NewQuotas() })
}
