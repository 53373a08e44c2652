package roster

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/maphash"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// trustFor is how long a finding counts at most: four times a day everybody is looked at,
// whatever was found before.
const trustFor = 6 * time.Hour

// finding is that a person's devices had nothing to follow, when that was, and what it
// rests on. As long as the store holds the very same bytes and the time lies between, the
// next pass would find the same. It is this node's own, and gone with it.
type finding struct {
	basis   uint64   // digest of what it rests on
	panels  []string // of that, the panels to which rules lead
	at      time.Time
	next    time.Time // when the plan changes by itself, zero: never
	settled bool      // every device was as it should be
}

// holds reports whether a finding still says how things are.
func (f finding) holds(basis uint64, now time.Time) bool {
	return f.basis == basis && !now.Before(f.at) && now.Sub(f.at) < trustFor && (f.next.IsZero() || now.Before(f.next))
}

// guarded reports whether a line that is due then leaves nothing of a finding to be done.
func (f finding) guarded(due time.Time) bool {
	return f.settled && (f.next.IsZero() || !due.IsZero() && !due.After(f.next))
}

// found is what was last found of a person, nothing if that rests on something else.
func (d *Desk) found(ctx context.Context, rel *relation, account string, own uint64) (finding, bool, error) {
	d.local.mu.Lock()
	f, known := d.local.findings[account]
	d.local.mu.Unlock()
	if !known {
		return f, false, nil
	}
	basis, err := d.basis(ctx, rel, own, f.panels)
	return f, err == nil && f.holds(basis, d.local.now()), err
}

// panelsOf lists the panels to which rules lead, each once.
func panelsOf(reach map[entrance]reach) []string {
	var ids []string
	for at := range reach {
		ids = append(ids, at.panel)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// find notes what was found of a person.
func (l *local) find(account string, f finding) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.findings[account] = f
}

// digest is a digest of what is stored. Its seed is this process's: nobody can make two
// records with the same.
type digest struct{ maphash.Hash }

func (l *local) digest() *digest {
	h := &digest{}
	h.SetSeed(l.seed)
	return h
}

func (h *digest) number(n uint64) { _, _ = h.Write(binary.BigEndian.AppendUint64(nil, n)) }

func (h *digest) text(s string) {
	h.number(uint64(len(s)))
	_, _ = h.WriteString(s)
}

func (h *digest) records(rs []store.Record) {
	h.number(uint64(len(rs)))
	for _, r := range rs {
		h.text(r.Key.ID)
		h.number(r.Version)
		h.number(uint64(len(r.Body)))
		_, _ = h.Write(r.Body)
	}
}

// own is a digest of what is stored of a person beside the users on devices: the account,
// what they have, and how it was used.
func (d *Desk) own(ctx context.Context, account string, users []store.Record) (uint64, error) {
	h := d.local.digest()
	h.records(users)
	rs, err := d.core.Store.Load(ctx, rec.Projections.Key(account), rec.Accounts.Key(account), rec.Usages.Key(rec.CredentialID(account, rec.PIN, 0)))
	if err != nil {
		return 0, err
	}
	h.records(rs)
	if rs, err = d.listed(ctx, rec.Credentials.Name, rec.ByAccount, account); err != nil {
		return 0, err
	}
	h.records(rs)
	if _, ours := d.people.(*flow.Accounts); ours {
		return h.Sum64(), nil
	}
	p, err := d.people.Person(ctx, accounts.ID(account))
	if errors.Is(err, accounts.ErrAccountNotFound) {
		return h.Sum64(), nil
	}
	h.text(string(p.Status))
	h.text(p.Name)
	return h.Sum64(), err
}

// basis is a digest of all that a finding rests on.
func (d *Desk) basis(ctx context.Context, rel *relation, own uint64, panels []string) (uint64, error) {
	h := d.local.digest()
	h.number(own)
	h.number(rel.digest)
	for _, id := range panels {
		one, err := rel.device(ctx, d, id)
		if err != nil {
			return 0, err
		}
		h.text(id)
		h.number(one.digest)
	}
	return h.Sum64(), nil
}

// device is what of a panel decides what it should have.
type device struct {
	rec.Panel
	found  bool
	listen bool   // somebody listens to it
	digest uint64 // of all this
}

// device reads a panel.
func (d *Desk) device(ctx context.Context, id string) (device, error) {
	rs, err := d.core.Store.Load(ctx, rec.Panels.Key(id), rec.Watchings.Key(watchID(id)))
	if err != nil {
		return device{}, err
	}
	one := device{found: rs[0].Version != 0}
	if one.Panel, _, err = rec.Panels.Decode(rs[0]); err != nil {
		return one, err
	}
	w, _, err := rec.Watchings.Decode(rs[1])
	one.listen = w.Alive && one.Model.TellsWhoOpened()
	h := d.local.digest()
	h.records(rs[:1])
	if one.listen {
		h.number(1)
	}
	one.digest = h.Sum64()
	return one, err
}

// device is a panel as it was when somebody first asked for it.
func (r *relation) device(ctx context.Context, d *Desk, id string) (device, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if one, known := r.devices[id]; known {
		return one, nil
	}
	one, err := d.device(ctx, id)
	if err == nil {
		r.devices[id] = one
	}
	return one, err
}

// listed are the records of a kind that a term gives to an account.
func (d *Desk) listed(ctx context.Context, kind store.Kind, term, account string) ([]store.Record, error) {
	q := store.Query{Kind: kind, Term: term, From: []byte(account), To: append([]byte(account), 0)}
	for all := []store.Record(nil); ; {
		rs, err := d.core.Store.List(ctx, q)
		if all = append(all, rs...); err != nil || len(rs) < store.MaxPage {
			return all, err
		}
		q.After = &store.Position{Value: []byte(account), ID: rs[len(rs)-1].Key.ID}
	}
}
