package people

import (
	"context"
	"log/slog"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/engine"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/notify"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Options are what a service can be told. Only Store and Keys are required.
type Options struct {
	// Store keeps everything. Required.
	Store store.Store
	// Keys makes fingerprints and seals; if it is a [credentials.Opener] too, this node can
	// send messages. Required.
	Keys credentials.Sealer
	// Authority says what an actor may do; nil: the roles of the accounts.
	Authority accounts.Authority
	// Mailer sends mail; nil: none is configured, and what needs one is refused at once.
	// Give it to every node, also to those that only post.
	Mailer notify.Mailer
	// Compose puts messages into words, for example in the person's language; nil: plain
	// English. Of its result only Subject, Text and HTML are used.
	Compose func(Letter) notify.Message
	// Budgets bound the mail that leaves in an hour; zero: [notify.DefaultBudgets].
	Budgets notify.Budgets
	// Registering lets people ask for an account themselves; zero: they do not.
	Registering Registering
	// Faces makes embeddings of the faces in photos; nil: facial recognition is off for
	// everybody, and there is nothing else that switches it on.
	Faces Embedder
	// Policy settles what the products leave open; zero: accounts.PowerManage().
	Policy accounts.Policy
	// Codes is what PINs that are drawn here must be: what roster is given, because persons
	// share one space of PINs. Zero: 4 to 6 digits that are not easy to guess.
	Codes credentials.Policy
	// FirstTry is how long a call waits for the first try to send its message; zero: 5
	// seconds, negative: not at all.
	FirstTry time.Duration
	// Log gets diagnostics; nil: none.
	Log *slog.Logger
	// Now is the time for decisions; nil: the clock.
	Now func() time.Time
	// Node names this process among those that share the store; "": a random name.
	Node string
}

// firstTry is how long a call waits for the first try to send its message.
const firstTry = 5 * time.Second

// Service is the accounts in one store. It is safe for concurrent use.
type Service struct {
	core     *flow.Core
	o        Options
	postman  *flow.Postman
	decoding chan struct{} // one for each photo that is being unpacked
}

// New makes a service. It does no I/O. The error joins everything that is missing.
func New(o Options) (*Service, error) {
	if o.Policy == (accounts.Policy{}) {
		o.Policy = accounts.PowerManage()
	}
	if o.Policy.OTPLife == 0 {
		o.Policy.OTPLife = accounts.DefaultOTPLife
	}
	if o.FirstTry == 0 {
		o.FirstTry = firstTry
	}
	if o.Node == "" {
		o.Node = flow.NewID()
	}
	if o.Compose == nil {
		o.Compose = compose
	}
	core := &flow.Core{Store: o.Store, Keys: o.Keys, Authority: o.Authority, GlobalDeny: o.Policy.GlobalDeny, Log: o.Log, Now: o.Now}
	core.Opener, _ = o.Keys.(credentials.Opener)
	if core.Authority == nil {
		core.Authority = core.Roles()
	}
	if err := core.Check(); err != nil {
		return nil, err
	}
	if err := o.Registering.check(o); err != nil {
		return nil, err
	}
	if !o.Policy.Approve.Without(accounts.Approvable()).IsZero() {
		return nil, ErrApprove
	}
	s := &Service{core: core, o: o, decoding: make(chan struct{}, decoding)}
	s.postman = flow.NewPostman(core, o.Node, o.Mailer, func(l flow.Letter) notify.Message { return s.o.Compose(letter(l)) })
	if o.Budgets != (notify.Budgets{}) {
		s.postman.Budgets = o.Budgets
	}
	return s, nil
}

// On returns the same service over a store that is bound to the host's own transaction
// (sqlite.DB.Within): what is done through it commits or falls with that transaction. Its
// messages leave after that commit, so no call waits for them.
func (s *Service) On(st store.Store) *Service {
	n := s.patient()
	n.core = s.core.On(st)
	if s.o.Authority == nil {
		n.core.Authority = n.core.Roles()
	}
	return n
}

// patient is the same service, whose calls wait for no message.
func (s *Service) patient() *Service {
	n := &Service{core: s.core, o: s.o, postman: s.postman, decoding: s.decoding}
	n.o.FirstTry = -1
	return n
}

// As gives the service to an actor: everything is done under their rights and in their
// name.
func (s *Service) As(actor accounts.Actor) *Operator { return &Operator{people: s, actor: actor} }

// Loops are what has to run: erasures on any node, messages on a node with a mailer and a
// keyring that can open.
func (s *Service) Loops() []engine.Loop {
	loops := []engine.Loop{{Name: "people/erase", Every: time.Minute, Pass: s.WorkErasures}}
	if s.o.Mailer == nil || s.core.Opener == nil {
		return loops
	}
	if s.o.Registering.Mode != RegisterOff {
		loops = append(loops, engine.Loop{Name: "people/register", Every: time.Second, Wake: s.core.Store.Wake, Pass: s.workRegistrations})
	}
	return append(loops, engine.Loop{Name: "people/post", Every: time.Second, Wake: s.core.Store.Wake, Pass: s.Work})
}

// Work answers the registrations and sends the messages that are due, and returns. It is
// one pass of the loops that [Service.Loops] describes; hosts without a runner may call it.
func (s *Service) Work(ctx context.Context) error {
	if s.o.Mailer == nil {
		return accounts.ErrMailerNotConfigured
	}
	if s.o.Registering.Mode != RegisterOff {
		if err := s.workRegistrations(ctx); err != nil {
			return err
		}
	}
	return s.postman.Work(ctx)
}

// Operator is a service in somebody's hands. It is cheap and safe for concurrent use.
type Operator struct {
	people *Service
	actor  accounts.Actor
}

// refused records a refusal and returns it.
func (op *Operator) refused(ctx context.Context, name string, targets []string, err error) error {
	return op.people.core.Refused(ctx, op.actor, "people."+name, targets, err)
}

// allowed asks whether the actor may do an operation anywhere, and returns where.
func (op *Operator) allowed(ctx context.Context, name string) (accounts.Grant, error) {
	if err := op.people.core.Allowed(ctx, op.actor, "people."+name, ""); err != nil {
		return accounts.Grant{}, op.refused(ctx, name, nil, err)
	}
	return op.people.core.Authority.Grant(ctx, op.actor)
}

// CheckMailer connects to the mail server and authenticates, and sends nothing. Errors:
// [accounts.ErrMailerNotConfigured], [accounts.ErrMailerUnavailable].
func (op *Operator) CheckMailer(ctx context.Context) error {
	if _, err := op.allowed(ctx, "CheckMailer"); err != nil {
		return err
	}
	if op.people.o.Mailer == nil {
		return op.refused(ctx, "CheckMailer", nil, accounts.ErrMailerNotConfigured)
	}
	if err := op.people.o.Mailer.Check(ctx); err != nil {
		return accounts.ErrMailerUnavailable
	}
	return nil
}
