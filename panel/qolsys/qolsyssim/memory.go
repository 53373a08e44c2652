package qolsyssim

import (
	"crypto/aes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

const partitions = 4

// user is a row of the panel's user table.
type user struct {
	row    int // grows with each insert
	code   string
	label  string
	role   panel.Role
	parts  panel.Partitions
	window panel.Window
}

// memory is what the panel holds, with the panel's own rules.
type memory struct {
	users  map[int]*user
	left   map[int]*user // rows of those who were removed
	last   int           // number of the last place
	digits int
	rows   int
	forced bool // duress authentication is on
}

func newMemory(o Options) memory {
	m := memory{users: map[int]*user{}, left: map[int]*user{}, last: o.Users, digits: o.Digits}
	all := panel.FirstPartitions(partitions)
	m.put(1, user{code: o.Master, label: "Admin", role: panel.Master, parts: all})
	// The panel's own: a duress user for each partition, the installer and the dealer.
	m.put(240, user{code: "837100"[:o.Digits], label: "Duress", role: panel.User, parts: panel.PartitionsOf(1)})
	m.put(241, user{code: "837200"[:o.Digits], label: "Installer", role: panel.Installer, parts: all})
	m.put(242, user{code: "837300"[:o.Digits], label: "Dealer", role: panel.Dealer, parts: all})
	m.put(243, user{code: "837400"[:o.Digits], label: "Duress2", role: panel.User, parts: panel.PartitionsOf(2)})
	return m
}

// own reports whether a number is the panel's own.
func own(id int) bool { return id >= 240 && id <= 245 }

func (m *memory) put(id int, u user) {
	m.rows++
	u.row = m.rows
	m.users[id] = &u
	delete(m.left, id)
}

// holder is the user who has a code, 0 if none has: duress codes, the installer's and the
// dealer's count.
func (m *memory) holder(code string) int {
	for id, u := range m.users {
		if u.code == code {
			return id
		}
	}
	return 0
}

// over reports whether the panel lets somebody with a code change a user: a dealer changes
// everybody, an installer everybody else, a master whom neither of them is.
func (m *memory) over(code string, role panel.Role) bool {
	by := m.users[m.holder(code)]
	if by == nil {
		return false
	}
	switch by.role {
	case panel.Dealer:
		return true
	case panel.Installer:
		return role != panel.Dealer
	case panel.Master:
		return role != panel.Dealer && role != panel.Installer
	}
	return false
}

// duress gives a partition its duress code: the first partition's user has a number of its
// own, the others' follow behind the dealer.
func (m *memory) duress(partition int, code string) error {
	id := 240
	if partition > 1 {
		id = 241 + partition
	}
	switch h := m.holder(code); {
	case !m.forced:
		return fmt.Errorf("%w: duress authentication is off", panel.ErrRefused)
	case partition < 1 || partition > partitions || len(code) != m.digits || h != 0 && h != id:
		return panel.ErrRefused
	}
	u := user{label: fmt.Sprintf("Duress%d", partition), role: panel.User, parts: panel.PartitionsOf(partition)}
	if old := m.users[id]; old != nil {
		u = *old
	}
	u.code = code
	m.put(id, u)
	return nil
}

// edit carries out what a person at the keypad does.
func (m *memory) edit(e panel.Edit) error {
	u := m.users[e.Slot]
	switch {
	case e.Slot < 1 || e.Slot > m.last || own(e.Slot):
		return panel.ErrUserNotFound
	case e.Do == panel.Remove && e.Slot == 1:
		return panel.ErrMasterDisable
	case e.Do == panel.Remove && u == nil:
		return nil
	case e.Do == panel.Remove:
		m.left[e.Slot] = u
		delete(m.users, e.Slot)
		return nil
	case e.Do == panel.Create && u != nil:
		return panel.ErrOccupied
	case e.Do == panel.Change && u == nil:
		return panel.ErrUserNotFound
	}
	next := user{role: panel.User, parts: panel.PartitionsOf(1), label: fmt.Sprintf("User %d", e.Slot)}
	fresh := e.Do != panel.Change
	if !fresh {
		next = *u
	}
	for f := range e.Set.Each() {
		if err := m.set(&next, f, e, fresh); err != nil {
			return err
		}
	}
	if next.code == "" {
		return panel.ErrCodeNotSet
	}
	if fresh {
		m.put(e.Slot, next)
	} else {
		*u = next
	}
	return nil
}

// set is one field of the form.
func (m *memory) set(u *user, f panel.Field, e panel.Edit, fresh bool) error {
	switch f {
	case panel.FieldCode:
		code := e.Code.Reveal()
		if len(code) != m.digits {
			return panel.ErrRefused
		}
		if h := m.holder(code); h != 0 && h != e.Slot {
			return fmt.Errorf("%w: user exists", panel.ErrRefused)
		}
		u.code = code
	case panel.FieldLabel:
		u.label = e.Label
	case panel.FieldRole:
		if !fresh && e.Role != u.role {
			return fmt.Errorf("%w: the type is fixed", panel.ErrRefused)
		}
		if fresh && e.Role != panel.User && e.Role != panel.Guest && e.Role != panel.Master {
			return panel.ErrRefused
		}
		u.role = e.Role
	case panel.FieldPartitions:
		switch {
		case e.Slot == 1 && e.Partitions != panel.FirstPartitions(partitions):
			return panel.ErrMasterPartitions
		case e.Partitions == 0 || !e.Partitions.Within(panel.FirstPartitions(partitions)):
			return panel.ErrRefused
		}
		u.parts = e.Partitions
	case panel.FieldUntil:
		u.window.Until = e.Window.Until
	default:
		return panel.ErrUnsupported
	}
	return nil
}

// resize is the dealer switching the code length: "00" is appended, and cut off on the
// way back.
func (m *memory) resize(digits int) {
	for _, u := range m.users {
		u.code = (u.code + "00")[:digits]
	}
	m.digits = digits
}

// ids are the numbers in use, in order.
func (m *memory) ids() []int { return slices.Sorted(maps.Keys(m.users)) }

// cipher is a code as the panel tells it: a block under a key that nobody has, a dash, and
// a second block that is the same in every row.
func cipher(code string) string {
	block, err := aes.NewCipher([]byte("simulated key 16"))
	if err != nil {
		return ""
	}
	var plain, sealed [aes.BlockSize]byte
	copy(plain[:], code)
	block.Encrypt(sealed[:], plain[:])
	return strings.ToUpper(fmt.Sprintf("%x-%x", sealed, "fixed for all 16"))
}

// Users is what the panel holds for people: the panel's own users are left out.
func (p *Panel) Users() []paneltest.User {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []paneltest.User
	for _, id := range p.memory.ids() {
		if own(id) {
			continue
		}
		u := p.memory.users[id]
		out = append(out, paneltest.User{
			Place: panel.Place{Slot: id}, Code: u.code, Label: u.label, Role: u.role, Partitions: u.parts, Window: u.window,
		})
	}
	return out
}

// Accepts reports whether the panel opens for this code now.
func (p *Panel) Accepts(code string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.memory.holder(code) != 0
}

// SetDigits is the dealer switching the length of every code to 4 or 6. The panel tells of
// the setting, not of the users.
func (p *Panel) SetDigits(digits int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.memory.resize(digits)
	p.tellSetting(digits)
}

// SetDuress is the installer turning duress authentication on or off.
func (p *Panel) SetDuress(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.memory.forced = on
}

// DuressCode is the installer giving a partition its duress code; [panel.ErrRefused] while
// duress authentication is off.
func (p *Panel) DuressCode(partition int, code string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.memory.duress(partition, code); err != nil {
		return err
	}
	p.tell("update", p.memory.holder(code))
	return nil
}

// KeypadAs is a person with this code at the panel, which lets each rank change its own and
// those below: [panel.ErrUserProtected].
func (p *Panel) KeypadAs(code panel.Code, e panel.Edit) error {
	p.mu.Lock()
	role := e.Role
	if u := p.memory.users[e.Slot]; u != nil {
		role = u.role
	}
	over := p.memory.over(code.Reveal(), role)
	p.mu.Unlock()
	if !over {
		return panel.ErrUserProtected
	}
	return p.Keypad(e)
}

// Keypad is a person with the dealer's code at the panel.
func (p *Panel) Keypad(e panel.Edit) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.memory.users[e.Slot]
	if err := p.memory.edit(e); err != nil {
		return err
	}
	switch after := p.memory.users[e.Slot]; {
	case before == nil && after == nil:
	case before == nil:
		p.tell("insert", e.Slot)
	case after == nil:
		p.tell("delete", e.Slot)
	default:
		p.tell("update", e.Slot)
	}
	return nil
}
