package storetest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// epoch is when the kit's log begins.
var epoch = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)

// bench is a store under test with what makes tests short.
type bench struct {
	*testing.T
	store.Store
	fleet store.Fleet
	ids   int
}

func newBench(t *testing.T, f store.Fleet) *bench {
	t.Helper()
	s, err := f.Tenant("main")
	if err != nil {
		t.Fatalf("Tenant(main): %v", err)
	}
	return &bench{T: t, Store: s, fleet: f}
}

// id returns an id that was not used before, for changes and leaves.
func (b *bench) id(what string) string {
	b.ids++
	return fmt.Sprintf("%s-%06d", what, b.ids)
}

// leaf returns a well-formed leaf; a second older than the next one.
func (b *bench) leaf(targets ...string) store.Leaf {
	id := b.id("leaf")
	return leafAt(id, epoch.Add(time.Duration(b.ids)*time.Second), "test.done", targets...)
}

// leafAt returns a leaf whose hash is that of its body, as RFC 6962 says.
func leafAt(id string, at time.Time, action string, targets ...string) store.Leaf {
	body := []byte("leaf " + id)
	l := store.Leaf{ID: id, At: at, Action: action, Body: body, Hash: recordHash(body)}
	for _, t := range targets {
		l.Targets = append(l.Targets, []byte(t))
	}
	return l
}

// change returns a change of ops with an entry.
func (b *bench) change(ops ...store.Op) store.Change {
	return store.Change{ID: b.id("change"), Entries: []store.Leaf{b.leaf("target")}, Ops: ops}
}

// commit commits ops with an entry and must succeed.
func (b *bench) commit(ops ...store.Op) store.Result {
	b.Helper()
	return b.send(b.change(ops...))
}

// log commits leaves alone and must succeed.
func (b *bench) log(leaves ...store.Leaf) store.Result {
	b.Helper()
	return b.send(store.Change{ID: b.id("change"), Entries: leaves})
}

// send commits a change and must succeed.
func (b *bench) send(c store.Change) store.Result {
	b.Helper()
	r, err := b.Commit(b.Context(), c)
	if err != nil {
		b.Fatalf("Commit of\n%v: %v", c, err)
	}
	return r
}

// refused commits ops with an entry; the one at the given place must be refused with want.
func (b *bench) refused(want error, at int, ops ...store.Op) {
	b.Helper()
	c := b.change(ops...)
	_, err := b.Commit(b.Context(), c)
	b.refusal(err, want, at, c)
}

// refusal fails unless err is a refusal of c's operation at a place, with want.
func (b *bench) refusal(err, want error, at int, c store.Change) {
	b.Helper()
	if !errors.Is(err, want) {
		b.Fatalf("Commit: %v, want %v", err, want)
	}
	op, ok := errors.AsType[*store.OpError](err)
	if !ok {
		b.Fatalf("Commit: %T, want a *store.OpError", err)
	}
	if op.Index != at || op.Op.Target() != c.Ops[at].Target() {
		b.Fatalf("Commit refused operation %d, want %d", op.Index, at)
	}
}

// sequence gives every entry its index, in stores that do so later.
func (b *bench) sequence() {
	b.Helper()
	for {
		late, err := b.Unsequenced(b.Context(), 0)
		b.ok(err)
		if len(late) == 0 {
			return
		}
		ids := make([]string, len(late))
		for i, e := range late {
			if e.Index != -1 {
				b.Fatalf("an entry without an index has index %d", e.Index)
			}
			ids[i] = e.ID
		}
		b.ok(b.Sequence(b.Context(), ids))
	}
}

// ok fails on an error.
func (b *bench) ok(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// record loads one record.
func (b *bench) record(kind store.Kind, id string) store.Record {
	b.Helper()
	r, err := b.Load(b.Context(), store.Key{Kind: kind, ID: id})
	b.ok(err)
	if len(r) != 1 {
		b.Fatalf("Load of one key returned %d records", len(r))
	}
	return r[0]
}

// held asks who has a name.
func (b *bench) held(n store.Name) store.Held {
	b.Helper()
	h, err := b.Holders(b.Context(), n)
	b.ok(err)
	if len(h) != 1 || h[0].Name != n {
		b.Fatalf("Holders of one name returned %d", len(h))
	}
	return h[0]
}

// counter asks for a counter's value.
func (b *bench) counter(name string) int64 {
	b.Helper()
	v, err := b.Counters(b.Context(), name)
	b.ok(err)
	if len(v) != 1 {
		b.Fatalf("Counters of one returned %d", len(v))
	}
	return v[0]
}

// line finds one line by its whole name; a missing one is zero.
func (b *bench) line(name string) store.Line {
	b.Helper()
	lines, err := b.Lines(b.Context(), name, "", 1)
	b.ok(err)
	if len(lines) == 0 || lines[0].Name != name {
		return store.Line{}
	}
	return lines[0]
}

// entries asks the log.
func (b *bench) entries(q store.EntryQuery) []store.Entry {
	b.Helper()
	e, err := b.Entries(b.Context(), q)
	b.ok(err)
	return e
}

// equal fails unless got is want.
func (b *bench) equal(what string, got, want any) {
	b.Helper()
	if !reflect.DeepEqual(got, want) {
		b.Fatalf("%s: got %+v, want %+v", what, got, want)
	}
}

// put writes a record with a body and terms given as name, value, name, value.
func put(kind store.Kind, id string, version uint64, body string, terms ...string) store.Put {
	r := store.Record{Key: store.Key{Kind: kind, ID: id}, Body: []byte(body)}
	for i := 0; i < len(terms); i += 2 {
		r.Terms = append(r.Terms, store.Term{Name: terms[i], Value: []byte(terms[i+1])})
	}
	return store.Put{Record: r, If: version}
}

// drop removes a record.
func drop(kind store.Kind, id string, version uint64) store.Drop {
	return store.Drop{Key: store.Key{Kind: kind, ID: id}, If: version}
}

// check says that a record is still at a version.
func check(kind store.Kind, id string, version uint64) store.Check {
	return store.Check{Key: store.Key{Kind: kind, ID: id}, If: version}
}

// same reports whether two records have the same content; the order of terms is free.
func same(a, b store.Record) bool {
	if a.Key != b.Key || a.Version != b.Version || !bytes.Equal(a.Body, b.Body) || len(a.Terms) != len(b.Terms) {
		return false
	}
	terms := map[string][]byte{}
	for _, t := range a.Terms {
		terms[t.Name] = t.Value
	}
	for _, t := range b.Terms {
		v, ok := terms[t.Name]
		if !ok || !bytes.Equal(v, t.Value) || (v == nil) != (t.Value == nil) {
			return false
		}
	}
	return true
}

// recordHash is the hash of a leaf in an RFC 6962 tree.
func recordHash(body []byte) [32]byte { return sha256.Sum256(append([]byte{0}, body...)) }

// nodeHash is the hash of two subtrees.
func nodeHash(left, right [32]byte) [32]byte {
	return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
}
