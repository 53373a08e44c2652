package door_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// noon is a Wednesday.
var noon = time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC)

const (
	pin    = "2580"
	duress = "7391"
	card   = "00:1A:2B:3C"
	badge  = "1122"
)

// world is a door with one reader over two tenants of a fleet.
type world struct {
	t      testing.TB
	fleet  store.Fleet
	keys   *credentials.Ring
	next   string // id of the key to which it can be rotated
	core   *flow.Core
	log    *bytes.Buffer
	opts   door.Options
	door   *door.Service
	key    door.ReaderKey
	alarms []door.Alarm
	bubble bool // the clock is that of the bubble

	mu      sync.Mutex
	clock   credentials.Now
	fault   func(storetest.Call) storetest.Fault
	changes []store.Change
}

func newWorld(t testing.TB, edits ...func(*door.Options)) *world {
	t.Helper()
	root, next := credentials.GenerateKey(), credentials.GenerateKey()
	keys, err := credentials.NewKeyring("", []credentials.Key{root, next}, credentials.KeyringOptions{Epoch: credentials.Epoch{N: 1, Prints: []string{root.ID()}, Seal: root.ID()}})
	require.NoError(t, err)
	w := &world{t: t, keys: keys, next: next.ID(), bubble: bubbled(), log: &bytes.Buffer{}, clock: credentials.Now{T: noon, Quality: credentials.ClockTrusted}}
	fleet := memstore.NewWith(memstore.Options{Now: func() time.Time { return w.now().T }})
	w.fleet = fleet
	main, err := fleet.Tenant("main")
	require.NoError(t, err)
	restricted, err := fleet.Tenant("restricted")
	require.NoError(t, err)
	w.core = &flow.Core{Store: main, Keys: keys, Now: func() time.Time { return w.now().T }}
	authority := accounts.StaticAuthority{
		"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()},
		"guard":    {Enabled: true, Rights: accounts.AllRights().Without(accounts.RightsOf(accounts.DuressView)), Sites: accounts.AllSites()},
		"other":    {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.TheseSites("elsewhere")},
	}
	w.opts = door.Options{Store: storetest.Faulty(main, w.hear), Restricted: restricted, Keys: keys, Authority: authority, Clock: w.now, Node: "node",
		Log: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Alarm: func(_ context.Context, a door.Alarm) error {
			w.alarms = append(w.alarms, a)
			return nil
		}}
	for _, e := range edits {
		e(&w.opts)
	}
	w.open()
	w.point("front", "site")
	w.rule(rec.Rule{ID: "all", Site: "site", Points: []string{"front"}, Who: []credentials.Subject{{Kind: "role", ID: "staff"}}, Duress: "call the guard"})
	w.key, err = w.as("operator").AddReader(t.Context(), door.NewReader{Site: "site", Name: "front door", Points: map[string]door.Outage{"front": door.OutageCached}})
	require.NoError(t, err)
	return w
}

// open starts the service, as after a restart.
func (w *world) open() {
	var err error
	w.door, err = door.New(w.opts)
	require.NoError(w.t, err)
}

func (w *world) now() credentials.Now {
	if w.bubble {
		return credentials.Now{T: time.Now(), Quality: credentials.ClockTrusted}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.clock
}

func (w *world) later(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock.T = w.clock.T.Add(d)
}

func (w *world) quality(q credentials.ClockQuality) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock.Quality = q
}

// hear keeps what was committed, and injects faults.
func (w *world) hear(c storetest.Call) storetest.Fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fault != nil {
		if f := w.fault(c); f != storetest.Pass {
			return f
		}
	}
	if c.Verb == storetest.Commit {
		w.changes = append(w.changes, c.Change)
	}
	return storetest.Pass
}

func (w *world) failing(f func(storetest.Call) storetest.Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = f
}

// wrote is what was committed since the last call.
func (w *world) wrote() []store.Change {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.changes
	w.changes = nil
	return out
}

func (w *world) as(id accounts.ID) *door.Operator {
	return w.door.As(accounts.HostActor(id, "Somebody", "test").Vouched(w.now().T))
}

// put writes a record of another service, with an entry as it would have.
func put[T any](w *world, k rec.Kind[T], id string, edit func(*T), ops ...store.Op) {
	w.t.Helper()
	_, err := w.core.Act(w.t.Context(), accounts.SystemActor("test"), func(u *flow.Unit) error {
		v, _, err := flow.Load(u, k, id)
		if err != nil {
			return err
		}
		edit(&v)
		u.Do(ops...)
		_, err = u.Say(audit.AccountChanged, audit.Success, []string{id})
		return errors.Join(err, flow.Put(u, k, id, &v))
	})
	require.NoError(w.t, err)
}

func (w *world) point(id, site string) {
	w.t.Helper()
	put(w, rec.Points, id, func(p *rec.Point) { p.ID, p.Site = id, site })
}

func (w *world) rule(r rec.Rule) {
	w.t.Helper()
	put(w, rec.Rules, r.ID, func(v *rec.Rule) { *v = r })
}

// account adds somebody who may enter as staff.
func (w *world) account(id string) {
	w.t.Helper()
	put(w, rec.Accounts, id, func(a *accounts.Account) {
		*a = accounts.Account{ID: accounts.ID(id), Roles: []string{"staff"}, Sites: accounts.AllSites(), Created: noon.Add(-time.Hour), Confirmed: noon.Add(-time.Hour)}
	})
}

// installer makes an account one of an installer, about whom was decided at the site.
func (w *world) installer(id string, how accounts.Approval) {
	w.t.Helper()
	w.changeAccount(id, func(a *accounts.Account) {
		a.Kind, a.Sites, a.Decided = accounts.InstallerKind, accounts.TheseSites("site"), nil
		if how != "" {
			a.Decided = []accounts.Decision{{Approval: how, At: noon, By: "owner", Site: "site"}}
		}
	})
}

func (w *world) changeAccount(id string, edit func(*accounts.Account)) {
	w.t.Helper()
	put(w, rec.Accounts, id, edit)
}

// give gives an account a credential and claims it.
func (w *world) give(account string, kind rec.CredentialKind, text string, edits ...func(*rec.Credential)) {
	w.t.Helper()
	scope := credentials.Scope{Kind: credentials.TenantScope}
	id, binding := rec.CredentialID(account, kind, 0), rec.CredentialBinding(account, kind, 1)
	var names []string
	var sealed credentials.Sealed
	var err error
	if kind == rec.TagNumber {
		id = rec.CredentialID(account, kind, 1)
		var claim credentials.Claim
		claim, err = credentials.ClaimTag(w.keys, scope, tag(w.t, text))
		require.NoError(w.t, err)
		names = claim.Hold
		sealed, err = credentials.SealTag(w.keys, binding, tag(w.t, text))
	} else {
		names, err = credentials.Names(w.keys, scope, credentials.CodeMaterial(code(w.t, text)))
		require.NoError(w.t, err)
		sealed, err = credentials.SealCode(w.keys, binding, code(w.t, text))
	}
	require.NoError(w.t, err)
	var claims []store.Op
	for _, name := range names {
		claims = append(claims, store.Claim{Name: store.Name(name), Holder: account, Use: id})
	}
	put(w, rec.Credentials, id, func(c *rec.Credential) {
		*c = rec.Credential{Account: account, Kind: kind, Names: names, Generation: 1, Len: len(text), Sealed: sealed, Created: noon.Add(-time.Hour), Changed: noon.Add(-time.Hour)}
		for _, e := range edits {
			e(c)
		}
	}, claims...)
}

func (w *world) change(account string, kind rec.CredentialKind, edit func(*rec.Credential)) {
	w.t.Helper()
	n := uint64(0)
	if kind == rec.TagNumber {
		n = 1
	}
	put(w, rec.Credentials, rec.CredentialID(account, kind, n), edit)
}

// cleaner has a PIN, a duress PIN and a tag.
func (w *world) cleaner() {
	w.t.Helper()
	w.account("cleaner")
	w.give("cleaner", rec.PIN, pin)
	w.give("cleaner", rec.DuressPIN, duress)
	w.give("cleaner", rec.TagNumber, card)
}

func code(t testing.TB, text string) credentials.Code {
	t.Helper()
	c, err := credentials.ParseCode(text)
	require.NoError(t, err)
	return c
}

func tag(t testing.TB, text string) credentials.Tag {
	t.Helper()
	c, err := credentials.ParseTag(text, 0)
	require.NoError(t, err)
	return c
}

// typed is a code at the keypad of the front door.
func typed(t testing.TB, text string) door.Entry {
	t.Helper()
	return door.Entry{Point: "front", Shown: door.Shown{Medium: credentials.Keypad, Code: code(t, text)}}
}

// held is a tag at its reader.
func held(t testing.TB, text string) door.Entry {
	t.Helper()
	return door.Entry{Point: "front", Shown: door.Shown{Medium: credentials.Reader, Tag: tag(t, text)}}
}

func (w *world) try(e door.Entry) door.Answer {
	w.t.Helper()
	a, err := w.door.Decide(w.t.Context(), door.ByKey(w.key), e)
	require.NoError(w.t, err)
	return a
}

// signals leaves as many signals as if decisions had.
func (w *world) signals(c *flow.Core, many int, of func(i int) flow.Signal) {
	w.t.Helper()
	for i := range many {
		s := of(i)
		s.Decision = fmt.Sprintf("decision-%04d", i)
		_, err := c.Act(w.t.Context(), accounts.SystemActor("test"), func(u *flow.Unit) error {
			_, err := u.Say(audit.AccountChanged, audit.Success, nil)
			return errors.Join(err, u.Signal(s))
		})
		require.NoError(w.t, err)
	}
}

// entries returns the entries of an action in a tenant's log, the oldest first.
func (w *world) entries(tenant string, action audit.Action) []audit.Entry {
	w.t.Helper()
	st, err := w.fleet.Tenant(tenant)
	require.NoError(w.t, err)
	all, err := st.Entries(w.t.Context(), store.EntryQuery{})
	require.NoError(w.t, err)
	var out []audit.Entry
	for _, l := range all {
		e, err := audit.Decode(l.Body)
		require.NoError(w.t, err)
		if action == "" || e.Action == action {
			out = append(out, e)
		}
	}
	return out
}
