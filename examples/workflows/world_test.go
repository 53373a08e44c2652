package workflows_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
	"github.com/seed-a2d3eaca/keyholder/credentials/password"
	"github.com/seed-a2d3eaca/keyholder/door"
	"github.com/seed-a2d3eaca/keyholder/engine"
	"github.com/seed-a2d3eaca/keyholder/journal"
	"github.com/seed-a2d3eaca/keyholder/notify/notifytest"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/signin"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

const (
	master = "4729"
	where  = "10.0.0.2:3072" // panels call in there
)

// The passwords of these tests.
var (
	first  = password.Of("Violet-Rivers-9")
	second = password.Of("Amber-Mountains-7")
)

var home = signin.From{Addr: netip.MustParseAddr("192.0.2.7"), Site: "harbour"}

// preset is the two policies of a product.
type preset struct {
	accounts accounts.Policy
	signin   signin.Policy
}

func powerManage() preset { return preset{accounts.PowerManage(), signin.PowerManage()} }
func gem() preset         { return preset{accounts.GEM(), signin.GEM()} }

// world is every service over one store, with panels that call in over the real wire, in a
// bubble of fake time.
type world struct {
	*testing.T
	ctx     context.Context
	end     context.CancelFunc
	preset  preset
	store   store.Store
	keys    *credentials.Ring
	rights  accounts.StaticAuthority // of host actors
	people  *people.Service
	signin  *signin.Service
	desk    *roster.Desk
	journal *journal.Journal
	doors   *door.Service
	mail    *notifytest.Capture
	network *paneltest.Network
	sim     *dscsim.Panel // the one that was installed last
	deliver sync.Once
	running sync.WaitGroup
}

// edit changes a world before it is made.
type edit struct {
	preset preset
	mail   bool
	roles  bool        // only roles decide
	store  store.Store // nil: one in memory
}

// in runs a test inside a world.
func in(t *testing.T, p preset, test func(w *world), edits ...func(*edit)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := edit{preset: p, mail: true}
		for _, f := range edits {
			f(&e)
		}
		w := newWorld(t, e)
		test(w)
		w.stop()
	})
}

func newWorld(t *testing.T, e edit) *world {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	w := &world{T: t, ctx: ctx, end: end, preset: e.preset, store: memstore.Open(), mail: &notifytest.Capture{}, network: &paneltest.Network{}}
	if e.store != nil {
		w.store = e.store
	}
	w.preset.signin.Hash.Cost = 4
	w.rights = accounts.StaticAuthority{"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}}
	mixed := &staffAndOwners{staff: w.rights}
	var authority accounts.Authority = mixed
	if e.roles {
		authority = nil
	}
	var err error
	w.keys, err = credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
	require.NoError(t, err)
	po := people.Options{Store: w.store, Keys: w.keys, Authority: authority, Policy: w.preset.accounts, FirstTry: -1}
	so := signin.Options{Store: w.store, Keys: w.keys, Authority: authority, Accounts: w.preset.accounts, Policy: &w.preset.signin, Issuer: "Example"}
	if e.mail {
		po.Mailer, so.Mailer = w.mail, w.mail
	}
	w.people, err = people.New(po)
	require.NoError(t, err)
	w.signin, err = signin.New(so)
	require.NoError(t, err)
	mixed.owners = w.signin.Authority()
	w.desk, err = roster.New(roster.Options{Store: w.store, Keys: w.keys, Authority: authority, Policy: w.preset.accounts, Drivers: map[string]panel.Driver{
		"dsc": dsc.New(dsc.Options{
			Listen: func(context.Context) (net.Listener, error) { return w.network.Listen(where) },
			Allow: func(ctx context.Context, ident string) (dsc.Key, error) {
				key, err := w.desk.Secret(ctx, "dsc", ident, dsc.Route, "key")
				return dsc.Key{Encryption: dsc.Type2, Secret: key}, err
			},
		}),
	}})
	require.NoError(t, err)
	signer, err := audit.GenerateKey("example.com/log")
	require.NoError(t, err)
	w.journal, err = journal.New(journal.Options{Store: w.store, Keys: w.keys, Authority: authority, Policy: w.preset.accounts, Emails: w.people, Signer: signer})
	require.NoError(t, err)
	w.doors, err = door.New(door.Options{Store: w.store, Restricted: memstore.Open(), Keys: w.keys, Authority: authority, GlobalDeny: w.preset.accounts.GlobalDeny})
	require.NoError(t, err)
	return w
}

// staffAndOwners lets the host vouch for its own staff; of accounts their roles decide.
type staffAndOwners struct {
	staff  accounts.StaticAuthority
	owners accounts.Authority
}

func (s *staffAndOwners) Grant(ctx context.Context, a accounts.Actor) (accounts.Grant, error) {
	if a.Kind() == audit.HostActor {
		return s.staff.Grant(ctx, a)
	}
	return s.owners.Grant(ctx, a)
}

// pass lets the bubble's time pass.
func (w *world) pass(d time.Duration) { time.Sleep(d) }

// stop ends everything that runs.
func (w *world) stop() {
	w.end()
	w.running.Wait()
}

// who is a person with a fresh factor, whom the host vouches for.
func who(id accounts.ID) accounts.Actor {
	return accounts.HostActor(id, "The "+string(id), "test").Vouched(time.Now())
}

func (w *world) operator() *people.Operator { return w.people.As(who("operator")) }

func address(t testing.TB, s string) accounts.Email {
	t.Helper()
	e, err := accounts.ParseEmail(s)
	require.NoError(t, err)
	return e
}

// install registers a panel at a site, which calls in and is read. From the first one on
// wishes are delivered.
func (w *world) install(site, ident string) *roster.Tab {
	w.Helper()
	w.deliver.Do(func() { w.running.Go(func() { engine.Run(w.ctx, nil, w.desk.Loops()...) }) })
	sim := dscsim.New(dscsim.Options{Ident: ident, Master: master, Users: 8, Partitions: 4, Dial: func(ctx context.Context) (net.Conn, error) {
		return w.network.DialContext(ctx, "tcp", where)
	}})
	w.sim = sim
	w.running.Go(func() { _ = sim.Serve(w.ctx) })
	op := w.desk.As(who("operator"))
	p, err := op.Register(w.ctx, roster.Registration{Site: site, Name: "Panel of " + site, Driver: "dsc", Ident: ident, Routes: map[string]roster.Route{
		dsc.Route: {Secrets: map[string]panel.Secret{"key": panel.SecretOf(dscsim.DefaultType2), "master": panel.SecretOf(master)}},
	}})
	require.NoError(w, err)
	tab := op.Panel(p.ID)
	require.NoError(w, tab.Ready(w.ctx))
	return tab
}

// settles waits for a wish to end as wanted.
func (w *world) settles(tab *roster.Tab, r roster.Receipt, err error) {
	w.Helper()
	require.NoError(w, err)
	ctx, cancel := context.WithTimeout(w.ctx, time.Hour)
	defer cancel()
	p, err := tab.Wait(ctx, r)
	require.NoError(w, err)
	require.Equal(w, roster.Settled, p.Fate)
}

func slot(n int) panel.Place { return panel.Place{Slot: n} }

func digits(t testing.TB, s string) panel.Code {
	t.Helper()
	c, err := panel.ParseCode(s)
	require.NoError(t, err)
	return c
}

// work sends what is due.
func (w *world) work() {
	w.Helper()
	require.NoError(w, w.people.Work(w.ctx))
	require.NoError(w, w.signin.Work(w.ctx))
}

var codeForm = regexp.MustCompile(`(?m)^    (\S+)$`)

// code is the newest code that was mailed.
func (w *world) code() otp.Answer {
	w.Helper()
	w.work()
	for _, m := range slices.Backward(w.mail.Sent()) {
		if found := codeForm.FindStringSubmatch(m.Text); found != nil {
			return otp.AnswerOf(found[1])
		}
	}
	w.Fatal("no code was mailed")
	return otp.Answer{}
}

// name is what the owner signs in with.
func (w *world) name(a people.Account) string {
	if w.preset.accounts.LoginBy == accounts.ByUsername {
		return a.Username
	}
	return a.Email.String()
}

// set sets the owner's password with the code of the newest mail.
func (w *world) set(a people.Account, p password.Password) error {
	w.Helper()
	return w.signin.SetPassword(w.ctx, signin.NewPassword{Name: w.name(a), Code: w.code(), Password: p, From: home})
}

// try signs an owner in.
func (w *world) try(a people.Account, p password.Password) (signin.Result, error) {
	return w.signin.SignIn(w.ctx, signin.Attempt{Name: w.name(a), Password: p, From: home})
}

// hire adds an account with a password that the operator has set.
func (w *world) hire(n people.NewAccount) people.Account {
	w.Helper()
	a, err := w.operator().CreateConfirmed(w.ctx, n)
	require.NoError(w, err)
	require.NoError(w, w.signin.As(who("operator")).SetPassword(w.ctx, a.ID, first))
	return a
}

// alive reports whether a token still opens its session.
func (w *world) alive(token signin.Token) bool {
	w.Helper()
	_, err := w.signin.Check(w.ctx, token, home)
	if err != nil {
		require.ErrorIs(w, err, signin.ErrSession)
	}
	return err == nil
}

// cause is the true reason of a refusal, of which an outsider sees nothing.
func cause(err error) error {
	if r, ok := errors.AsType[*signin.RefusedError](err); ok {
		return r.Cause()
	}
	return err
}

// actions counts the log's entries about something by their action.
func (w *world) actions(about string) map[audit.Action]int {
	w.Helper()
	es, err := w.store.Entries(w.ctx, store.EntryQuery{Target: []byte(about)})
	require.NoError(w, err)
	n := map[audit.Action]int{}
	for _, e := range es {
		n[audit.Action(e.Action)]++
	}
	return n
}
