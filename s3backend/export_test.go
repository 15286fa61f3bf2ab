package s3backend

import (
	"encoding/base64"
	"encoding/binary"

	"github.com/minio/crc64nvme"
)

// CRC64NVME is the checksum of content as S3 writes it.
func CRC64NVME(content []byte) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, crc64nvme.Checksum(content)))
}
