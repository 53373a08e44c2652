package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Options are what a journal can be told. Store and Keys are required.
type Options struct {
	// Store holds the log. Required.
	Store store.Store
	// Keys opens the personal fields of entries. Required.
	Keys credentials.Sealer
	// Authority says what a reader may see; nil: the roles that package people manages.
	Authority accounts.Authority
	// Policy is the one that package people was given; zero: accounts.PowerManage().
	Policy accounts.Policy
	// Directory is the host's people, for whom [Journal.Self] is; nil: the accounts that
	// package people manages.
	Directory accounts.Directory
	// Emails finds accounts by their e-mail, also removed ones; nil: entries are not found
	// by e-mail.
	Emails Emails

	// Origin is the log's name: a URL without its scheme. Empty: the name of Signer.
	Origin string
	// Signer signs checkpoints; its name is Origin. The zero value: this node reads and
	// does not sign.
	Signer audit.SigningKey
	// Cosigners sign beside it: the key that it replaces. A new key is introduced by an
	// entry that the old key signs too; without it the log is not signed any more.
	Cosigners []note.Signer
	// KeyLost introduces a new key without the old one, because that is lost; the entry
	// says so. The old public key stays among Trusted.
	KeyLost bool
	// Trusted are public keys that the log has had, or has where this node does not sign.
	Trusted []note.Verifier
	// Anchors keep checkpoints outside the store. Have at least one.
	Anchors []audit.Anchor
	// AnchorEvery is how often a checkpoint is signed and anchored, also when nothing was
	// written; zero: 10 minutes.
	AnchorEvery time.Duration
	// AnchorWithin is how old the last anchored checkpoint may be before [Journal.Health]
	// turns red; zero: three times AnchorEvery.
	AnchorWithin time.Duration

	// Recorders get every entry.
	Recorders []Sink

	// Poll is how often the log is looked at for new entries where no hint comes; zero: 1 s.
	Poll time.Duration
	// Log gets diagnostics; nil: none.
	Log *slog.Logger
	// Now is the time for decisions; nil: the clock.
	Now func() time.Time
	// Node names this process among those that share the store; "": a random name.
	Node string
}

// Emails finds accounts by e-mail for those who look for entries about a person.
// Package people keeps a keyed index for it; a host with its own people gives another.
type Emails interface {
	// Resolve returns the ids of all accounts that have or had this address, removed ones
	// included as long as they may be found; none is no error.
	Resolve(ctx context.Context, email accounts.Email) ([]accounts.ID, error)
}

// Journal is the log of one store. It is safe for concurrent use.
type Journal struct {
	core *flow.Core
	o    Options
}

// New makes a journal. It does no I/O. The error joins everything that is missing.
func New(o Options) (*Journal, error) {
	if o.AnchorEvery <= 0 {
		o.AnchorEvery = 10 * time.Minute
	}
	if o.AnchorWithin <= 0 {
		o.AnchorWithin = 3 * o.AnchorEvery
	}
	if o.Poll <= 0 {
		o.Poll = time.Second
	}
	if o.Node == "" {
		o.Node = flow.NewID()
	}
	core := &flow.Core{Store: o.Store, Keys: o.Keys, Authority: o.Authority, GlobalDeny: o.Policy.GlobalDeny, Log: o.Log, Now: o.Now}
	if core.Authority == nil && o.Store != nil {
		core.Authority = core.Roles()
	}
	errs := []error{core.Check(), checkSinks(o.Recorders)}
	if signs(o) {
		if o.Origin == "" {
			o.Origin = o.Signer.Name()
		}
		if o.Signer.Name() != o.Origin {
			errs = append(errs, fmt.Errorf("%w: %q and %q", ErrSigner, o.Signer.Name(), o.Origin))
		}
	}
	if slices.Contains(o.Anchors, nil) {
		errs = append(errs, ErrAnchor)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	o.Cosigners, o.Trusted = slices.Clone(o.Cosigners), slices.Clone(o.Trusted)
	o.Anchors, o.Recorders = slices.Clone(o.Anchors), slices.Clone(o.Recorders)
	return &Journal{core: core, o: o}, nil
}

// On returns the same journal over a store that is bound to the host's own transaction.
func (j *Journal) On(st store.Store) *Journal {
	n := &Journal{core: j.core.On(st), o: j.o}
	if j.o.Authority == nil {
		n.core.Authority = n.core.Roles()
	}
	return n
}

// As gives the journal to an actor: they see what their rights and sites allow.
func (j *Journal) As(actor accounts.Actor) *Reader { return &Reader{journal: j, actor: actor} }

// Reader is a journal in somebody's hands. It is cheap and safe for concurrent use.
type Reader struct {
	journal *Journal
	actor   accounts.Actor
}

// scope asks whether the reader may do an operation, and returns the sites that bound
// what they see of the log.
func (r *Reader) scope(ctx context.Context, name string) (accounts.Sites, error) {
	core := r.journal.core
	if err := core.Allowed(ctx, r.actor, "journal."+name, ""); err != nil {
		return accounts.Sites{}, r.refused(ctx, name, err)
	}
	g, err := core.Authority.Grant(ctx, r.actor)
	return g.Sites, err
}

// refused records a refusal and returns it.
func (r *Reader) refused(ctx context.Context, name string, err error) error {
	return r.journal.core.Refused(ctx, r.actor, "journal."+name, nil, err)
}

// within bounds a query by sites: by what the store looks for, not by what is left out
// of what it found.
func within(q store.EntryQuery, sites accounts.Sites) store.EntryQuery {
	if sites.All() {
		return q
	}
	q.AnyTarget = [][]byte{}
	for _, id := range sites.IDs() {
		q.AnyTarget = append(q.AnyTarget, []byte(flow.Site(id)))
	}
	return q
}
