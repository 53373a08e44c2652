// Package fault names the few kinds of failure that a program can act on.
//
// It is for everybody: hosts map nine kinds to their own answers once (an HTTP
// status, an exit code), drivers and stores classify what went wrong, and people
// read the text and the hint. The sentinels themselves live with the rule that
// they name (panel.ErrCodeNotSet, store.ErrStale, …) and are compared with
// [errors.Is].
package fault

import (
	"errors"
	"strings"
)

// Kind is the reaction that a failure asks for.
type Kind uint8

// The kinds. A program needs no more than these to decide what to do next.
const (
	Unknown      Kind = iota // not classified: treat as Internal
	Invalid                  // the input can never be right: change it
	NotFound                 // what was named does not exist (or may not be seen)
	Conflict                 // somebody else was there first: look again
	Denied                   // the caller lacks a right
	Precondition             // right input, wrong moment: something must happen first
	Unsupported              // this panel, route or store cannot do it
	Unavailable              // out of reach now: try again later
	Busy                     // in use or over a limit now: try again later
	Internal                 // a defect or a broken promise of a dependency
)

var names = [...]string{"unknown", "invalid", "not found", "conflict", "denied", "precondition", "unsupported", "unavailable", "busy", "internal"}

// String returns the kind in lower-case words.
func (k Kind) String() string {
	if int(k) < len(names) {
		return names[k]
	}
	return names[Unknown]
}

// Error is a classified failure. Sentinels are made with [New]; an Error never
// carries a code, a password, a key or an e-mail address.
type Error struct {
	kind      Kind
	text      string
	hint      string
	temporary bool
}

// New makes a sentinel of a kind. Unavailable and Busy are temporary; everything
// else is not, until [Error.Retryable] says otherwise.
func New(kind Kind, text string) *Error {
	return &Error{kind: kind, text: text, temporary: kind == Unavailable || kind == Busy}
}

// Hinted returns a copy of the sentinel with a sentence for a person: what to do now.
// Call it only where the sentinel is declared: a copy is another error to [errors.Is].
func (e *Error) Hinted(hint string) *Error {
	c := *e
	c.hint = hint
	return &c
}

// Retryable returns a copy for which trying again later may help.
func (e *Error) Retryable() *Error {
	c := *e
	c.temporary = true
	return &c
}

// Error returns the text.
func (e *Error) Error() string { return e.text }

// FaultKind returns the kind; [Of] finds it through wrapping.
func (e *Error) FaultKind() Kind { return e.kind }

// FaultHint returns the hint; [Hint] finds it through wrapping.
func (e *Error) FaultHint() string { return e.hint }

// Temporary reports whether trying again later may help.
func (e *Error) Temporary() bool { return e.temporary }

// Of returns the kind of the first classified error in err's tree, Unknown if there is none.
func Of(err error) Kind {
	if f, ok := errors.AsType[interface {
		error
		FaultKind() Kind
	}](err); ok {
		return f.FaultKind()
	}
	return Unknown
}

// Text returns what a person reads of err: the text of its first classified error without
// the package in front of it, "something went wrong" if there is none.
func Text(err error) string {
	f, ok := errors.AsType[*Error](err)
	if !ok {
		return "something went wrong"
	}
	if _, text, found := strings.Cut(f.text, ": "); found {
		return text
	}
	return f.text
}

// Hint returns what a person can do about err, or "".
func Hint(err error) string {
	if f, ok := errors.AsType[interface {
		error
		FaultHint() string
	}](err); ok {
		return f.FaultHint()
	}
	return ""
}

// Temporary reports whether trying again later may help.
func Temporary(err error) bool {
	if f, ok := errors.AsType[interface {
		error
		Temporary() bool
	}](err); ok {
		return f.Temporary()
	}
	return false
}
