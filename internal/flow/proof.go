package flow

import (
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/mint"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// stepUp is how fresh a factor has to be for the acts that ask for one.
const stepUp = 5 * time.Minute

// steppedUp reports whether an actor has proven a factor for an operation: lately, or just
// for it. A proof for a site is for no other.
func steppedUp(actor accounts.Actor, op, site string, now time.Time) bool {
	if actor.Fresh(now, stepUp) {
		return true
	}
	return actor.Rely(mint.Token{}, op, site, now, stepUp)
}

// Keep says that the change is not the act for which the actor's proof is, but a step
// towards it: the proof has to be there and is kept for the act.
func (u *Unit) Keep() { u.keeps = true }

// spend puts into a change that the proof is used up on which it rests. A change that does
// not say that something was done spends nothing: refusals, counters. One that does, and
// not to the target of the proof, is refused.
func (u *Unit) spend() error {
	p, relied := u.actor.Relied(mint.Token{})
	if !relied || !slices.ContainsFunc(u.said, func(e audit.Entry) bool { return e.Outcome == audit.Success }) {
		return nil
	}
	if p.Target != "" && !slices.Contains(u.named, p.Target) {
		return accounts.ErrStepUpRequired
	}
	v, found, err := Load(u, rec.Sessions, p.Session)
	if err != nil {
		return err
	}
	if !found || v.Proof == nil || v.Proof.ID != p.ID {
		return accounts.ErrStepUpRequired // another request was faster
	}
	if u.keeps {
		return nil
	}
	v.Proof = nil
	u.spends = true
	return Put(u, rec.Sessions, p.Session, &v)
}
