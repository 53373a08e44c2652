package door

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"slices"
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
	// Directory is the host's people, as in package roster; nil: the accounts that package
	// people manages. Somebody whom it suspended or does not know is disabled, at once where
	// the server decides. A directory tells no changes: it is asked about everybody with a
	// credential when edges ask what changed, at most once a minute. So an [Edge] learns of
	// a change a minute later than of others.
	Directory accounts.Directory
	// Authority says what an operator may do; nil: the roles of the accounts.
	Authority accounts.Authority
	// Policy is what wrong codes lead to; zero: the recommended one.
	Policy Policy
	// Alarm is called for every duress alarm, at least once, until it returns nil or two
	// minutes are over, which counts as failed and is tried again. It must tell nothing to
	// the person concerned. nil: alarms are raised and wait in the restricted log.
	Alarm func(context.Context, Alarm) error
	// CardFormats are the layouts of the cards in use, as package roster is told them: the
	// numbers that are printed on a tag that is enrolled here are nobody else's code.
	CardFormats []credentials.CardFormat
	// Alert is told about things that a person should look at, after their commit; nil: only
	// the log of what was done. Calls come one after the other and beside decisions, which
	// wait for none.
	Alert func(Alert)
	// GlobalDeny: a right that one role denies is denied, whatever others allow.
	GlobalDeny bool
	// Log gets diagnostics; nil: none.
	Log *slog.Logger
	// Clock is the time and how far it can be relied on; nil: the system's clock, taken as
	// synchronised. A time before the program was built, or before the last entry of the
	// log, is in doubt whatever it says.
	Clock func() credentials.Now
	// LogAhead confirms that a clock was ahead until then by its own count, and was set right:
	// entries up to then put no clock in doubt. It is the time of the log's newest entry, and
	// means nothing any more once that time has come; zero: every entry counts.
	LogAhead time.Time
	// Node names this process among those that share the store; "": a random name.
	Node string
}

// Service decides at doors. It is safe for concurrent use.
type Service struct {
	core  *flow.Core
	vault *flow.Core // over the restricted store
	o     Options
	p     Policy
	bell  bell

	mu     sync.Mutex
	access map[string]*relation // by site

	census census
}

// New makes a service. It does no I/O. The error joins everything that is missing.
func New(o Options) (*Service, error) {
	if o.Clock == nil {
		o.Clock = func() credentials.Now { return credentials.Now{T: time.Now(), Quality: credentials.ClockTrusted} }
	}
	if o.Node == "" {
		o.Node = flow.NewID()
	}
	o.CardFormats = slices.Clone(o.CardFormats)
	s := &Service{o: o, p: o.Policy.filled(), bell: bell{ring: o.Alert}, access: map[string]*relation{}}
	s.core = &flow.Core{Store: o.Store, Keys: o.Keys, Authority: o.Authority, GlobalDeny: o.GlobalDeny, Log: o.Log,
		Now: func() time.Time { return o.Clock().T }}
	s.core.Opener, _ = o.Keys.(credentials.Opener)
	if s.core.Authority == nil {
		s.core.Authority = s.core.Roles()
	}
	err := errors.Join(s.core.Check(), flow.CheckFormats(o.CardFormats))
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

// now is the time of a decision and how far it can be relied on.
func (s *Service) now(ctx context.Context, t time.Time) (credentials.Now, error) {
	now, _, err := s.judged(ctx, t)
	return now, err
}

// judged is also why a time cannot be relied on, "" if it can.
func (s *Service) judged(ctx context.Context, t time.Time) (credentials.Now, string, error) {
	now := credentials.Now{T: t, Quality: s.o.Clock().Quality}
	why, err := s.core.Doubt(ctx, now, s.p.Skew, s.o.LogAhead)
	if why != "" {
		now.Quality = min(now.Quality, credentials.ClockDoubtful)
	}
	return now, why, err
}
