package signin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Method is a way of proving who one is.
type Method string

// The methods.
const (
	Password Method = "password"
	App      Method = "app"      // the code of an authenticator app
	SMS      Method = "sms"      // a code by text message
	Mail     Method = "mail"     // a code by mail
	Recovery Method = "recovery" // a recovery code
)

// Challenge is a sign-in after the right password: it ends with a second factor, or by
// itself.
type Challenge struct {
	Token   Token    // for [Service.Send] and [Service.Answer]
	Methods []Method // that the owner can choose from, the best first
	Sent    Method   // by which a code was sent already, "" for none
	Ends    time.Time
}

// challenge makes a challenge in the decision that found the password right. Where the
// best factor is a code that is sent, it is sent with it.
func (s *Service) challenge(u *flow.Unit, acc accounts.Account, login rec.Login, a Attempt) (Result, error) {
	methods, missing := s.methods(acc, login)
	if len(methods) == 0 {
		return Result{}, &NoFactorError{Missing: missing}
	}
	id := string(acc.ID)
	if err := s.tidy(u, id, login.Epoch); err != nil {
		return Result{}, err
	}
	token := newToken(challengeToken, "")
	c := rec.Challenge{Account: id, Began: u.Now(), Device: a.From.device(), Ends: u.Now().Add(s.p.CodeLife), Epoch: login.Epoch, Hash: token.hash(),
		Local: a.From.Local, Remember: a.Remember}
	if err := s.mail(u, token.id, &c, acc, methods[0]); err != nil {
		return Result{}, err
	}
	view := Challenge{Token: token, Methods: methods, Sent: Method(c.Channel), Ends: c.Ends}
	return Result{Challenge: &view}, flow.Put(u, rec.Challenges, token.id, &c)
}

// mail issues and posts the code for a challenge if the method is one that is sent, and
// says what happened.
func (s *Service) mail(u *flow.Unit, challenge string, c *rec.Challenge, acc accounts.Account, m Method) error {
	id := string(acc.ID)
	fields := []flow.Field{flow.F(audit.FieldAccount, id), flow.F(audit.FieldMethod, string(m))}
	if m == SMS || m == Mail {
		form := flow.Short
		if s.p.Letters {
			form = flow.Letters
		}
		secret, err := u.IssueFor(flow.Second, challenge, id, form, c.Ends.Sub(u.Now()))
		if err != nil {
			return err
		}
		p := flow.Posting{Account: id, To: acc.Email, Lane: flow.SignInLane, Name: acc.Name(), Secret: secret}
		if m == SMS {
			p.Phone = acc.Phone
		}
		message, err := u.Post(p)
		if err != nil {
			return err
		}
		for _, g := range guesses("codes/"+id, s.p.Limits.Codes, u.Now()) {
			u.Do(store.Count{Counter: g.Counter, By: 1, Max: g.Max, Until: g.Until})
		}
		c.Channel, c.Message, c.Sent = string(m), message, u.Now()
		fields = append(fields, flow.F(audit.FieldMessage, message), flow.F(audit.FieldExpires, secret.Expires.Format(time.RFC3339)))
	}
	_, err := u.Say(audit.SignInChallenge, audit.Success, []string{id}, fields...)
	return err
}

// methods lists the second factors that an account can use here, the best first, and why
// the others are missing. A recovery code stands in for others: it is none by itself.
func (s *Service) methods(a accounts.Account, login rec.Login) ([]Method, map[Method]string) {
	var out []Method
	missing := map[Method]string{}
	add := func(m Method, why string) {
		if why == "" {
			out = append(out, m)
		} else {
			missing[m] = why
		}
	}
	first := func(whys ...string) string {
		for _, w := range whys {
			if w != "" {
				return w
			}
		}
		return ""
	}
	when := func(cond bool, why string) string {
		if cond {
			return why
		}
		return ""
	}
	add(App, first(when(login.App == nil, "no app is set up"), when(s.core.Opener == nil, "this node cannot open its secret")))
	add(SMS, first(when(s.o.SMS == nil, "text messages are not configured"), when(a.Phone == "", "the account has no phone number"),
		when(s.p.ProvenPhone && !s.phoneProven(a, login), "the phone number is not proven")))
	add(Mail, first(when(s.o.Mailer == nil, "mail is not configured"), when(a.Email.IsZero(), "the account has no address"),
		when(login.Mailed, "the password was set with a code from the same mailbox")))
	if len(out) > 0 && len(login.Recovery) > 0 {
		out = append(out, Recovery)
	}
	return out, missing
}

// resend is how long after a code another one is sent.
const resend = 30 * time.Second

// Send sends a code for a challenge, by mail or text message. A newer code takes the place
// of the older one. Errors: [ErrChallenge], [ErrFactor], [ErrTooSoon], [ErrTooManyCodes].
func (s *Service) Send(ctx context.Context, token Token, m Method) (Challenge, error) {
	id, _, err := s.open(ctx, token)
	if err != nil {
		return Challenge{}, err
	}
	var view Challenge
	_, err = s.core.Act(ctx, nobody(), func(u *flow.Unit) error {
		c, acc, login, err := s.pending(u, id, From{})
		if err != nil {
			return err
		}
		methods, _ := s.methods(acc, login)
		switch {
		case m != Mail && m != SMS, !slices.Contains(methods, m):
			return ErrFactor
		case u.Now().Sub(c.Sent) < resend:
			return ErrTooSoon
		}
		if err := s.mail(u, id, &c, acc, m); err != nil {
			return err
		}
		view = Challenge{Token: token, Methods: methods, Sent: m, Ends: c.Ends}
		return flow.Put(u, rec.Challenges, id, &c)
	})
	if errors.Is(err, store.ErrLimit) {
		err = ErrTooManyCodes
	}
	return view, over(err)
}

// Delivered tells what became of the newest code for a challenge: nil while nothing is
// known, and once it is on its way, beyond which nothing can be seen from here. Errors:
// [ErrNotDelivered], [ErrNotSent], [ErrChallenge].
func (s *Service) Delivered(ctx context.Context, token Token) error {
	_, c, err := s.open(ctx, token)
	if err != nil || c.Message == "" {
		return err
	}
	rs, err := s.core.Store.Load(ctx, rec.Posts.Key(c.Message))
	if err != nil {
		return err
	}
	p, _, err := rec.Posts.Decode(rs[0])
	switch {
	case err != nil:
		return err
	case p.State == rec.PostRefused, p.State == rec.PostGivenUp:
		return fmt.Errorf("%w: by %s", ErrNotDelivered, c.Channel)
	case p.State == rec.PostUnavailable:
		return fmt.Errorf("%w: by %s", ErrNotSent, c.Channel)
	}
	return nil
}

// over makes [ErrChallenge] of every reason why an account's owner cannot get in any more.
func over(err error) error {
	if denied(err) {
		return ErrChallenge
	}
	return err
}

// open reads a challenge and compares its token.
func (s *Service) open(ctx context.Context, token Token) (string, rec.Challenge, error) {
	id := token.of(challengeToken)
	rs, err := s.core.Store.Load(ctx, rec.Challenges.Key(id), rec.Quarantines.Key(rec.QuarantineID))
	if err != nil {
		return id, rec.Challenge{}, err
	}
	c, _, err := rec.Challenges.Decode(rs[0])
	if err != nil {
		return id, c, err
	}
	q, _, err := rec.Quarantines.Decode(rs[1])
	if err != nil {
		return id, c, err
	}
	if !token.matches(c.Hash) || !s.core.Time().Before(c.Ends) || !c.Began.After(q.Since) {
		return id, c, ErrChallenge
	}
	return id, c, nil
}

// pending loads a challenge for a decision, and whom it is to let in.
func (s *Service) pending(u *flow.Unit, id string, f From) (rec.Challenge, accounts.Account, rec.Login, error) {
	c, found, err := flow.Load(u, rec.Challenges, id)
	if err == nil && (!found || !u.Now().Before(c.Ends)) {
		err = ErrChallenge
	}
	if err != nil {
		return c, accounts.Account{}, rec.Login{}, err
	}
	f.Local = f.Local || c.Local
	acc, login, err := s.enter(u, c.Account, f)
	if err == nil && login.Epoch != c.Epoch {
		err = ErrChallenge
	}
	return c, acc, login, err
}

// Reply is a second factor, as somebody typed it.
type Reply struct {
	Challenge Token
	Method    Method
	Code      otp.Answer
	From      From
}

// Answer compares a second factor, and begins the session. Errors: [ErrFactorWrong],
// [ErrFactorExpired], [ErrFactorLocked], [ErrFactor], [ErrChallenge], [ErrTooManySessions].
func (s *Service) Answer(ctx context.Context, r Reply) (Result, error) {
	id, c, err := s.open(ctx, r.Challenge)
	if err != nil {
		return Result{}, err
	}
	acc, _, err := s.account(ctx, c.Account)
	if err != nil {
		return Result{}, err
	}
	t := target{key: c.Account, known: true, account: acc}
	refuse := func(cause error) (Result, error) {
		return Result{}, public(s.refuse(ctx, t, r.From, "Answer", over(cause), cause))
	}
	counted := append(s.factors(c.Account), flow.Guesses{Counter: "guess/c/" + id, Max: challengeGuesses, Until: c.Ends.Add(time.Hour)})
	err = s.core.Reserve(ctx, nobody(), counted...)
	if errors.Is(err, flow.ErrGuesses) {
		return refuse(ErrFactorLocked)
	}
	if err != nil {
		return Result{}, err
	}
	var out Result
	done := func(u *flow.Unit, use func(login *rec.Login) error) error {
		c, acc, login, err := s.pending(u, id, r.From)
		if err != nil {
			return err
		}
		if methods, _ := s.methods(acc, login); !slices.Contains(methods, r.Method) {
			return ErrFactor
		}
		if err := use(&login); err != nil {
			return err
		}
		login.Mailed = false // it was proven by something else: mail was none of the methods
		if err := flow.Put(u, rec.Logins, c.Account, &login); err != nil {
			return err
		}
		flow.Drop(u, rec.Challenges, id)
		back(u, counted)
		r.From.Local, r.From.Device = r.From.Local || c.Local, c.Device
		out, err = s.begin(u, acc, login, beginning{from: r.From, methods: []Method{Password, r.Method}, factor: factorTime(r.Method, u.Now()), remember: c.Remember})
		return err
	}
	if r.Method == SMS || r.Method == Mail {
		if c.Channel != string(r.Method) {
			return refuse(ErrFactor)
		}
		err = s.core.Spend(ctx, signer(acc), flow.Second, id, flow.OneTimeOf(r.Code.Reveal()), func(u *flow.Unit) error {
			return done(u, func(*rec.Login) error { return nil })
		})
	} else {
		err = s.prove(ctx, signer(acc), c.Account, r.Method, r.Code, func(u *flow.Unit, use func(*rec.Login) error) error {
			return done(u, func(login *rec.Login) error { return errors.Join(u.VoidSecret(flow.Second, id), use(login)) })
		})
	}
	switch err = factorError(err); {
	case err == nil:
		s.entered(ctx, out)
		return out, nil
	case errors.Is(err, ErrFactorWrong), errors.Is(err, ErrFactorExpired), errors.Is(err, ErrFactorLocked), errors.Is(err, ErrFactor), errors.Is(err, ErrChallenge),
		errors.Is(err, ErrTooManySessions), denied(err):
		return refuse(err)
	}
	return Result{}, err
}

// public takes the public error out of a refusal: who has proven the password learns it.
func public(err error) error {
	if r, ok := errors.AsType[*RefusedError](err); ok {
		return r.public
	}
	return err
}

// challengeGuesses is how often a second factor may be tried at one challenge.
const challengeGuesses = 5

// factorTime is when a factor was proven that counts for acts that ask for a fresh one. A
// code by mail does not: a mailbox is open for days.
func factorTime(m Method, now time.Time) time.Time {
	if m == Mail {
		return time.Time{}
	}
	return now
}
