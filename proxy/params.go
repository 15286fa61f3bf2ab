package proxy

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"

	"github.com/chunkgate/chunkgate/upload"
)

// maxForm bounds a form in bytes: some short parameters and OAuth's.
const maxForm = 64 << 10

// maxParams bounds the parameters of a query or a form, and of an Authorization
// header. Clients send a dozen; each costs more than its bytes to parse, sort
// and escape, before it is known who asks.
const maxParams = 100

// tooMany says whether there are more parameters than that in a text.
func tooMany(raw, separator string) bool { return strings.Count(raw, separator) >= maxParams }

// maxUploadID bounds an upload id in bytes; ours have 22.
const maxUploadID = 128

// first is the first value of a parameter that is not empty; an empty one
// counts as absent (PROTOCOL 1.0).
func first(params url.Values, name string) string {
	for _, v := range params[name] {
		if v != "" {
			return v
		}
	}
	return ""
}

// parseBool reads true, false, 1 or 0 in any case, as old clients write them.
func parseBool(params url.Values, name string, absent bool) (bool, error) {
	switch strings.ToLower(first(params, name)) {
	case "":
		return absent, nil
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, invalid(name + " is neither true nor false")
}

// uploadID reads which upload a request is about. One that cannot be ours is
// not asked for: it would be part of the stores' keys.
func (r *request) uploadID(params url.Values) (string, error) {
	id := first(params, "upload_id")
	if id == "" {
		return "", invalid("upload_id is missing")
	}
	if len(id) > maxUploadID || strings.ContainsFunc(id, notInID) {
		return "", fmt.Errorf("malformed upload_id: %w", upload.ErrNotFound)
	}
	r.upload = id
	return id, nil
}

func notInID(c rune) bool {
	letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
	return !letter && (c < '0' || c > '9') && c != '-' && c != '_'
}

// params merges the query with a form in the body, in which clients send the
// same parameters, or some of them (PROTOCOL 1.0). Where both have one, it is
// the same. What is malformed is left out, as net/http does with a query.
func (r *request) params() (url.Values, error) {
	f, err := r.form()
	if err != nil {
		return nil, err
	}
	return merged(r.Request().URL.Query(), f.fields), nil
}

// merged adds more to params.
func merged(params, more url.Values) url.Values {
	for name, values := range more {
		params[name] = append(params[name], values...)
	}
	return params
}

// form is a form in a request's body.
type form struct {
	fields url.Values
	signed bool // OAuth 1 signs a URL-encoded form and no other (RFC 5849, 3.4.1.3.1)
}

// form reads the form in the body, if there is one. The body is read once,
// however often it is asked for.
func (r *request) form() (form, error) {
	if r.parsed != nil {
		return *r.parsed, nil
	}
	f, err := r.parseForm()
	if err == nil {
		r.parsed = &f
	}
	return f, err
}

func (r *request) parseForm() (form, error) {
	kind, attrs, err := mime.ParseMediaType(r.Request().Header.Get("Content-Type"))
	if err != nil {
		return form{}, nil // none is demanded, and clients send empty ones
	}
	switch kind {
	case "application/x-www-form-urlencoded":
		raw, err := r.readForm()
		if err != nil {
			return form{}, err
		}
		if tooMany(string(raw), "&") {
			return form{}, errManyFields
		}
		fields, _ := url.ParseQuery(string(raw))
		return form{fields: fields, signed: true}, nil
	case "multipart/form-data":
		raw, err := r.readForm()
		if err != nil {
			return form{}, err
		}
		fields, err := parseMultipart(raw, attrs["boundary"])
		return form{fields: fields}, err
	}
	return form{}, nil
}

// readForm reads the whole body.
func (r *request) readForm() ([]byte, error) {
	form, err := io.ReadAll(io.LimitReader(r.body, maxForm+1))
	if err != nil {
		return nil, err
	}
	if len(form) > maxForm {
		return nil, invalid("form is too long")
	}
	return form, nil
}

var errManyFields = invalid("form has too many fields")

// parseMultipart reads the fields of a form that is in memory; files among
// them are passed over. multipart's own ReadForm would write temporary files.
func parseMultipart(form []byte, boundary string) (url.Values, error) {
	if boundary == "" {
		return nil, invalid("multipart form has no boundary")
	}
	fields := url.Values{}
	parts := multipart.NewReader(bytes.NewReader(form), boundary)
	for n := 0; ; n++ {
		p, err := parts.NextPart()
		if err == io.EOF {
			return fields, nil
		}
		if err != nil {
			return nil, invalid("multipart form is malformed")
		}
		if n == maxParams {
			return nil, errManyFields
		}
		if p.FileName() != "" {
			continue
		}
		value, err := io.ReadAll(p)
		if err != nil {
			return nil, invalid("multipart form is malformed")
		}
		fields.Add(p.FormName(), string(value))
	}
}
