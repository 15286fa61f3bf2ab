package checkup

import (
	"context"
	"testing"
	"time"
)

func TestSkew(t *testing.T) {
	sent := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	answered := sent.Add(100 * time.Millisecond)
	for _, c := range []struct {
		off  time.Duration // of their clock
		want Level
		text string
	}{
		{0, OK, "its clock and ours agree to 1.1s"},
		{4 * time.Second, OK, "its clock and ours agree to 5.05s"},
		{-4 * time.Second, OK, "its clock and ours agree to 4.05s"},
		{10 * time.Second, Warn, "its clock is 10s ahead of ours"},
		{-11 * time.Second, Warn, "its clock is 10s behind ours"},
		{time.Minute, Fail, "its clock is 1m0s ahead of ours"},
		{-time.Minute, Fail, "its clock is 59s behind ours"},
	} {
		got := Skew(sent.Add(50*time.Millisecond+c.off), time.Second, sent, answered)
		if got.Level != c.want || got.Found != c.text {
			t.Errorf("off by %s: got %+v, want %s: %s", c.off, got, c.want, c.text)
		}
	}
}

func TestDo(t *testing.T) {
	got := Do(t.Context(), "name", func(ctx context.Context) Finding {
		if d, ok := ctx.Deadline(); !ok || time.Until(d) > Timeout {
			t.Errorf("the check has until %v", d)
		}
		return Bad("advice", "%d", 1)
	})
	if want := (Finding{"name", Fail, "1", "advice"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestDoPanics(t *testing.T) {
	got := Do(t.Context(), "name", func(context.Context) Finding { panic("no result") })
	if got.Check != "name" || got.Level != Fail || got.Found != "the answer cannot be used: no result" {
		t.Errorf("got %+v", got)
	}
}

func TestWorse(t *testing.T) {
	order := []Level{OK, Warn, Fail}
	for i, a := range order {
		for j, b := range order {
			if got, want := Worse(a, b), order[max(i, j)]; got != want {
				t.Errorf("%s and %s: got %s, want %s", a, b, got, want)
			}
		}
	}
}
