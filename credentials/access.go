package credentials

import (
	"cmp"
	"slices"
)

// Access is rules and groups as the one relation that they are, to be read both ways:
// who may enter here, and where may somebody enter. It never changes and may be shared.
type Access struct {
	points  map[string][]Rule   // enabled rules about a point, in the given order
	subject map[Subject][]*Rule // enabled rules that name it
	groups  map[Subject][]Subject
	parents map[Subject][]Subject
}

// Way is one way in: a subject, a point, and the rule that leads from one to the other.
type Way struct {
	Who   Subject
	Point string
	Rule  *Rule
}

// NewAccess reads rules and groups; disabled ones are as if they were not there.
func NewAccess(groups []Group, rules []Rule) *Access {
	a := &Access{
		points: map[string][]Rule{}, subject: map[Subject][]*Rule{},
		groups: map[Subject][]Subject{}, parents: map[Subject][]Subject{},
	}
	for _, g := range groups {
		if g.Disabled {
			continue
		}
		for _, m := range g.Members {
			a.groups[g.Subject()] = append(a.groups[g.Subject()], m)
			a.parents[m] = append(a.parents[m], g.Subject())
		}
	}
	for _, r := range rules {
		if r.Disabled {
			continue
		}
		for _, p := range distinct(r.Points) {
			a.points[p] = append(a.points[p], r)
		}
		for _, s := range distinct(r.Who) {
			a.subject[s] = append(a.subject[s], &r)
		}
	}
	return a
}

func distinct[T comparable](list []T) []T {
	var out []T
	for _, v := range list {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// At returns the rules about a point, for [Decide] and [Index.Decide]. The caller must
// not change them.
func (a *Access) At(point string) []Rule { return a.points[point] }

// As is [Expand] for the groups of the relation: for [Record.As].
func (a *Access) As(subjects ...Subject) []Subject { return closure(subjects, a.parents) }

// Who lists the ways in at a point: every rule for every subject that it reaches,
// directly or as a member of a group. Groups themselves are not listed, but a group
// that nobody describes stays as it is.
func (a *Access) Who(point string) []Way {
	var ways []Way
	for i := range a.points[point] {
		r := &a.points[point][i]
		for _, s := range closure(r.Who, a.groups) {
			if len(a.groups[s]) == 0 {
				ways = append(ways, Way{Who: s, Point: point, Rule: r})
			}
		}
	}
	return ways
}

// Where lists the ways in of somebody who acts as these subjects and as all groups that
// have one of them, by point. Who of each way is the
// subject that its rule names.
func (a *Access) Where(as ...Subject) []Way {
	var ways []Way
	for _, s := range a.As(as...) {
		for _, r := range a.subject[s] {
			for _, p := range distinct(r.Points) {
				ways = append(ways, Way{Who: s, Point: p, Rule: r})
			}
		}
	}
	slices.SortStableFunc(ways, func(a, b Way) int { return cmp.Compare(a.Point, b.Point) })
	return ways
}

// closure follows the edges from the subjects, each subject once.
func closure(from []Subject, edges map[Subject][]Subject) []Subject {
	all := distinct(from)
	seen := make(map[Subject]bool, len(all))
	for _, s := range all {
		seen[s] = true
	}
	for i := 0; i < len(all); i++ {
		for _, next := range edges[all[i]] {
			if !seen[next] {
				seen[next] = true
				all = append(all, next)
			}
		}
	}
	return all
}
