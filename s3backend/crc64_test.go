package s3backend

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/minio/crc64nvme"

	"github.com/chunkgate/chunkgate/upload"
)

// The check value of CRC-64/NVME in the catalogue of parametrised CRCs:
// https://reveng.sourceforge.io/crc-catalogue/17plus.htm#crc.cat.crc-64-nvme
func TestNVMECheckValue(t *testing.T) {
	if got, want := crc64nvme.Checksum([]byte("123456789")), uint64(0xae8b14860a799888); got != want {
		t.Errorf("got %x, want %x", got, want)
	}
}

func TestCombine(t *testing.T) {
	content := make([]byte, 100_000)
	for i := range content {
		content[i] = byte(i * i >> 3)
	}
	want := crc64nvme.Checksum(content)
	for _, at := range []int{0, 1, 2, 63, 64, 4096, 99_999, 100_000} {
		got := combine(crc64nvme.Checksum(content[:at]), crc64nvme.Checksum(content[at:]), int64(len(content)-at))
		if got != want {
			t.Errorf("cut at %d: got %x, want %x", at, got, want)
		}
	}
}

func TestCompleteComparesChecksum(t *testing.T) {
	a, b := []byte("the first part, "), []byte("and the second")
	whole := append(append([]byte{}, a...), b...)
	parts := []upload.Part{
		{Number: 1, Size: int64(len(a)), Checksum: encoded(crc64nvme.Checksum(a))},
		{Number: 5, Size: int64(len(b)), Checksum: encoded(crc64nvme.Checksum(b))},
	}
	copied := append(parts[:1:1], upload.Part{Number: 5, Size: int64(len(b))})
	cases := []struct {
		name  string
		parts []upload.Part
		said  *string
		want  error
	}{
		{"same", parts, aws.String(encoded(crc64nvme.Checksum(whole))), nil},
		{"damaged", parts, aws.String(encoded(crc64nvme.Checksum(a))), upload.ErrDamaged},
		{"store does not say", parts, nil, nil},
		{"part without checksum", copied, aws.String(encoded(1)), nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			backend := &Backend{client: answer{out: &s3.CompleteMultipartUploadOutput{ChecksumCRC64NVME: c.said}}}
			_, err := backend.Complete(context.Background(), upload.Multipart{}, c.parts, upload.Condition{})
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func encoded(sum uint64) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, sum))
}

// answer is a store that gives one answer to Complete.
type answer struct {
	client
	out *s3.CompleteMultipartUploadOutput
	err error
}

func (a answer) CompleteMultipartUpload(context.Context, *s3.CompleteMultipartUploadInput, ...func(*s3.Options)) (*s3.CompleteMultipartUploadOutput, error) {
	return a.out, a.err
}
