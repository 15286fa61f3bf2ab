package s3backend

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/chunkgate/chunkgate/checkup"
	"github.com/chunkgate/chunkgate/upload"
)

// Unfit is why a store must not be used as it is set up.
type Unfit struct{ checkup.Finding }

func (u *Unfit) Error() string {
	return fmt.Sprintf("the object store is not fit: %s: %s – %s", u.Check, u.Found, u.Advice)
}

// Probe tries what uploads rest on: that region, credentials and bucket are
// right, that what is stored reads back byte for byte, by PutObject and by a
// part, and that conditions are kept. It leaves nothing under the staging prefix,
// where its key is its own, so that any number of replicas may probe at once.
//
// An *Unfit is proven: the store said so in its own words, or what was stored
// shows it. Any other error proves nothing: the store is away, or something in
// front of it answers.
func (b *Backend) Probe(ctx context.Context, stagingPrefix string, anyConditions bool) error {
	p := &prober{b: b, key: upload.StagingKey(stagingPrefix, "probe-"+rand.Text()), anyConditions: anyConditions}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkup.Timeout)
		defer cancel()
		p.cleanUp(ctx)
	}()
	for _, try := range []struct {
		name   string
		action string // that IAM has to allow
		do     func(context.Context) error
	}{
		{"s3 ListObjectsV2", "s3:ListBucket", p.list},
		{"s3 PutObject", "s3:PutObject", p.put},
		{"s3 GetObject", "s3:GetObject", p.get},
		{"s3 conditions on PutObject", "s3:PutObject", p.putConditions},
		{"s3 CreateMultipartUpload", "s3:PutObject", p.create},
		{"s3 UploadPart", "s3:PutObject", p.part},
		{"s3 conditions on CompleteMultipartUpload", "s3:PutObject", p.completeConditions},
		{"s3 CompleteMultipartUpload", "s3:PutObject", p.complete},
		{"s3 DeleteObject", "s3:DeleteObject", p.delete},
	} {
		err := try.do(ctx)
		if err == nil {
			continue
		}
		return judge(err, try.name, try.action)
	}
	return nil
}

// proofs of what is wrong are codes that only S3's own XML has, and that no
// waiting changes.
var proofs = map[string]bool{
	"AccessDenied": true, "AuthorizationHeaderMalformed": true, "InvalidAccessKeyId": true, "InvalidBucketName": true,
	"InvalidToken": true, "NoSuchBucket": true, "NotImplemented": true, "PermanentRedirect": true,
	"SignatureDoesNotMatch": true,
}

func judge(err error, check, action string) error {
	var unfit *Unfit
	var said *refusal
	switch {
	case errors.As(err, &unfit):
		unfit.Check = check
		return unfit
	case errors.Is(err, errWantsChecksum):
		f := checkup.Bad(errWantsChecksum.Error(), "it refuses parts without a checksum")
		f.Check = check
		return &Unfit{f}
	case errors.As(err, &said) && proofs[said.code]:
		f := denied(err, action)
		f.Check = check
		return &Unfit{f}
	}
	return fmt.Errorf("%s: %w", check, err)
}

// prober is one probe under way.
type prober struct {
	b             *Backend
	key           string
	anyConditions bool // they need not be kept
	content       string
	taken         upload.Object
	m             upload.Multipart
	parts         []upload.Part
}

// list asks by a call whose answer has a body: HEAD would not say what is wrong.
func (p *prober) list(ctx context.Context) error {
	_, err := p.b.ask(ctx, p.key)
	return translate(ctx, "list objects", err)
}

// ask lists what begins with prefix, of which one is enough. Its answer names
// the bucket, which no page of something in between does. The error is not
// translated.
func (b *Backend) ask(ctx context.Context, prefix string) (*s3.ListObjectsV2Output, error) {
	call, cancel := context.WithTimeout(ctx, b.timeouts.Call)
	defer cancel()
	out, err := b.client.ListObjectsV2(call, &s3.ListObjectsV2Input{Bucket: &b.bucket, Prefix: &prefix, MaxKeys: aws.Int32(1)})
	if err == nil && aws.ToString(out.Name) == "" {
		return nil, errors.New("what answers is no S3 store")
	}
	return out, err
}

// store stores content that nothing else has.
func (p *prober) store(ctx context.Context, c upload.Condition) (content string, o upload.Object, err error) {
	content = "chunkgate probe " + rand.Text()
	o, err = p.b.Put(ctx, p.key, int64(len(content)), strings.NewReader(content), upload.Attributes{Staged: true}, c)
	return content, o, err
}

func (p *prober) put(ctx context.Context) (err error) {
	p.content, p.taken, err = p.store(ctx, upload.Condition{})
	return err
}

// get proves damage only by content that is recognized as ours.
func (p *prober) get(ctx context.Context) error {
	got, err := p.read(ctx)
	switch {
	case err != nil || got == p.content:
		return err
	case strings.Contains(got, p.content):
		return &Unfit{checkup.Bad("use a store that takes the framing of CHUNKGATE_S3_CHECKSUM="+string(p.b.checksum)+" off, or another setting of it",
			"it stored %d bytes for %d, with the framing of the transfer among them", len(got), len(p.content))}
	}
	return fmt.Errorf("read back what was stored: %w: %d other bytes came", upload.ErrUnavailable, len(got))
}

func (p *prober) read(ctx context.Context) (string, error) { return p.b.readBack(ctx, p.key) }

// readBack reads a small object, or the beginning of what comes in its stead,
// whatever its size is.
func (b *Backend) readBack(ctx context.Context, key string) (string, error) {
	call, cancel := context.WithTimeout(ctx, b.timeouts.Call)
	defer cancel()
	out, err := b.client.GetObject(call, &s3.GetObjectInput{Bucket: &b.bucket, Key: &key})
	if err != nil {
		return "", translateRead(ctx, "get object", err)
	}
	defer out.Body.Close()
	const most = 64 << 10
	content, err := io.ReadAll(io.LimitReader(out.Body, most))
	if err != nil {
		return "", fmt.Errorf("read back what was stored: %w: %v", upload.ErrUnavailable, err)
	}
	return string(content), nil
}

func (p *prober) putConditions(ctx context.Context) error {
	return p.conditions(ctx, func(c upload.Condition) (string, error) {
		content, _, err := p.store(ctx, c)
		return content, err
	})
}

// conditions makes calls under conditions that do not hold. That one was
// ignored is proven by what it wrote.
func (p *prober) conditions(ctx context.Context, do func(upload.Condition) (content string, err error)) error {
	if p.anyConditions {
		return nil
	}
	for _, c := range []upload.Condition{whenAbsent, whenAnother} {
		content, err := do(c)
		if errors.Is(err, upload.ErrConflict) {
			continue
		}
		if err != nil {
			return err
		}
		got, err := p.read(ctx)
		if err != nil {
			return err
		}
		if strings.Contains(got, content) {
			return &Unfit{checkup.Bad(otherStore+", or set CHUNKGATE_INSECURE_S3_CONDITIONS", "a condition that does not hold was ignored")}
		}
		return fmt.Errorf("write under a condition: %w: success was said, and nothing stored", upload.ErrUnavailable)
	}
	return nil
}

func (p *prober) create(ctx context.Context) (err error) {
	p.m, err = p.b.CreateMultipart(ctx, p.key, upload.Attributes{Staged: true})
	return err
}

func (p *prober) part(ctx context.Context) error {
	p.content = "chunkgate probe " + rand.Text()
	part, err := p.b.UploadPart(ctx, p.m, 1, int64(len(p.content)), strings.NewReader(p.content))
	p.parts = []upload.Part{part}
	return err
}

func (p *prober) completeConditions(ctx context.Context) error {
	return p.conditions(ctx, func(c upload.Condition) (string, error) {
		_, err := p.b.Complete(ctx, p.m, p.parts, c)
		return p.content, err
	})
}

func (p *prober) complete(ctx context.Context) error {
	if _, err := p.b.Complete(ctx, p.m, p.parts, upload.Condition{}); err != nil {
		return err
	}
	return p.get(ctx)
}

func (p *prober) delete(ctx context.Context) error { return p.b.Delete(ctx, p.key) }

// cleanUp removes what a probe that ended early has made. What it cannot remove
// the search for orphans finds.
func (p *prober) cleanUp(ctx context.Context) {
	if p.m.ID != "" {
		_ = p.b.Abort(ctx, p.m)
	}
	_ = p.b.Delete(ctx, p.key)
}
