package signin

import (
	"context"
	"strings"
	"time"

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
)

// Letter is a message before it is put into words.
type Letter struct {
	Kind    LetterKind
	Method  Method // Mail or SMS
	Name    string // of the person, personal; escape it in HTML
	Code    otp.Answer
	Expires time.Time // the code works until then
}

// compose is the plain English of a message.
func compose(l Letter) notify.Message {
	until := l.Expires.UTC().Format("15:04") + " UTC"
	if l.Method == SMS {
		return notify.Message{Text: l.Code.Text() + " is your sign-in code until " + until + ". Give it to nobody."}
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
