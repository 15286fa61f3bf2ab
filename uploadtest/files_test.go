package uploadtest_test

import (
	"testing"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

func TestFilesFake(t *testing.T) {
	uploadtest.TestFiles(t, func(*testing.T) upload.Files { return uploadtest.NewObjects() })
}
