package accounts

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/mint"
)

// ID is an account's id, or a host's own id of a person. An account's id is random,
// never changes, and is never used again.
type ID string

// SystemID is the account that stands for keyholder itself. It is always there, never
// changes, and nobody signs in as it.
const SystemID ID = "0"

// Actor is who asks. It cannot be made by setting fields: a host makes one with
// [HostActor], keyholder's own loops with [SystemActor], and a signed-in account's is
// made by the sign-in. The zero value is nobody, and nobody has a right.
//
// An Actor prints as "kind/id": the name is personal.
type Actor struct {
	kind, name, via string
	id              ID
	factor          time.Time
	local           bool
	scope           *Scope
	proof           *proven
}

// Scope is less than what an account may do: what an API token is for, or what a session
// had when it began. It only takes away.
type Scope struct {
	Rights Rights
	Sites  Sites
	Waits  bool // what is cut off begins with the next sign-in
}

// HostActor is a person or program that the host has identified itself and answers for.
// The log records it as the host's. Name is shown in the log and personal; via says by
// which way the call came: "http", "cli".
func HostActor(id ID, name, via string) Actor {
	return Actor{kind: audit.HostActor, id: id, name: name, via: via}
}

// SystemActor is keyholder itself: a loop, by its name.
func SystemActor(loop string) Actor { return Actor{kind: audit.SystemActor, id: SystemID, via: loop} }

// Recorded is an actor as keyholder itself knows it: from a sign-in that it has proven,
// or from the author of a recorded wish whose rights are asked again. factor is when a
// factor was proven, zero for none. Only keyholder's own packages can call it.
func Recorded(_ mint.Token, kind string, id ID, name, via string, factor time.Time) Actor {
	return Actor{kind: kind, id: id, name: name, via: via, factor: factor}
}

// Locally is the same actor, known to come from the local network. Only keyholder's own
// packages can call it; who is not known to be near comes from elsewhere.
func Locally(_ mint.Token, a Actor) Actor {
	a.local = true
	return a
}

// Scoped is the same actor, who may do nothing beyond s. Only keyholder's own packages can
// call it.
func Scoped(_ mint.Token, a Actor, s Scope) Actor {
	a.scope = &s
	return a
}

// Local reports whether the actor is known to come from the local network.
func (a Actor) Local() bool { return a.local }

// Limit is what is left of a grant within the actor's scope.
func (a Actor) Limit(g Grant) Grant {
	if a.scope != nil {
		if a.scope.Waits {
			g.Waiting = g.Rights.Without(a.scope.Rights)
		}
		g.Rights, g.Sites = g.Rights.Within(a.scope.Rights), g.Sites.Meet(a.scope.Sites)
	}
	return g
}

// Vouched is the same actor with the host's word that the person proved a factor at
// that time: a password or a second factor, never a remembered device. Only a host
// actor can be vouched for; any other comes back as it is.
func (a Actor) Vouched(at time.Time) Actor {
	if a.kind == audit.HostActor {
		a.factor = at
	}
	return a
}

// Kind is [audit.HostActor], [audit.SystemActor] or [audit.AccountActor]; "" for nobody.
func (a Actor) Kind() string { return a.kind }

// ID is the account's id, the host's own id of the person, or [SystemID].
func (a Actor) ID() ID { return a.id }

// Name is how the person is shown. It is personal.
func (a Actor) Name() string { return a.name }

// Via is the way by which the call came, or the loop's name.
func (a Actor) Via() string { return a.via }

// IsZero reports whether this is nobody.
func (a Actor) IsZero() bool { return a.kind == "" }

// Fresh reports whether a factor was proven not later than now and not earlier than
// within before it.
func (a Actor) Fresh(now time.Time, within time.Duration) bool {
	return !a.factor.IsZero() && !now.Before(a.factor) && now.Sub(a.factor) <= within
}

// Audit is the actor as the log keeps it.
func (a Actor) Audit() audit.Actor {
	return audit.Actor{Kind: a.kind, ID: string(a.id), Name: a.name, Via: a.via}
}

// String returns "kind/id".
func (a Actor) String() string { return a.Audit().String() }

// Format keeps the name out of every verb of fmt.
func (a Actor) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, a.String()) }

// LogValue keeps the name out of slog.
func (a Actor) LogValue() slog.Value { return slog.StringValue(a.String()) }
