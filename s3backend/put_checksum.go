package s3backend

import (
	"encoding/base64"
	"hash/crc32"
	"io"
)

// sumInHeader is the CRC32C that goes in a PutObject's header, where the body is
// in memory or empty and has no trailer. A bucket whose Object Lock has a default
// retention takes no PUT without a checksum; and it costs next to nothing. nil:
// there is none.
func (b *Backend) sumInHeader(src io.Reader, size int64) *string {
	rewind := rewinder(src)
	if size > 0 && (rewind == nil || b.checksum == Trailer) {
		return nil
	}
	sum := crc32.New(castagnoli)
	if size > 0 {
		_, err := io.CopyN(sum, src, size)
		rewind()
		if err != nil { // who sends the body will say what is wrong with it
			return nil
		}
	}
	said := base64.StdEncoding.EncodeToString(sum.Sum(nil))
	return &said
}
