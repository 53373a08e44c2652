package signin_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
	"github.com/seed-a2d3eaca/keyholder/credentials/password"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/notify"
	"github.com/seed-a2d3eaca/keyholder/notify/notifytest"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/signin"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// first is the password of everybody in these tests, second the one after it.
var (
	first  = password.Of("Violet-Rivers-9-planted")
	second = password.Of("Amber-Mountains-7-planted")
	wrong  = password.Of("Crimson-Valleys-5")
)

var home = signin.From{Addr: netip.MustParseAddr("192.0.2.7"), Device: "a browser"}

// world is sign-in and people over one store, with what went through them.
type world struct {
	t      testing.TB
	store  store.Store // without the world's own ears and faults
	keys   *credentials.Ring
	mail   *notifytest.Capture
	texts  *texts
	log    *lockedBuffer
	policy signin.Policy
	opts   signin.Options
	signin *signin.Service
	people *people.Operator
	post   *people.Service
	op     *signin.Operator

	mu      sync.Mutex
	changes []string
	fault   func(storetest.Call) storetest.Fault
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

// texts keeps text messages.
type texts struct {
	mu   sync.Mutex
	sent []notify.Text
}

func (s *texts) SendText(_ context.Context, t notify.Text) (notify.Delivery, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, t)
	return notify.Delivery{MessageID: t.ID}, nil
}

func (s *texts) last() notify.Text {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent[len(s.sent)-1]
}

// setup is what a test changes of a world.
type setup struct {
	policy   signin.Policy
	accounts accounts.Policy
	store    store.Store
	signin   func(*signin.Options)
}

func newWorld(t testing.TB, edits ...func(*setup)) *world {
	t.Helper()
	c := setup{policy: signin.PowerManage(), accounts: accounts.PowerManage(), store: memstore.Open()}
	c.policy.Hash.Cost = 4
	c.accounts.LoginBy = accounts.ByEither
	for _, e := range edits {
		e(&c)
	}
	keys, err := credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
	require.NoError(t, err)
	w := &world{t: t, store: c.store, keys: keys, mail: &notifytest.Capture{}, texts: &texts{}, log: &lockedBuffer{}, policy: c.policy}
	ears := storetest.Faulty(w.store, func(c storetest.Call) storetest.Fault {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.fault != nil {
			if f := w.fault(c); f != storetest.Pass {
				return f
			}
		}
		if c.Verb == storetest.Commit {
			w.changes = append(w.changes, c.Change.String())
		}
		return storetest.Pass
	})
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	everything := accounts.Grant{Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}
	authority := accounts.StaticAuthority{"operator": everything, "nobody": {Enabled: true, Sites: accounts.AllSites()},
		"south": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.TheseSites("south")},
		"weak":  {Enabled: true, Rights: accounts.RightsOf(accounts.AccountsReset, accounts.AccountsContact, accounts.AccountsView), Sites: accounts.AllSites()}}
	w.post, err = people.New(people.Options{Store: ears, Keys: keys, Authority: authority, Mailer: w.mail, Policy: c.accounts, FirstTry: -1, Log: log})
	require.NoError(t, err)
	w.people = w.post.As(accounts.HostActor("operator", "An operator", "test").Vouched(time.Now()))
	w.opts = signin.Options{Store: ears, Keys: keys, Authority: authority, Mailer: w.mail, SMS: w.texts, Accounts: c.accounts, Policy: &c.policy, Issuer: "Example", Log: log}
	if c.signin != nil {
		c.signin(&w.opts)
	}
	w.signin, err = signin.New(w.opts)
	require.NoError(t, err)
	w.op = w.as("operator")
	return w
}

func (w *world) as(id accounts.ID) *signin.Operator {
	return w.signin.As(accounts.HostActor(id, "Somebody", "test").Vouched(time.Now()))
}

func (w *world) failing(plan func(storetest.Call) storetest.Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = plan
}

// wrote returns the transcripts of what was committed since the last call.
func (w *world) wrote() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.changes
	w.changes = nil
	return out
}

func (w *world) ctx() context.Context { return w.t.Context() }

func (w *world) work() {
	w.t.Helper()
	require.NoError(w.t, w.post.Work(w.ctx()))
	require.NoError(w.t, w.signin.Work(w.ctx()))
}

// entries returns how often each action is in the log.
func (w *world) entries() map[audit.Action]int {
	w.t.Helper()
	n := map[audit.Action]int{}
	for _, e := range w.leaves() {
		n[audit.Action(e.Action)]++
	}
	return n
}

func (w *world) leaves() []store.Entry {
	w.t.Helper()
	es, err := w.store.Entries(w.ctx(), store.EntryQuery{})
	require.NoError(w.t, err)
	return es
}

// reasons are the causes of refused sign-ins, as the log has them.
func (w *world) reasons() []string {
	w.t.Helper()
	var out []string
	for _, e := range w.leaves() {
		if e.Action != string(audit.SignInRefused) {
			continue
		}
		a, err := audit.Decode(e.Body)
		require.NoError(w.t, err)
		out = append(out, a.Value(audit.FieldReason))
	}
	return out
}

func address(t testing.TB, s string) accounts.Email {
	t.Helper()
	e, err := accounts.ParseEmail(s)
	require.NoError(t, err)
	return e
}

var codeForm = regexp.MustCompile(`(?m)^    (\S+)$`)

// code is the code in the newest mail to somebody.
func (w *world) code(name string) otp.Answer {
	w.t.Helper()
	w.work()
	var found otp.Answer
	for _, m := range w.mail.Sent() {
		if code := codeForm.FindStringSubmatch(m.Text); m.To == name+"@example.com" && code != nil {
			found = otp.AnswerOf(code[1])
		}
	}
	require.False(w.t, found.IsZero(), "no mail")
	return found
}

// invite adds an account whose owner has not set a password yet.
func (w *world) invite(name string, edits ...func(*people.NewAccount)) people.Account {
	w.t.Helper()
	n := people.NewAccount{Email: address(w.t, name+"@example.com"), Username: name, First: "Tower", Last: "Mill", Phone: "+12025550123",
		Roles: []string{"user"}, Sites: accounts.TheseSites("north")}
	for _, e := range edits {
		e(&n)
	}
	a, _, err := w.people.Create(w.ctx(), n)
	require.NoError(w.t, err)
	return a
}

// owner adds an account with the first password.
func (w *world) owner(name string, edits ...func(*people.NewAccount)) people.Account {
	w.t.Helper()
	a := w.invite(name, edits...)
	require.NoError(w.t, w.signin.SetPassword(w.ctx(), signin.NewPassword{Name: name, Code: w.code(name), Password: first, From: home}))
	return a
}

func (w *world) try(name string, p password.Password, edits ...func(*signin.Attempt)) (signin.Result, error) {
	a := signin.Attempt{Name: name, Password: p, From: home}
	for _, e := range edits {
		e(&a)
	}
	return w.signin.SignIn(w.ctx(), a)
}

// in signs in with the first password.
func (w *world) in(name string, edits ...func(*signin.Attempt)) signin.Result {
	w.t.Helper()
	r, err := w.try(name, first, edits...)
	require.NoError(w.t, err)
	require.NotNil(w.t, r.Session)
	return r
}

func (w *world) hands(token signin.Token) *signin.Owner {
	w.t.Helper()
	o, err := w.signin.Owner(w.ctx(), token, home)
	require.NoError(w.t, err)
	return o
}

func (w *world) alive(token signin.Token) bool {
	w.t.Helper()
	_, err := w.signin.Check(w.ctx(), token, home)
	if !errors.Is(err, signin.ErrSession) {
		require.NoError(w.t, err)
	}
	return err == nil
}

// cause is the true reason of a refusal, which itself says nothing.
func (w *world) cause(err error) error {
	w.t.Helper()
	r, ok := errors.AsType[*signin.RefusedError](err)
	require.True(w.t, ok, "%v", err)
	require.Contains(w.t, []string{accounts.ErrSignIn.Error(), signin.ErrCode.Error()}, err.Error())
	return r.Cause()
}

// enrol sets up an app, and returns its secret, the recovery codes and the session's token.
func (w *world) enrol(token signin.Token) (otp.Secret, []otp.Answer, signin.Token) {
	w.t.Helper()
	o := w.hands(token)
	secret, err := o.EnrolApp(w.ctx())
	require.NoError(w.t, err)
	codes, token, err := o.ConfirmApp(w.ctx(), shown(secret, time.Now()))
	require.NoError(w.t, err)
	return secret, codes, token
}

// shown is what an app shows at a time.
func shown(s otp.Secret, at time.Time) otp.Answer { return otp.AnswerOf(s.At(at).Reveal()) }

// everything that is stored, in the log and in the diagnostics.
func (w *world) everything() string {
	w.t.Helper()
	var b strings.Builder
	for _, k := range []store.Kind{"account", "login", "signin", "device", "challenge", "apitoken", "onetime", "sent", "touch", "address"} {
		rs, err := w.store.List(w.ctx(), store.Query{Kind: k})
		require.NoError(w.t, err)
		for _, r := range rs {
			b.WriteString(r.Key.String() + " " + string(r.Body) + "\n")
		}
	}
	for _, e := range w.leaves() {
		b.Write(e.Body)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return b.String() + w.log.String() + strings.Join(w.changes, "\n")
}

// quarantine puts the store in quarantine, as it is after a backup was restored.
func (w *world) quarantine() {
	w.t.Helper()
	core := &flow.Core{Store: w.store, Keys: w.keys}
	_, err := core.Act(w.ctx(), accounts.SystemActor("test"), func(u *flow.Unit) error {
		if _, err := u.Say(audit.StoreQuarantined, audit.Success, nil); err != nil {
			return err
		}
		return flow.Put(u, rec.Quarantines, rec.QuarantineID, &rec.Quarantine{Since: time.Now()})
	})
	require.NoError(w.t, err)
}
