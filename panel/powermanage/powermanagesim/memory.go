package powermanagesim

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// memory is a panel's users and its rules.
type memory struct {
	opts  PanelOptions
	users map[int]paneltest.User
	names map[int]string // of those who have gone
	was   []snapshot     // what the list showed before, for a list that lags
	wrong int            // wrong codes in a row at panel/login
	shut  time.Time      // no logins before
}

type snapshot struct {
	until time.Time
	users []paneltest.User
}

func newMemory(o PanelOptions) *memory {
	m := &memory{opts: o, users: map[int]paneltest.User{}, names: map[int]string{}}
	if o.Kind != panel.DualPath {
		m.users[1] = paneltest.User{
			Place: panel.Place{Slot: 1}, Code: o.Master, Label: "Owner", Role: panel.Master,
			Partitions: panel.FirstPartitions(max(1, o.Partitions)),
		}
	}
	return m
}

func (m *memory) list() []paneltest.User {
	return slices.SortedFunc(maps.Values(m.users), func(a, b paneltest.User) int { return a.Slot - b.Slot })
}

// remember keeps the list as it is before a change.
func (m *memory) remember() {
	m.was = append(m.was, snapshot{until: time.Now(), users: m.list()})
}

// listed is the list as it was some time ago.
func (m *memory) listed(ago time.Duration) []paneltest.User {
	for _, w := range m.was {
		if w.until.After(time.Now().Add(-ago)) {
			return w.users
		}
	}
	return m.list()
}

// opens reports whether a code is the master user's. On a panel without a fixed Master it
// is the one that the panel was made with.
func (m *memory) opens(code string) bool {
	if m.opts.Kind == panel.DualPath {
		return code == m.opts.Master
	}
	return code == m.users[1].Code
}

func (m *memory) has(slot int) bool {
	return slot >= 1 && slot <= m.opts.Users && !slices.Contains(m.opts.Reserved, slot)
}

// may reports whether the server lets something of users be edited.
func (m *memory) may(feature string) bool { return slices.Contains(m.opts.Features, feature) }

// fits reports whether a code has the panel's form.
func (m *memory) fits(code string) bool {
	for _, r := range code {
		if r < '0' || r > '9' {
			return false
		}
	}
	return len(code) == m.opts.CodeLen && code != "0000"
}

// setCode sets or removes a code, by the panel's rules.
func (m *memory) setCode(slot int, code string, quirks map[string]bool) bool {
	u, exists := m.users[slot]
	if code == "0000" {
		if u.Role == panel.Master && m.opts.Kind != panel.DualPath || !exists && quirks[RemovesNobody] {
			return false
		}
		if exists {
			m.remember()
			delete(m.users, slot)
			m.names[slot] = u.Label
		}
		return true
	}
	if !m.fits(code) || m.taken(slot, code) || exists && u.Code == code && quirks[OwnDuplicate] {
		return false
	}
	m.remember()
	if !exists {
		u = m.fresh(slot, quirks)
	}
	u.Code = code
	m.users[slot] = u
	return true
}

func (m *memory) taken(slot int, code string) bool {
	for other, u := range m.users {
		if other != slot && u.Code == code {
			return true
		}
	}
	return m.opts.Kind == panel.DualPath && code == m.opts.Master
}

// fresh is a user who has just got a code.
func (m *memory) fresh(slot int, quirks map[string]bool) paneltest.User {
	u := paneltest.User{Place: panel.Place{Slot: slot}, Label: fmt.Sprintf("User %d", slot), Role: panel.User, Partitions: 1}
	if m.opts.Kind == panel.DualPath {
		u.Role = panel.Master
	}
	if quirks[NoNames] {
		u.Label = ""
	}
	if name := m.names[slot]; quirks[NameStays] && name != "" {
		u.Label = name
	}
	return u
}

func (m *memory) setName(slot int, name string) bool {
	u, exists := m.users[slot]
	if !exists {
		return false
	}
	m.remember()
	u.Label = name
	m.users[slot] = u
	return true
}

// keypad is a person at the wall.
func (m *memory) keypad(e panel.Edit, quirks map[string]bool) error {
	_, exists := m.users[e.Slot]
	code := e.Code.Reveal()
	switch {
	case !m.has(e.Slot), e.Do == panel.Create && exists, e.Do == panel.Change && !exists, e.Set&^(panel.FieldCode|panel.FieldLabel) != 0:
		return panel.ErrRefused
	case e.Do == panel.Remove:
		code = "0000"
	case e.Do != panel.Change && !e.Set.Has(panel.FieldCode):
		return panel.ErrRefused
	}
	if (e.Do == panel.Remove || e.Set.Has(panel.FieldCode)) && !m.setCode(e.Slot, code, quirks) {
		return panel.ErrRefused
	}
	if e.Do != panel.Remove && e.Set.Has(panel.FieldLabel) {
		m.setName(e.Slot, e.Label)
	}
	m.was = nil // what is done at the panel is no change of the server's
	return nil
}
