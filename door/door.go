package door

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"runtime/debug"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/engine"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Options are what a service can be told. Store, Restricted and Keys are required.
type Options struct {
	// Store keeps everything: the one of packages people and roster. Required.
	Store store.Store
	// Restricted keeps duress alarms and their log, which has a tree of its own: another
	// tenant of the same fleet, or another database. Give a journal over it to nobody who
	// may not see duress alarms. Required.
	Restricted store.Store
	// Keys makes fingerprints and seals. If it is a [credentials.Opener] too, this node
	// carries alarms and feeds edges. Required.
	Keys credentials.Sealer
	// Authority says what an operator may do; nil: the roles of the accounts.
	Authority accounts.Authority
	// Policy is what wrong codes lead to; zero: the recommended one.
	Policy Policy
	// Alarm is called for every duress alarm, at least once, until it returns nil or two
	// minutes are over, which counts as failed and is tried again. It must tell nothing to
	// the person concerned. nil: alarms are raised and wait in the restricted log.
	Alarm func(context.Context, Alarm) error
	// GlobalDeny: a right that one role denies is denied, whatever others allow.
	GlobalDeny bool
	// Log gets diagnostics; nil: none.
	Log *slog.Logger
	// Clock is the time and how far it can be relied on; nil: the system's clock, taken as
	// synchronised. A time before the program was built, or before the last entry of the
	// log, is in doubt whatever it says.
	Clock func() credentials.Now
	// Node names this process among those that share the store; "": a random name.
	Node string
}

// Service decides at doors. It is safe for concurrent use.
type Service struct {
	core  *flow.Core
	vault *flow.Core // over the restricted store
	o     Options
	p     Policy
	built time.Time

	mu     sync.Mutex
	access map[string]*relation // by site
}

// New makes a service. It does no I/O. The error joins everything that is missing.
func New(o Options) (*Service, error) {
	if o.Clock == nil {
		o.Clock = func() credentials.Now { return credentials.Now{T: time.Now(), Quality: credentials.ClockTrusted} }
	}
	if o.Node == "" {
		o.Node = flow.NewID()
	}
	s := &Service{o: o, p: o.Policy.filled(), built: built(), access: map[string]*relation{}}
	s.core = &flow.Core{Store: o.Store, Keys: o.Keys, Authority: o.Authority, GlobalDeny: o.GlobalDeny, Log: o.Log,
		Now: func() time.Time { return o.Clock().T }}
	s.core.Opener, _ = o.Keys.(credentials.Opener)
	if s.core.Authority == nil {
		s.core.Authority = s.core.Roles()
	}
	err := s.core.Check()
	switch {
	case o.Restricted == nil:
		err = errors.Join(err, fault.New(fault.Invalid, "door: a restricted store is required"))
	case same(o.Restricted, o.Store):
		err = errors.Join(err, fault.New(fault.Invalid, "door: the restricted store is the store itself"))
	case o.Restricted.Contract() != store.Contract:
		err = errors.Join(err, store.ErrContract)
	}
	if err != nil {
		return nil, err
	}
	s.vault = s.core.On(o.Restricted)
	return s, nil
}

// same reports whether two stores are one, as far as they can be compared.
func same(a, b store.Store) bool {
	return reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}

// Loops are what has to run on nodes that carry alarms; none on a node whose keyring
// cannot open.
func (s *Service) Loops() []engine.Loop {
	if s.core.Opener == nil {
		return nil
	}
	return []engine.Loop{{Name: "door/alarms", Every: time.Second, Pass: s.Work}}
}

// Work carries and delivers the alarms that are due, and returns: one pass of the loops,
// for hosts without a runner.
func (s *Service) Work(ctx context.Context) error {
	if s.core.Opener == nil {
		return flow.ErrNoOpener
	}
	return errors.Join(s.carry(ctx), s.deliver(ctx))
}

// built is when the program's source was committed, as far as it knows.
func built() time.Time {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return time.Time{}
	}
	for _, v := range info.Settings {
		if v.Key == "vcs.time" {
			t, _ := time.Parse(time.RFC3339, v.Value) // zero if it is none: then nothing is before it
			return t
		}
	}
	return time.Time{}
}

// now is the time of a decision and how far it can be relied on.
func (s *Service) now(ctx context.Context, t time.Time) (credentials.Now, error) {
	now := credentials.Now{T: t, Quality: s.o.Clock().Quality}
	if now.Quality != credentials.ClockTrusted {
		return now, nil
	}
	last, err := s.core.Store.Entries(ctx, store.EntryQuery{OldestLast: true, Limit: 1})
	if err != nil {
		return now, err
	}
	if t.Before(s.built) || len(last) > 0 && last[0].At.After(t.Add(s.p.Skew)) {
		now.Quality = credentials.ClockDoubtful
	}
	return now, nil
}
