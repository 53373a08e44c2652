package signin_test

import (
	"testing"

	"github.com/seed-a2d3eaca/keyholder/accounts"
)

// Only a policy that says nothing at all is replaced by the default one: here it would have
// the owner sign in by address.
func TestAHostsOwnPolicyIsTakenAsItIs(t *testing.T) {
	w := newWorld(t, func(c *setup) { c.accounts = accounts.Policy{LoginBy: accounts.ByUsername} })
	w.owner("tower")
	w.in("tower")
}
