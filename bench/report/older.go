package report

// olderGoals are those of results without a Format, as their pages show them:
// what was not measured then is left out. It can go, with its caller's two
// lines, once no page is kept that such results made.
func (r *Result) olderGoals() *table {
	t := &table{title: "Goals", head: []string{"Goal", "Want", "Measured", "Verdict"}}
	for _, g := range r.Goals() {
		if g.Known {
			g.Cases = nil
			t.add(g.What, g.want(), g.measured(), g.Verdict())
		}
	}
	return t
}
