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
	"github.com/seed-a2d3eaca/keyholder/notify"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/signin"
)

// told counts what an owner was told of changes.
func (w *world) told(what string) int {
	w.t.Helper()
	w.work()
	n := 0
	for _, m := range w.mail.Sent() {
		if m.To == "tower@example.com" && strings.Contains(m.Text, what) {
			n++
		}
	}
	return n
}

// Whoever changes a password or a second factor, its owner is told by mail, once for each
// change, and of nothing that changed nothing.
func TestAnOwnerIsToldOfAChangedPasswordAndFactor(t *testing.T) {
	const passwords, factors = "The password of your account was changed", "The second factors of your account were changed"
	w := newWorld(t, func(c *setup) { c.accounts.SetByOperator = true })
	a := w.owner("tower")
	assert.Zero(t, w.told(passwords), "the first password is not a change")
	token := w.in("tower").Token
	token, err := w.hands(token).ChangePassword(t.Context(), first, second)
	require.NoError(t, err)
	assert.Equal(t, 1, w.told(passwords), "by the owner")
	_, err = w.hands(token).ChangePassword(t.Context(), wrong, first)
	require.Error(t, err)
	assert.Equal(t, 1, w.told(passwords), "refused")
	require.NoError(t, w.op.SetPassword(t.Context(), a.ID, first))
	assert.Equal(t, 2, w.told(passwords), "by an operator")
	require.NoError(t, w.signin.Forgot(t.Context(), "tower@example.com", home))
	require.NoError(t, w.signin.SetPassword(t.Context(), signin.NewPassword{Name: "tower", Code: w.code("tower"), Password: first, From: home}))
	assert.Equal(t, 3, w.told(passwords), "with a code")

	_, _, token = w.enrol(w.in("tower").Token)
	assert.Equal(t, 1, w.told(factors), "an app was added")
	_, err = w.hands(token).NewRecoveryCodes(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 2, w.told(factors), "recovery codes were replaced")
	_, err = w.hands(token).RemoveApp(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 3, w.told(factors), "the app was taken off")
	require.NoError(t, w.op.ResetFactors(t.Context(), a.ID))
	assert.Equal(t, 4, w.told(factors), "by an operator")
	require.NoError(t, w.op.RequireFactor(t.Context(), a.ID, true))
	assert.Equal(t, 4, w.told(factors), "asking for more weakens nothing")
	require.NoError(t, w.op.RequireFactor(t.Context(), a.ID, false))
	require.NoError(t, w.op.RequireFactor(t.Context(), a.ID, false))
	assert.Equal(t, 5, w.told(factors), "not asked for any more")
	assert.Equal(t, 3, w.told(passwords))

	mute := newWorld(t, func(c *setup) {
		c.accounts.SetByOperator = true
		c.signin = func(o *signin.Options) { o.Mailer = nil }
	})
	a = mute.owner("tower")
	require.NoError(t, mute.op.SetPassword(t.Context(), a.ID, second), "without mail the change is made all the same")
	assert.Zero(t, mute.told(passwords))
}

// A thousand requests for one address, from anywhere, under any limits of asking, send
// three mails an hour, and as many as the budget says where that is less.
//
// Rules: G207
func TestAFloodOfRequestsSendsFewMails(t *testing.T) {
	for budget, most := range map[int64]int{0: 3, 2: 2} {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Hour - time.Since(time.Now().Truncate(time.Hour))) // an hour of the clock begins
			w := newWorld(t, func(c *setup) {
				c.policy.Limits.Asks = []signin.Limit{{Max: 10_000, Per: time.Hour}}
				c.signin = func(o *signin.Options) { o.Budgets = notify.Budgets{Mail: notify.Budget{Address: budget, Store: 1000}} }
			})
			_, err := w.people.CreateConfirmed(t.Context(), people.NewAccount{Email: address(t, "tower@example.com"), Sites: accounts.TheseSites("north")})
			require.NoError(t, err)
			for i := range 1000 {
				from := signin.From{Addr: netip.MustParseAddr(fmt.Sprintf("198.51.%d.%d", i>>8, i&255))}
				require.NoError(t, w.signin.Forgot(t.Context(), "tower@example.com", from))
				require.NoError(t, w.signin.Work(t.Context()))
			}
			assert.Len(t, w.mail.Sent(), most)
		})
	}
}
