package people_test

import (
	"bytes"
	"context"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
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
	"github.com/seed-a2d3eaca/keyholder/notify/notifytest"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// bench is a service over a store in memory, with what went through it.
type bench struct {
	t     *testing.T
	store store.Store // without the bench's own ears and faults
	keys  *credentials.Ring
	mail  *notifytest.Capture
	log   *lockedBuffer
	svc   *people.Service
	op    *people.Operator // may do everything everywhere

	mu      sync.Mutex
	changes []string                               // transcripts of what was committed
	fault   func(c storetest.Call) storetest.Fault // nil: none
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// everything is a grant without limits.
var everything = accounts.Grant{Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}

func ring(t testing.TB) *credentials.Ring {
	t.Helper()
	keys, err := credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
	require.NoError(t, err)
	return keys
}

func newBench(t *testing.T, edit ...func(*people.Options)) *bench {
	t.Helper()
	b := &bench{t: t, store: memstore.Open(), keys: ring(t), mail: &notifytest.Capture{}, log: &lockedBuffer{}}
	o := people.Options{
		Keys: b.keys, Mailer: b.mail, FirstTry: -1,
		Store: storetest.Faulty(b.store, func(c storetest.Call) storetest.Fault {
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.fault != nil {
				if f := b.fault(c); f != storetest.Pass {
					return f
				}
			}
			if c.Verb == storetest.Commit {
				b.changes = append(b.changes, c.Change.String())
			}
			return storetest.Pass
		}),
		Authority: accounts.StaticAuthority{
			"operator": everything,
			"north":    {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.TheseSites("north")},
			"nobody":   {Enabled: true, Sites: accounts.AllSites()},
		},
		Log: slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, e := range edit {
		e(&o)
	}
	var err error
	b.svc, err = people.New(o)
	require.NoError(t, err)
	b.op = b.as("operator")
	return b
}

func (b *bench) as(id accounts.ID) *people.Operator {
	return b.svc.As(accounts.HostActor(id, "Somebody's Name", "test").Vouched(time.Now()))
}

// run sends mail in the background until the test ends. It is for synctest bubbles.
func (b *bench) run() {
	ctx, cancel := context.WithCancel(b.t.Context())
	var all sync.WaitGroup
	all.Go(func() { engine.Run(ctx, nil, b.svc.Loops()...) })
	b.t.Cleanup(func() { cancel(); all.Wait() })
}

func (b *bench) failing(plan func(c storetest.Call) storetest.Fault) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fault = plan
}

// forget empties the transcripts.
func (b *bench) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.changes = nil
}

// wrote returns the transcripts since forget.
func (b *bench) wrote() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.changes)
}

// entries returns how often each action is in the log.
func (b *bench) entries() map[audit.Action]int {
	b.t.Helper()
	es, err := b.store.Entries(b.t.Context(), store.EntryQuery{})
	require.NoError(b.t, err)
	n := map[audit.Action]int{}
	for _, e := range es {
		n[audit.Action(e.Action)]++
	}
	return n
}

func email(t testing.TB, s string) accounts.Email {
	t.Helper()
	e, err := accounts.ParseEmail(s)
	require.NoError(t, err)
	return e
}

var sites = accounts.TheseSites("north")

// groups adds two access groups: "guests" of the site "north", and "anywhere".
func (b *bench) groups() {
	b.t.Helper()
	core := &flow.Core{Store: b.store, Keys: b.keys}
	_, err := core.Act(b.t.Context(), accounts.SystemActor("test"), func(u *flow.Unit) error {
		for id, site := range map[string]string{"guests": "north", "anywhere": ""} {
			if err := flow.Put(u, rec.Groups, id, &rec.Group{Group: credentials.Group{ID: id}, Site: site}); err != nil {
				return err
			}
		}
		_, err := u.Say(audit.AccessGroupChanged, audit.Success, nil)
		return err
	})
	require.NoError(b.t, err)
}

// kept is all that is kept as text: the log, the transcripts, diagnostics, and the records
// of some kinds.
func (b *bench) kept(kinds ...store.Kind) string {
	b.t.Helper()
	var text strings.Builder
	text.WriteString(b.log.String() + strings.Join(b.wrote(), "\n"))
	for _, e := range b.allEntries() {
		text.Write(e.Body)
	}
	for _, kind := range kinds {
		for _, r := range b.kind(kind) {
			text.Write(r.Body)
		}
	}
	return text.String()
}

// account adds an account in a state: NotConfirmed, Active, Suspended or Removed.
func (b *bench) account(address string, state accounts.State) people.Account {
	b.t.Helper()
	n := people.NewAccount{Email: email(b.t, address), First: "Tower", Last: "Mill", Sites: sites}
	var a people.Account
	var err error
	if state == accounts.NotConfirmed {
		a, _, err = b.op.Create(b.t.Context(), n)
	} else {
		a, err = b.op.CreateConfirmed(b.t.Context(), n)
	}
	require.NoError(b.t, err)
	switch state {
	case accounts.Suspended:
		a, err = b.op.Suspend(b.t.Context(), a.ID, "left")
	case accounts.Removed:
		err = b.op.Remove(b.t.Context(), a.ID, people.Confirmation{Account: address})
	}
	require.NoError(b.t, err)
	return a
}

var codeForm = regexp.MustCompile(`\b[0-9]{8}\b`)

// code is the code in the newest mail.
func (b *bench) code() credentials.Code {
	b.t.Helper()
	sent := b.mail.Sent()
	require.NotEmpty(b.t, sent)
	c, err := credentials.ParseCode(codeForm.FindString(sent[len(sent)-1].Text))
	require.NoError(b.t, err)
	return c
}

// other is a code that is not c.
func other(t testing.TB, c credentials.Code) credentials.Code {
	t.Helper()
	text := []byte(c.Reveal())
	text[0] = '0' + (text[0]-'0'+1)%10
	d, err := credentials.ParseCode(string(text))
	require.NoError(t, err)
	return d
}

// Rules: R13, R131, R136, R219
func TestWithoutAMailerAMessageIsRefusedAtOnce(t *testing.T) {
	b := newBench(t, func(o *people.Options) { o.Mailer = nil })
	a := b.account("owner@example.com", accounts.Active)
	_, err := b.op.ResetPassword(t.Context(), a.ID)
	require.ErrorIs(t, err, accounts.ErrMailerNotConfigured)
	_, _, err = b.op.Create(t.Context(), people.NewAccount{Email: email(t, "new@example.com"), Sites: sites})
	require.ErrorIs(t, err, accounts.ErrMailerNotConfigured)
	require.ErrorIs(t, b.op.CheckMailer(t.Context()), accounts.ErrMailerNotConfigured)
	require.ErrorIs(t, b.svc.Work(t.Context()), accounts.ErrMailerNotConfigured)
	assert.Len(t, b.svc.Loops(), 1, "erasures only")
	there, err := b.op.Exists(t.Context(), email(t, "new@example.com"))
	require.NoError(t, err)
	assert.False(t, there, "a refused account must not be there")
}

func TestNewSaysEverythingThatIsMissing(t *testing.T) {
	_, err := people.New(people.Options{})
	require.ErrorContains(t, err, "a store is required")
	require.ErrorContains(t, err, "a keyring is required")
	p := accounts.GEM()
	p.Approve = accounts.RightsOf(accounts.AccountsSuspend)
	_, err = people.New(people.Options{Store: memstore.Open(), Keys: ring(t), Policy: p})
	require.ErrorIs(t, err, people.ErrApprove)
}

// A node whose keyring cannot open posts messages and leaves the sending to others.
func TestANodeThatCannotOpenSendsNothing(t *testing.T) {
	b := newBench(t, func(o *people.Options) { o.Keys = credentials.SealOnly(o.Keys) })
	_, d, err := b.op.Create(t.Context(), people.NewAccount{Email: email(t, "owner@example.com"), Sites: sites})
	require.NoError(t, err)
	assert.Equal(t, people.Queued, d.State)
	assert.Len(t, b.svc.Loops(), 1, "erasures only")
	require.Error(t, b.svc.Work(t.Context()))

	sender, err := people.New(people.Options{Store: b.store, Keys: b.keys, Mailer: b.mail})
	require.NoError(t, err)
	require.NoError(t, sender.Work(t.Context()))
	assert.Len(t, b.mail.Sent(), 1)
}

// Rules: R238
func TestCheckMailerSendsNothing(t *testing.T) {
	b := newBench(t)
	require.NoError(t, b.op.CheckMailer(t.Context()))
	b.mail.Down(true)
	require.ErrorIs(t, b.op.CheckMailer(t.Context()), accounts.ErrMailerUnavailable)
	require.ErrorIs(t, b.as("nobody").CheckMailer(t.Context()), accounts.ErrPermissionDenied)
	assert.Zero(t, b.mail.Tries())
}

// Rules: R131, G36
func TestAMailGoesToTheStoredAddressWithACodeAndInTheHostsWords(t *testing.T) {
	b := newBench(t)
	a := b.account("Owner@Example.com", accounts.Active)
	_, err := b.op.ResetPassword(t.Context(), a.ID)
	require.NoError(t, err)
	require.NoError(t, b.svc.Work(t.Context()))
	require.Len(t, b.mail.Sent(), 1)
	m := b.mail.Sent()[0]
	assert.Equal(t, "Owner@Example.com", m.To)
	assert.Contains(t, m.Text, "Tower Mill")
	assert.Len(t, codeForm.FindAllString(m.Text, -1), 1)

	c := newBench(t, func(o *people.Options) {
		o.Compose = func(l people.Letter) notify.Message {
			return notify.Message{To: "another@example.com", Subject: string(l.Kind), Text: strings.ToUpper(l.Name)}
		}
	})
	c.account("owner@example.com", accounts.NotConfirmed)
	require.NoError(t, c.svc.Work(t.Context()))
	m = c.mail.Sent()[0]
	assert.Equal(t, []string{"owner@example.com", "setup", "TOWER MILL"}, []string{m.To, m.Subject, m.Text})
}

// Under a host's own transaction nothing waits and nothing is sent before its commit.
func TestWithinATransactionNoCallWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *people.Options) { o.FirstTry = 0 })
		began := time.Now()
		_, d, err := b.svc.On(b.store).As(accounts.HostActor("operator", "", "test")).Create(t.Context(), people.NewAccount{Email: email(t, "owner@example.com"), Sites: sites})
		require.NoError(t, err)
		assert.Equal(t, people.Queued, d.State)
		assert.Zero(t, time.Since(began))
	})
}

// brokenAfterRemoval makes every commit fail after the one that removes an account, and
// tells whether it did.
func (b *bench) brokenAfterRemoval() *bool {
	removed := false
	b.failing(func(c storetest.Call) storetest.Fault {
		if c.Verb != storetest.Commit {
			return storetest.Pass
		}
		if removed {
			return storetest.Fail
		}
		removed = strings.Contains(c.Change.String(), string(audit.AccountRemoved))
		return storetest.Pass
	})
	return &removed
}
