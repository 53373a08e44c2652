package flow

import (
	"cmp"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Unit is one decision: what it has loaded, what it wants to write, what it says.
type Unit struct {
	core   *Core
	ctx    context.Context //nolint:containedctx // a Unit lives inside one call of Act, as a sql.Tx does inside its own
	actor  accounts.Actor
	now    time.Time
	loaded map[store.Key]seen
	ops    []store.Op
	said   []audit.Entry
	named  []string // to what something was done, the actor itself only where it was done to them
	spends bool     // a proof of the actor's
	keeps  bool     // it is for a later change
	secure []audit.State
	salts  map[string]rec.Salt
	ahead  store.Record // the actor's salt, read with the first record
}

type seen struct {
	version uint64
	extra   rec.Extra
	written bool
}

// Context returns the context of the operation.
func (u *Unit) Context() context.Context { return u.ctx }

// RestUntil is until when what is released now goes to nobody else, zero: it does not rest.
func (u *Unit) RestUntil() time.Time {
	if u.core.Rest <= 0 {
		return time.Time{}
	}
	return u.now.Add(u.core.Rest)
}

// Now returns the time of the decision.
func (u *Unit) Now() time.Time { return u.now }

// Actor returns who acts.
func (u *Unit) Actor() accounts.Actor { return u.actor }

// Load reads a record and remembers its version: the commit checks that it is still so.
// It reports whether there is one.
func Load[T any](u *Unit, k rec.Kind[T], id string) (T, bool, error) {
	return read(u, k, id, true)
}

// Peek reads a record that the decision does not rest on.
func Peek[T any](u *Unit, k rec.Kind[T], id string) (T, bool, error) {
	return read(u, k, id, false)
}

func read[T any](u *Unit, k rec.Kind[T], id string, binding bool) (T, bool, error) {
	r, err := u.record(k.Key(id))
	if err != nil {
		var none T
		return none, false, err
	}
	v, extra, err := k.Decode(r)
	// What was read first counts: a decision that reads twice and sees a change is not committed.
	if _, again := u.loaded[k.Key(id)]; err == nil && binding && !again {
		u.loaded[k.Key(id)] = seen{version: r.Version, extra: extra}
	}
	return v, r.Version != 0, err
}

// record reads one record. With the first comes the actor's salt, in the same reading,
// because whoever reads to decide has something to say in the end.
func (u *Unit) record(k store.Key) (store.Record, error) {
	if u.ahead.Key == k {
		return u.ahead, nil
	}
	keys := []store.Key{k}
	if a := u.actor.Audit(); a.Name != "" && u.ahead.Key == (store.Key{}) {
		keys = append(keys, rec.Salts.Key(subjectOf(a)))
	}
	r, err := u.core.Store.Load(u.ctx, keys...)
	if err != nil {
		return store.Record{}, err
	}
	if len(keys) > 1 {
		u.ahead = r[1]
	}
	return r[0], nil
}

// subjectOf is whose key seals an actor's name.
func subjectOf(a audit.Actor) string { return a.Kind + "/" + a.ID }

// Put writes a record that was loaded, or that must not exist.
func Put[T any](u *Unit, k rec.Kind[T], id string, v *T) error {
	was := u.loaded[k.Key(id)]
	r, err := k.Encode(id, v, was.extra)
	if err != nil {
		return err
	}
	u.loaded[k.Key(id)] = seen{version: was.version, extra: was.extra, written: true}
	u.ops = append(slices.DeleteFunc(u.ops, func(o store.Op) bool {
		p, ok := o.(store.Put)
		return ok && p.Record.Key == r.Key
	}), store.Put{Record: r, If: was.version})
	if k.Secure {
		row := r.Key.String()
		u.secure = append(slices.DeleteFunc(u.secure, func(s audit.State) bool { return s.Row == row }),
			audit.State{Row: row, Digest: audit.StateDigest(was.version+1, r.Body)})
	}
	return nil
}

// Drop removes a record that was loaded.
func Drop[T any](u *Unit, k rec.Kind[T], id string) {
	was := u.loaded[k.Key(id)]
	u.loaded[k.Key(id)] = seen{version: was.version, written: true}
	u.ops = append(u.ops, store.Drop{Key: k.Key(id), If: was.version})
	if k.Secure {
		u.secure = append(u.secure, audit.State{Row: k.Key(id).String(), Digest: audit.StateDigest(0, nil)})
	}
}

// Do adds operations that are not about records.
func (u *Unit) Do(ops ...store.Op) { u.ops = append(u.ops, ops...) }

// Empty reports whether the decision changes and says nothing.
func (u *Unit) Empty() bool { return len(u.ops) == 0 && len(u.said) == 0 }

// Field is a detail of an entry before it is sealed.
type Field struct {
	Name, Value string
	// Of is the subject that a personal value describes: "account/<id>", "panel/<id>".
	// Empty: the value is public.
	Of string
	// Sealed is the value of a personal field that the caller has sealed; Of says what
	// opens it. Nothing of flow does.
	Sealed []byte
}

// F is a public field.
func F(name, value string) Field { return Field{Name: name, Value: value} }

// Site is the target by which the entries of a site are found. It cannot be mistaken for
// any other id, whatever a host calls its sites.
func Site(id string) string { return "site/" + id }

// Say adds an entry. Targets are the ids by which it is found; the actor's own id is one.
// It returns the entry's id.
func (u *Unit) Say(action audit.Action, outcome audit.Outcome, targets []string, fields ...Field) (string, error) {
	a := u.actor.Audit()
	e := audit.Entry{Version: audit.Version, ID: nextID(), At: u.core.stamp(u.now), Action: action, Outcome: outcome}
	e.Fields = append(make([]audit.Field, 0, 4+len(fields)), a.Fields(salt)...) // the actor's are at most four
	if a.Name != "" {
		fields = slices.Insert(slices.Clone(fields), 0, Field{Name: audit.FieldActorName, Value: a.Name, Of: subjectOf(a)})
	}
	for _, f := range fields {
		if f.Sealed != nil {
			e.Fields = append(e.Fields, audit.Personal(f.Name, f.Sealed, f.Of, salt()))
			continue
		}
		if f.Value == "" {
			continue
		}
		if f.Of == "" {
			e.Fields = append(e.Fields, audit.Public(f.Name, f.Value, salt()))
			continue
		}
		p, err := u.personal(f.Name, f.Value, f.Of)
		if errors.Is(err, errErased) {
			continue // nothing more is kept of a person who was erased meanwhile
		}
		if err != nil {
			return "", err
		}
		e.Fields = append(e.Fields, p)
	}
	for _, t := range append(slices.Clone(targets), a.ID) {
		if t != "" && !slices.ContainsFunc(e.Targets, func(b []byte) bool { return string(b) == t }) {
			e.Targets = append(e.Targets, []byte(t))
		}
	}
	if err := audit.Check(e); err != nil {
		return "", err
	}
	u.said = append(u.said, e)
	if outcome == audit.Success {
		u.named = append(u.named, targets...)
		for _, f := range fields {
			if f.Name == audit.FieldRow {
				u.named = append(u.named, f.Value)
			}
		}
	}
	return e.ID, nil
}

// personal seals a value under the key of the person it describes.
func (u *Unit) personal(name, value, subject string) (audit.Field, error) {
	sealed, err := u.SealFor(subject, name, []byte(value))
	if err != nil {
		return audit.Field{}, err
	}
	return audit.Personal(name, sealed, subject, salt()), nil
}

// SealFor seals a value under a subject's own key, making that key if there is none. Who
// destroys the key, which is the subject's record of [rec.Salts], destroys the value.
func (u *Unit) SealFor(subject, name string, plain []byte) ([]byte, error) {
	s, ok := u.salts[subject]
	if !ok {
		var found bool
		var err error
		s, found, err = Load(u, rec.Salts, subject)
		if err != nil {
			return nil, err
		}
		if !found {
			s = rec.Salt{KeyID: u.core.Keys.Epoch().Prints[0], Salt: make([]byte, 16)}
			random(s.Salt)
			if err := Put(u, rec.Salts, subject, &s); err != nil {
				return nil, err
			}
		}
		if u.salts == nil {
			u.salts = map[string]rec.Salt{}
		}
		u.salts[subject] = s
	}
	aead, err := personAEAD(u.core.Keys, subject, s)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, aead.NonceSize())
	random(nonce)
	return aead.Seal(nonce, nonce, plain, []byte(name)), nil
}

// OpenFor opens what [Unit.SealFor] has sealed; nil if the key is gone.
func (c *Core) OpenFor(ctx context.Context, subject, name string, sealed []byte) ([]byte, error) {
	r, err := c.Store.Load(ctx, rec.Salts.Key(subject))
	if err != nil {
		return nil, err
	}
	s, _, err := rec.Salts.Decode(r[0])
	if err != nil {
		return nil, err
	}
	aead, err := personAEAD(c.Keys, subject, s)
	if errors.Is(err, errErased) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	n := aead.NonceSize()
	if len(sealed) < n {
		return nil, credentials.ErrDecrypt
	}
	plain, err := aead.Open([]byte{}, sealed[:n], sealed[n:], []byte(name))
	if err != nil {
		return nil, credentials.ErrDecrypt
	}
	return plain, nil
}

// errErased: the key of a person's fields is gone.
var errErased = errors.New("flow: the person's key is gone")

func personAEAD(keys credentials.Sealer, subject string, s rec.Salt) (cipher.AEAD, error) {
	if len(s.Salt) != 16 {
		return nil, errErased
	}
	key, err := personKey(keys, subject, s)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// OpenEntry returns the entry with its personal fields opened where the person's key
// still exists.
func (c *Core) OpenEntry(ctx context.Context, e audit.Entry) (audit.Entry, error) {
	out := e
	out.Fields = slices.Clone(e.Fields)
	for i, f := range out.Fields {
		if f.Class != audit.ClassPersonal || len(f.Sealed) == 0 {
			continue
		}
		plain, err := c.OpenFor(ctx, f.KeyID, f.Name, f.Sealed)
		if err != nil {
			return e, err
		}
		if plain == nil {
			continue
		}
		out.Fields[i] = f.Opened(string(plain))
	}
	return out, nil
}

// epoch makes a change that claims names rest on the key epoch: while a rotation moves it
// on, nobody claims under the keys before. A store without the record is of the first.
func (u *Unit) epoch() error {
	if !slices.ContainsFunc(u.ops, func(o store.Op) bool { _, claims := o.(store.Claim); return claims }) {
		return nil
	}
	e, found, err := Load(u, rec.Epochs, rec.EpochID)
	if err != nil {
		return err
	}
	own := u.core.Keys.Epoch()
	if found && e.N != own.N || !found && own.N != 1 {
		return ErrKeyEpoch
	}
	return current(u.ops, own)
}

// change makes the store's change of the unit.
func (u *Unit) change() (store.Change, error) {
	if err := errors.Join(u.epoch(), u.spend()); err != nil {
		return store.Change{}, err
	}
	c := store.Change{ID: nextID(), Ops: u.ops}
	if len(c.Ops) == 0 && len(u.said) == 0 {
		return c, nil
	}
	for key, s := range u.loaded {
		if !s.written {
			c.Ops = append(c.Ops, store.Check{Key: key, If: s.version})
		}
	}
	slices.SortStableFunc(c.Ops, func(a, b store.Op) int { return cmp.Compare(a.Target(), b.Target()) })
	for i := range u.said {
		e := &u.said[i]
		if i == len(u.said)-1 {
			e.State = u.secure // one entry of a change carries what the change leaves
		}
		body, hash, err := audit.Stored(*e)
		if err != nil {
			return c, err
		}
		c.Entries = append(c.Entries, store.Leaf{ID: e.ID, At: e.At, Action: string(e.Action), Targets: e.Targets, Body: body, Hash: hash})
	}
	if len(u.said) == 0 && len(u.secure) > 0 {
		return c, fmt.Errorf("%w: %s", store.ErrNoEntry, u.secure[0].Row)
	}
	return c, nil
}
