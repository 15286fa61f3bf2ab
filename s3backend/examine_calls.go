package s3backend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/chunkgate/chunkgate/checkup"
	"github.com/chunkgate/chunkgate/upload"
)

// What is stored: a source of the least size that a part in the middle may
// have, which is copied, and a few bytes that are sent as a part of their own.
const (
	sourceSize = 5 << 20
	fewBytes   = "chunkgate doctor"
	gapNumber  = 5 // follows part 1
)

// put stores as a tail is stored, and as a file is.
func (x *examiner) put(ctx context.Context) checkup.Finding {
	_, err := x.b.Put(ctx, x.key("source"), sourceSize, bytes.NewReader(make([]byte, sourceSize)), upload.Attributes{Staged: true}, upload.Condition{})
	if err == nil {
		x.taken, err = x.b.Put(ctx, x.key("taken"), int64(len(fewBytes)), strings.NewReader(fewBytes), upload.Attributes{}, upload.Condition{})
	}
	return allowed(err, x.writing(), "allowed")
}

// writing names what is needed to begin an object as the settings want it.
func (x *examiner) writing() string {
	action := "s3:PutObject"
	if len(x.b.storage.Tags) > 0 {
		action += ", s3:PutObjectTagging"
	}
	if x.b.storage.SSE == ByKMS || x.b.storage.SSE == ByKMSTwice {
		action += ", kms:GenerateDataKey, kms:Decrypt"
	}
	return action
}

// head looks at an object, and at none: without the right to list, S3 answers
// 403 instead of 404, and nothing could be told from that.
func (x *examiner) head(ctx context.Context) checkup.Finding {
	if _, err := x.b.Head(ctx, x.key("taken")); err != nil {
		return denied(err, "s3:GetObject")
	}
	if _, err := x.b.Head(ctx, x.key("absent")); !errors.Is(err, upload.ErrNotExist) {
		return denied(err, "s3:ListBucket: without it S3 hides that an object is absent")
	}
	return checkup.Good("allowed")
}

func (x *examiner) get(ctx context.Context) checkup.Finding {
	content, err := x.b.readBack(ctx, x.key("taken"))
	if err != nil {
		return denied(err, "s3:GetObject, and kms:Decrypt with SSE-KMS")
	}
	if content != fewBytes {
		return checkup.Bad("do not use this store", "it answers other bytes, %d bytes for %d that were stored", len(content), len(fewBytes))
	}
	return checkup.Good("allowed")
}

func (x *examiner) list(ctx context.Context) checkup.Finding {
	keys, err := x.keys(ctx)
	if want := []string{x.key("source"), x.key("taken")}; err == nil && !slices.Equal(keys, want) {
		return checkup.Bad("use a store that lists what it has stored", "it lists %d objects of 2", len(keys))
	}
	return allowed(err, "s3:ListBucket", "allowed")
}

func (x *examiner) keys(ctx context.Context) ([]string, error) {
	var keys []string
	for key, err := range x.b.List(ctx, x.folder) {
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func (x *examiner) create(ctx context.Context) (f checkup.Finding) {
	m, err := x.b.CreateMultipart(ctx, x.key("taken"), upload.Attributes{})
	x.m = m
	return allowed(err, x.writing(), "allowed")
}

func (x *examiner) uploadPart(ctx context.Context) checkup.Finding {
	part, err := x.b.UploadPart(ctx, x.m, gapNumber, int64(len(fewBytes)), strings.NewReader(fewBytes))
	x.part = part
	f := allowed(err, "s3:PutObject", "allowed")
	if err != nil && x.b.checksum == Trailer && f.Level == checkup.Fail {
		f.Advice += "; or the store takes no checksum trailers: CHUNKGATE_S3_CHECKSUM=none"
	}
	return f
}

// trailers sends a part with a checksum that is wrong.
func (x *examiner) trailers(ctx context.Context) checkup.Finding {
	switch x.b.checksum {
	case Off:
		return checkup.Doubt("set CHUNKGATE_S3_CHECKSUM to auto, unless what lies between here and the store is trusted", "none: damage on the way to the store goes unnoticed")
	case None:
		return checkup.Good("not used: TLS guards the wire, and the store's CRC64NVME, if it tells it, the object")
	}
	watched, w := watch(ctx, x.b.timeouts.Stall)
	defer w.stop()
	size := int64(len(fewBytes))
	p := x.b.payload(&body{src: strings.NewReader(fewBytes), left: size, watch: w, sum: lying{crc32.New(castagnoli)}}, size)
	_, err := x.b.client.UploadPart(watched, &s3.UploadPartInput{
		Bucket: &x.b.bucket, Key: &x.m.Key, UploadId: &x.m.ID, PartNumber: aws.Int32(gapNumber + 1),
		Body: p.reader, ContentLength: &p.length,
	}, p.options...)
	switch {
	case err == nil:
		return checkup.Bad("use a store that verifies CRC32C trailers, or TLS and CHUNKGATE_S3_CHECKSUM=none", "a part with a wrong checksum was taken: damage on the way would go unnoticed")
	case codeOf(err) == "":
		return denied(translate(ctx, "upload part", err), "s3:PutObject")
	}
	return checkup.Good("a part with a wrong checksum was refused")
}

// lying is a checksum that is wrong.
type lying struct{ hash.Hash }

func (l lying) Sum(b []byte) []byte {
	sum := l.Hash.Sum(b)
	sum[len(sum)-1] ^= 1
	return sum
}

func (x *examiner) copyPart(ctx context.Context) checkup.Finding {
	if x.failed["s3 PutObject"] {
		return checkup.Doubt("repair that first", "not tried: it needs s3 PutObject")
	}
	part, err := x.b.CopyPart(ctx, x.m, 1, x.key("source"), 0, sourceSize)
	x.copied = part
	return allowed(err, "s3:PutObject, s3:GetObject", "allowed")
}

func (x *examiner) listParts(ctx context.Context) checkup.Finding {
	var err error
	for _, err = range x.b.StoredParts(ctx, x.m) {
		if err != nil {
			break
		}
	}
	return allowed(err, "s3:ListMultipartUploadParts", "allowed")
}

func (x *examiner) listMultiparts(ctx context.Context) checkup.Finding {
	ids, err := x.b.Multiparts(ctx, x.m.Key)
	if err == nil && !slices.Contains(ids, x.m.ID) {
		return checkup.Bad("use a store that lists open multipart uploads at a key", "it does not list the one that is open")
	}
	return allowed(err, "s3:ListBucketMultipartUploads", "allowed")
}

func (x *examiner) abort(ctx context.Context) checkup.Finding {
	m, err := x.b.CreateMultipart(ctx, x.key("aborted"), upload.Attributes{Staged: true})
	if err == nil {
		err = x.b.Abort(ctx, m)
	}
	return allowed(err, "s3:AbortMultipartUpload", "allowed")
}

func (x *examiner) delete(ctx context.Context) checkup.Finding {
	err := x.b.Delete(ctx, x.key("source"))
	if err == nil { // DeleteObjects, as a sweep does it
		err = x.b.Delete(ctx, x.key("taken"), x.key("absent"))
	}
	return allowed(err, "s3:DeleteObject", "allowed")
}

// cleanUp removes whatever there still is, and looks.
func (x *examiner) cleanUp(ctx context.Context) checkup.Finding {
	var err error
	for _, name := range []string{"taken", "aborted"} {
		ids, failed := x.b.Multiparts(ctx, x.key(name))
		err = errors.Join(err, failed)
		for _, id := range ids {
			err = errors.Join(err, x.b.Abort(ctx, upload.Multipart{Key: x.key(name), ID: id}))
		}
	}
	if x.m.ID != "" { // also where listing is forbidden
		err = errors.Join(err, x.b.Abort(ctx, x.m))
	}
	err = errors.Join(err, x.b.Delete(ctx, append(x.triedNames(), x.key("source"), x.key("taken"))...))
	keys, failed := x.keys(ctx)
	if err = errors.Join(err, failed); err == nil && len(keys) > 0 {
		err = fmt.Errorf("%d objects remain", len(keys))
	}
	if err != nil {
		return checkup.Doubt("delete "+x.folder+" and the multipart uploads in it", "something may be left: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return checkup.Good("nothing is left")
}
