package signin

import (
	"context"
	"hash/maphash"
	"math/bits"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
)

const (
	// sumEvery is how often what is refused to strangers from one network is an entry.
	sumEvery = time.Minute
	// maxSums is how many networks and reasons are told apart at a time; all others are
	// taken together. Memory and entries are bounded by it, however many the networks are.
	maxSums = 64
	// reporters is how many commits about refusals wait for the store at a time. Whatever a
	// flood does, the work of those who are signed in waits behind no more than these.
	reporters = 2
)

// kind is what refusals have in common that are taken together. The zero value is of those
// that are told apart no further.
type kind struct{ network, op, reason string }

// sum is how many refusals of a kind there were since the last entry about them.
type sum struct {
	kind
	count       int64
	first, last time.Time
	said        time.Time
	accounts    [16]uint64 // one bit of 1024 for each, so that many names cost no memory
}

// fields say it in an entry.
func (s sum) fields() []flow.Field {
	n := 0
	for _, w := range s.accounts {
		n += bits.OnesCount64(w)
	}
	fields := []flow.Field{flow.F(audit.FieldCount, strconv.FormatInt(s.count, 10)), flow.F(audit.FieldAccounts, strconv.Itoa(n)),
		flow.F(audit.FieldFirst, s.first.Format(time.RFC3339)), flow.F(audit.FieldLast, s.last.Format(time.RFC3339))}
	if s.kind == (kind{}) {
		return append(fields, flow.F(audit.FieldReason, "from more networks than are told apart"))
	}
	return append(fields, flow.F(audit.FieldOperation, s.op), flow.F(audit.FieldReason, s.reason), flow.F(audit.FieldNetwork, s.network))
}

// refusals takes together what is refused to people who are not proven. What it holds is
// this process's and not more than a minute old.
type refusals struct {
	seed maphash.Seed
	lane chan struct{} // holds one for each commit about refusals that goes on

	mu    sync.Mutex
	sums  map[kind]*sum
	swept time.Time
}

func newRefusals() *refusals {
	return &refusals{seed: maphash.MakeSeed(), lane: make(chan struct{}, reporters), sums: map[kind]*sum{}}
}

// note counts a refusal of what somebody typed, and returns what is to be an entry now: the
// first of its kind, else once a minute.
func (r *refusals) note(k kind, typed string, now time.Time) []sum {
	r.mu.Lock()
	defer r.mu.Unlock()
	due := r.due(now)
	s := r.sums[k]
	if s == nil && len(r.sums) >= maxSums {
		k = kind{}
		s = r.sums[k]
	}
	if s == nil {
		s = &sum{kind: k}
		r.sums[k] = s
	}
	if s.count == 0 {
		s.first = now
	}
	s.count, s.last = s.count+1, now
	bit := maphash.String(r.seed, typed) % (64 * uint64(len(s.accounts)))
	s.accounts[bit/64] |= 1 << (bit % 64)
	if now.Sub(s.said) >= sumEvery {
		due = append(due, s.say(now))
	}
	return due
}

// flush returns what is to be an entry although nothing more is refused.
func (r *refusals) flush(now time.Time) []sum {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.due(now)
}

// due returns, once a minute, what was not said yet, and forgets what goes on no more.
func (r *refusals) due(now time.Time) []sum {
	if now.Sub(r.swept) < sumEvery {
		return nil
	}
	r.swept = now
	var out []sum
	for k, s := range r.sums {
		switch {
		case now.Sub(s.said) < sumEvery:
		case s.count > 0:
			out = append(out, s.say(now))
		default:
			delete(r.sums, k)
		}
	}
	return out
}

// back takes back what could not be made an entry.
func (r *refusals) back(all []sum) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, one := range all {
		one.said = time.Time{} // the next time, at once
		if s := r.sums[one.kind]; s != nil && s.count > 0 {
			one.count, one.last = one.count+s.count, s.last
			for i, w := range s.accounts {
				one.accounts[i] |= w
			}
		}
		r.sums[one.kind] = &one
	}
}

// say returns the sum and begins anew.
func (s *sum) say(now time.Time) sum {
	out := *s
	*s = sum{kind: s.kind, said: now}
	return out
}

// report commits what is refused, within the share of the store's work that refusals have.
func (s *Service) report(ctx context.Context, decide func(u *flow.Unit) error) error {
	select {
	case s.refusals.lane <- struct{}{}:
		defer func() { <-s.refusals.lane }()
	case <-ctx.Done():
		return ctx.Err()
	}
	_, err := s.core.Act(ctx, nobody(), decide)
	return err
}

// sayAll adds an entry for each sum.
func sayAll(u *flow.Unit, all []sum) error {
	for _, one := range all {
		if _, err := u.Say(audit.SignInRefused, audit.Denied, nil, one.fields()...); err != nil {
			return err
		}
	}
	return nil
}

// workRefusals makes entries of what was refused in the minute before.
func (s *Service) workRefusals(ctx context.Context) error {
	due := s.refusals.flush(s.core.Time())
	if len(due) == 0 {
		return nil
	}
	err := s.report(ctx, func(u *flow.Unit) error { return sayAll(u, due) })
	if err != nil {
		s.refusals.back(due)
	}
	return err
}

// network is what strangers' requests are taken together by: IPv4 /24, IPv6 /56, which is
// what one customer or small provider has.
func (f From) network() string {
	if !f.Addr.IsValid() {
		return "unknown"
	}
	a, size := f.Addr.Unmap().WithZone(""), 56
	if a.Is4() {
		size = 24
	}
	return netip.PrefixFrom(a, size).Masked().String()
}
