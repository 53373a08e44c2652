package people

import (
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/notify"
)

// LetterKind is what a message is about.
type LetterKind string

// The kinds of messages.
const (
	SetupLetter LetterKind = "setup" // the code that confirms a new account
	ResetLetter LetterKind = "reset" // the code that sets a new password
	MovedLetter LetterKind = "moved" // to the former address: the code that objects to the new one
	// AddressLetter and PhoneLetter go, without a code, to the address from before a change by
	// anybody of the address or the phone number.
	AddressLetter LetterKind = "address changed"
	PhoneLetter   LetterKind = "phone changed"
)

// Letter is a message before it is put into words.
type Letter struct {
	Kind    LetterKind
	Name    string // of the person, personal; escape it in HTML
	Code    credentials.Code
	Expires time.Time // the code works until then; without a code: when it is old news
}

func letter(l flow.Letter) Letter {
	c, _ := l.Secret.Code() // none in a message that only tells
	return Letter{Kind: LetterKind(l.Purpose), Name: l.Name, Code: c, Expires: l.Expires}
}

// compose is the plain English of a message.
func compose(l Letter) notify.Message {
	if l.Kind == AddressLetter || l.Kind == PhoneLetter {
		what := "e-mail address"
		if l.Kind == PhoneLetter {
			what = "phone number"
		}
		return notify.Message{Subject: "Your account was changed", Text: strings.Join([]string{
			"Hello " + l.Name + ",", "", "The " + what + " of your account was changed. If you wanted that, do nothing.",
			"If you did not, tell an operator at once.", ""}, "\n")}
	}
	subject, why := "Your code to set up your account", "An account was made for you. Confirm it with this code:"
	unexpected := "If you did not expect this message, do nothing and give the code to nobody."
	switch l.Kind {
	case ResetLetter:
		subject, why = "Your code to set a new password", "A new password was asked for your account. Set it with this code:"
	case MovedLetter:
		subject, why = "The address of your account was changed", "Your account has another e-mail address now. If you did not want that, object with this code:"
		unexpected = "Objecting stops the account until an operator has looked at it. If you wanted the change, do nothing."
	}
	return notify.Message{Subject: subject, Text: strings.Join([]string{
		"Hello " + l.Name + ",", "",
		why, "",
		"    " + l.Code.Reveal(), "",
		"It works once, until " + l.Expires.UTC().Format("15:04 on 2 January 2006") + " UTC.",
		unexpected, ""}, "\n")}
}
