package signin

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/credentials/password"
	"github.com/seed-a2d3eaca/keyholder/engine"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/notify"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Options are what a service can be told. Only Store and Keys are required.
type Options struct {
	// Store keeps everything: the one of package people. Required.
	Store store.Store
	// Keys makes fingerprints and seals. If it is a [credentials.Opener] too, this node can
	// send codes and compare those of authenticator apps. Required.
	Keys credentials.Sealer
	// Authority says what an operator may do; nil: the roles of the accounts.
	Authority accounts.Authority
	// Mailer sends codes by mail, SMS by text message; nil: not that way.
	Mailer notify.Mailer
	SMS    notify.SMS
	// Compose puts codes into words, for example in the person's language; nil: plain
	// English. A text message is made of its Text alone.
	Compose func(Letter) notify.Message
	// Budgets bound the codes that leave in an hour; zero: [notify.DefaultBudgets].
	Budgets notify.Budgets
	// Accounts is the policy that package people was given; zero: accounts.PowerManage().
	Accounts accounts.Policy
	// Policy is what concerns signing in; nil: PowerManage().
	Policy *Policy
	// Leaver ends accounts whose owners leave, see [Owner.Leave]; nil: they do not.
	Leaver Leaver
	// Issuer is the host's name, as authenticator apps show it.
	Issuer string
	// Log gets diagnostics; nil: none.
	Log *slog.Logger
	// Now is the time for decisions; nil: the clock.
	Now func() time.Time
	// Node names this process among those that share the store; "": a random name.
	Node string
}

// Service lets people and programs in. It is safe for concurrent use.
type Service struct {
	core   *flow.Core
	o      Options
	p      Policy
	hasher *password.Hasher
	post   *flow.Postman

	refusals *refusals
}

// New makes a service. It does no I/O. The error joins everything that is missing.
func New(o Options) (*Service, error) {
	if o.Accounts == (accounts.Policy{}) {
		o.Accounts = accounts.PowerManage()
	}
	if o.Accounts.OTPLife == 0 {
		o.Accounts.OTPLife = accounts.DefaultOTPLife
	}
	if o.Policy == nil {
		p := PowerManage()
		o.Policy = &p
	}
	if o.Node == "" {
		o.Node = flow.NewID()
	}
	if o.Compose == nil {
		o.Compose = compose
	}
	s := &Service{o: o, p: o.Policy.filled(), refusals: newRefusals()}
	s.core = &flow.Core{Store: o.Store, Keys: o.Keys, Authority: o.Authority, GlobalDeny: o.Accounts.GlobalDeny, Log: o.Log, Now: o.Now}
	s.core.Opener, _ = o.Keys.(credentials.Opener)
	if s.core.Authority == nil {
		s.core.Authority = s.Authority()
	}
	hasher, err := password.NewHasher(s.p.Hash)
	if err := errors.Join(s.core.Check(), err); err != nil {
		return nil, err
	}
	s.hasher = hasher
	s.post = flow.NewCarrier(s.core, o.Node, flow.SignInLane, s.send)
	if o.Budgets != (notify.Budgets{}) {
		s.post.Budgets = o.Budgets
	}
	return s, nil
}

// Loops are what has to run: one makes entries of what was refused to strangers, and on
// nodes whose keyring can open, one answers requests for a new password, one sends.
func (s *Service) Loops() []engine.Loop {
	refusals := engine.Loop{Name: "signin/refusals", Every: sumEvery, Pass: s.workRefusals}
	if s.core.Opener == nil {
		return []engine.Loop{refusals}
	}
	return []engine.Loop{
		refusals,
		{Name: "signin/asks", Every: time.Second, Wake: s.core.Store.Wake, Pass: s.workAsks},
		{Name: "signin/post", Every: time.Second, Wake: s.core.Store.Wake, Pass: s.post.Work},
	}
}

// Work answers and sends what is due, and returns: one pass of the loops, for hosts
// without a runner.
func (s *Service) Work(ctx context.Context) error {
	if err := s.workRefusals(ctx); err != nil {
		return err
	}
	if err := s.workAsks(ctx); err != nil {
		return err
	}
	return s.post.Work(ctx)
}

// nobody is who acts before anybody is proven.
func nobody() accounts.Actor { return accounts.SystemActor("signin") }
