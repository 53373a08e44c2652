// Package keys moves a store from one root key to the next while everybody goes on
// working.
//
// It is for the host that owns the key file: a rotation asks no right of an account,
// because whoever has the keys needs none. Each step of it is an entry. Keys are changed
// because they are old or because they sealed much; where one may be known to others,
// every holder needs a new code as well, because rotation keeps all codes: see
// [Service.Affected].
//
// A rotation announces the new key, waits until every node that writes has it, claims
// every name under both keys, gives what is older a name and a seal under the new key,
// verifies that, stops claiming under the old one, takes what is left of it away, and only
// then lets it go. What was done is in the store after each step, so whoever is killed
// begins again where it was. A name of which nobody can open the secret, such as that of a
// settled panel code, holds the rotation up until the panel shows it again or it ends:
// all the while both keys are claimed under, and uniqueness holds.
package keys

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/engine"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Errors of rotations, beside [credentials.ErrRotation] and [credentials.ErrKeyMissing].
var (
	// ErrRotating: a rotation goes on.
	ErrRotating = fault.New(fault.Conflict, "keys: a rotation goes on").
			Hinted("Wait until the rotation has dropped the old key.")
	// ErrNoRotation: no rotation goes on, or it is too far to be cancelled.
	ErrNoRotation = fault.New(fault.Precondition, "keys: no rotation can be cancelled").
			Hinted("Once values are sealed under the new key the rotation can only be finished.")
	// ErrMarks: panels show opaque marks for codes, which can be compared under one key only.
	ErrMarks = fault.New(fault.Precondition, "keys: codes are known by a mark of one key").
			Hinted("Set the codes of these panel users here, so that they are claimed by their digits.")
)

const (
	line  = "rotate/keys"
	lives = 30 * time.Second // how long a node counts as a writer after it was heard of
	every = 5 * time.Second

	seldom = 10 * time.Minute // between looks at names that only time takes away
)

// Options are what a service stands on.
type Options struct {
	Store store.Store            // required
	Keys  *credentials.Following // required: the keyring that the other services of this node use
	// Codes is the policy under which persons' codes are claimed, as the roster has it.
	Codes credentials.Policy
	Node  string           // names this process; "": random
	Log   *slog.Logger     // nil: none
	Now   func() time.Time // nil: the clock
}

// Service rotates the keys of one store, and follows rotations. Every node that writes
// runs [Service.Follow].
type Service struct {
	core  *flow.Core
	keys  *credentials.Following
	codes credentials.Policy
	node  string
}

// New makes a service. It does no I/O.
func New(o Options) (*Service, error) {
	s := &Service{keys: o.Keys, codes: o.Codes, node: o.Node}
	if s.node == "" {
		s.node = flow.NewID()
	}
	s.core = &flow.Core{Store: o.Store, Authority: accounts.StaticAuthority{}, Log: o.Log, Now: o.Now}
	if o.Keys != nil {
		s.core.Keys, s.core.Opener = o.Keys, o.Keys
	}
	return s, s.core.Check()
}

// Loops are what has to run: following on every node, and the work on nodes that may.
func (s *Service) Loops() []engine.Loop {
	return []engine.Loop{
		{Name: "keys/follow", Every: every, Pass: s.Follow},
		{Name: "keys/rotate", Every: every, Wake: s.core.Store.Wake, Pass: s.Work},
	}
}

// Work takes the rotation as far as it goes now, on one node at a time. That it has to
// wait is no error; [Service.Progress] says for what.
func (s *Service) Work(ctx context.Context) error {
	due, err := s.core.Store.Due(ctx, line, 1)
	if err != nil || len(due) == 0 {
		return err
	}
	own, err := s.core.Store.Own(ctx, s.node, line)
	if errors.Is(err, store.ErrOwned) {
		return nil
	}
	if err != nil {
		return err
	}
	over, err := s.advance(ctx)
	r, _, rerr := s.rotation(ctx)
	fate := store.Fate{Again: s.core.Time().Add(every)}
	switch {
	case over:
		fate = store.Fate{Done: own.Gen}
	case r.Phase == credentials.Verifying: // counting is work, and what it waits for is slow
		fate.Again = s.core.Time().Add(seldom)
	}
	_, ferr := s.core.Act(ctx, system(), func(u *flow.Unit) error {
		u.Do(store.Fence{Line: line, Owner: own.Owner, Token: own.Token, Fate: fate})
		return nil
	})
	if errors.Is(ferr, store.ErrFenced) {
		ferr = nil
	}
	return errors.Join(err, rerr, ferr)
}

// advance takes steps until one has to wait, and reports whether the rotation is over.
func (s *Service) advance(ctx context.Context) (over bool, err error) {
	for {
		over, err := s.Step(ctx)
		switch {
		case errors.Is(err, credentials.ErrRotation):
			return false, nil
		case err != nil || over:
			return over, err
		}
	}
}

func system() accounts.Actor { return accounts.SystemActor("keys") }
