package signin_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/signin"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// sums are the entries about refusals that were taken together: network, operation, count,
// distinct accounts, and how long after the beginning the first and the last of them were.
func (w *world) sums(since time.Time) []string {
	w.t.Helper()
	after := func(text string) time.Duration {
		at, err := time.Parse(time.RFC3339, text)
		require.NoError(w.t, err)
		return at.Sub(since)
	}
	var out []string
	for _, l := range w.leaves() {
		e, err := audit.Decode(l.Body)
		require.NoError(w.t, err)
		if l.Action != string(audit.SignInRefused) || e.Value(audit.FieldCount) == "" {
			continue
		}
		assert.Empty(w.t, e.Value(audit.FieldAccount))
		out = append(out, fmt.Sprintf("%s %s %s of %s, %s to %s", e.Value(audit.FieldNetwork), e.Value(audit.FieldOperation), e.Value(audit.FieldCount),
			e.Value(audit.FieldAccounts), after(e.Value(audit.FieldFirst)), after(e.Value(audit.FieldLast))))
	}
	return out
}

// What is refused to strangers is taken together by network: the first of a kind is an
// entry, then there is one in a minute, with how many there were, at how many names, and when.
//
// Rules: R257, G137
func TestRefusalsAreTakenTogetherByNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *setup) { c.policy.Limits.Source = []signin.Limit{{Max: 20, Per: time.Hour}} })
		began := time.Now()
		guess := func(n int, addr string) {
			for i := range n {
				_, err := w.try(fmt.Sprintf("stranger-%d@example.com", i%7), wrong, from(addr))
				require.ErrorIs(t, err, accounts.ErrSignIn)
				time.Sleep(time.Second)
			}
		}
		guess(5, "198.51.100.1")
		guess(5, "198.51.100.200")
		assert.Equal(t, []string{"198.51.100.0/24 SignIn 1 of 1, 0s to 0s"}, w.sums(began), "the first")
		guess(2, "2001:db8:0:100::1")
		guess(2, "2001:db8:0:1ff::1")
		time.Sleep(time.Minute)
		require.NoError(t, w.signin.Work(t.Context()))
		assert.ElementsMatch(t, []string{"198.51.100.0/24 SignIn 1 of 1, 0s to 0s", "198.51.100.0/24 SignIn 9 of 5, 1s to 9s",
			"2001:db8:0:100::/56 SignIn 1 of 1, 10s to 10s", "2001:db8:0:100::/56 SignIn 3 of 2, 11s to 13s"}, w.sums(began), "and the rest, when the minute is over")
		time.Sleep(2 * time.Minute)
		require.NoError(t, w.signin.Work(t.Context()))
		assert.Len(t, w.sums(began), 4, "nothing is said of nothing")
		guess(1, "198.51.100.1")
		assert.Len(t, w.sums(began), 5, "it begins anew")
	})
}

// Beyond its limit what one address tries is neither compared nor written: a flood takes
// nothing of the store's work.
//
// Rules: R257
func TestAFloodFromOneAddressIsCountedOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.owner("tower")
		began := time.Now()
		for _, name := range []string{"stranger@example.com", "tower@example.com"} {
			for range 6 {
				_, err := w.try(name, wrong)
				require.ErrorIs(t, err, accounts.ErrSignIn)
			}
			w.wrote()
			for range 250 {
				_, err := w.try(name, wrong)
				require.ErrorIs(t, w.cause(err), signin.ErrTooMany)
			}
			for _, c := range w.wrote() {
				assert.NotContains(t, c, "refused", "not the attempt, which the store refuses, nor the refusal")
			}
		}
		time.Sleep(time.Minute)
		require.NoError(t, w.signin.Work(t.Context()))
		all := w.sums(began)
		assert.Contains(t, all, "192.0.2.0/24 SignIn 501 of 2, 0s to 0s")
	})
}

// However many networks take part, entries and memory are bounded; attempts at an account
// that is there are entries each, up to its limit.
//
// Rules: R257, G137, G169
func TestAFloodOfStrangersFillsNoLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.owner("tower")
		began := time.Now()
		flood := func(name string, n int) {
			for i := range n {
				_, err := w.try(name, wrong, from(netip.AddrFrom4([4]byte{198, byte(i >> 8), byte(i), 1}).String()))
				require.ErrorIs(t, err, accounts.ErrSignIn)
			}
		}
		flood("stranger@example.com", 300)
		assert.Len(t, w.sums(began), 64+1, "so many networks are told apart")
		flood("stranger@example.com", 300)
		assert.Len(t, w.sums(began), 64+1, "within a minute nothing more is said")
		before := w.entries()[audit.SignInRefused]
		flood("tower", 100)
		assert.Equal(t, before+20, w.entries()[audit.SignInRefused], "each that was compared")

		time.Sleep(time.Minute)
		require.NoError(t, w.signin.Work(t.Context()))
		total := 0
		for _, s := range w.sums(began) {
			var network, op string
			var n, of int
			_, err := fmt.Sscanf(strings.Replace(s, "  ", " - ", 1), "%s %s %d of %d,", &network, &op, &n, &of)
			if err != nil { // of networks that are not told apart
				_, err = fmt.Sscanf(s, " %d of %d,", &n, &of)
			}
			require.NoError(t, err, s)
			total += n
		}
		assert.Equal(t, 600+100-20, total, "none is forgotten")
	})
}

// What the store does not take is said when it is back.
//
// Rules: R257
func TestRefusalsThatAreNotWrittenAreSaidLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		began := time.Now()
		down := false
		w.failing(func(c storetest.Call) storetest.Fault {
			if down && c.Verb == storetest.Commit && strings.Contains(c.Change.String(), "signin.refused") {
				return storetest.Fail
			}
			return storetest.Pass
		})
		down = true
		for range 3 {
			_, err := w.try("stranger@example.com", wrong)
			require.Error(t, err)
			require.NotErrorIs(t, err, accounts.ErrSignIn)
		}
		time.Sleep(2 * time.Minute)
		require.Error(t, w.signin.Work(t.Context()))
		down = false
		time.Sleep(2 * time.Minute)
		require.NoError(t, w.signin.Work(t.Context()))
		assert.Equal(t, []string{"192.0.2.0/24 SignIn 3 of 1, 0s to 0s"}, w.sums(began))
	})
}
