// Package flow carries every operation from a wish to a commit.
//
// It is for keyholder's own services and the one place where their rules about writing
// live: what a decision loaded is checked when it commits, every change has its entry,
// every entry its state, rights are asked before anything is touched, refusals are
// logged without flooding the log, and a stale decision is made again.
package flow

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mrand "math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/mint"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Errors of every service.
var (
	// ErrContended: others changed the same things again and again.
	ErrContended = fault.New(fault.Busy, "flow: others are changing the same thing").
			Hinted("Try again in a moment.")
	// ErrRevision: the caller's revision is not the current one.
	ErrRevision = fault.New(fault.Conflict, "flow: changed since you looked").
			Hinted("Load it again, look at the change, and repeat yours if it is still wanted.")
	// ErrKeyEpoch: this node's keyring is of another epoch than the store. It must not claim
	// names: what it claims could not be compared with what others have claimed.
	ErrKeyEpoch = fault.New(fault.Precondition, "flow: the keyring is of another epoch than the store").
			Hinted("Give this node the key file that the other nodes use.")
	// ErrAuditWrite: the change was not made because it could not be recorded.
	ErrAuditWrite = fault.New(fault.Unavailable, "flow: nothing was changed because the log could not be written").
			Hinted("Check the database. The action can be repeated.")
)

// tries is how often a decision is made again when it turns out stale.
const tries = 8

// Core is what every service stands on.
type Core struct {
	Store     store.Store
	Keys      credentials.Sealer
	Opener    credentials.Opener // nil on nodes that do not deliver
	Authority accounts.Authority
	// GlobalDeny: a right that one role denies is denied, whatever others allow.
	GlobalDeny bool
	// Rest is how long a code that no device has any more is kept from everybody else.
	Rest time.Duration
	Log  *slog.Logger
	// Now is the time for decisions; nil: the clock.
	Now func() time.Time
	// Stamp is the time of an entry about a decision of then; nil: the same.
	Stamp func(time.Time) time.Time
}

// Check reports what is missing, at start.
func (c *Core) Check() error {
	var errs []error
	if c.Store == nil {
		errs = append(errs, fault.New(fault.Invalid, "flow: a store is required"))
	} else if c.Store.Contract() != store.Contract {
		errs = append(errs, store.ErrContract)
	}
	if c.Keys == nil {
		errs = append(errs, fault.New(fault.Invalid, "flow: a keyring is required"))
	}
	if c.Authority == nil {
		errs = append(errs, fault.New(fault.Invalid, "flow: an authority is required"))
	}
	return errors.Join(errs...)
}

// Time returns the time for a decision.
func (c *Core) Time() time.Time {
	if c.Now != nil {
		return c.Now().UTC()
	}
	return time.Now().UTC()
}

// stamp is the time of an entry about a decision of then.
func (c *Core) stamp(now time.Time) time.Time {
	if c.Stamp != nil {
		return c.Stamp(now)
	}
	return now
}

// Logger returns the logger, never nil.
func (c *Core) Logger() *slog.Logger {
	if c.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Log
}

// On returns a copy of the core over another store: a host's own transaction.
func (c *Core) On(st store.Store) *Core {
	d := *c
	d.Store = st
	return &d
}

// NewID returns a random id.
func NewID() string { return uuid.NewString() }

// nextID returns a random id that begins with the time: what is written one after the
// other lies side by side in a store. It is for entries and changes, which say when they
// were anyway.
func nextID() string { return uuid.Must(uuid.NewV7()).String() }

// Act runs a decision for an actor until it commits: decide is called with a new Unit
// each time, and must have no effects outside it. A decision that adds no operation and
// no entry commits nothing.
func (c *Core) Act(ctx context.Context, actor accounts.Actor, decide func(u *Unit) error) (store.Result, error) {
	for try := range tries {
		epoch := c.Keys.Epoch().N
		u := &Unit{core: c, ctx: ctx, actor: actor, now: c.Time(), loaded: map[store.Key]seen{}}
		if err := decide(u); err != nil {
			return store.Result{}, err
		}
		change, err := u.change()
		if errors.Is(err, ErrKeyEpoch) && c.Keys.Epoch().N != epoch {
			continue // the keyring has moved on meanwhile: decide again under its new epoch
		}
		if err != nil {
			return store.Result{}, err
		}
		if len(change.Ops) == 0 && len(change.Entries) == 0 {
			return store.Result{}, nil
		}
		res, err := c.commit(ctx, change)
		if err == nil && u.spends {
			actor.Spent(mint.Token{})
		}
		if !errors.Is(err, store.ErrStale) {
			return res, err
		}
		if err := pause(ctx, try); err != nil {
			return store.Result{}, err
		}
	}
	return store.Result{}, ErrContended
}

// commit sends a change, again if its outcome is unknown: a change commits once.
func (c *Core) commit(ctx context.Context, change store.Change) (store.Result, error) {
	var res store.Result
	var err error
	for try := range 3 {
		res, err = c.Store.Commit(ctx, change)
		if err == nil || fault.Of(err) != fault.Unknown || ctx.Err() != nil {
			break
		}
		if perr := pause(ctx, try); perr != nil {
			break
		}
	}
	if err != nil && fault.Of(err) == fault.Unknown {
		return res, fmt.Errorf("%w: %w", ErrAuditWrite, err)
	}
	return res, err
}

// pause waits a little longer each time, with jitter.
func pause(ctx context.Context, try int) error {
	t := time.NewTimer(time.Duration(1+mrand.IntN(1<<min(try, 6))) * time.Millisecond)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// salt returns a random salt for one field.
func salt() audit.Salt { return audit.NewSalt() }

func random(b []byte) {
	_, _ = rand.Read(b) // never fails and never reads short
}
