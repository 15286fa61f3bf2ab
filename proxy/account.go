package proxy

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"net/http"
)

// quota is how many bytes an account may use, as far as it is told: a bucket
// has no end, and JavaScript no larger whole numbers.
const quota = 1 << 53

// accountInfo handles GET /1/account/info. All that is known of an account is
// its owner; Java's SDK wants each of these members, name_details with its own.
func (s *Server) accountInfo(r *request) error {
	owner := r.account.Owner
	var name object
	name.text("familiar_name", owner)
	name.text("given_name", owner)
	name.text("surname", "")
	var space object
	space.number("shared", 0)
	space.number("quota", quota)
	space.number("normal", 0)
	var o object
	o.text("referral_link", "")
	o.text("display_name", owner)
	o.number("uid", uid(owner))
	o.value("name_details", name.bytes())
	o.text("country", "")
	o.value("quota_info", space.bytes())
	o.text("email", "")
	o.flag("email_verified", false)
	r.reply(http.StatusOK, o)
	return nil
}

// uid is a number for an owner: always the same one, positive, and small
// enough for every client's integers.
func uid(owner string) int64 {
	sum := sha256.Sum256([]byte(owner))
	return 1 + int64(binary.BigEndian.Uint32(sum[:])%(math.MaxInt32-1))
}
