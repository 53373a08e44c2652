package visonic

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic/internal/powerlink"
)

// users is what was read of a panel's users, by slot from 1.
type users struct {
	codes  []powerlink.Code
	access []byte // partitions; shorter or nil where they were not read
	tags   uint64 // bit n-1: tag n is enrolled
}

// check refuses what no panel can hold: user 1 cannot be erased, so a memory without that
// code was not the one that was meant, and nothing follows from what it lacks.
func (u users) check() error {
	if len(u.codes) < masterSlot || !u.codes[masterSlot-1].Set {
		return fmt.Errorf("%w: user 1 has no code", panel.ErrProtocol)
	}
	return nil
}

// report says what is known of the user in a slot of m.
func (o Options) report(m panel.Model, u users, slot int, disclose bool) *panel.Report {
	r := &panel.Report{Place: panel.Place{Slot: slot}, Sight: panel.Presence}
	if slot < m.Slots.First || slot > min(m.Slots.Last, len(u.codes)) || !u.codes[slot-1].Set {
		return r
	}
	digits := u.codes[slot-1].Digits
	r.Exists = true
	switch {
	case digits.IsZero():
	case m.Sight == panel.Value && disclose:
		r.Sight, r.Code = panel.Value, digits
		r.Known |= panel.FieldCode
	case m.Sight == panel.Marked:
		r.Sight, r.Mark = panel.Marked, o.mark(slot, digits)
	}
	r.Known |= panel.FieldRole
	if r.Role = panel.User; slot == m.MasterSlot {
		r.Role = panel.Master
	}
	if m.Read.Has(panel.FieldPartitions) && slot <= len(u.access) {
		r.Known |= panel.FieldPartitions
		r.Partitions = panel.Partitions(u.access[slot-1]) & m.AllPartitions()
	}
	if m.Read.Has(panel.FieldLegacyTags) {
		r.Tags = int(u.tags >> (slot - 1) & 1)
	}
	return r
}

// mark is equal while the code in the slot is the same.
func (o Options) mark(slot int, c panel.Code) []byte {
	h := hmac.New(sha256.New, []byte(o.MarkKey.Reveal()))
	h.Write([]byte{byte(slot)})
	h.Write([]byte(c.Reveal()))
	return h.Sum(nil)[:16]
}

// events lists what q asks for of users that were read.
func (o Options) events(m panel.Model, u users, q panel.Query) []panel.Event {
	var out []panel.Event
	if q.All {
		for slot := max(q.After.Slot+1, m.Slots.First); slot <= m.Slots.Last; slot++ {
			if r := o.report(m, u, slot, q.Disclose); r.Exists {
				out = append(out, panel.Event{User: r})
			}
		}
	}
	for _, p := range q.Places {
		listed := slices.ContainsFunc(out, func(e panel.Event) bool { return e.User.Place == p })
		if m.CheckPlace(p) == nil && !listed {
			out = append(out, panel.Event{User: o.report(m, u, p.Slot, q.Disclose)})
		}
	}
	return out
}
