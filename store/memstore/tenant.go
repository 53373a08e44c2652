package memstore

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// tenant is one tenant's [store.Store]. Every value in it is replaced, never changed,
// so a reader may keep what it found.
type tenant struct {
	fleet *Fleet
	hints store.Hints

	mu        sync.RWMutex
	kinds     map[store.Kind]*family
	names     map[store.Name]store.Held
	counters  map[string]int64
	expiries  map[string]time.Time // of each counter
	expiring  ordered[expiry]
	lines     map[string]store.Line
	lineNames ordered[string]
	log       journal
	committed map[string]commit
	recent    []string // ids of committed changes, oldest first
}

var _ store.Store = (*tenant)(nil)

// family is all records of a kind with their sorted terms.
type family struct {
	records map[string]store.Record
	ids     ordered[string]
	terms   map[string]*ordered[store.Position]
}

// expiry is when a counter may be forgotten.
type expiry struct {
	until   time.Time
	counter string
}

// sooner orders expiries by time.
func sooner(a, b expiry) int {
	return cmp.Or(a.until.Compare(b.until), cmp.Compare(a.counter, b.counter))
}

// commit is what is remembered of a change.
type commit struct {
	at      time.Time
	counts  map[string]int64
	entries []*entry
}

func newTenant(f *Fleet) *tenant {
	return &tenant{
		fleet:     f,
		kinds:     map[store.Kind]*family{},
		names:     map[store.Name]store.Held{},
		counters:  map[string]int64{},
		expiries:  map[string]time.Time{},
		expiring:  ordered[expiry]{compare: sooner},
		lines:     map[string]store.Line{},
		lineNames: ordered[string]{compare: cmp.Compare[string]},
		log:       newJournal(),
		committed: map[string]commit{},
	}
}

// Contract implements [store.Store].
func (t *tenant) Contract() int { return store.Contract }

// used reports whether anything was ever stored.
func (t *tenant) used() bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.committed) > 0 || len(t.lines) > 0 || len(t.kinds) > 0 || len(t.log.byID) > 0
}

// record returns the record under a key, or one of version 0.
func (t *tenant) record(k store.Key) store.Record {
	if f := t.kinds[k.Kind]; f != nil {
		if r, ok := f.records[k.ID]; ok {
			return r
		}
	}
	return store.Record{Key: k}
}

// put replaces a record and its places in the lists.
func (t *tenant) put(r store.Record) {
	t.drop(r.Key)
	f := t.kinds[r.Key.Kind]
	if f == nil {
		f = &family{
			records: map[string]store.Record{},
			ids:     ordered[string]{compare: cmp.Compare[string]},
			terms:   map[string]*ordered[store.Position]{},
		}
		t.kinds[r.Key.Kind] = f
	}
	f.records[r.Key.ID] = r
	f.ids.add(r.Key.ID)
	for _, term := range r.Terms {
		if term.Value == nil {
			continue
		}
		list := f.terms[term.Name]
		if list == nil {
			list = &ordered[store.Position]{compare: store.Position.Sort}
			f.terms[term.Name] = list
		}
		list.add(store.Position{Value: term.Value, ID: r.Key.ID})
	}
}

// drop removes a record, if there is one, from everywhere.
func (t *tenant) drop(k store.Key) {
	old := t.record(k)
	if old.Version == 0 {
		return
	}
	f := t.kinds[k.Kind]
	delete(f.records, k.ID)
	f.ids.remove(k.ID)
	for _, term := range old.Terms {
		if term.Value != nil {
			f.terms[term.Name].remove(store.Position{Value: term.Value, ID: k.ID})
		}
	}
}

// setCounter replaces a counter and when it may be forgotten.
func (t *tenant) setCounter(name string, value int64, until time.Time) {
	t.forgetCounter(name)
	t.counters[name], t.expiries[name] = value, until
	t.expiring.add(expiry{until, name})
}

func (t *tenant) forgetCounter(name string) {
	t.expiring.remove(expiry{t.expiries[name], name})
	delete(t.counters, name)
	delete(t.expiries, name)
}

// setLine replaces a line.
func (t *tenant) setLine(l store.Line) {
	if _, ok := t.lines[l.Name]; !ok {
		t.lineNames.add(l.Name)
	}
	t.lines[l.Name] = l
}

// cloneRecord parts a record from its caller, on the way in and on the way out.
func cloneRecord(r store.Record) store.Record {
	r.Body = bytes.Clone(r.Body)
	r.Terms = slices.Clone(r.Terms)
	for i := range r.Terms {
		r.Terms[i].Value = bytes.Clone(r.Terms[i].Value)
	}
	slices.SortFunc(r.Terms, func(a, b store.Term) int { return strings.Compare(a.Name, b.Name) })
	return r
}
