package notices

import (
	"context"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
)

// Life is how long a notice is worth sending if nobody says otherwise.
const Life = 24 * time.Hour

// Notice is what a person is told. Keep codes, passwords and keys out of it: it is sealed
// until it is sent, but lock screens show it.
type Notice struct {
	Title string    // a mail's subject
	Text  string    // required
	Until time.Time // then it is old news; zero: after [Life]
}

// Receipt names a message. Keep it to ask for its [Service.Delivery].
type Receipt string

// Posted says of one channel whether a notice was posted.
type Posted struct {
	Channel  accounts.Channel
	Receipts []Receipt // one for each address: for push, one for each app
	// Cause is why not: one of those of [accounts.Notify], [ErrNoTransport] or
	// [ErrNoRegistration]; nil if it was posted.
	Cause error
	// Next is when the profile opens, for what was posted outside of its hours.
	Next time.Time
}

// byChannel are the channels as flow has them, in the order of answers.
var byChannel = [...]struct {
	profiled accounts.Channel
	channel  flow.Channel
}{{accounts.EmailChannel, flow.Mail}, {accounts.SMSChannel, flow.SMS}, {accounts.PushChannel, flow.Push}}

// Announce posts a notice to the owner of an account by every channel that the account's
// profile has on, all or none, and says of each of the three what happened. It waits for no
// transport. It asks no right and writes no entry: the host's own event is the act. Errors:
// [ErrEmpty], [accounts.ErrAccountNotFound], those of Registrations and of the store.
func (s *Service) Announce(ctx context.Context, account accounts.ID, n Notice) ([]Posted, error) {
	if n.Text == "" {
		return nil, ErrEmpty
	}
	var apps []string
	if s.o.Push != nil {
		var err error
		if apps, err = s.o.Registrations.Of(ctx, account); err != nil {
			return nil, err
		}
	}
	var out []Posted
	_, err := s.core.Act(ctx, accounts.SystemActor("notices"), func(u *flow.Unit) error {
		until := n.Until
		if until.IsZero() {
			until = u.Now().Add(Life)
		}
		out = nil
		for _, c := range byChannel {
			p, err := s.announce(u, flow.Notice{Account: string(account), Channel: c.channel, Title: n.Title, Text: n.Text, Until: until.UTC()}, apps)
			if err != nil {
				return err
			}
			p.Channel = c.profiled
			out = append(out, p)
		}
		return nil
	})
	return out, err
}

// announce posts a notice by one channel if it may, or may later.
func (s *Service) announce(u *flow.Unit, n flow.Notice, apps []string) (Posted, error) {
	a, may, err := u.Reach(n.Account, n.Channel)
	if err != nil {
		return Posted{}, err
	}
	if a.ID == "" {
		return Posted{}, accounts.ErrAccountNotFound
	}
	if !may.Now && (may.Next.IsZero() || !may.Next.Before(n.Until)) {
		return Posted{Cause: may.Cause, Next: may.Next}, nil
	}
	to, cause := s.addresses(a, n.Channel, apps)
	p := Posted{Cause: cause, Next: may.Next}
	for _, address := range to {
		n.To = address
		id, err := u.PostNotice(n)
		if err != nil {
			return Posted{}, err
		}
		p.Receipts = append(p.Receipts, Receipt(id))
	}
	return p, nil
}

// addresses lists where a notice goes by a channel.
func (s *Service) addresses(a accounts.Account, c flow.Channel, apps []string) ([]string, error) {
	switch {
	case c == flow.Mail && s.o.Mailer != nil:
		return []string{a.Email.String()}, nil
	case c == flow.SMS && s.o.SMS != nil:
		return []string{a.Phone}, nil
	case c == flow.Push && s.o.Push != nil && len(apps) == 0:
		return nil, ErrNoRegistration
	case c == flow.Push && s.o.Push != nil:
		return apps, nil
	}
	return nil, ErrNoTransport
}
