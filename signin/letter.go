package signin

import (
	"context"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/notify"
)

// LetterKind is what a message is about.
type LetterKind string

// The kinds of messages.
const (
	ResetLetter  LetterKind = "reset"  // the code that sets a new password
	FactorLetter LetterKind = "second" // the code that is a second factor
	PhoneLetter  LetterKind = "phone"  // the code that proves a phone number
	// PasswordLetter and FactorsLetter go, without a code, after a change by anybody.
	PasswordLetter LetterKind = "password changed"
	FactorsLetter  LetterKind = "factors changed"
)

// Letter is a message before it is put into words.
type Letter struct {
	Kind    LetterKind
	Method  Method // Mail or SMS
	Name    string // of the person, personal; escape it in HTML
	Code    otp.Answer
	Expires time.Time // the code works until then; without a code: when it is old news
}

// compose is the plain English of a message.
func compose(l Letter) notify.Message {
	until := l.Expires.UTC().Format("15:04") + " UTC"
	if l.Kind == PhoneLetter {
		return notify.Message{Text: l.Code.Text() + " proves that this is your number, until " + until + ". Give it to nobody."}
	}
	if l.Method == SMS {
		return notify.Message{Text: l.Code.Text() + " is your sign-in code until " + until + ". Give it to nobody."}
	}
	if l.Kind == PasswordLetter || l.Kind == FactorsLetter {
		what := "password of your account was"
		if l.Kind == FactorsLetter {
			what = "second factors of your account were"
		}
		return notify.Message{Subject: "Your account was changed", Text: strings.Join([]string{
			"Hello " + l.Name + ",", "", "The " + what + " changed. If that was you, do nothing.",
			"If it was not, tell an operator at once.", ""}, "\n")}
	}
	subject, why := "Your sign-in code", "Somebody gave your name and password. If that was you, go on with this code:"
	if l.Kind == ResetLetter {
		subject, why = "Your code to set a new password", "A new password was asked for your account. Set it with this code:"
	}
	return notify.Message{Subject: subject, Text: strings.Join([]string{
		"Hello " + l.Name + ",", "", why, "", "    " + l.Code.Text(), "",
		"It works once, until " + until + ".",
		"If you did not expect this message, give the code to nobody.", ""}, "\n")}
}

// tell posts to an account's owner that a password or second factor was changed, where that
// is possible, and returns the field that names the message.
func (s *Service) tell(u *flow.Unit, a accounts.Account, what LetterKind) (flow.Field, error) {
	if s.o.Mailer == nil || a.Email.IsZero() {
		return flow.Field{}, nil
	}
	id, err := u.Tell(flow.Purpose(what), flow.SignInLane, a)
	return flow.F(audit.FieldMessage, id), err
}

// send hands a message to its transport.
func (s *Service) send(ctx context.Context, p flow.Parcel) (notify.Delivery, error) {
	l := Letter{Kind: LetterKind(p.Purpose), Method: Mail, Name: p.Name, Code: otp.AnswerOf(p.Secret.Reveal()), Expires: p.Expires}
	if p.Channel == flow.SMS {
		l.Method = SMS
	}
	m := s.o.Compose(l)
	switch {
	case p.Channel == flow.SMS && s.o.SMS != nil:
		return s.o.SMS.SendText(ctx, notify.Text{ID: p.ID, To: p.To, Body: m.Text})
	case p.Channel == flow.Mail && s.o.Mailer != nil:
		m.ID, m.To = p.ID, p.To
		return s.o.Mailer.Send(ctx, m)
	}
	return notify.Delivery{}, notify.ErrUnavailable // another node may have the transport
}
