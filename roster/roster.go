package roster

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Errors of the desk itself.
var (
	// ErrNoDriver: the panel's driver was not given to the desk.
	ErrNoDriver = fault.New(fault.Precondition, "roster: no driver of that name").
			Hinted("Give the driver to roster.New under the name with which the panel was registered.")
	// ErrNoOpener: this node cannot open sealed codes, so it does not deliver.
	ErrNoOpener = fault.New(fault.Precondition, "roster: this node's keyring cannot open sealed codes")
)

// Options are what a desk can be told. The zero value of each field is documented; only
// Store and Keys are required.
type Options struct {
	// Store keeps everything. Required.
	Store store.Store
	// Keys makes fingerprints and seals; if it is a [credentials.Opener] too, this node can
	// deliver codes to panels. Required.
	Keys credentials.Sealer
	// Drivers by the name under which panels are registered.
	Drivers map[string]panel.Driver
	// Directory is the host's people; nil: the accounts that package people manages.
	Directory accounts.Directory
	// Authority says what an actor may do; nil: the roles that package people manages.
	Authority accounts.Authority
	// Policy settles what the products leave open; zero: accounts.PowerManage().
	Policy accounts.Policy
	// Codes is what a code must be on top of the panel's own rules; zero: no further rule
	// but weak codes.
	Codes credentials.Policy
	// CardFormats are the layouts of the cards in use, at most [MaxCardFormats]. The numbers
	// that are printed on a person's card are then nobody else's PIN: somebody who reads the
	// card could type them. A tag keeps those that it was given under, so a change here holds
	// for tags that are given from then on. Nil: only the number of all its bits is kept.
	CardFormats []credentials.CardFormat
	// Collisions limits how often somebody without the right to know more may be told
	// that a code is not available; zero: 5 an hour, 20 a day for an actor, 200 a day in all.
	Collisions Budget
	// GivingFor is how long a wish that gives access waits for its panel; zero: 7 days.
	GivingFor time.Duration
	// HandsFor is how long a wish waits that somebody has to carry out at a keypad; zero: a
	// day. What takes access away stands.
	HandsFor time.Duration
	// Rest is how long a code or tag that somebody gave up is kept from everybody else,
	// counted from when the last device has confirmed that it is gone; zero: it is free then.
	// A panel user whom nobody is linked to counts as the place that they have.
	Rest time.Duration
	// AdoptFor is how long an adopted user's unknown code may stay; zero: 30 days.
	AdoptFor time.Duration
	// ReadEvery is how often a reachable panel is read in full; zero: a day.
	ReadEvery time.Duration
	// PollEvery is how often lines are looked for whose time has come, beside the hints that
	// a commit gives; zero: a second.
	PollEvery time.Duration
	// LagBound is how late a device may be with an end before somebody is warned ahead; zero:
	// a minute.
	LagBound time.Duration
	// Watches is how many sessions stay open on this node to hear what panels say unasked;
	// zero: 4,096. Changes at a panel without one show in its next full reading.
	Watches int
	// Mails says that a service of package people with a mailer works over the same store: the
	// word by which a code is collected can be mailed. It needs keyholder's own accounts.
	Mails bool
	// Disclose lets the desk ask panels for the digits of codes (for one slot in doubt).
	Disclose bool
	// Log gets diagnostics; nil: none.
	Log *slog.Logger
	// Now is the time for decisions; nil: the clock.
	Now func() time.Time
	// Quality says how far the clock of this machine can be relied on, as whatever
	// synchronises it knows; nil: it is synchronised. While it is not trusted, see
	// [Desk.Health].
	Quality func() credentials.ClockQuality
	// LogAhead confirms that a clock was ahead until then by its own count, and was set right:
	// entries up to then put no clock in doubt. It is the time of the log's newest entry, as
	// [Desk.Health] says it, and means nothing any more once that time has come; zero: every
	// entry counts. Where the clock was right and is wrong now, it must not be given.
	LogAhead time.Time
	// Node names this process among those that share the store; "": no name. Two processes
	// may have the same: each desk is told apart by something random, so that after a
	// restart the lines of the one before are free when its heartbeat ends.
	Node string
	// Alert is told about things that a person should look at; nil: only the log.
	Alert func(Alert)
}

// Budget limits refusals that would tell somebody which codes work.
type Budget struct {
	Hour, Day, TenantDay int64
}

// Desk is panel users over one store. It is safe for concurrent use.
type Desk struct {
	core   *flow.Core
	o      Options
	opener credentials.Opener
	people accounts.Directory
	local  *local
}

// local is what this node knows of panels by itself: those that have called in to it, and
// those that it has a session with.
type local struct {
	mu    sync.Mutex
	here  map[string]bool // connected
	begun time.Time       // the last heartbeat
	at    time.Time       // the store's time then
	until time.Time       // the heartbeat holds until then
	lines map[string]bool // true: a turn is on; false: a turn could not give the line back

	sessions  map[string]*kept // by panel
	unheard   []*kept          // of these, the ones whose Watch has to begin
	news      chan struct{}    // there are such
	listening bool             // somebody listens to sessions
	falls     map[string]int   // how often in a row a panel's Watch has ended early
	chores    map[string]bool  // lines without a panel: true: a turn is on; false: it could not be given back

	seed     maphash.Seed       // of digests
	findings map[string]finding // by account
}

func newLocal() *local {
	return &local{
		chores: map[string]bool{}, findings: map[string]finding{}, seed: maphash.MakeSeed(),
		here: map[string]bool{}, lines: map[string]bool{},
		sessions: map[string]*kept{}, falls: map[string]int{}, news: make(chan struct{}, 1),
	}
}

// New makes a desk. It does no I/O. The error joins everything that is missing.
func New(o Options) (*Desk, error) {
	if o.Collisions == (Budget{}) {
		o.Collisions = Budget{Hour: 5, Day: 20, TenantDay: 200}
	}
	if o.GivingFor == 0 {
		o.GivingFor = 7 * 24 * time.Hour
	}
	if o.HandsFor == 0 {
		o.HandsFor = 24 * time.Hour
	}
	if o.AdoptFor == 0 {
		o.AdoptFor = 30 * 24 * time.Hour
	}
	if o.ReadEvery == 0 {
		o.ReadEvery = 24 * time.Hour
	}
	if o.PollEvery == 0 {
		o.PollEvery = time.Second
	}
	if o.LagBound == 0 {
		o.LagBound = time.Minute
	}
	if o.Watches == 0 {
		o.Watches = 4096
	}
	if o.Quality == nil {
		o.Quality = func() credentials.ClockQuality { return credentials.ClockTrusted }
	}
	o.Node = strings.TrimPrefix(o.Node+"/"+flow.NewID(), "/")
	if o.Policy == (accounts.Policy{}) {
		o.Policy = accounts.PowerManage()
	}
	core := &flow.Core{Store: o.Store, Keys: o.Keys, Authority: o.Authority, GlobalDeny: o.Policy.GlobalDeny, Rest: o.Rest, Log: o.Log, Now: o.Now}
	if core.Authority == nil && o.Store != nil {
		core.Authority = core.Roles()
	}
	errs := []error{core.Check(), flow.CheckFormats(o.CardFormats)}
	for name, d := range o.Drivers {
		if name == "" || d == nil {
			errs = append(errs, fmt.Errorf("%w: %q", ErrNoDriver, name))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	o.Drivers, o.CardFormats = maps.Clone(o.Drivers), slices.Clone(o.CardFormats)
	d := &Desk{core: core, o: o, people: o.Directory, local: newLocal()}
	d.opener, _ = o.Keys.(credentials.Opener)
	core.Opener, core.Stamp = d.opener, d.local.stamp
	if d.people == nil {
		d.people = core.Accounts()
	}
	return d, nil
}

// On returns the same desk over a store that is bound to the host's own transaction
// (sqlite.DB.Within): what is done through it commits or falls with that transaction. A
// host whose directory reads the same database gives one that is bound likewise; nil
// keeps the desk's.
func (d *Desk) On(st store.Store, people accounts.Directory) *Desk {
	n := &Desk{core: d.core.On(st), o: d.o, opener: d.opener, people: d.people, local: d.local}
	if d.o.Authority == nil {
		n.core.Authority = n.core.Roles()
	}
	switch {
	case people != nil:
		n.people = people
	case d.o.Directory == nil:
		n.people = n.core.Accounts()
	}
	return n
}

// Drivers lists the names of the drivers, sorted.
func (d *Desk) Drivers() []string { return slices.Sorted(maps.Keys(d.o.Drivers)) }

// As gives the desk to an actor: everything is done under their rights and in their name.
func (d *Desk) As(actor accounts.Actor) *Operator { return &Operator{desk: d, actor: actor} }

// Operator is a desk in somebody's hands. It is cheap and safe for concurrent use.
type Operator struct {
	desk  *Desk
	actor accounts.Actor
}

// refused records a refusal and returns it.
func (op *Operator) refused(ctx context.Context, name string, targets []string, err error) error {
	return op.desk.core.Refused(ctx, op.actor, "roster."+name, targets, err)
}

// refusedAs records a refusal in other words than it is returned in.
func (op *Operator) refusedAs(ctx context.Context, name string, targets []string, err, said error) error {
	if rerr := op.refused(ctx, name, targets, said); rerr != said { //nolint:errorlint // identity: something else went wrong while recording
		return errors.Join(err, rerr)
	}
	return err
}

// Alert is something that a person should look at.
type Alert struct {
	At    time.Time
	Kind  AlertKind
	Panel string
	Place panel.Place
	Text  string // words without secrets
}

// AlertKind names what happened.
type AlertKind string

// The alerts.
const (
	RemovalBlocked  AlertKind = "removal.blocked" // access that was taken away is still at the panel
	UnmanagedFound  AlertKind = "unmanaged.found" // a user appeared that nobody here set
	ChangedAtPanel  AlertKind = "changed.at.panel"
	Overprovisioned AlertKind = "over.provisioned" // a code works without its restrictions
	CodeCollided    AlertKind = "code.collided"    // the panel made of a code one that somebody else has
	PanelParked     AlertKind = "panel.parked"
	Drifted         AlertKind = "drift"
	EndAtRisk       AlertKind = "end.at.risk" // a device will be late with an end that is near
	SweepFound      AlertKind = "sweep.found" // devices were behind and nothing had noticed
)

func (d *Desk) alert(a Alert) {
	d.core.Logger().Warn("alert", slog.String("kind", string(a.Kind)), slog.String("panel", a.Panel), slog.String("place", a.Place.String()), slog.String("text", a.Text))
	if d.o.Alert != nil {
		d.o.Alert(a)
	}
}
