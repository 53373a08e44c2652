package signin

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// askLines are what the names of the lines of requests begin with.
const askLines = "signinask/"

// Forgot asks for a new password in somebody's name, from a page that anybody can reach. It
// answers nothing, and does the same work whether there is such an account or not: that
// is found out later, by the loops, which mail a code to the stored address. More requests
// than there may be are dropped in silence. The password stays as it is until the code is
// used.
func (s *Service) Forgot(ctx context.Context, name string, f From) error {
	if !s.o.Accounts.ResetByMail {
		return accounts.ErrResetUnsupported
	}
	if s.o.Mailer == nil {
		return accounts.ErrMailerNotConfigured
	}
	name = name[:min(len(name), maxName)]
	stranger, err := s.core.Keys.Print(s.core.Keys.Epoch().Prints[0], credentials.Scope{Kind: emailScope, ID: "ask"}, credentials.MarkMaterial([]byte(name)))
	if err != nil {
		return err
	}
	now := s.core.Time()
	counted := guesses("n/"+stranger.String(), s.p.Limits.Asks, now)
	if f.Addr.IsValid() { // else it is not one source
		counted = append(counted, guesses("q/"+f.source(), s.p.Limits.Asks, now)...)
	}
	err = s.core.Reserve(ctx, nobody(), counted...)
	if errors.Is(err, flow.ErrGuesses) {
		return nil
	}
	if err != nil {
		return err
	}
	id := flow.NewID()
	plain, err := json.Marshal(name)
	if err != nil {
		return err
	}
	sealed, err := s.core.Keys.Seal(askBinding(id), plain)
	if err != nil {
		return err
	}
	_, err = s.core.Act(ctx, nobody(), func(u *flow.Unit) error {
		u.Do(store.Mark{Line: askLines + id})
		return flow.Put(u, rec.Asks, askID(id), &rec.Ask{At: u.Now(), Name: sealed})
	})
	return err
}

func askBinding(id string) credentials.Binding {
	return credentials.Binding{Owner: askLines + id, Kind: "name"}
}

func askID(id string) string { return "ask/" + id }

// workAsks answers the requests that are due.
func (s *Service) workAsks(ctx context.Context) error {
	if s.core.Opener == nil {
		return flow.ErrNoOpener
	}
	return s.core.EachDue(ctx, s.o.Node+"/ask", askLines, time.Minute, func(ctx context.Context, line store.Line) error {
		if err := s.answerAsk(ctx, line); err != nil && !errors.Is(err, store.ErrFenced) {
			s.core.Logger().WarnContext(ctx, "request for a new password failed", slog.String("line", line.Name), slog.Any("error", err))
		}
		return nil
	})
}

// answerAsk mails a code if there is such an account, and forgets the request, in one
// commit.
func (s *Service) answerAsk(ctx context.Context, line store.Line) error {
	id := line.Name[len(askLines):]
	rs, err := s.core.Store.Load(ctx, rec.Asks.Key(askID(id)))
	if err != nil {
		return err
	}
	ask, _, err := rec.Asks.Decode(rs[0])
	if err != nil {
		return err
	}
	var name string
	if rs[0].Version != 0 {
		plain, err := s.core.Opener.Open(askBinding(id), ask.Name)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(plain, &name); err != nil {
			return credentials.ErrDecrypt
		}
	}
	t, err := s.find(ctx, name, Token{})
	if err != nil {
		return err
	}
	finish := func(mail bool) error {
		_, err := s.core.Act(ctx, nobody(), func(u *flow.Unit) error {
			if err := gone(u, rec.Asks, askID(id)); err != nil {
				return err
			}
			u.Do(store.Fence{Line: line.Name, Owner: line.Owner, Token: line.Token, Fate: store.Fate{Done: line.Gen}})
			if mail {
				return s.mailReset(u, t.key)
			}
			return nil
		})
		return err
	}
	err = finish(t.known && s.core.Time().Sub(ask.At) < s.o.Accounts.OTPLife)
	if errors.Is(err, store.ErrLimit) || errors.Is(err, accounts.ErrInvalidTransition) || errors.Is(err, accounts.ErrNoEmail) {
		return finish(false)
	}
	return err
}

// resetsAnHour is how many messages to set a password an account's owner gets; operators'
// count too.
const resetsAnHour = 3

// mailReset posts a code for a new password to the owner of an account, or the code for
// the first one again.
func (s *Service) mailReset(u *flow.Unit, id string) error {
	acc, _, err := flow.Load(u, rec.Accounts, id)
	if err != nil {
		return err
	}
	if err := acc.May(accounts.Reset, s.o.Accounts); err != nil {
		return err
	}
	switch login, _, err := flow.Load(u, rec.Logins, id); {
	case err != nil:
		return err
	case login.Subject != "": // the code would set nothing
		_, err := u.Say(audit.OperationRefused, audit.Failure, []string{id}, flow.F(audit.FieldAccount, id),
			flow.F(audit.FieldOperation, "signin.Forgot"), flow.F(audit.FieldReason, flow.Reason(accounts.ErrAtProvider)))
		return err
	}
	purpose := flow.Reset
	if acc.Confirmed.IsZero() {
		purpose = flow.Setup
	}
	secret, err := u.IssueAsked(purpose, id, flow.Digits, s.o.Accounts.OTPLife)
	if err != nil {
		return err
	}
	hour := u.Now().Truncate(time.Hour)
	budget := "mail/" + id + "/" + hour.Format("2006-01-02T15")
	u.Do(store.Count{Counter: budget, By: 1, Max: resetsAnHour, Until: hour.Add(2 * time.Hour)})
	message, err := u.Post(flow.Posting{Account: id, To: acc.Email, Lane: flow.SignInLane, Name: acc.Name(), Secret: secret, Budget: budget})
	if err != nil {
		return err
	}
	return say(u, audit.AccountPasswordResetSent, id, flow.F(audit.FieldMessage, message), flow.F(audit.FieldExpires, secret.Expires.Format(time.RFC3339)))
}
