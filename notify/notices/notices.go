// Package notices tells people what happened, by the channels and at the hours of their
// notification profiles.
//
// It is for hosts that notify: an alarm, a door that stays open, a code that ends. Codes
// that a person asked for are people's and signin's business and ask no profile. A notice is
// posted in a commit, sealed, and sent by [Service.Loops]; whether it goes is decided in
// the commit before each try, so a profile that is changed, disabled or taken off acts on
// what waits. Outside of the profile's hours a notice waits for them until it is old news.
//
//	posted, err := svc.Announce(ctx, account, notices.Notice{Title: "Front door", Text: "Open since 9:00."})
package notices

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
	"github.com/seed-a2d3eaca/keyholder/notify"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Errors of this package.
var (
	// ErrNoTransport: nothing sends messages of this channel.
	ErrNoTransport = fault.New(fault.Precondition, "notices: nothing sends messages by this channel").
			Hinted("Set up the channel's transport, or switch the channel off in the profile.")
	// ErrNoRegistration: no app of the person is registered for push messages.
	ErrNoRegistration = fault.New(fault.Precondition, "notices: no app is registered for push messages").
				Hinted("Open the app and allow notifications.")
	// ErrEmpty: a notice without a text.
	ErrEmpty = fault.New(fault.Invalid, "notices: a notice needs a text")
	// ErrNoNotice: there is no such notice.
	ErrNoNotice = fault.New(fault.NotFound, "notices: no such notice")
)

// Registrations are the host's: its apps register with it. It is safe for concurrent use.
type Registrations interface {
	// Of lists what the apps of an account registered with, as the push transport wants it.
	Of(ctx context.Context, account accounts.ID) ([]string, error)
	// Ended forgets a registration: its app is gone for good.
	Ended(ctx context.Context, account accounts.ID, registration string) error
}

// Options are what a service can be told. Only Store and Keys are required.
type Options struct {
	// Store keeps everything: the one of package people. Required.
	Store store.Store
	// Keys seals; if it is a [credentials.Opener] too, this node can send. Required.
	Keys credentials.Sealer
	// Mailer, SMS and Push are the transports; nil: not by that channel. Give them to every
	// node, also to those that only post.
	Mailer notify.Mailer
	SMS    notify.SMS
	Push   notify.Push
	// Registrations are needed with Push.
	Registrations Registrations
	// Budgets bound what leaves in an hour; zero: [notify.DefaultBudgets].
	Budgets notify.Budgets
	// Log gets diagnostics; nil: none.
	Log *slog.Logger
	// Now is the time for decisions; nil: the clock.
	Now func() time.Time
	// Node names this process among those that share the store; "": a random name.
	Node string
}

// Service posts and sends notices. It is safe for concurrent use.
type Service struct {
	core *flow.Core
	o    Options
	post *flow.Postman
}

// New makes a service. It does no I/O. The error joins everything that is missing.
func New(o Options) (*Service, error) {
	if o.Node == "" {
		o.Node = flow.NewID()
	}
	s := &Service{o: o, core: &flow.Core{Store: o.Store, Keys: o.Keys, Authority: accounts.StaticAuthority{}, Log: o.Log, Now: o.Now}}
	s.core.Opener, _ = o.Keys.(credentials.Opener)
	err := s.core.Check()
	if o.Push != nil && o.Registrations == nil {
		err = errors.Join(err, fault.New(fault.Invalid, "notices: push messages need registrations"))
	}
	if err != nil {
		return nil, err
	}
	s.post = flow.NewCarrier(s.core, o.Node, flow.NoticeLane, s.send)
	if o.Budgets != (notify.Budgets{}) {
		s.post.Budgets = o.Budgets
	}
	return s, nil
}

// Loops are what has to run on nodes that send. None on a node whose keyring cannot open.
func (s *Service) Loops() []engine.Loop {
	if s.core.Opener == nil {
		return nil
	}
	return []engine.Loop{{Name: "notices/post", Every: time.Second, Wake: s.core.Store.Wake, Pass: s.Work}}
}

// Work sends the notices that are due, and returns: one pass of the loop, for hosts
// without a runner.
func (s *Service) Work(ctx context.Context) error { return s.post.Work(ctx) }

// send hands a notice to its transport.
func (s *Service) send(ctx context.Context, p flow.Parcel) (notify.Delivery, error) {
	switch {
	case p.Channel == flow.Mail && s.o.Mailer != nil:
		return s.o.Mailer.Send(ctx, notify.Message{ID: p.ID, To: p.To, Subject: notify.OneLine(p.Title), Text: p.Text})
	case p.Channel == flow.SMS && s.o.SMS != nil:
		return s.o.SMS.SendText(ctx, notify.Text{ID: p.ID, To: p.To, Body: short(p.Letter)})
	case p.Channel == flow.Push && s.o.Push != nil:
		return s.push(ctx, p)
	}
	return notify.Delivery{}, notify.ErrUnavailable // another node may have the transport
}

// short is a notice as a text message.
func short(l flow.Letter) string {
	if l.Title == "" {
		return l.Text
	}
	return notify.OneLine(l.Title) + ": " + l.Text
}

// push sends to an app, and has the host forget one that is gone.
func (s *Service) push(ctx context.Context, p flow.Parcel) (notify.Delivery, error) {
	d, err := s.o.Push.SendNotice(ctx, notify.Notice{ID: p.ID, Endpoint: p.To, Title: p.Title, Body: p.Text})
	if r, ok := errors.AsType[*notify.RejectedError](err); ok && r.Ended {
		if ferr := s.o.Registrations.Ended(ctx, accounts.ID(p.Account), p.To); ferr != nil {
			s.core.Logger().WarnContext(ctx, "registration not forgotten", slog.String("message", p.ID), slog.String("kind", fault.Of(ferr).String()))
		}
	}
	return d, err
}
