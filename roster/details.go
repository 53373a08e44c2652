package roster

import (
	"context"
	"fmt"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// Details is everything about one user. It is a snapshot: it does not change by itself.
type Details struct {
	Row
	Title    string // the label, or "# 4" without a code
	CodeText string // "Set" or "No code"
	Account  *AccountView
	Sections []Section
	Explain  Reason // why there is no user on the panel
	Entry    string // the log entry behind Explain
	// Guides are the keypad steps for what is pending and no route can write. They hold no
	// code.
	Guides []panel.Guide
	Line   LineState
}

// Section is a part of the details that only some panels have: absent, not empty, where
// the panel does not know it.
type Section struct {
	Name  string
	Text  string // "No door locks", "2 door locks"
	Items []string
	Tags  []TagView // in the sections of tags: those that were given here
}

// TagView is a tag of a user that was given here. Its number does not show.
type TagView struct {
	ID   uint64 // for [Tab.RemoveTag]
	Bits int
	Gone bool // being taken away: it may still open
}

// The names of sections.
const (
	DoorLocks       = "Door locks"
	LegacyTags      = "Proximity tags"
	DoorlockTags    = "Doorlock proximity tags"
	KeypadsAssigned = "Keypad assignment"
)

// Reason is why a user does not exist on the panel.
type Reason string

// The reasons.
const (
	ReasonNone                  Reason = ""
	ReasonCodeNeverSet          Reason = "no code was ever set"
	ReasonDisabled              Reason = "the user was disabled"
	ReasonCodeRemovedExternally Reason = "the code was removed at the panel"
	ReasonWithdrawn             Reason = "a restriction was refused, so the code was taken away again"
	ReasonReplaced              Reason = "the panel was replaced: set the code again"
)

// Details returns everything about one user of the panel.
func (t *Tab) Details(ctx context.Context, place panel.Place) (Details, error) {
	p, err := t.peek(ctx, "Details")
	if err != nil {
		return Details{}, err
	}
	if err := p.Model.CheckPlace(place); err != nil {
		return Details{}, err
	}
	g, err := t.core().Authority.Grant(ctx, t.op.actor)
	if err != nil {
		return Details{}, err
	}
	id := rec.UserID(t.id, place)
	r, err := t.core().Store.Load(ctx, rec.Users.Key(id))
	if err != nil {
		return Details{}, err
	}
	u, _, err := rec.Users.Decode(r[0])
	if err != nil {
		return Details{}, err
	}
	if r[0].Version == 0 {
		if place.ID != "" {
			return Details{}, panel.ErrUserNotFound
		}
		u = rec.User{Panel: t.id, Site: p.Site, Slot: panel.Slot{Place: place}}
	}
	row, err := t.row(ctx, p, u, &g)
	if err != nil {
		return Details{}, err
	}
	info, err := t.op.desk.viewPanel(ctx, t.id, p)
	if err != nil {
		return Details{}, err
	}
	d := Details{Row: row, Title: row.Label, CodeText: "Set", Line: info.Line, Sections: sections(p.Model, u)}
	for _, g := range p.Model.Guides {
		if u.Pending&p.Model.Hands&g.Set != 0 {
			d.Guides = append(d.Guides, g)
		}
	}
	if row.Code == Minus {
		d.Title, d.CodeText = place.String(), "No code"
		d.Explain, d.Entry = explain(u), u.LastEntry
	}
	if row.Account.ID != "" {
		d.Account = &row.Account
	}
	return d, nil
}

func explain(u rec.User) Reason {
	switch {
	case u.Carry != nil:
		return ReasonReplaced
	case u.Gone == panel.Disabled:
		return ReasonDisabled
	case u.Gone == panel.AtPanel:
		return ReasonCodeRemovedExternally
	case u.Gone == panel.Withdrawn:
		return ReasonWithdrawn
	}
	return ReasonCodeNeverSet
}

func sections(m panel.Model, u rec.User) []Section {
	var out []Section
	add := func(f panel.Field, name, none string, items []string, n int) {
		if (m.Read|m.Writes())&f == 0 {
			return
		}
		text := none
		if n > 0 {
			text = fmt.Sprintf("%d %s", n, strings.ToLower(name))
		}
		if items == nil {
			items = []string{}
		}
		out = append(out, Section{Name: name, Text: text, Items: items, Tags: tagViews(f, u)})
	}
	add(panel.FieldLocks, DoorLocks, "No door locks", u.Reported.Locks, len(u.Reported.Locks))
	add(panel.FieldLegacyTags, LegacyTags, "No proximity tags", nil, u.Reported.TagCount(panel.FieldLegacyTags))
	add(panel.FieldLockTags, DoorlockTags, "No doorlock proximity tags", nil, u.Reported.TagCount(panel.FieldLockTags))
	add(panel.FieldKeypads, KeypadsAssigned, "No keypads", u.Reported.Keypads, len(u.Reported.Keypads))
	return out
}

// tagViews lists the tags of a kind that are wanted, then those that are on their way out.
func tagViews(f panel.Field, u rec.User) []TagView {
	wanted := u.Agreed.TagsOf(f)
	if u.Pending.Has(f) {
		wanted = u.Wanted.TagsOf(f)
	}
	var out []TagView
	listed := map[uint64]bool{}
	list := func(tags []panel.TagRef, gone bool) {
		for _, t := range tags {
			if t.Ours() && !listed[t.ID] {
				listed[t.ID] = true
				out = append(out, TagView{ID: t.ID, Bits: t.Len, Gone: gone})
			}
		}
	}
	list(wanted, false)
	list(u.Agreed.TagsOf(f), true)
	for _, t := range u.SentTags {
		if t.Field == f {
			list([]panel.TagRef{t}, true)
		}
	}
	return out
}
