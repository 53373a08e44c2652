package accounts_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/mint"
)

// What a proof in an actor's hands counts for, step by step.
//
// Rules: G198
func TestWhatAProofCountsFor(t *testing.T) {
	at := time.Date(2026, 5, 13, 16, 0, 0, 0, time.UTC)
	plain := accounts.Recorded(mint.Token{}, audit.AccountActor, "a", "", "session/1", time.Time{})
	with := func(op, target string) accounts.Actor {
		return accounts.Bound(mint.Token{}, plain, accounts.Proof{ID: "p", Session: "1", Op: op, Target: target, At: at})
	}
	rely := func(a accounts.Actor, op, site string, after time.Duration) bool {
		return a.Rely(mint.Token{}, op, site, at.Add(after), time.Minute)
	}
	relied := func(a accounts.Actor) bool { _, ok := a.Relied(mint.Token{}); return ok }

	assert.False(t, rely(plain, "people.Remove", "", 0), "no proof")
	plain.Spent(mint.Token{}) // nothing to spend
	assert.False(t, relied(plain))

	a := with("people.Remove", "x")
	assert.False(t, rely(a, "people.Lend", "", 0), "another act")
	assert.False(t, rely(a, "people.Remove", "", -time.Second), "before it was proven")
	assert.False(t, rely(a, "people.Remove", "", time.Minute+1), "too late")
	assert.False(t, relied(a), "nothing rests on it so far")
	b := a
	assert.True(t, rely(b, "people.Remove", "", time.Minute))
	assert.True(t, relied(a), "a copy is the same request")
	a.Spent(mint.Token{})
	assert.False(t, relied(b))
	assert.False(t, rely(b, "people.Remove", "", 0), "once")

	assert.True(t, rely(with("door.SiteKey", "site/north"), "door.SiteKey", "north", 0))
	assert.False(t, rely(with("door.SiteKey", "site/north"), "door.SiteKey", "south", 0), "another site")

	many := with("people.RemoveMany", "")
	assert.False(t, rely(many, "people.Remove", "", 0), "not by itself")
	assert.True(t, rely(many, "people.RemoveMany", "", 0))
	assert.True(t, rely(many, "people.Remove", "", 0))
	many.Spent(mint.Token{})
	assert.True(t, rely(many, "people.Remove", "", 0), "the rest of them")
	assert.False(t, rely(many, "people.RemoveMany", "", 0), "and no more")
}
