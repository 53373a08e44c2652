package sqlstore

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// turn is the work on one change.
type turn struct {
	*Store
	s      *session
	now    time.Time
	counts map[string]int64
}

// step applies one operation.
func (t *turn) step(o store.Op) error {
	switch o := o.(type) {
	case store.Put:
		return t.put(o)
	case store.Drop:
		return t.drop(o)
	case store.Check:
		return t.check(o)
	case store.Claim:
		return t.name(o.Name, func(h store.Held) (store.Held, error) { return o.On(h, t.now) })
	case store.Release:
		return t.name(o.Name, func(h store.Held) (store.Held, error) { return o.On(h, t.now), nil })
	case store.Count:
		return t.count(o)
	case store.Mark:
		return t.line(t.s, o.Line, func(l store.Line) (store.Line, error) { return o.On(l, t.now), nil })
	case store.Fence:
		return t.line(t.s, o.Line, o.On)
	}
	return fmt.Errorf("%w: operation %T", store.ErrMalformed, o)
}

// seen returns the version of a record and its terms, locked.
func (t *turn) seen(k store.Key) (version uint64, terms []store.Term, err error) {
	var text string
	_, err = t.s.one("SELECT version, terms FROM kh_records WHERE tenant = ? AND kind = ? AND id = ?"+t.s.dialect.Lock,
		t.args(string(k.Kind), k.ID), &version, &text)
	if err != nil {
		return 0, nil, err
	}
	terms, err = splitTerms(text)
	return version, terms, err
}

func (t *turn) check(o store.Check) error {
	version, _, err := t.seen(o.Key)
	if err == nil && version != o.If {
		return store.ErrStale
	}
	return err
}

func (t *turn) put(o store.Put) error {
	r := o.Record
	version, old, err := t.seen(r.Key)
	if err != nil {
		return err
	}
	if version != o.If {
		return store.ErrStale
	}
	if o.If == 0 {
		err = t.s.exec("INSERT INTO kh_records (tenant, kind, id, version, body, terms) VALUES (?, ?, ?, 1, ?, ?)",
			t.args(string(r.Key.Kind), r.Key.ID, string(r.Body), joinTerms(r.Terms))...)
	} else {
		err = t.s.exec("UPDATE kh_records SET version = version + 1, body = ?, terms = ? WHERE tenant = ? AND kind = ? AND id = ?",
			t.text(string(r.Body)), t.text(joinTerms(r.Terms)), t.tenant, t.text(string(r.Key.Kind)), t.text(r.Key.ID))
	}
	if err != nil {
		return err
	}
	return t.replaceTerms(r.Key, old, r.Terms)
}

func (t *turn) drop(o store.Drop) error {
	version, old, err := t.seen(o.Key)
	if err != nil {
		return err
	}
	if version != o.If {
		return store.ErrStale
	}
	if err := t.s.exec("DELETE FROM kh_records WHERE tenant = ? AND kind = ? AND id = ?", t.args(string(o.Key.Kind), o.Key.ID)...); err != nil {
		return err
	}
	return t.replaceTerms(o.Key, old, nil)
}

// replaceTerms brings the sorted lists from a record's old terms to its new ones; what
// stays is not touched.
func (t *turn) replaceTerms(k store.Key, old, fresh []store.Term) error {
	for _, term := range old {
		if term.Value == nil || slices.ContainsFunc(fresh, same(term)) {
			continue
		}
		if err := t.s.exec("DELETE FROM kh_terms WHERE tenant = ? AND kind = ? AND name = ? AND value = ? AND id = ?",
			t.args(string(k.Kind), term.Name, term.Value, k.ID)...); err != nil {
			return err
		}
	}
	var added []any
	for _, term := range fresh {
		if term.Value != nil && !slices.ContainsFunc(old, same(term)) {
			added = append(added, t.args(string(k.Kind), term.Name, term.Value, k.ID)...)
		}
	}
	return t.s.insert("kh_terms (tenant, kind, name, value, id)", 5, added, "")
}

// name loads who has a name, applies a rule, and stores what came of it.
func (t *turn) name(n store.Name, rule func(store.Held) (store.Held, error)) error {
	h, found := store.Held{Name: n}, false
	err := t.s.each("SELECT "+heldColumns+" FROM kh_names WHERE tenant = ? AND name = ?"+t.s.dialect.Lock, t.args([]byte(n)),
		func(scan func(...any) error) (err error) {
			found = true
			h, err = scanHeld(scan)
			return err
		})
	if err != nil {
		return err
	}
	if h, err = rule(h); err != nil {
		return err
	}
	free := h.Free(t.now)
	switch {
	case free && !found:
		return nil
	case free:
		err = t.s.exec("DELETE FROM kh_names WHERE tenant = ? AND name = ?", t.tenant, []byte(n))
	case found:
		err = t.s.exec("UPDATE kh_names SET holder = ?, uses = ?, reservers = ?, rests_for = ?, rest_until = ? WHERE tenant = ? AND name = ?",
			t.text(h.Holder), t.text(joinTexts(h.Uses)), t.text(joinReservers(h.Reservers)), t.text(h.RestsFor), nanos(h.RestUntil), t.tenant, []byte(n))
	default:
		err = t.s.exec("INSERT INTO kh_names (tenant, name, holder, uses, reservers, rests_for, rest_until) VALUES (?, ?, ?, ?, ?, ?, ?)",
			t.args([]byte(n), h.Holder, joinTexts(h.Uses), joinReservers(h.Reservers), h.RestsFor, nanos(h.RestUntil))...)
	}
	return err
}

func (t *turn) count(o store.Count) error {
	var value int64
	found, err := t.s.one("SELECT value FROM kh_counters WHERE tenant = ? AND counter = ?"+t.s.dialect.Lock, t.args(o.Counter), &value)
	if err != nil {
		return err
	}
	if value, err = o.On(value); err != nil {
		return err
	}
	until := o.Until
	if until.IsZero() {
		until = t.now.Add(store.Memory)
	}
	if found {
		err = t.s.exec("UPDATE kh_counters SET value = ?, until = ? WHERE tenant = ? AND counter = ?", value, nanos(until), t.tenant, t.text(o.Counter))
	} else {
		err = t.s.exec("INSERT INTO kh_counters (tenant, counter, value, until) VALUES (?, ?, ?, ?)", t.args(o.Counter, value, nanos(until))...)
	}
	if t.counts == nil {
		t.counts = map[string]int64{}
	}
	t.counts[o.Counter] = value
	return err
}

// same returns whether a term is listed at the same place as another.
func same(a store.Term) func(store.Term) bool {
	return func(b store.Term) bool {
		return a.Name == b.Name && b.Value != nil && bytes.Equal(a.Value, b.Value)
	}
}
