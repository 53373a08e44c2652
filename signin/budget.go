package signin

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"time"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
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
	now, l, all := s.core.Time(), s.p.Limits, s.fromThere(t, f)
	if t.device != "" {
		return all
	}
	return append(append(all, guesses("p/"+t.key+"/"+f.source(), l.Pair, now)...), guesses("a/"+t.key, l.Account, now)...)
}

// fromThere are what an attempt is counted by whatever it is at: the remembered device, else
// the source. Where the host does not know from where requests come they are not one
// source: whoever used that up would lock everybody out.
func (s *Service) fromThere(t target, f From) []flow.Guesses {
	now, l := s.core.Time(), s.p.Limits
	switch {
	case t.device != "":
		return guesses("d/"+t.device, l.Device, now)
	case !f.Addr.IsValid():
		return nil
	}
	return guesses("s/"+f.source(), l.Source, now)
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

// buckets are how many counters stand for all names that are typed.
const buckets = 256

// refuse writes down why somebody was not let in, and returns what an outsider gets. What
// was compared at an account that is there is an entry each, which its limits bound. All
// else is taken together by network, see refusals: a flood fills no log. It is one commit
// wherever something was compared, whether the account is there or not.
func (s *Service) refuse(ctx context.Context, t target, f From, op string, public, cause error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var due []sum
	compared := !errors.Is(cause, ErrTooMany)
	if !t.known || !compared {
		due = s.refusals.note(kind{network: f.network(), op: op, reason: flow.Reason(cause)}, t.key, s.core.Time())
	}
	if !compared && len(due) == 0 {
		return &RefusedError{public: public, cause: cause}
	}
	err := s.report(ctx, func(u *flow.Unit) error {
		if compared { // a write for strangers too, who may have nothing to be said
			hour := u.Now().Truncate(time.Hour)
			bucket := maphash.String(s.refusals.seed, t.key) % buckets
			u.Do(store.Count{Counter: fmt.Sprintf("refused/signin/%d/%d", bucket, hour.Unix()), By: 1, Max: 1 << 40, Until: hour.Add(2 * time.Hour)})
			if t.known {
				return refused(u, t, f, op, cause)
			}
			if _, _, err := flow.Peek(u, rec.Salts, subject(t.key)); err != nil { // as refused does
				return err
			}
		}
		return sayAll(u, due)
	})
	if err != nil {
		s.refusals.back(due)
		return err
	}
	return &RefusedError{public: public, cause: cause}
}

// refused adds the entry of a refusal at an account that is there.
func refused(u *flow.Unit, t target, f From, op string, cause error, fields ...flow.Field) error {
	fields = append(fields, flow.F(audit.FieldOperation, op), flow.F(audit.FieldReason, flow.Reason(cause)), flow.F(audit.FieldAccount, t.key),
		flow.Field{Name: audit.FieldSource, Value: f.address(), Of: subject(t.key)})
	_, err := u.Say(audit.SignInRefused, audit.Denied, []string{t.key}, fields...)
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
