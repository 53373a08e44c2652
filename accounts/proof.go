package accounts

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/seed-a2d3eaca/keyholder/internal/mint"
)

// Proof is a factor that was proven for one act on one target. The change that is the act
// spends it.
type Proof struct {
	ID      string
	Session string // the sign-in that keeps it until it is spent
	Op      string // "people.SetRoles"
	Target  string // as the log names it; "" for an act whose target nobody can name before
	At      time.Time
}

// proven is a proof in the hands of one request, whose actor may be copied.
type proven struct {
	Proof
	relied, spent atomic.Bool
}

// siteTarget is what the log's names of sites begin with.
const siteTarget = "site/"

// Bound is the same actor with a proof. Only keyholder's own packages can call it.
func Bound(_ mint.Token, a Actor, p Proof) Actor {
	a.proof = &proven{Proof: p}
	return a
}

// Bare is the same actor without a proof, for what is said of an act before it is done.
func (a Actor) Bare() Actor {
	a.proof = nil
	return a
}

// Rely reports whether the actor carries a proof for an operation, not older than within
// and not for another site ("": the operation is of no single site).
// If so, what the actor does next rests on it, see [Actor.Relied]. Once that is done it
// counts for nothing but the rest of an operation that does the same to many. Only
// keyholder's own packages can call it.
func (a Actor) Rely(_ mint.Token, op, site string, now time.Time, within time.Duration) bool {
	p := a.proof
	if p == nil || now.Before(p.At) || now.Sub(p.At) > within {
		return false
	}
	if at, ok := strings.CutPrefix(p.Target, siteTarget); ok && site != "" && at != site {
		return false
	}
	if p.relied.Load() && PermissionFor(p.Op).Inner == op {
		return true
	}
	if p.Op != op || p.spent.Load() {
		return false
	}
	p.relied.Store(true)
	return true
}

// Relied returns the proof on which the actor's next change rests, if there is one that is
// not spent. Only keyholder's own packages can call it.
func (a Actor) Relied(mint.Token) (Proof, bool) {
	if a.proof == nil || !a.proof.relied.Load() || a.proof.spent.Load() {
		return Proof{}, false
	}
	return a.proof.Proof, true
}

// Spent says that the change has been made that spent the actor's proof. Only keyholder's
// own packages can call it.
func (a Actor) Spent(mint.Token) {
	if a.proof != nil {
		a.proof.spent.Store(true)
	}
}
