package qolsys

import (
	"slices"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys/internal/iqremote"
)

// answers are the reports that a query asks for, out of every user of the panel. Users at
// places that the model keeps for the panel are not among them.
func answers(m panel.Model, users []iqremote.User, q panel.Query) []panel.Report {
	var out []panel.Report
	for _, u := range users {
		p := panel.Place{Slot: u.ID}
		asked := slices.Contains(q.Places, p) || q.All && u.ID > q.After.Slot
		if asked && m.CheckPlace(p) == nil {
			out = append(out, report(m, u))
		}
	}
	for _, p := range q.Places {
		if !slices.ContainsFunc(out, func(r panel.Report) bool { return r.Place == p }) {
			out = append(out, panel.Report{Place: p, Sight: panel.Marked})
		}
	}
	return out
}

// report is a user in the library's words. A row without a code is nobody.
func report(m panel.Model, u iqremote.User) panel.Report {
	r := panel.Report{Place: panel.Place{Slot: u.ID}, Sight: panel.Marked}
	if len(u.Mark) == 0 {
		return r
	}
	r.Exists, r.Mark = true, u.Mark
	r.Known = panel.FieldLabel | u.Known
	r.Label, r.Partitions, r.Window = u.Name, u.Partitions, u.Window
	if role := panel.Role(u.Type); u.ID == masterSlot {
		r.Role, r.Known = panel.Master, r.Known|panel.FieldRole
	} else if m.Allows(role) {
		r.Role, r.Known = role, r.Known|panel.FieldRole
	}
	return r
}
