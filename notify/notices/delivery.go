package notices

import (
	"context"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// State is how far a notice has come.
type State string

// The states.
const (
	Queued      State = "queued"      // it waits for its first try, its hours or its budget
	Unavailable State = "unavailable" // the transport does not take it; it is tried again
	Accepted    State = "accepted"    // the transport has it; what follows cannot be seen from here
	Refused     State = "refused"     // the other side refuses it for good
	GivenUp     State = "given up"    // the profile closed, or it got old, before it could be sent
)

// Delivery is what became of a notice. What it said is not kept.
type Delivery struct {
	Receipt Receipt
	Channel accounts.Channel
	Posted  time.Time
	State   State
	Reason  string    // why it was refused or given up
	Settled time.Time // when it was accepted, refused or given up
	Tries   int
	Twice   bool // it may have arrived twice: a try ended without an answer
}

// Delivery tells what became of a notice. Errors: [ErrNoNotice].
func (s *Service) Delivery(ctx context.Context, r Receipt) (Delivery, error) {
	rs, err := s.core.Store.Load(ctx, rec.Posts.Key(string(r)))
	if err != nil {
		return Delivery{}, err
	}
	p, _, err := rec.Posts.Decode(rs[0])
	if err == nil && !p.Notice {
		err = ErrNoNotice
	}
	if err != nil {
		return Delivery{}, err
	}
	return delivery(r, p), nil
}

// Recent lists what became of the newest notices to an account, at most 100, the newest
// first.
func (s *Service) Recent(ctx context.Context, account accounts.ID) ([]Delivery, error) {
	rs, err := s.core.Store.List(ctx, store.Query{Kind: rec.Posts.Name, Term: rec.ByNotice, Prefix: rec.PostsOf(string(account)), Limit: 100})
	if err != nil {
		return nil, err
	}
	var out []Delivery
	for _, r := range rs {
		p, _, err := rec.Posts.Decode(r)
		if err != nil {
			return nil, err
		}
		out = append(out, delivery(Receipt(r.Key.ID), p))
	}
	return out, nil
}

func delivery(r Receipt, p rec.Post) Delivery {
	d := Delivery{Receipt: r, Posted: p.Posted, State: State(p.State), Reason: p.Reason, Settled: p.Settled, Tries: p.Tries, Twice: p.Twice}
	for _, c := range byChannel {
		if string(c.channel) == p.Channel {
			d.Channel = c.profiled
		}
	}
	return d
}
