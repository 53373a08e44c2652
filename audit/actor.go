package audit

import (
	"fmt"
	"io"
	"log/slog"
)

// Kinds of actors.
const (
	AccountActor = "account" // a person who signed in
	HostActor    = "host"    // a person or program that the host vouches for
	SystemActor  = "system"  // keyholder itself: a loop, a sweep
	PanelActor   = "panel"   // somebody at a keypad, seen through a panel's report
)

// Actor is who did it, as it was at that time.
//
// It prints as "kind/id": Name is personal and goes into an entry only sealed, as the
// field [FieldActorName].
type Actor struct {
	Kind string // [AccountActor], [HostActor], [SystemActor] or [PanelActor]
	ID   string // random id of the account, the host's own id, the loop, the panel
	Name string `json:"-"`
	Via  string // by which way: "http", "cli", "import", a session's id
}

// Fields returns the public fields of the actor: its kind, its id and its way if known.
func (a Actor) Fields(salt func() Salt) []Field {
	list := []Field{Public(FieldActorKind, a.Kind, salt()), Public(FieldActorID, a.ID, salt())}
	if a.Via != "" {
		list = append(list, Public(FieldVia, a.Via, salt()))
	}
	return list
}

// Actor returns who did it. Name is there if that field was opened.
func (e Entry) Actor() Actor {
	return Actor{Kind: e.Value(FieldActorKind), ID: e.Value(FieldActorID), Name: e.Value(FieldActorName), Via: e.Value(FieldVia)}
}

// String returns "kind/id".
func (a Actor) String() string { return a.Kind + "/" + a.ID }

// Format keeps the name out of every verb of fmt.
func (a Actor) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, a.String()) }

// LogValue keeps the name out of slog.
func (a Actor) LogValue() slog.Value { return slog.StringValue(a.String()) }
