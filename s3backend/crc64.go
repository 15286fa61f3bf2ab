package s3backend

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"github.com/minio/crc64nvme"

	"github.com/chunkgate/chunkgate/upload"
)

// nvmePolynomial is CRC-64/NVME's, bit-reversed; S3 computes that checksum
// over every object.
const nvmePolynomial = 0x9a6c9329ac4bc9b5

// verify compares the parts' checksums with the whole object's, as the store
// computed it; "" is a store that does not say. Parts that were copied, or
// sent with a trailer, have none to compare.
func verify(parts []upload.Part, said string) error {
	if said == "" {
		return nil
	}
	var whole uint64
	for _, p := range parts {
		sum, err := base64.StdEncoding.DecodeString(p.Checksum)
		if err != nil || len(sum) != crc64nvme.Size {
			return nil
		}
		whole = combine(whole, binary.BigEndian.Uint64(sum), p.Size)
	}
	want := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, whole))
	if said != want {
		return fmt.Errorf("%w: store computed CRC64NVME %s of what was sent as %s",
			upload.ErrDamaged, said, want)
	}
	return nil
}

// combine is the CRC of two runs of bytes, the second size bytes long, from
// the CRCs of each: the first times x^(8·size), plus the second.
func combine(first, second uint64, size int64) uint64 {
	power, square := uint64(1)<<63, uint64(1)<<(63-8) // x^0, x^8
	for ; size > 0; size >>= 1 {
		if size&1 == 1 {
			power = multiply(power, square)
		}
		square = multiply(square, square)
	}
	return multiply(power, first) ^ second
}

// multiply multiplies polynomials over GF(2) modulo the CRC's. They are
// bit-reversed: bit 63 is the coefficient of x^0.
func multiply(a, b uint64) uint64 {
	var product uint64
	for ; a != 0; a <<= 1 {
		if a>>63 == 1 {
			product ^= b
		}
		carry := b & 1
		b >>= 1
		if carry == 1 {
			b ^= nvmePolynomial
		}
	}
	return product
}
