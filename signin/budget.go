package signin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// guesses are the counters of limits on one thing, in the stretch in which now lies.
func guesses(what string, limits []Limit, now time.Time) []flow.Guesses {
	out := make([]flow.Guesses, len(limits))
	for i, l := range limits {
		began := now.Truncate(l.Per)
		out[i] = flow.Guesses{Counter: fmt.Sprintf("guess/%s/%d/%d", what, int(l.Per.Seconds()), began.Unix()), Max: l.Max, Until: began.Add(2 * l.Per)}
	}
	return out
}

// attempts are what an attempt at an account is counted by.
func (s *Service) attempts(t target, f From) []flow.Guesses {
	now, l := s.core.Time(), s.p.Limits
	if t.device != "" {
		return guesses("d/"+t.device, l.Device, now)
	}
	return append(append(guesses("p/"+t.key+"/"+f.source(), l.Pair, now), guesses("a/"+t.key, l.Account, now)...), guesses("s/"+f.source(), l.Source, now)...)
}

// factors are what an attempt at a second factor is counted by.
func (s *Service) factors(account string) []flow.Guesses {
	return guesses("f/"+account, s.p.Limits.Factor, s.core.Time())
}

// back gives attempts back in the change of their success.
func back(u *flow.Unit, all []flow.Guesses) {
	for _, g := range all {
		u.Do(g.Back())
	}
}

// refuse writes down why somebody was not let in, and returns what an outsider gets. What
// was compared at an account that is there is an entry each, which its limits bound;
// everything else is counted, and the 1st, 10th, 100th … in an hour are entries: a flood
// fills no log. Nearly always it is one commit, whether the account is there or not.
func (s *Service) refuse(ctx context.Context, t target, f From, op string, public, cause error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	hour := s.core.Time().Truncate(time.Hour)
	who := "stranger"
	if t.known {
		who = t.key
	}
	counter := fmt.Sprintf("refused/signin/%s/%d", who, hour.Unix())
	each := t.known && !errors.Is(cause, ErrTooMany)
	res, err := s.core.Act(ctx, nobody(), func(u *flow.Unit) error {
		u.Do(store.Count{Counter: counter, By: 1, Max: 1 << 40, Until: hour.Add(2 * time.Hour)})
		if each {
			return refused(u, t, f, op, cause)
		}
		return nil
	})
	if n := res.Counts[counter]; err == nil && !each && flow.Power(n) {
		_, err = s.core.Act(ctx, nobody(), func(u *flow.Unit) error {
			return refused(u, t, f, op, cause, flow.F(audit.FieldCount, fmt.Sprint(n)))
		})
	}
	if err != nil {
		return err
	}
	return &RefusedError{public: public, cause: cause}
}

// refused adds the entry of a refusal. Of somebody who is not known nothing is kept.
func refused(u *flow.Unit, t target, f From, op string, cause error, fields ...flow.Field) error {
	fields = append(fields, flow.F(audit.FieldOperation, op), flow.F(audit.FieldReason, flow.Reason(cause)))
	var targets []string
	if t.known {
		targets = []string{t.key}
		fields = append(fields, flow.F(audit.FieldAccount, t.key), flow.Field{Name: audit.FieldSource, Value: f.address(), Of: subject(t.key)})
	}
	_, err := u.Say(audit.SignInRefused, audit.Denied, targets, fields...)
	return err
}

// address is where a request comes from, for the log.
func (f From) address() string {
	if !f.Addr.IsValid() {
		return ""
	}
	return f.Addr.String()
}

// subject is whose key seals what an entry says of an account.
func subject(id string) string { return audit.AccountActor + "/" + id }
