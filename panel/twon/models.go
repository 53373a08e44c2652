package twon

import (
	"encoding/json"
	"fmt"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// writable is what can be written to the widest device. Cards are
// [panel.FieldLegacyTags]: the device reads them itself.
const writable = panel.FieldCode | panel.FieldLabel | panel.FieldLegacyTags | panel.FieldFrom | panel.FieldUntil

// Widest is the device with everything that this driver writes. What a device has in
// truth its template says (/api/dir/template); the session's model is cut down to it.
//
// PINs have 2 to 15 digits on the device; fewer than four are not offered, nor are more
// than eight, which nobody remembers. The device marks a PIN that two entries have and
// takes it, so it does not help to keep codes apart. The length of names is not public.
func Widest() panel.Model {
	return panel.Model{
		Kind: panel.Access, Vendor: "2N", Name: "2N OS",
		Create: writable, Change: writable,
		Read:        writable &^ panel.FieldCode,
		Sight:       panel.Presence,
		Codeless:    true, // an entry with cards alone
		Roles:       []panel.Role{panel.User},
		DefaultRole: panel.User,
		Code:        panel.CodeRule{Lens: []int{4, 5, 6, 7, 8}},
		Label:       panel.LabelRule{Max: 60},
		Evidence:    "the maker's public manual and tests of the HTTP API; not run on hardware",
	}
}

// Uni is the model of 2N IP Uni and its like: no validity, no PIN and no cards. A user's
// code is the code of switch 1. A user who may come for a time only has to be given the
// code when that begins and has to lose it when it ends.
func Uni() panel.Model {
	m := Widest()
	m.Name, m.Codeless = "2N IP Uni", false
	m.Create &^= panel.FieldFrom | panel.FieldUntil | panel.FieldLegacyTags
	m.Change, m.Read = m.Create, m.Create&^panel.FieldCode
	return m
}

// Models lists the devices whose templates are known: [Widest] and [Uni]. Any other is
// somewhere between them.
func Models() []panel.Model { return []panel.Model{Widest(), Uni()} }

// disclosing is a model whose route may tell digits.
func disclosing(m panel.Model) panel.Model {
	m.Sight = panel.Value
	m.Read |= panel.FieldCode
	return m
}

// telling is the model of a device whose event log says who opened.
func telling(m panel.Model) panel.Model {
	m.Tells, m.Duress = true, panel.DuressByEvent
	m.Evidence += "; that the log names who was let in by a PIN is the manual's word alone"
	return m
}

// shape is where a device keeps things, from its template.
type shape struct {
	pin    bool // access.pin; else the code is that of switch 1
	cards  int  // room for cards
	codes  int  // room for switch codes
	name   bool
	window bool
}

// template is an entry with every key that the device has.
type template struct {
	Name   *string `json:"name"`
	Access *struct {
		ValidFrom *text             `json:"validFrom"`
		ValidTo   *text             `json:"validTo"`
		PIN       *string           `json:"pin"`
		Cards     []json.RawMessage `json:"card"`
		Codes     []json.RawMessage `json:"code"`
	} `json:"access"`
}

// parseTemplate reads the result of /api/dir/template.
func parseTemplate(raw []byte) (shape, error) {
	var d struct {
		Users []template `json:"users"`
	}
	if err := json.Unmarshal(raw, &d); err != nil || len(d.Users) != 1 || d.Users[0].Access == nil {
		return shape{}, fmt.Errorf("%w: no template", panel.ErrProtocol)
	}
	t := d.Users[0]
	s := shape{
		pin: t.Access.PIN != nil, cards: len(t.Access.Cards), codes: len(t.Access.Codes),
		name: t.Name != nil, window: t.Access.ValidFrom != nil && t.Access.ValidTo != nil,
	}
	if !s.pin && s.codes == 0 || s.cards > 16 || s.codes > 16 {
		return shape{}, fmt.Errorf("%w: a template without codes", panel.ErrProtocol)
	}
	return s, nil
}

// model cuts m down to the device.
func (s shape) model(m panel.Model) panel.Model {
	var without panel.Field
	if !s.window {
		without |= panel.FieldFrom | panel.FieldUntil
	}
	if s.cards == 0 {
		without |= panel.FieldLegacyTags
		m.Codeless = false
	}
	if !s.name {
		without |= panel.FieldLabel
		m.Label = panel.LabelRule{}
	}
	m.Create &^= without
	m.Change &^= without
	m.Read &^= without
	return m
}

// silent is the model of a device that does not tell who opened.
func silent(m panel.Model) panel.Model {
	m.Tells, m.Duress, m.Evidence = false, panel.NoDuress, Widest().Evidence
	return m
}

// clockless is the model of a device whose clock cannot be trusted to end a validity.
func clockless(m panel.Model) panel.Model {
	m.Create &^= panel.FieldFrom | panel.FieldUntil
	m.Change &^= panel.FieldFrom | panel.FieldUntil
	return m
}
