package roster_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/engine"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

const (
	site   = "site-1"
	ident  = "298765432101"
	master = "4729"
)

// rig is a desk, its loops, and a simulated DSC panel that calls in over the real wire,
// all in one bubble of fake time.
type rig struct {
	*testing.T
	ctx     context.Context
	store   store.Store
	desk    *roster.Desk
	op      *roster.Operator
	tab     *roster.Tab
	sim     *dscsim.Panel
	network *paneltest.Network
	people  *people
	rights  accounts.StaticAuthority
	options roster.Options
	running sync.WaitGroup

	mu     sync.Mutex
	alerts []roster.Alert
}

// people is a host's own directory.
type people struct {
	mu   sync.Mutex
	list map[accounts.ID]accounts.Person
}

func (p *people) Person(_ context.Context, id accounts.ID) (accounts.Person, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if v, ok := p.list[id]; ok {
		return v, nil
	}
	return accounts.Person{}, accounts.ErrAccountNotFound
}

func (p *people) Suggest(_ context.Context, sites accounts.Sites, prefix string, limit int) ([]accounts.Person, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []accounts.Person
	for _, v := range p.list {
		if strings.HasPrefix(v.Email.Canonical(), strings.ToLower(prefix)) && v.Status != accounts.StatusSuspended && sites.Overlaps(v.Sites) && len(out) < limit {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(a, b accounts.Person) int {
		return strings.Compare(a.Email.Canonical(), b.Email.Canonical())
	})
	return out, nil
}

func (p *people) set(v accounts.Person) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list[v.ID] = v
}

func (p *people) remove(id accounts.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.list, id)
}

func email(t *testing.T, s string) accounts.Email {
	t.Helper()
	e, err := accounts.ParseEmail(s)
	require.NoError(t, err)
	return e
}

func ring(t *testing.T) *credentials.Ring {
	t.Helper()
	r, err := credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
	require.NoError(t, err)
	return r
}

func grant(rights ...accounts.Right) accounts.Grant {
	return accounts.Grant{Enabled: true, Rights: accounts.RightsOf(rights...), Sites: accounts.AllSites()}
}

// inBubble runs a test with a rig whose panel is registered and was read once.
func inBubble(t *testing.T, test func(r *rig), edit ...func(*rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r := &rig{T: t, ctx: ctx, network: &paneltest.Network{}, people: &people{list: map[accounts.ID]accounts.Person{}}}
		r.people.set(accounts.Person{ID: "account-1", Email: email(t, "owner@example.com"), Name: "Owner", Created: time.Date(2026, 5, 13, 16, 24, 55, 0, time.UTC), Status: accounts.StatusActive, Sites: accounts.TheseSites(site)})
		r.people.set(accounts.Person{ID: "account-2", Email: email(t, "owned@example.com"), Status: accounts.StatusNotConfirmed, Created: time.Now(), Sites: accounts.TheseSites(site)})
		r.rights = accounts.StaticAuthority{"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}}
		r.store = memstore.Open()
		r.sim = dscsim.New(dscsim.Options{Ident: ident, Master: master, Users: 48, Partitions: 4, Dial: func(ctx context.Context) (net.Conn, error) {
			return r.network.DialContext(ctx, "tcp", "10.0.0.2:3072")
		}})
		r.options = roster.Options{
			Store: r.store, Keys: ring(t), Directory: r.people, Authority: r.rights, Node: "node-1", PollEvery: 5 * time.Second,
			Drivers: map[string]panel.Driver{"dsc": dsc.New(dsc.Options{
				Listen: func(context.Context) (net.Listener, error) { return r.network.Listen("10.0.0.2:3072") },
				Allow: func(ctx context.Context, ident string) (dsc.Key, error) {
					key, err := r.desk.Secret(ctx, "dsc", ident, dsc.Route, "key")
					if err != nil {
						return dsc.Key{}, dsc.ErrUnlisted
					}
					return dsc.Key{Encryption: dsc.Type2, Secret: key}, nil
				},
			})},
			Alert: func(a roster.Alert) { r.mu.Lock(); defer r.mu.Unlock(); r.alerts = append(r.alerts, a) },
		}
		for _, f := range edit {
			f(r)
		}
		var err error
		r.desk, err = roster.New(r.options)
		require.NoError(t, err)
		r.op = r.as("operator")
		r.running.Go(func() { engine.Run(ctx, nil, r.desk.Loops()...) })
		r.running.Go(func() { _ = r.sim.Serve(ctx) })
		p, err := r.op.Register(ctx, registration())
		require.NoError(t, err)
		r.tab = r.op.Panel(p.ID)
		r.until("the panel was read", func() bool {
			p, err := r.tab.Info(ctx)
			require.NoError(t, err)
			return !p.Baseline.IsZero()
		})
		test(r)
		cancel()
		r.running.Wait()
	})
}

func registration() roster.Registration {
	return roster.Registration{Site: site, Name: "Front house", Driver: "dsc", Ident: ident, Routes: map[string]roster.Route{
		dsc.Route: {Secrets: map[string]panel.Secret{"key": panel.SecretOf(dscsim.DefaultType2), "master": panel.SecretOf(master)}},
	}}
}

// as is an operator with a fresh factor.
func (r *rig) as(id accounts.ID) *roster.Operator {
	return r.desk.As(accounts.HostActor(id, "The "+string(id), "test").Vouched(time.Now()))
}

// renew proves the operator's factor again: time has passed.
func (r *rig) renew() {
	r.op = r.as("operator")
	r.tab = r.op.Panel(r.tab.ID())
}

// until waits in fake time, at most a day.
func (r *rig) until(what string, ok func() bool) {
	r.Helper()
	for range 24 * 60 * 12 {
		if ok() {
			return
		}
		time.Sleep(5 * time.Second)
	}
	r.Fatalf("never: %s", what)
}

func slot(n int) panel.Place { return panel.Place{Slot: n} }

func digits(t *testing.T, s string) panel.Code {
	t.Helper()
	c, err := panel.ParseCode(s)
	require.NoError(t, err)
	return c
}

// set asks for a code and returns the receipt.
func (r *rig) set(n int, code string, w roster.CodeWish) roster.Receipt {
	r.Helper()
	w.Code = digits(r.T, code)
	rec, err := r.tab.SetCode(r.ctx, slot(n), w)
	require.NoError(r.T, err)
	return rec
}

// settles waits for a wish to end as wanted.
func (r *rig) settles(rec roster.Receipt, want roster.Fate) {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.ctx, time.Hour)
	defer cancel()
	p, err := r.tab.Wait(ctx, rec)
	if err != nil {
		info, _ := r.tab.Info(r.ctx)
		r.Logf("line: %+v", info.Line)
	}
	require.NoError(r.T, err, "%+v", p)
	require.Equal(r.T, want, p.Fate, "%+v", p)
}

func (r *rig) user(n int) (paneltest.User, bool) {
	for _, u := range r.sim.Users() {
		if u.Slot == n {
			return u, true
		}
	}
	return paneltest.User{}, false
}

func (r *rig) details(n int) roster.Details {
	r.Helper()
	d, err := r.tab.Details(r.ctx, slot(n))
	require.NoError(r.T, err)
	return d
}

func (r *rig) alerted(k roster.AlertKind) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, a := range r.alerts {
		if a.Kind == k {
			n++
		}
	}
	return n
}

// actions are the codes of the log's entries, oldest first.
func (r *rig) actions() []string {
	r.Helper()
	var out []string
	es, err := r.store.Entries(r.ctx, store.EntryQuery{ByIndex: true})
	require.NoError(r.T, err)
	for _, e := range es {
		out = append(out, e.Action)
	}
	return out
}

// another is other hardware that calls in.
func (r *rig) another(ident string) *dscsim.Panel {
	sim := dscsim.New(dscsim.Options{Ident: ident, Master: master, Users: 48, Partitions: 4, Dial: func(ctx context.Context) (net.Conn, error) {
		return r.network.DialContext(ctx, "tcp", "10.0.0.2:3072")
	}})
	r.running.Go(func() { _ = sim.Serve(r.ctx) })
	return sim
}

func (r *rig) hour() (context.Context, context.CancelFunc) {
	return context.WithTimeout(r.ctx, time.Hour)
}

// wait lets fake time pass.
func (r *rig) wait(d time.Duration) { pass(d) }

// pass lets the time of a bubble pass, and what it set off come to rest.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
