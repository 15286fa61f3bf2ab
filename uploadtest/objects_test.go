package uploadtest_test

import (
	"testing"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

func TestObjectsFake(t *testing.T) {
	uploadtest.TestObjects(t, func(*testing.T) upload.Objects { return uploadtest.NewObjects() })
}

func TestObjectsFakeCompletesAgain(t *testing.T) {
	uploadtest.TestObjects(t, func(*testing.T) upload.Objects {
		o := uploadtest.NewObjects()
		o.CompleteAgain = true
		return o
	})
}
