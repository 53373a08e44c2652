package flow

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Tenant is the scope in which what persons have is claimed.
func Tenant() credentials.Scope { return credentials.Scope{Kind: credentials.TenantScope} }

// SweepEvery is how often all devices are compared with what they should have.
const SweepEvery = 15 * time.Minute

// Held is one thing that a person is let in with, inside a decision.
type Held struct {
	rec.Credential
	id     string
	before map[string]bool // what it claimed
	was    rec.Credential
}

// Given reports whether the person has it.
func (c *Held) Given() bool { return !c.Sealed.IsZero() }

// Leave takes the value away; its names stay claimed until no device has it.
func (c *Held) Leave() {
	c.Leaving = append(slices.Clone(c.Leaving), c.Names...)
	c.Names, c.Reserves, c.Sealed, c.Len = nil, nil, credentials.Sealed{}, 0
}

// Holding is a decision about what a person is let in with: a PIN, a duress PIN and tags,
// and the names that these claim over all persons.
type Holding struct {
	*Unit
	Account string
	Codes   credentials.Policy // what a code must be
	// Blind: whoever asks may not know why a code is refused. The refusal is kept back as
	// Refused, and the decision goes on: it must not commit.
	Blind, Refused bool

	Owner       rec.Projection
	PIN, Duress Held
	Tags        []Held
}

// HoldingOf reads what a person has. Whether there is such a person is for the caller.
func HoldingOf(u *Unit, account string) (*Holding, error) {
	h := &Holding{Unit: u, Account: account}
	var err error
	if h.Owner, _, err = Load(u, rec.Projections, account); err != nil {
		return nil, err
	}
	if h.PIN, err = h.Held(rec.PIN, 0); err != nil {
		return nil, err
	}
	if h.Duress, err = h.Held(rec.DuressPIN, 0); err != nil {
		return nil, err
	}
	for _, n := range h.Owner.Tags {
		t, err := h.Held(rec.TagNumber, n)
		if err != nil {
			return nil, err
		}
		h.Tags = append(h.Tags, t)
	}
	return h, nil
}

// Held reads one credential of the person, a new one if there is none.
func (h *Holding) Held(kind rec.CredentialKind, n uint64) (Held, error) {
	c := Held{id: rec.CredentialID(h.Account, kind, n)}
	var found bool
	var err error
	c.Credential, found, err = Load(h.Unit, rec.Credentials, c.id)
	if !found {
		c.Credential = rec.Credential{Account: h.Account, Kind: kind, Created: h.now}
	}
	c.before, c.was = c.Claims(), c.Credential
	return c, err
}

// SetCode gives a new value to the PIN or the duress PIN. Errors: those of
// [credentials.Policy.Check], [credentials.ErrOtherLength] for another number of digits
// than the one before had, [credentials.ErrNear], [credentials.ErrCodeTaken] for the number
// of a tag of the person's own. What others have is found out by the commit.
func (h *Holding) SetCode(kind rec.CredentialKind, c credentials.Code) error {
	own, other := &h.PIN, &h.Duress
	if kind == rec.DuressPIN {
		own, other = other, own
		if c.Len() != other.Len {
			return credentials.ErrCodeLength
		}
	}
	keys := h.core.Keys
	if own.Given() && c.Len() != own.Len { // else it would tell whether there is another
		return credentials.ErrOtherLength
	}
	if err := h.Unavailable(h.Codes.Check(c, kind == rec.DuressPIN)); err != nil {
		return err
	}
	claim, err := h.Codes.Claim(keys, Tenant(), c, kind == rec.DuressPIN)
	if err != nil {
		return err
	}
	left := slices.Sorted(slices.Values(other.Leaving)) // may still be on a device
	if claim.Meets(credentials.Claim{Hold: other.Names, Reserve: other.Reserves}) || claim.Meets(credentials.Claim{Hold: left}) {
		if err := h.Unavailable(credentials.ErrNear); err != nil {
			return err
		}
	}
	if h.HasTag(claim) {
		if err := h.Unavailable(credentials.ErrCodeTaken); err != nil {
			return err
		}
	}
	own.Leave()
	h.Owner.Codes++
	h.Owner.Moving = true
	own.Names, own.Reserves, own.Len, own.Generation = claim.Hold, claim.Reserve, c.Len(), h.Owner.Codes
	if own.Sealed, err = credentials.SealCode(keys, rec.CredentialBinding(h.Account, kind, own.Generation), c); err != nil {
		return err
	}
	if kind == rec.PIN && own.Counted() {
		return h.Unused(own)
	}
	return nil
}

// Unused begins a credential's life anew: what ends it by use counts from now.
func (h *Holding) Unused(c *Held) error {
	used, found, err := Load(h.Unit, rec.Usages, c.id)
	if c.Created = h.now; err != nil || !found || used == (rec.Usage{}) {
		return err
	}
	return Put(h.Unit, rec.Usages, c.id, &rec.Usage{})
}

// HasTag reports whether one of the person's own tags has a number that is claimed.
func (h *Holding) HasTag(claim credentials.Claim) bool {
	return slices.ContainsFunc(h.Tags, func(t Held) bool { return claim.Meets(credentials.Claim{Hold: t.Names}) })
}

// Unavailable keeps a refusal back that whoever asks may not know the reason of.
func (h *Holding) Unavailable(err error) error {
	if !h.Blind || !errors.Is(credentials.Undisclosed(err), credentials.ErrNotAvailable) {
		return err
	}
	h.Refused = true
	return nil
}

// Write stores what the person has, makes devices follow, and says what changed, in words
// that do not tell a duress PIN.
func (h *Holding) Write(fields, reason string) error {
	if h.Owner.Since.IsZero() {
		h.Owner.Since = h.now
	}
	h.Project(h.Account)
	h.Do(store.Mark{Line: SweepLine, Due: h.now.Add(SweepEvery)})
	return h.Store(fields, reason)
}

// Leave takes everything away.
func (h *Holding) Leave() {
	for _, c := range h.all() {
		c.Leave()
	}
}

// Leaving is how many names of values before are claimed.
func (h *Holding) Leaving() (n int) {
	for _, c := range h.all() {
		n += len(c.Leaving)
	}
	return n
}

func (h *Holding) all() []*Held {
	list := []*Held{&h.PIN, &h.Duress}
	for i := range h.Tags {
		list = append(list, &h.Tags[i])
	}
	return list
}

// Free lets go of names of values before, which no device has any more: of at most so many,
// because a change holds a bounded number of operations. It reports whether that was all.
func (h *Holding) Free(most int) (all bool) {
	for _, c := range h.all() {
		n := min(len(c.Leaving), most)
		c.Leaving, most = slices.Clone(c.Leaving[n:]), most-n
		if len(c.Leaving) > 0 {
			return false
		}
		c.Leaving = nil
	}
	return true
}

// Store is Write where devices have nothing to follow. The PIN and the duress PIN are
// always written together: what the log commits to does not tell which of them changed. A
// tag that was removed is forgotten when its names are free.
func (h *Holding) Store(fields, reason string) error {
	touched, resting := map[string]bool{}, []string(nil)
	for _, c := range h.all() {
		resting = append(resting, h.claim(c, touched)...)
		switch {
		case c.Kind == rec.TagNumber && reflect.DeepEqual(c.Credential, c.was):
			continue
		case c.Kind == rec.TagNumber && !c.Given() && len(c.Leaving) == 0:
			h.Owner.Tags = slices.DeleteFunc(slices.Clone(h.Owner.Tags), func(n uint64) bool { return n == c.Generation })
			Drop(h.Unit, rec.Credentials, c.id)
			continue
		}
		c.Changed = h.now
		if err := Put(h.Unit, rec.Credentials, c.id, &c.Credential); err != nil {
			return err
		}
	}
	h.rest(resting, touched)
	if err := Put(h.Unit, rec.Projections, h.Account, &h.Owner); err != nil {
		return err
	}
	_, err := h.Say(audit.CredentialChanged, audit.Success, []string{h.Account},
		F(audit.FieldAccount, h.Account), F(audit.FieldFields, fields), F(audit.FieldReason, reason))
	return err
}

// claim claims what is new and releases what is gone. A name that two credentials of one
// person share is touched once. It returns the names that rest now.
func (h *Holding) claim(c *Held, touched map[string]bool) (resting []string) {
	after := c.Claims()
	for _, n := range slices.Sorted(maps.Keys(after)) {
		was, had := c.before[n]
		if had && was == after[n] || touched[n] {
			continue
		}
		touched[n] = true
		h.Do(store.Claim{Name: store.Name(n), Holder: h.Account, Use: c.id, Reserve: !after[n]})
	}
	for _, n := range slices.Sorted(maps.Keys(c.before)) {
		if _, stays := after[n]; stays || touched[n] {
			continue
		}
		touched[n] = true
		r := store.Release{Name: store.Name(n), Holder: h.Account, Use: c.id, Reserve: !c.before[n]}
		if !r.Reserve {
			r.RestUntil = h.RestUntil()
		}
		if h.Do(r); !r.RestUntil.IsZero() {
			resting = append(resting, n)
		}
	}
	return resting
}

// mostEnded is how many rests one change ends; what is more stays for the next.
const mostEnded = 16

// rest notes what rests now, and ends the rest of all but the last few codes of the person:
// nobody uses the codes up that there are for everybody. What is touched rests anew, or no
// more.
func (h *Holding) rest(names []string, touched map[string]bool) {
	var all []rec.Resting
	for _, r := range h.Owner.Resting {
		r.Names = slices.DeleteFunc(slices.Clone(r.Names), func(n string) bool { return touched[n] })
		all = append(all, r)
	}
	if len(names) > 0 {
		all = append(all, rec.Resting{At: h.now, Names: names})
	}
	given := make([]credentials.Released, len(all))
	for i, r := range all {
		given[i] = credentials.Released{Name: strconv.Itoa(i), At: r.At}
	}
	over, room := credentials.Rest{For: h.core.Rest}.Over(given, h.now), mostEnded
	h.Owner.Resting = nil
	for i, r := range all {
		if room -= len(r.Names); !slices.Contains(over, strconv.Itoa(i)) || room < 0 {
			h.Owner.Resting = append(h.Owner.Resting, r)
			continue
		}
		for _, n := range r.Names {
			h.Do(store.Release{Name: store.Name(n), Holder: h.Account, Use: h.PIN.id, EndRest: true})
		}
	}
}

// maxDrawn is how many drawn codes may be refused: then hardly any is left.
const maxDrawn = 50

// Draw draws codes of n digits until try takes one. Errors: those of
// [credentials.Generate], [credentials.ErrExhausted], and what try answers beside that a
// code cannot be had.
func Draw(n int, p credentials.Policy, try func(credentials.Code) error) (credentials.Code, error) {
	for range maxDrawn {
		c, err := credentials.Generate(nil, n, p, nil)
		if err != nil {
			return credentials.Code{}, err
		}
		switch err := try(c); {
		case err == nil:
			return c, nil
		case !errors.Is(credentials.Undisclosed(err), credentials.ErrNotAvailable):
			return credentials.Code{}, err
		}
	}
	return credentials.Code{}, credentials.ErrExhausted
}
