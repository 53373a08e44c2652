package people

import (
	"context"
	"errors"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Receipt names a message. Keep it to ask for its [Operator.Delivery] later.
type Receipt string

// DeliveryState is how far a message has come.
type DeliveryState string

// The states of a message.
const (
	Queued      DeliveryState = "queued"      // not tried yet, or being tried
	Unavailable DeliveryState = "unavailable" // the mail server does not take it; it is tried again
	Accepted    DeliveryState = "accepted"    // the mail server has it; what follows cannot be seen from here
	Refused     DeliveryState = "refused"     // the mail server refuses the address
	GivenUp     DeliveryState = "given up"    // its code ended before it could be sent
)

// Delivery is what became of a message. What it said is not kept.
type Delivery struct {
	Receipt   Receipt
	State     DeliveryState
	Channel   string     // "mail"
	Kind      LetterKind // what it is about
	Posted    time.Time
	Expires   time.Time // its code works until then
	MessageID string    // the mail server's, or the message's own, once it is accepted
	Settled   time.Time // when it was accepted, refused or given up
	Reason    string    // why it was refused (the mail server's status) or given up
	Since     time.Time // the mail server does not take it since
	Tries     int
	Twice     bool // the owner may have got it twice: a try ended without an answer
}

// Err says why the message has not arrived, each cause apart: nil while nothing is known
// and once it is accepted, [accounts.ErrMailerUnavailable], or [accounts.ErrEmailRejected].
// A message that was given up is [accounts.ErrMailerUnavailable] if the mail server was.
func (d Delivery) Err() error {
	switch {
	case d.State == Refused:
		return accounts.ErrEmailRejected
	case d.State == Unavailable, d.State == GivenUp && !d.Since.IsZero():
		return accounts.ErrMailerUnavailable
	}
	return nil
}

func delivery(id string, p rec.Post) Delivery {
	return Delivery{Receipt: Receipt(id), State: DeliveryState(p.State), Channel: p.Channel, Kind: LetterKind(p.Purpose), Posted: p.Posted,
		Expires: p.Expires, MessageID: p.Message, Settled: p.Settled, Reason: p.Reason, Since: p.Since, Tries: p.Tries, Twice: p.Twice}
}

// Delivery tells what became of a message. A message to an account that the operator may
// not see, or that is gone, is [ErrNoDelivery].
func (op *Operator) Delivery(ctx context.Context, r Receipt) (Delivery, error) {
	g, err := op.allowed(ctx, "Delivery")
	if err != nil {
		return Delivery{}, err
	}
	d, p, err := op.people.post(ctx, string(r))
	if err != nil {
		return Delivery{}, err
	}
	_, err = op.people.peek(ctx, g.Sites, accounts.ID(p.Account))
	if errors.Is(err, accounts.ErrAccountNotFound) {
		return Delivery{}, op.refused(ctx, "Delivery", nil, ErrNoDelivery)
	}
	if err != nil && !errors.Is(err, accounts.ErrAccountRemoved) {
		return Delivery{}, err
	}
	return d, nil
}

// post reads a message; one that is not there is the zero value.
func (s *Service) post(ctx context.Context, id string) (Delivery, rec.Post, error) {
	rs, err := s.core.Store.Load(ctx, rec.Posts.Key(id))
	if err != nil {
		return Delivery{}, rec.Post{}, err
	}
	p, _, err := rec.Posts.Decode(rs[0])
	return delivery(id, p), p, err
}

// newest returns the last message to an account, nil if there was none.
func (s *Service) newest(ctx context.Context, id accounts.ID) (*Delivery, error) {
	rs, err := s.core.Store.List(ctx, store.Query{Kind: rec.Posts.Name, Term: rec.ByNewest, Prefix: rec.PostsOf(string(id)), Limit: 1})
	if err != nil || len(rs) == 0 {
		return nil, err
	}
	p, _, err := rec.Posts.Decode(rs[0])
	d := delivery(rs[0].Key.ID, p)
	return &d, err
}

// look is how often a call looks whether its message was tried.
const look = 50 * time.Millisecond

// await waits until a message was tried, but not longer than a call waits.
func (s *Service) await(ctx context.Context, id string) (Delivery, error) {
	if id == "" {
		return Delivery{}, nil
	}
	last := time.NewTimer(s.o.FirstTry)
	defer last.Stop()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		d, _, err := s.post(ctx, id)
		if err != nil || d.State != Queued || s.o.FirstTry < 0 {
			return d, err
		}
		select {
		case <-ctx.Done():
			return d, nil // the act is done and the message posted: that is no error
		case <-last.C:
			return d, nil
		case <-tick.C:
		}
	}
}
