package journal

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// Arrival is how somebody came to a place of a panel.
type Arrival string

// The ways.
const (
	SetHere    Arrival = "set here"           // by a wish
	FoundThere Arrival = "found at the panel" // somebody set the user at the panel
	Adopted    Arrival = "adopted"            // found at the panel and taken over
)

// Presence is how far somebody's code has come.
type Presence string

// The presences.
const (
	Coming  Presence = "coming"  // wished, and the panel has not confirmed it
	Present Presence = "present" // the panel has it
	Leaving Presence = "leaving" // to be taken away, and the panel has not confirmed it
)

// Occupant is somebody who had, or may have had, a code at a place of a panel at an
// instant, as the entries until then tell it.
//
// It prints without personal values; its JSON form is for the reader's screen.
type Occupant struct {
	Panel   string    `json:"panel"`          // id
	Ident   string    `json:"ident"`          // IMEI or integration id at that time
	Site    string    `json:"site"`           // id, at that time
	Slot    int       `json:"slot,omitempty"` // 0 on panels without slots
	Place   string    `json:"place,omitempty"`
	At      time.Time `json:"at"` // the instant that was asked for
	Tenancy uint64    `json:"tenancy"`

	// Label and Person are personal: of a person whose key was destroyed the pseudonym.
	Label      string `json:"label,omitempty"`
	Person     string `json:"person,omitempty"`  // e-mail of the linked account
	Account    string `json:"account,omitempty"` // its id
	Role       string `json:"role,omitempty"`
	Partitions string `json:"partitions,omitempty"`
	From       string `json:"from,omitempty"` // validity at the panel, RFC 3339
	Until      string `json:"until,omitempty"`

	How       Arrival   `json:"how"`
	Presence  Presence  `json:"presence"`
	Since     time.Time `json:"since"`              // when it was wished or found
	Confirmed time.Time `json:"confirmed,omitzero"` // when the panel had it
	Leaving   time.Time `json:"leaving,omitzero"`   // when the removal was wished
	Linked    time.Time `json:"linked,omitzero"`    // when the account was assigned
	Entry     string    `json:"entry,omitempty"`    // id of the entry that begins it, for [Reader.Prove]; "" if found in the first reading
}

// String is one line without personal values.
func (o Occupant) String() string {
	return fmt.Sprintf("%s %s %s since %s %q", o.Panel, o.where(), o.Presence, stamp(o.Since), o.Account)
}

// Format keeps personal values out of every verb of fmt.
func (o Occupant) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, o.String()) }

// LogValue keeps personal values out of slog.
func (o Occupant) LogValue() slog.Value { return slog.StringValue(o.String()) }

func (o Occupant) where() panel.Place { return panel.Place{Slot: o.Slot, ID: o.Place} }

func (o Occupant) cells() []string {
	return []string{o.Panel, o.Ident, o.Site, o.where().String(), o.Label, o.Person, o.Account, o.Role, o.Partitions, o.From, o.Until,
		string(o.Presence), string(o.How), stamp(o.Since), stamp(o.Confirmed), stamp(o.Leaving), stamp(o.Linked), o.Entry}
}

func (s *stay) occupant(pl *placeHistory, p panelHistory, l link, at time.Time) Occupant {
	value := func(name string) string { return s.values[name].now.Value }
	o := Occupant{Panel: pl.panel, Ident: p.ident, Site: p.site, Slot: pl.place.Slot, Place: pl.place.ID, At: at.UTC(), Tenancy: s.tenancy,
		Account: l.account, Role: value(audit.FieldRole), Partitions: value(audit.FieldPartitions),
		From: value(audit.FieldFrom), Until: value(audit.FieldUntil),
		How: s.how, Since: s.since, Confirmed: s.confirmed, Leaving: s.leaving, Linked: l.since, Entry: s.entry}
	switch {
	case !s.leaving.IsZero():
		o.Presence = Leaving
	case s.confirmed.IsZero():
		o.Presence = Coming
	default:
		o.Presence = Present
	}
	return o
}

// shown is a personal value, or the pseudonym where it cannot be opened any more.
func shown(f audit.Field) string {
	if f.Value == "" {
		return f.Pseudonym()
	}
	return f.Value
}
