package paneltest

import (
	"fmt"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

const tags = panel.FieldLegacyTags | panel.FieldLockTags

// place is a place that is free and that anybody may have.
func (k *rig) place() panel.Place {
	if p := k.places(1); len(p) > 0 {
		return p[0]
	}
	k.t.Fatal("the simulated panel has no free place")
	return panel.Place{}
}

// places are up to n free places.
func (k *rig) places(n int) []panel.Place {
	var out []panel.Place
	users := k.Sim.Users()
	m := k.model
	if m.Slots.Len() == 0 {
		for i := 0; len(out) < n; i++ {
			p := panel.Place{ID: fmt.Sprintf("5e7f0c1a-0000-4000-8000-%012x", i+1)}
			if _, ok := find(users, p); !ok {
				out = append(out, p)
			}
		}
		return out
	}
	for slot := m.Slots.First; slot <= m.Slots.Last && len(out) < n; slot++ {
		p := panel.Place{Slot: slot}
		_, taken := find(users, p)
		if !taken && slot != m.MasterSlot && slot != m.Secret && !slices.Contains(m.Reserved, slot) {
			out = append(out, p)
		}
	}
	return out
}

// find is the user at a place.
func find(users []User, p panel.Place) (User, bool) {
	i := slices.IndexFunc(users, func(u User) bool { return u.Place == p })
	if i < 0 {
		return User{}, false
	}
	return users[i], true
}

// digits is the length of codes that the panel is set to.
func (k *rig) digits() int {
	if n := k.facts.CodeLen; n > 0 {
		return n
	}
	if users := k.Sim.Users(); len(users) > 0 && users[0].Code != "" {
		return len(users[0].Code)
	}
	return k.model.Code.Lens[0]
}

// code makes a code that nobody has and that no rule forbids.
func (k *rig) code() panel.Code {
	n := k.digits()
	limit := 1
	for range n {
		limit *= 10
	}
	for range limit {
		k.made++
		number := (k.made*7919 + 4813) % limit
		digits := fmt.Sprintf("%0*d", n, number)
		if k.fit(digits, number) {
			k.hide(digits)
			c, err := credentials.ParseCode(digits)
			if err != nil {
				k.t.Fatalf("the model asks for codes of %d digits: %v", n, err)
			}
			return c
		}
	}
	k.t.Fatalf("the model leaves no code of %d digits", n)
	return panel.Code{}
}

// fit reports whether a code is far from all others and is no text that is public.
func (k *rig) fit(digits string, number int) bool {
	if slices.Contains(k.model.Code.Never, digits) || slices.Contains(k.model.Code.Defaults, digits) {
		return false
	}
	var public strings.Builder
	public.WriteString(fmt.Sprint(k.Target.Panel, k.Target.Ident, time.Now()))
	for _, r := range k.Target.Routes {
		public.WriteString(" " + r.Addr)
	}
	if tells(public.String(), digits) {
		return false
	}
	for _, other := range k.secrets {
		var n int
		if _, err := fmt.Sscanf(other, "%d", &n); err == nil && max(n-number, number-n) <= max(1, k.model.Code.Near) {
			return false
		}
	}
	return true
}

// role is the i-th role that a visitor could have, the usual one first.
func (k *rig) role(i int) panel.Role {
	var ordinary []panel.Role
	for _, r := range k.model.Roles {
		switch {
		case r.Protected():
		case r == k.model.DefaultRole, k.model.DefaultRole == "" && r == panel.User:
			ordinary = slices.Insert(ordinary, 0, r)
		default:
			ordinary = append(ordinary, r)
		}
	}
	if len(ordinary) == 0 {
		return k.model.Roles[0]
	}
	return ordinary[i%len(ordinary)]
}

// label is a label that the panel takes and nobody has.
func (k *rig) label() string {
	k.made++
	s := fmt.Sprintf("Kit %d", k.made)
	if n := k.model.Label.Max; n > 0 && len(s) > n {
		s = s[len(s)-n:]
	}
	return s
}

// edit is an edit with new values in every field of set.
func (k *rig) edit(do panel.Do, p panel.Place, set panel.Field) panel.Edit {
	e := panel.Edit{Place: p, Do: do, Set: set}
	for f := range set.Each() {
		switch f {
		case panel.FieldCode:
			e.Code = k.code()
		case panel.FieldLabel:
			e.Label = k.label()
		case panel.FieldRole:
			e.Role = k.role(0)
		case panel.FieldPartitions:
			k.made++
			e.Partitions = panel.PartitionsOf(1 + k.made%max(1, k.model.Partitions))
		case panel.FieldLegacyTags:
			e.LegacyTags = []panel.Tag{k.tag()}
		case panel.FieldLockTags:
			e.LockTags = []panel.Tag{k.tag()}
		case panel.FieldKeypads:
			e.Keypads = k.Keypads
		case panel.FieldLocks:
			e.Locks = k.Locks
		case panel.FieldFrom:
			e.Window.From = time.Now().Truncate(time.Second).Add(time.Hour).UTC()
		case panel.FieldUntil:
			e.Window.Until = time.Now().Truncate(time.Second).Add(24 * time.Hour).UTC()
		}
	}
	return e
}

func (k *rig) tag() panel.Tag {
	k.made++
	t, err := credentials.ParseTag(fmt.Sprintf("%08X", 0x00A10000+k.made), 32)
	if err != nil {
		k.t.Fatal(err)
	}
	return t
}

// can reports whether users come into being, or go, by this edit.
func (k *rig) can(do panel.Do) bool {
	if do == panel.Remove {
		return k.model.Writes().Has(panel.FieldCode)
	}
	return k.model.Create.Has(panel.FieldCode)
}

// least is what an edit that creates a user has to set: the code, and what has no
// default and cannot come later.
func (k *rig) least() panel.Field {
	set := panel.FieldCode
	if k.model.DefaultRole == "" {
		set |= panel.FieldRole & k.model.Create
	}
	return set
}

// byHand is what the kit's person at the keypad sets.
func (k *rig) byHand() panel.Field {
	set := panel.FieldCode | k.model.Writes() | k.model.Hands
	if k.model.Writes() == 0 {
		set |= k.model.Read & panel.FieldLabel
	}
	return set
}

// seat lets a person at the keypad make a user with everything that byHand names.
func (k *rig) seat(p panel.Place) panel.Edit {
	k.t.Helper()
	e := k.edit(panel.Create, p, k.byHand())
	k.keypad(e)
	return e
}

func (k *rig) keypad(e panel.Edit) {
	k.t.Helper()
	if err := k.Sim.Keypad(e); err != nil {
		k.t.Fatalf("the keypad refuses to %s %s (%s): %v", e.Do, e.Place, e.Set, err)
	}
	synctest.Wait()
}
