package dscsim

import (
	"fmt"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// Attributes of a user.
const (
	supervisor byte = 0x01
	duress     byte = 0x02
	bypass     byte = 0x04
	remote     byte = 0x08
	oneTime    byte = 0x80
)

// Results of a write, as the panel answers them.
const (
	good        byte = 0x00
	invalid     byte = 0x01
	duplicate   byte = 0x02
	outsideMode byte = 0x10
	wrongCode   byte = 0x11
	busy        byte = 0x13
	unavailable byte = 0x17
)

// user is one slot of the panel's memory.
type user struct {
	code  string
	flags byte
	parts uint64
	label string
	tag   bool
}

func (u user) role(slot int) panel.Role {
	switch {
	case slot == 1:
		return panel.Master
	case u.flags&duress != 0:
		return panel.DuressRole
	case u.flags&oneTime != 0:
		return panel.OneTime
	case u.flags&supervisor != 0:
		return panel.Supervisor
	}
	return panel.User
}

func flagsOf(r panel.Role) byte {
	switch r {
	case panel.DuressRole:
		return duress
	case panel.OneTime:
		return oneTime
	case panel.Supervisor:
		return supervisor
	}
	return 0
}

// memory is what the panel holds, with the panel's own rules. Slots count from 1.
type memory struct {
	slots      []user
	partitions int
	digits     int
}

func newMemory(o Options) memory {
	m := memory{slots: make([]user, o.Users+1), partitions: o.Partitions, digits: len(o.Master)}
	for slot := range m.slots {
		m.slots[slot].label = usualLabel(slot)
	}
	m.slots[1] = user{code: o.Master, flags: bypass | remote, parts: uint64(panel.FirstPartitions(o.Partitions)), label: usualLabel(1)}
	return m
}

func usualLabel(slot int) string { return fmt.Sprintf("User %d", slot) }

func (m *memory) has(slot int) bool { return slot >= 1 && slot < len(m.slots) }

// holder is the slot that has a code, 0 if none has.
func (m *memory) holder(code string) int {
	return max(0, slices.IndexFunc(m.slots, func(u user) bool { return u.code != "" && u.code == code }))
}

// setCode writes a code, "" clears. by is the user who programs: a new code starts with
// that user's rights.
func (p *Panel) setCode(by, slot int, code string) byte {
	m := &p.memory
	switch {
	case !m.has(slot):
		return invalid
	case slot == 1 && by != 1:
		return unavailable
	case slot == 1 && code == "":
		return invalid
	case code != "" && len(code) != m.digits:
		return invalid
	}
	if h := m.holder(code); h != 0 && (h != slot || p.quirks[OwnDuplicate]) {
		if p.quirks[DuplicateIsOne] {
			return invalid
		}
		return duplicate
	}
	u := &m.slots[slot]
	switch {
	case u.code == "" && code != "":
		u.flags, u.parts = m.slots[by].flags, m.slots[by].parts
		if p.quirks[FirstPartition] {
			u.flags, u.parts = 0, 1
		}
	case u.code != "" && code == "":
		label := usualLabel(slot)
		if p.quirks[LabelStays] {
			label = u.label
		}
		*u = user{label: label}
	}
	u.code = code
	return good
}

func (p *Panel) setFlags(by, slot int, flags byte) byte {
	switch m := &p.memory; {
	case !m.has(slot) || m.slots[slot].code == "":
		return invalid
	case slot == 1:
		return unavailable
	case by != 1 && flags&supervisor != 0:
		return unavailable // a supervisor cannot make another
	default:
		m.slots[slot].flags = flags
		return good
	}
}

func (p *Panel) setParts(slot int, parts uint64) byte {
	switch m := &p.memory; {
	case !m.has(slot) || m.slots[slot].code == "":
		return invalid
	case slot == 1:
		return unavailable
	case !panel.Partitions(parts).Within(panel.FirstPartitions(m.partitions)):
		return invalid
	default:
		m.slots[slot].parts = parts
		return good
	}
}

func (p *Panel) setLabel(slot int, label string) byte {
	m := &p.memory
	if !m.has(slot) || m.slots[slot].code == "" {
		return invalid
	}
	m.slots[slot].label = label
	return good
}

// Users is what the panel holds now.
func (p *Panel) Users() []paneltest.User {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []paneltest.User
	for slot, u := range p.memory.slots {
		if u.code == "" {
			continue
		}
		w := paneltest.User{
			Place: panel.Place{Slot: slot}, Code: u.code, Label: u.label,
			Role: u.role(slot), Partitions: panel.Partitions(u.parts),
		}
		if u.tag {
			w.Tags = 1
		}
		out = append(out, w)
	}
	return out
}

// Accepts reports whether the panel opens for this code now.
func (p *Panel) Accepts(code string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.memory.holder(code) != 0
}

// Attributes returns the attribute byte of a slot.
func (p *Panel) Attributes(slot int) byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.memory.slots[slot].flags
}

// SetAttributes sets the attribute byte of a slot, as an installer could.
func (p *Panel) SetAttributes(slot int, flags byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.memory.slots[slot].flags = flags
}

// Keypad is somebody with the master code at a keypad.
func (p *Panel) Keypad(e panel.Edit) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.programming() {
		return panel.ErrBusy
	}
	if !p.memory.has(e.Slot) {
		return panel.ErrUserNotFound
	}
	changed, err := p.byHand(e)
	if err != nil {
		return err
	}
	p.announce(changed, e.Slot)
	p.post(0x0702, join(number(1), []byte{1}, number(1), []byte{2, 1}, moment(time.Now())))
	return nil
}

// byHand carries out an edit and returns what changed in it. The caller holds p.mu.
func (p *Panel) byHand(e panel.Edit) (changed byte, err error) {
	sort := func(result byte) error {
		switch result {
		case good:
			return nil
		case duplicate:
			return fmt.Errorf("%w: duplicate", panel.ErrRefused)
		}
		return panel.ErrRefused
	}
	u := &p.memory.slots[e.Slot]
	switch {
	case e.Do == panel.Remove && e.Slot == 1:
		return 0, panel.ErrMasterDisable
	case e.Do == panel.Remove || e.Do == panel.Replace && u.code != "":
		if err := sort(p.setCode(1, e.Slot, "")); err != nil || e.Do == panel.Remove {
			return 1, err
		}
	case e.Do == panel.Create && u.code != "":
		return 0, panel.ErrOccupied
	}
	for f := range e.Set.Each() {
		err = nil
		switch f {
		case panel.FieldCode:
			changed |= 1
			if code := e.Code.Reveal(); code != u.code {
				err = sort(p.setCode(1, e.Slot, code))
			}
		case panel.FieldRole:
			changed |= 2
			err = sort(p.setFlags(1, e.Slot, u.flags&^(supervisor|duress|oneTime)|flagsOf(e.Role)))
		case panel.FieldPartitions:
			changed |= 4
			err = sort(p.setParts(e.Slot, uint64(e.Partitions)))
		case panel.FieldLabel:
			changed |= 8
			err = sort(p.setLabel(e.Slot, e.Label))
		case panel.FieldLegacyTags:
			u.tag = u.code != "" && len(e.LegacyTags) > 0
		default:
			err = panel.ErrUnsupported
		}
		if err != nil {
			return changed, err
		}
	}
	return changed, nil
}

// announce sends the update that names a slot. The caller holds p.mu.
func (p *Panel) announce(what byte, slot int) {
	switch {
	case p.quirks[NoUpdates]:
	case p.quirks[OddUpdates]:
		p.post(0x0250, join(number(slot), []byte{what}))
	default:
		p.post(0x0250, join([]byte{what}, number(1), number(slot), number(slot)))
	}
}
