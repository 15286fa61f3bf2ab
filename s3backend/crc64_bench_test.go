package s3backend

import (
	"hash/crc32"
	"testing"

	"github.com/minio/crc64nvme"
)

// BenchmarkChecksum is what each of the two sums costs over a large block.
func BenchmarkChecksum(b *testing.B) {
	block := make([]byte, largeBlock)
	sums := map[string]func(){
		"crc32c":    func() { crc32.Checksum(block, castagnoli) },
		"crc64nvme": func() { crc64nvme.Checksum(block) },
	}
	for name, sum := range sums {
		b.Run("sum="+name, func(b *testing.B) {
			b.SetBytes(largeBlock)
			for b.Loop() {
				sum()
			}
		})
	}
}
