// Package checkup is what the checks of `chunkgate doctor` have in common: the
// packages that talk to a store know what to ask it, and all findings read
// alike.
package checkup

import (
	"context"
	"fmt"
	"time"
)

// Level is how bad a finding is.
type Level string

// The levels. Fail means that uploads would not work or could lose bytes, Warn
// that something is worth a look or could not be found out.
const (
	OK   Level = "ok"
	Warn Level = "warn"
	Fail Level = "fail"
)

// Worse is the worse of two levels.
func Worse(a, b Level) Level {
	if a == Fail || b == OK {
		return a
	}
	return b
}

// Finding is the outcome of one check.
type Finding struct {
	Check  string `json:"check"`
	Level  Level  `json:"level"`
	Found  string `json:"found"`            // a clause
	Advice string `json:"advice,omitempty"` // what to do, a clause; "" if nothing
}

// Good is a finding that nothing has to be done about.
func Good(format string, args ...any) Finding {
	return Finding{Level: OK, Found: fmt.Sprintf(format, args...)}
}

// Doubt is a warning.
func Doubt(advice, format string, args ...any) Finding {
	return Finding{Level: Warn, Found: fmt.Sprintf(format, args...), Advice: advice}
}

// Bad is a failure.
func Bad(advice, format string, args ...any) Finding {
	return Finding{Level: Fail, Found: fmt.Sprintf(format, args...), Advice: advice}
}

// Timeout bounds each check.
const Timeout = 10 * time.Second

// Do makes one check, in bounded time. One that panics has failed: what a store
// answers must not keep the other checks from being made.
func Do(ctx context.Context, name string, check func(context.Context) Finding) (f Finding) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			f = Bad("report it: it is a defect of chunkgate", "the answer cannot be used: %v", p)
		}
		f.Check = name
	}()
	return check(ctx)
}

// How far clocks may be apart. A commit's runner is taken for dead after its
// lease, 30 s, and proxies go by their own clocks; S3 refuses requests that are
// 15 minutes off.
const (
	skewWorth = 5 * time.Second
	skewMost  = 30 * time.Second
)

// Skew judges a clock that told the time to some precision, in answer to a
// request that was sent and answered by our clock.
func Skew(theirs time.Time, precision time.Duration, sent, answered time.Time) Finding {
	ahead := max(theirs.Sub(answered), 0)
	behind := max(sent.Sub(theirs.Add(precision)), 0)
	skew := max(ahead, behind)
	word := "ahead of"
	if behind > 0 {
		word = "behind"
	}
	const advice = "let all machines follow NTP"
	switch {
	case skew >= skewMost:
		return Bad(advice, "its clock is %s %s ours", skew.Round(time.Second), word)
	case skew >= skewWorth:
		return Doubt(advice, "its clock is %s %s ours", skew.Round(time.Second), word)
	}
	return Good("its clock and ours agree to %s", (answered.Sub(sent) + precision + skew).Round(time.Millisecond))
}
