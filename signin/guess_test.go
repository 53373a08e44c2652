package signin_test

import (
	"errors"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/signin"
)

func from(addr string) func(*signin.Attempt) {
	return func(a *signin.Attempt) { a.From.Addr = netip.MustParseAddr(addr) }
}

// However many guess at once, no more are looked at than may be.
func TestGuessesAtOnceAreLimitedToo(t *testing.T) {
	w := newWorld(t)
	w.owner("tower")
	var all sync.WaitGroup
	var looked, limited atomic.Int64
	for range 100 {
		all.Go(func() {
			_, err := w.try("tower", wrong)
			switch cause := w.cause(err); {
			case errors.Is(cause, signin.ErrTooMany):
				limited.Add(1)
			case errors.Is(cause, accounts.ErrBadCredentials):
				looked.Add(1)
			default:
				assert.NoError(t, cause)
			}
		})
	}
	all.Wait()
	assert.EqualValues(t, 5, looked.Load())
	assert.EqualValues(t, 95, limited.Load())
	_, err := w.try("tower", first)
	require.ErrorIs(t, w.cause(err), signin.ErrTooMany, "not the right one either")
}

// Strangers use up what there is for strangers. The owner still signs in from a device that
// is remembered, and from another source until the account's own limit; a stranger's source
// runs dry for all accounts.
func TestStrangersDoNotLockTheOwnerOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.owner("tower")
		device := w.in("tower", remember).Device
		attack := func(addr string) {
			for range 6 {
				_, err := w.try("tower", wrong, from(addr))
				require.ErrorIs(t, err, accounts.ErrSignIn)
			}
		}
		attack("198.51.100.1")
		w.in("tower") // another source
		for _, addr := range []string{"198.51.100.2", "198.51.100.3", "198.51.100.4", "2001:db8:1::1"} {
			attack(addr)
		}
		_, err := w.try("tower", first)
		require.ErrorIs(t, w.cause(err), signin.ErrTooMany, "from nowhere that is not known")
		w.in("tower", func(a *signin.Attempt) { a.Device = device })
		w.in("tower", func(a *signin.Attempt) { a.Device = device; a.From.Addr = netip.MustParseAddr("198.51.100.1") })
		time.Sleep(time.Hour)
		w.in("tower")

		for range 11 {
			_, err = w.try("tower", wrong, func(a *signin.Attempt) { a.Device = device })
			require.ErrorIs(t, err, accounts.ErrSignIn)
		}
		require.ErrorIs(t, w.cause(err), signin.ErrTooMany, "a device has its own limit")
		w.in("tower")
	})
}

func TestOneSourceRunsDryForAllAccounts(t *testing.T) {
	w := newWorld(t)
	w.owner("tower")
	for i := range 50 {
		_, err := w.try("stranger"+strings.Repeat("x", i), wrong, from("2001:db8:1:2::1"))
		require.ErrorIs(t, w.cause(err), accounts.ErrAccountNotFound)
	}
	_, err := w.try("tower", first, from("2001:db8:1:2:ffff::1"))
	require.ErrorIs(t, w.cause(err), signin.ErrTooMany, "one network is one source")
	w.in("tower", from("2001:db8:1:3::1"))
}

// Success gives back what it took, so that an owner never runs dry.
func TestWhoSignsInRightIsNotSlowed(t *testing.T) {
	w := newWorld(t)
	w.owner("tower")
	for range 60 {
		w.in("tower")
	}
}

// Rules: G216
func TestWhereARequestComesFrom(t *testing.T) {
	n := signin.Networks{Local: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}, Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")}}
	for _, c := range []struct {
		peer      string
		forwarded []string
		addr      string
		local     bool
	}{
		{"10.1.2.3", nil, "10.1.2.3", true},
		{"fd00::5", nil, "fd00::5", true},
		{"::ffff:10.1.2.3", nil, "10.1.2.3", true},
		{"203.0.113.5", nil, "203.0.113.5", false},
		{"203.0.113.5", []string{"10.1.2.3"}, "203.0.113.5", false},
		{"10.1.2.3", []string{"203.0.113.5"}, "10.1.2.3", true},
		{"10.0.0.1", []string{"203.0.113.5"}, "203.0.113.5", false},
		{"10.0.0.1", []string{"10.9.9.9", "203.0.113.5"}, "203.0.113.5", false},
		{"10.0.0.1", []string{"203.0.113.5", " 10.9.9.9"}, "10.9.9.9", true},
		{"10.0.0.1", []string{"10.9.9.9", "10.0.0.1"}, "10.9.9.9", true},
		{"10.0.0.1", nil, "10.0.0.1", false},
		{"10.0.0.1", []string{"unknown"}, "", false},
		{"10.0.0.1", []string{"10.9.9.9", "<script>"}, "", false},
	} {
		f := n.From(netip.MustParseAddr(c.peer), c.forwarded...)
		assert.Equal(t, c.local, f.Local, "%v", c)
		if c.addr != "" {
			assert.Equal(t, c.addr, f.Addr.String(), "%v", c)
		} else {
			assert.False(t, f.Addr.IsValid(), "%v", c)
		}
	}
}

// What asks for a new password answers nothing, writes the same whether there is such an
// account or not, and sends no more than three mails an hour.
//
// Rules: G207
func TestAskingForANewPasswordTellsNothing(t *testing.T) {
	w := newWorld(t)
	w.owner("tower")
	w.wrote()
	require.NoError(t, w.signin.Forgot(t.Context(), "tower@example.com", home))
	known := w.wrote()
	require.NoError(t, w.signin.Forgot(t.Context(), "stranger@example.com", home))
	unknown := w.wrote()
	require.Len(t, unknown, len(known))
	for i := range known {
		assert.Equal(t, verbs(known[i]), verbs(unknown[i]))
	}
	for i := range 1000 {
		require.NoError(t, w.signin.Forgot(t.Context(), strings.Repeat(" ", i%20)+"tower@example.com", signin.From{Addr: netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)})}))
	}
	before := len(w.mail.Sent())
	for range 5 {
		w.work()
	}
	sent := len(w.mail.Sent()) - before // a message whose code was replaced before it left is not sent
	assert.True(t, sent >= 1 && sent <= 3, sent)
	assert.Equal(t, "tower@example.com", w.mail.Sent()[before].To)
	require.NoError(t, w.signin.SetPassword(t.Context(), signin.NewPassword{Name: "tower", Code: w.code("tower"), Password: second, From: home}))

	off := newWorld(t, func(c *setup) { c.accounts.ResetByMail = false; c.accounts.SetByOperator = true })
	require.ErrorIs(t, off.signin.Forgot(t.Context(), "tower@example.com", home), accounts.ErrResetUnsupported)
	off = newWorld(t, func(c *setup) { c.signin = func(o *signin.Options) { o.Mailer = nil } })
	require.ErrorIs(t, off.signin.Forgot(t.Context(), "tower@example.com", home), accounts.ErrMailerNotConfigured)
}
