package people

import (
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/notify"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// LetterKind is what a message is about.
type LetterKind string

// The kinds of messages.
const (
	SetupLetter LetterKind = "setup" // the code that confirms a new account
	ResetLetter LetterKind = "reset" // the code that sets a new password
	MovedLetter LetterKind = "moved" // to the former address: the code that objects to the new one
	// VisitorLetter is to a visitor: the PIN, which works for the whole visit.
	VisitorLetter LetterKind = "visitor"
	// HandOverLetter has the word by which a new PIN is collected, see [Service.Collect].
	HandOverLetter LetterKind = "handover"
	// HandOverCodeLetter has the word by which a new code of a panel user is collected.
	HandOverCodeLetter LetterKind = "handover code"
	// AddressLetter and PhoneLetter go, without a code, to the address from before a change by
	// anybody of the address or the phone number.
	AddressLetter LetterKind = "address changed"
	PhoneLetter   LetterKind = "phone changed"
	// CodesLetter goes, without a code, when operators have opened the owner's codes.
	CodesLetter LetterKind = "codes opened"
)

// Letter is a message before it is put into words.
type Letter struct {
	Kind    LetterKind
	Name    string // of the person, personal; escape it in HTML
	Code    credentials.Code
	Word    panel.Secret // where something is collected, instead of a code: the end of a link, after a #
	Expires time.Time    // the code works until then; without a code: when it is old news
}

func letter(l flow.Letter) Letter {
	out := Letter{Kind: LetterKind(l.Purpose), Name: l.Name, Expires: l.Expires}
	if out.Kind == HandOverLetter || out.Kind == HandOverCodeLetter {
		out.Word = panel.SecretOf(l.Secret.Reveal())
		return out
	}
	out.Code, _ = l.Secret.Code() // none in a message that only tells
	return out
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
	if l.Kind == CodesLetter {
		return notify.Message{Subject: "Your codes can be changed", Text: strings.Join([]string{
			"Hello " + l.Name + ",", "", "Operators have opened your codes: for a time they can set new ones for you.",
			"Your account shows for how long and why, and there you can end it.", ""}, "\n")}
	}
	until := l.Expires.UTC().Format("15:04 on 2 January 2006") + " UTC."
	if l.Kind == VisitorLetter {
		return notify.Message{Subject: "Your PIN for your visit", Text: strings.Join([]string{
			"Hello " + l.Name + ",", "", "You are expected. This PIN lets you in:", "", "    " + l.Code.Reveal(), "",
			"It works until " + until, "Give it to nobody.", ""}, "\n")}
	}
	if l.Kind == HandOverLetter || l.Kind == HandOverCodeLetter {
		what, once := "PIN", "It is shown once, until "
		if l.Kind == HandOverCodeLetter {
			what, once = "code for an alarm panel", "If the panel does not have it yet, try again a little later. It is shown once, until "
		}
		return notify.Message{Subject: "Your new " + what + " is ready", Text: strings.Join([]string{
			"Hello " + l.Name + ",", "", "You have a new " + what + ". See it on the page that you were told, with this word:", "", "    " + l.Word.Reveal(), "",
			once + until, "Give the word to nobody.", ""}, "\n")}
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
		"It works once, until " + until,
		unexpected, ""}, "\n")}
}
