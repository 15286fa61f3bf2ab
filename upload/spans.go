package upload

import "slices"

// span is a run of bytes of a fragment.
type span struct {
	Fragment
	from, to int64
}

func (s span) whole() bool { return s.from == 0 && s.to == s.Size }

// spans are fragments as runs of all their bytes, but for the first skip.
func spans(tail []Fragment, skip int64) []span {
	all := make([]span, len(tail))
	for i, f := range tail {
		all[i] = span{Fragment: f, to: f.Size}
	}
	return cutSpans(all, skip)
}

// cutSpans is all of them but for the first n bytes.
func cutSpans(all []span, n int64) []span {
	for len(all) > 0 && n >= all[0].to-all[0].from {
		n -= all[0].to - all[0].from
		all = all[1:]
	}
	if n == 0 || len(all) == 0 {
		return all
	}
	all = slices.Clone(all)
	all[0].from += n
	return all
}

func spansSize(all []span) int64 {
	var n int64
	for _, s := range all {
		n += s.to - s.from
	}
	return n
}

// translate says where the bytes of these spans are when the tail, which was
// one list of fragments, has become another with the same bytes. Fragments that
// were in neither stay as they are.
func translate(all []span, was, is []Fragment) []span {
	var out []span
	for _, s := range all {
		at := slices.Index(was, s.Fragment)
		if at < 0 {
			out = appendSpan(out, s)
			continue
		}
		before := tailSize(was[:at])
		for _, n := range section(is, before+s.from, before+s.to) {
			out = appendSpan(out, n)
		}
	}
	return out
}

// section is the bytes of a tail between two positions.
func section(tail []Fragment, from, to int64) []span {
	var out []span
	for _, f := range tail {
		if lo, hi := max(0, from), min(f.Size, to); lo < hi {
			out = append(out, span{Fragment: f, from: lo, to: hi})
		}
		from, to = from-f.Size, to-f.Size
	}
	return out
}

// appendSpan appends a span, to the last one if that ends where it begins.
func appendSpan(all []span, s span) []span {
	if n := len(all); n > 0 && all[n-1].Fragment == s.Fragment && all[n-1].to == s.from {
		all[n-1].to = s.to
		return all
	}
	return append(all, s)
}
