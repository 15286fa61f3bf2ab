package main

import (
	"github.com/alecthomas/units"

	"github.com/chunkgate/chunkgate/proxy"
)

// ownerSettings are how much there may be at once, in all and for each owner.
type ownerSettings struct {
	MaxInFlight int `default:"2000" env:"CHUNKGATE_MAX_IN_FLIGHT" help:"Chunks and whole files that are received at once, of all owners; one too many is answered 503 before its body is read; 0: any number."`
	OwnerShare  int `default:"75" env:"CHUNKGATE_OWNER_SHARE" help:"Percent of CHUNKGATE_MAX_IN_FLIGHT and of CHUNKGATE_BUFFER_MEMORY that one owner gets when it is alone; the more others have, the less, so that there is always some for one more; 100: all."`

	OwnerMaxObject   units.Base2Bytes `default:"0" env:"CHUNKGATE_OWNER_MAX_OBJECT" help:"Largest object of an owner; this and the next three are for owners whose token says nothing else, and 0 is no limit."`
	OwnerMaxUploads  int              `default:"0" env:"CHUNKGATE_OWNER_MAX_UPLOADS" help:"Uploads that an owner may have open, over all replicas; one more is answered 507."`
	OwnerMaxInFlight units.Base2Bytes `default:"0" env:"CHUNKGATE_OWNER_MAX_IN_FLIGHT" help:"Bytes of an owner's chunks and files that one replica receives at once; more are answered 429, but one alone may be larger."`
	OwnerMaxRate     int              `default:"0" env:"CHUNKGATE_OWNER_MAX_RATE" help:"Requests a second of an owner, over all replicas; more are answered 429. Costs a Redis round trip a request."`
}

// mostPerOwner bounds the numbers among the limits.
const mostPerOwner = 1_000_000_000

func (o *ownerSettings) validate() error {
	for _, c := range []struct {
		env   string
		wrong bool
		why   string
	}{
		{"CHUNKGATE_MAX_IN_FLIGHT", o.MaxInFlight < 0 || o.MaxInFlight > mostPerOwner, "must be from 0 to 1000000000"},
		{"CHUNKGATE_OWNER_SHARE", o.OwnerShare < 1 || o.OwnerShare > 100, "must be from 1 to 100"},
		{"CHUNKGATE_OWNER_MAX_OBJECT", o.OwnerMaxObject < 0, "must not be negative"},
		{"CHUNKGATE_OWNER_MAX_UPLOADS", o.OwnerMaxUploads < 0 || o.OwnerMaxUploads > mostPerOwner, "must be from 0 to 1000000000"},
		{"CHUNKGATE_OWNER_MAX_IN_FLIGHT", o.OwnerMaxInFlight < 0, "must not be negative"},
		{"CHUNKGATE_OWNER_MAX_RATE", o.OwnerMaxRate < 0 || o.OwnerMaxRate > mostPerOwner, "must be from 0 to 1000000000"},
	} {
		if c.wrong {
			return &settingError{c.env, c.why}
		}
	}
	return nil
}

// limits are those of every owner whose account says nothing else.
func (o *ownerSettings) limits() proxy.Limits {
	return proxy.Limits{
		MaxObject: int64(o.OwnerMaxObject), MaxUploads: int64(o.OwnerMaxUploads),
		MaxInFlight: int64(o.OwnerMaxInFlight), MaxRate: int64(o.OwnerMaxRate),
	}
}
