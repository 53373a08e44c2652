package notices_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/engine"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/notify"
	"github.com/seed-a2d3eaca/keyholder/notify/notices"
	"github.com/seed-a2d3eaca/keyholder/notify/notifytest"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// phone and apps are transports that keep what they are given, apps the registrations too.
type phone struct {
	mu   sync.Mutex
	sent []notify.Text
}

func (p *phone) SendText(_ context.Context, t notify.Text) (notify.Delivery, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = append(p.sent, t)
	return notify.Delivery{MessageID: t.ID}, nil
}

func (p *phone) took() []notify.Text {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.sent)
}

type apps struct {
	mu    sync.Mutex
	known []string
	gone  string
	sent  []notify.Notice
}

func (a *apps) SendNotice(_ context.Context, n notify.Notice) (notify.Delivery, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n.Endpoint == a.gone {
		return notify.Delivery{}, &notify.RejectedError{Status: "410", Ended: true}
	}
	a.sent = append(a.sent, n)
	return notify.Delivery{MessageID: n.ID}, nil
}

func (a *apps) took() []notify.Notice {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.sent)
}

func (a *apps) Of(context.Context, accounts.ID) ([]string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.known), nil
}

func (a *apps) Ended(_ context.Context, account accounts.ID, registration string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if account != "a1" {
		return errors.New("another account")
	}
	a.known = slices.DeleteFunc(a.known, func(s string) bool { return s == registration })
	return nil
}

type bench struct {
	t     *testing.T
	store store.Store
	keys  *credentials.Ring
	mail  *notifytest.Capture
	phone *phone
	apps  *apps
	svc   *notices.Service
}

func newBench(t *testing.T, edit ...func(o *notices.Options)) *bench {
	t.Helper()
	keys, err := credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
	require.NoError(t, err)
	b := &bench{t: t, store: memstore.Open(), keys: keys, mail: &notifytest.Capture{}, phone: &phone{}, apps: &apps{known: []string{"app-1", "app-2"}}}
	o := notices.Options{Store: b.store, Keys: keys, Mailer: b.mail, SMS: b.phone, Push: b.apps, Registrations: b.apps}
	for _, e := range edit {
		e(&o)
	}
	b.svc, err = notices.New(o)
	require.NoError(t, err)
	return b
}

// run sends in the background until the test ends.
func (b *bench) run() {
	ctx, cancel := context.WithCancel(b.t.Context())
	var all sync.WaitGroup
	all.Go(func() { engine.Run(ctx, nil, b.svc.Loops()...) })
	b.t.Cleanup(func() { cancel(); all.Wait() })
}

// keep writes an account and its profile.
func (b *bench) keep(a accounts.Account, p *accounts.Profile) {
	b.t.Helper()
	core := &flow.Core{Store: b.store, Keys: b.keys, Authority: accounts.StaticAuthority{}}
	_, err := core.Act(b.t.Context(), accounts.SystemActor("test"), func(u *flow.Unit) error {
		if p != nil {
			if _, _, err := flow.Load(u, rec.Profiles, p.Name); err != nil {
				return err
			}
			a.Profile = p.Name
			if err := flow.Put(u, rec.Profiles, p.Name, p); err != nil {
				return err
			}
		}
		if _, _, err := flow.Load(u, rec.Accounts, string(a.ID)); err != nil {
			return err
		}
		if _, err := u.Say(audit.ProfileChanged, audit.Success, nil, flow.F(audit.FieldProfile, "p")); err != nil {
			return err
		}
		return flow.Put(u, rec.Accounts, string(a.ID), &a)
	})
	require.NoError(b.t, err)
}

func owner(t *testing.T) accounts.Account {
	t.Helper()
	e, err := accounts.ParseEmail("owner@example.com")
	require.NoError(t, err)
	return accounts.Account{ID: "a1", Confirmed: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), Email: e, Phone: "+491701234567"}
}

var everywhere = accounts.Profile{Name: "all", Enabled: true, Email: true, SMS: true, Push: true}

var news = notices.Notice{Title: "Front door", Text: "Open since 9:00."}

// Rules: G114, G117
func TestANoticeGoesByEveryChannelOfTheProfile(t *testing.T) {
	for n := range 8 {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			p := everywhere
			p.Email, p.SMS, p.Push = n&1 != 0, n&2 != 0, n&4 != 0
			b.keep(owner(t), &p)
			posted, err := b.svc.Announce(t.Context(), "a1", news)
			require.NoError(t, err)
			require.Len(t, posted, 3)
			require.NoError(t, b.svc.Work(t.Context()))
			for i, on := range []bool{p.Email, p.SMS, p.Push} {
				assert.Equal(t, on, posted[i].Cause == nil)
				if !on {
					require.ErrorIs(t, posted[i].Cause, accounts.ErrChannelOff)
				}
				for _, r := range posted[i].Receipts {
					d, err := b.svc.Delivery(t.Context(), r)
					require.NoError(t, err)
					assert.Equal(t, notices.Accepted, d.State)
				}
			}
			assert.Len(t, b.mail.Sent(), n&1)
			assert.Len(t, b.phone.took(), n>>1&1)
			assert.Len(t, b.apps.took(), 2*(n>>2&1))
			if p.Email {
				assert.Equal(t, "owner@example.com", b.mail.Sent()[0].To)
				assert.Equal(t, "Front door", b.mail.Sent()[0].Subject)
			}
			if p.SMS {
				assert.Equal(t, "Front door: Open since 9:00.", b.phone.took()[0].Body)
			}
		})
	}
}

// Why nothing was posted is said for each channel.
//
// Rules: G39, G118
func TestWhatIsNotPostedSaysWhy(t *testing.T) {
	disabled := everywhere
	disabled.Enabled = false
	bare := accounts.Account{ID: "a1", Confirmed: owner(t).Confirmed}
	suspended := owner(t)
	suspended.Suspended.At = owner(t).Confirmed
	for name, c := range map[string]struct {
		account accounts.Account
		profile *accounts.Profile
		edit    func(o *notices.Options)
		want    [3]error
	}{
		"no profile":    {account: owner(t), want: [3]error{accounts.ErrNoProfile, accounts.ErrNoProfile, accounts.ErrNoProfile}},
		"disabled":      {account: owner(t), profile: &disabled, want: [3]error{accounts.ErrProfileDisabled, accounts.ErrProfileDisabled, accounts.ErrProfileDisabled}},
		"no addresses":  {account: bare, profile: &everywhere, want: [3]error{accounts.ErrNoEmail, accounts.ErrNoPhone, nil}},
		"no transports": {account: owner(t), profile: &everywhere, edit: func(o *notices.Options) { o.Mailer, o.SMS, o.Push = nil, nil, nil }, want: [3]error{notices.ErrNoTransport, notices.ErrNoTransport, notices.ErrNoTransport}},
		"no apps":       {account: owner(t), profile: &everywhere, edit: func(o *notices.Options) { o.Registrations = &apps{} }, want: [3]error{nil, nil, notices.ErrNoRegistration}},
	} {
		t.Run(name, func(t *testing.T) {
			edit := c.edit
			if edit == nil {
				edit = func(*notices.Options) {}
			}
			b := newBench(t, edit)
			b.keep(c.account, c.profile)
			posted, err := b.svc.Announce(t.Context(), "a1", news)
			require.NoError(t, err)
			for i, want := range c.want {
				require.ErrorIs(t, posted[i].Cause, want)
				assert.Equal(t, want == nil, len(posted[i].Receipts) > 0)
			}
		})
	}
	b := newBench(t)
	b.keep(suspended, &everywhere)
	posted, err := b.svc.Announce(t.Context(), "a1", news)
	require.NoError(t, err)
	for _, p := range posted {
		require.Error(t, p.Cause)
	}
	_, err = b.svc.Announce(t.Context(), "nobody", news)
	require.ErrorIs(t, err, accounts.ErrAccountNotFound)
	_, err = b.svc.Announce(t.Context(), "a1", notices.Notice{})
	require.ErrorIs(t, err, notices.ErrEmpty)
	_, err = b.svc.Delivery(t.Context(), "none")
	require.ErrorIs(t, err, notices.ErrNoNotice)
}

// Outside of its hours a notice waits for them, over the nights in which the clocks change
// too: the hour that is left out and the one that comes twice.
//
// Rules: G115, G116, G117
func TestANoticeWaitsForTheProfilesHours(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	for name, c := range map[string]struct{ from, until, posted, sent string }{
		"an ordinary night":       {"08:00", "20:00", "2026-05-04 23:00", "2026-05-05 06:00"},
		"the clocks go forward":   {"02:30", "20:00", "2026-03-28 23:00", "2026-03-29 01:00"}, // 2:30 is left out: it opens at 3:00
		"the clocks go back":      {"03:00", "20:00", "2026-10-24 22:00", "2026-10-25 02:00"}, // 3:00 is an hour later than other days
		"inside: it goes at once": {"00:00", "24:00", "2026-05-04 23:00", "2026-05-04 23:00"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				posted, err := time.Parse("2006-01-02 15:04", c.posted)
				require.NoError(t, err)
				sent, err := time.Parse("2006-01-02 15:04", c.sent)
				require.NoError(t, err)
				time.Sleep(time.Until(posted))
				b := newBench(t)
				b.run()
				p := accounts.Profile{Name: "days", Enabled: true, Email: true, When: hours(t, "Europe/Berlin", c.from, c.until)}
				require.NoError(t, p.Check())
				b.keep(owner(t), &p)
				got, err := b.svc.Announce(t.Context(), "a1", news)
				require.NoError(t, err)
				require.NoError(t, got[0].Cause)
				if sent.After(posted) {
					assert.Equal(t, sent, got[0].Next.UTC(), "in Berlin: %v", got[0].Next.In(berlin))
					time.Sleep(time.Until(sent) - time.Second)
					assert.Empty(t, b.mail.Sent())
				}
				time.Sleep(10 * time.Second)
				assert.Len(t, b.mail.Sent(), 1)
				d, err := b.svc.Delivery(t.Context(), got[0].Receipts[0])
				require.NoError(t, err)
				assert.Equal(t, notices.Accepted, d.State)
				assert.Equal(t, 1, d.Tries, "waiting is no try")
			})
		})
	}
}

// What changes while a notice waits acts on it.
//
// Rules: S37
func TestAChangeActsOnWhatWaits(t *testing.T) {
	nights := everywhere
	nights.SMS, nights.Push = false, false
	nights.When = hours(t, "", "22:00", "23:00")
	always, off := nights, nights
	always.When = credentials.Schedule{}
	off.Enabled = false
	moved := owner(t)
	var err error
	moved.Email, err = accounts.ParseEmail("elsewhere@example.com")
	require.NoError(t, err)
	for name, c := range map[string]struct {
		account accounts.Account
		profile accounts.Profile
		state   notices.State
	}{
		"opened":          {owner(t), always, notices.Accepted},
		"disabled":        {owner(t), off, notices.GivenUp},
		"another address": {moved, always, notices.GivenUp},
		"nothing":         {owner(t), nights, notices.Queued},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				b.run()
				b.keep(owner(t), &nights)
				posted, err := b.svc.Announce(t.Context(), "a1", news)
				require.NoError(t, err)
				time.Sleep(time.Hour)
				assert.Empty(t, b.mail.Sent())
				b.keep(c.account, &c.profile)
				time.Sleep(20 * time.Minute)
				d, err := b.svc.Delivery(t.Context(), posted[0].Receipts[0])
				require.NoError(t, err)
				assert.Equal(t, c.state, d.State)
				assert.Equal(t, c.state == notices.GivenUp, d.Reason != "")
				assert.Equal(t, c.state == notices.Accepted, len(b.mail.Sent()) == 1)
			})
		})
	}
}

func TestOldNewsAreNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.run()
		p := everywhere
		p.SMS, p.Push = false, false
		b.keep(owner(t), &p)
		b.mail.Down(true)
		posted, err := b.svc.Announce(t.Context(), "a1", notices.Notice{Text: "planted", Until: time.Now().Add(time.Hour)})
		require.NoError(t, err)
		time.Sleep(30 * time.Minute)
		d, err := b.svc.Delivery(t.Context(), posted[0].Receipts[0])
		require.NoError(t, err)
		assert.Equal(t, notices.Unavailable, d.State)
		time.Sleep(time.Hour)
		b.mail.Down(false)
		time.Sleep(time.Hour)
		d, err = b.svc.Delivery(t.Context(), posted[0].Receipts[0])
		require.NoError(t, err)
		assert.Equal(t, notices.GivenUp, d.State)
		assert.Empty(t, b.mail.Sent())
	})
}

// Rules: G207
func TestNoticesLeaveWithinTheirBudgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *notices.Options) {
			o.Budgets = notify.Budgets{SMS: notify.Budget{Address: 2}}
		})
		b.run()
		p := everywhere
		p.Push = false
		b.keep(owner(t), &p)
		for range 4 {
			_, err := b.svc.Announce(t.Context(), "a1", news)
			require.NoError(t, err)
		}
		time.Sleep(10 * time.Second)
		assert.Len(t, b.mail.Sent(), 4, "no limit")
		assert.Len(t, b.phone.took(), 2)
		time.Sleep(time.Hour)
		assert.Len(t, b.phone.took(), 4, "what is over waits for the next hour")
	})
}

func TestRecentNoticesAreListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		p := everywhere
		p.Push = false
		b.keep(owner(t), &p)
		for range 2 {
			_, err := b.svc.Announce(t.Context(), "a1", news)
			require.NoError(t, err)
			require.NoError(t, b.svc.Work(t.Context()))
			time.Sleep(time.Minute)
		}
		all, err := b.svc.Recent(t.Context(), "a1")
		require.NoError(t, err)
		require.Len(t, all, 4)
		assert.True(t, all[0].Posted.After(all[3].Posted), "the newest first")
		for _, d := range all {
			one, err := b.svc.Delivery(t.Context(), d.Receipt)
			require.NoError(t, err)
			assert.Equal(t, one, d)
			assert.Equal(t, notices.Accepted, d.State)
			assert.Contains(t, []accounts.Channel{accounts.EmailChannel, accounts.SMSChannel}, d.Channel)
		}
		none, err := b.svc.Recent(t.Context(), "a")
		require.NoError(t, err)
		assert.Empty(t, none)
	})
}

// An app that is gone is forgotten, and the others get their message.
//
// Rules: G207
func TestARegistrationThatEndedIsForgotten(t *testing.T) {
	b := newBench(t)
	b.apps.gone = "app-1"
	b.keep(owner(t), &everywhere)
	posted, err := b.svc.Announce(t.Context(), "a1", news)
	require.NoError(t, err)
	require.Len(t, posted[2].Receipts, 2)
	require.NoError(t, b.svc.Work(t.Context()))
	assert.Equal(t, []string{"app-2"}, b.apps.known)
	require.Len(t, b.apps.took(), 1)
	d, err := b.svc.Delivery(t.Context(), posted[2].Receipts[0])
	require.NoError(t, err)
	assert.Equal(t, notices.Refused, d.State)
	assert.Equal(t, "410", d.Reason)
}

// Killed between the sending and the writing down of it, a notice is sent again, under its
// id and marked.
func TestAfterACrashASecondTryIsMarked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dead atomic.Bool // from then on the first node reaches no store
		b := newBench(t)
		mail := &dying{Capture: b.mail, die: func() { dead.Store(true) }}
		b.keep(owner(t), &everywhere)
		first, err := notices.New(notices.Options{Keys: b.keys, Mailer: mail, Store: storetest.Faulty(b.store, func(storetest.Call) storetest.Fault {
			if dead.Load() {
				return storetest.Fail
			}
			return storetest.Pass
		})})
		require.NoError(t, err)
		posted, err := first.Announce(t.Context(), "a1", news)
		require.NoError(t, err)
		require.NoError(t, first.Work(t.Context()))
		require.Len(t, b.mail.Sent(), 1)
		second, err := notices.New(notices.Options{Store: b.store, Keys: b.keys, Mailer: b.mail})
		require.NoError(t, err)
		for range 5 {
			time.Sleep(time.Minute)
			require.NoError(t, second.Work(t.Context()))
		}
		require.Len(t, b.mail.Sent(), 2)
		assert.Equal(t, b.mail.Sent()[0].ID, b.mail.Sent()[1].ID)
		d, err := second.Delivery(t.Context(), posted[0].Receipts[0])
		require.NoError(t, err)
		assert.Equal(t, notices.Accepted, d.State)
		assert.True(t, d.Twice)
	})
}

// dying takes a message and then the node ends.
type dying struct {
	*notifytest.Capture
	die func()
}

func (d *dying) Send(ctx context.Context, m notify.Message) (notify.Delivery, error) {
	defer d.die()
	return d.Capture.Send(ctx, m)
}

// hours are the same every day.
func hours(t *testing.T, zone, from, until string) credentials.Schedule {
	t.Helper()
	var s credentials.Schedule
	require.NoError(t, json.Unmarshal(fmt.Appendf(nil, `{"zone":%q,"week":[{"days":["mon","tue","wed","thu","fri","sat","sun"],"from":%q,"until":%q}]}`, zone, from, until), &s))
	return s
}

func TestWhatIsMissingIsSaidAtOnce(t *testing.T) {
	_, err := notices.New(notices.Options{Push: &apps{}})
	require.ErrorContains(t, err, "store")
	require.ErrorContains(t, err, "keyring")
	require.ErrorContains(t, err, "registrations")
}
