package workflows_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/signin"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// dealer is what one of two companies on the same store has.
type dealer struct {
	site, ident, email string
	account            people.Account
	panel              string
	handles            []string // every name by which something of theirs can be asked for
}

// deal furnishes a dealer: a panel with a user, a linked account that is signed in, a
// service account with a token, a visitor.
func (w *world) deal(site, ident string) dealer {
	w.Helper()
	d := dealer{site: site, ident: ident, email: "owner@" + site + ".example.com"}
	sites := accounts.TheseSites(site)
	a, receipt, err := w.operator().Create(w.ctx, people.NewAccount{Email: address(w, d.email), Username: "owner_" + site, First: "Owner-" + site, Roles: []string{"user"}, Sites: sites})
	require.NoError(w, err)
	require.NoError(w, w.set(a, first))
	r, err := w.signin.SignIn(w.ctx, signin.Attempt{Name: w.name(a), Password: first, From: signin.From{Addr: home.Addr, Site: site}})
	require.NoError(w, err)
	gateway, err := w.operator().CreateConfirmed(w.ctx, people.NewAccount{Username: "gateway_" + site, Email: address(w, "gateway@"+site+".example.com"),
		Kind: accounts.ServiceKind, Roles: []string{"api_only"}, Sites: sites})
	require.NoError(w, err)
	_, err = w.signin.As(who("operator")).IssueToken(w.ctx, gateway.ID, signin.NewToken{Name: "pager-" + site, Rights: accounts.RightsOf(accounts.EquipmentView)})
	require.NoError(w, err)
	tokens, err := w.signin.As(who("operator")).Tokens(w.ctx, gateway.ID)
	require.NoError(w, err)
	tab := w.install(site, ident)
	synctest.Wait()
	require.NoError(w, w.desk.As(who("operator")).SetGroup(w.ctx, site, credentials.Group{ID: "guests-" + site}))
	visitor, err := w.operator().IssueVisitor(w.ctx, people.NewVisitor{First: "Guest-" + site, Groups: []string{"guests-" + site}, Host: a.ID, Sites: sites, Until: time.Now().Add(1000 * time.Hour)})
	require.NoError(w, err)
	synctest.Wait() // what the loops make of the visitor has its place in the log
	wish, err := tab.SetCode(w.ctx, slot(4), roster.CodeWish{Code: digits(w, "6137"), Label: "Label-" + site})
	w.settles(tab, wish, err)
	found, err := w.desk.As(who("operator")).Suggest(w.ctx, "owner@"+site)
	require.NoError(w, err)
	require.Len(w, found, 1)
	wish, err = tab.Assign(w.ctx, slot(4), found[0])
	w.settles(tab, wish, err)
	core := &flow.Core{Store: w.store, Keys: w.keys}
	_, err = core.Act(w.ctx, who("operator"), func(u *flow.Unit) error {
		if _, err := u.Say(audit.RepairDone, audit.Success, []string{flow.Site(site)}); err != nil {
			return err
		}
		return flow.Put(u, rec.Points, "gate-"+site, &rec.Point{Point: credentials.Point{ID: "gate-" + site, Site: site}})
	})
	require.NoError(w, err)
	key, err := w.doors.As(who("operator")).AddReader(w.ctx, door.NewReader{Site: site, Name: "Reader-" + site, Points: map[string]door.Outage{"gate-" + site: door.OutageDeny}})
	require.NoError(w, err)
	d.account, d.panel = a, tab.ID()
	d.handles = []string{site, ident, d.email, d.panel, string(a.ID), string(gateway.ID), string(visitor.ID), string(receipt.Receipt), r.Session.ID, tokens[0].ID, key.Reader(), "gate-" + site}
	es, err := w.store.Entries(w.ctx, store.EntryQuery{Target: []byte(a.ID)})
	require.NoError(w, err)
	for _, e := range es {
		d.handles = append(d.handles, e.ID)
	}
	return d
}

// tour is a walk over every exported method of every service in an actor's hands.
type tour struct {
	w      *world
	actor  accounts.Actor
	handle string // stands for every name that an operation asks for
	site   string
	email  accounts.Email
	panel  string
	flag   bool
}

// walk calls everything and returns what came of each, in words.
func (c tour) walk() map[string]string {
	c.w.Helper()
	out := map[string]string{}
	desk := c.w.desk.As(c.actor)
	for of, v := range map[string]any{"people": c.w.people.As(c.actor), "signin": c.w.signin.As(c.actor), "roster": desk, "tab": desk.Panel(c.panel), "person": desk.Person(accounts.ID(c.handle)), "door": c.w.doors.As(c.actor), "journal": c.w.journal.As(c.actor)} {
		for m := range reflect.TypeOf(v).Methods() {
			if m.Name != "Panel" && m.Name != "Person" { // they hand out what is walked beside
				out[of+"."+m.Name] = c.call(reflect.ValueOf(v), m)
			}
		}
	}
	return out
}

func (c tour) call(on reflect.Value, m reflect.Method) string {
	ctx, cancel := context.WithTimeout(c.w.ctx, time.Second)
	defer cancel()
	var written bytes.Buffer
	in := []reflect.Value{on}
	for i := 1; i < m.Type.NumIn(); i++ {
		typ := m.Type.In(i)
		switch {
		case m.Type.IsVariadic() && i == m.Type.NumIn()-1:
		case typ == reflect.TypeFor[context.Context]():
			in = append(in, reflect.ValueOf(ctx))
		case typ == reflect.TypeFor[io.Writer]():
			in = append(in, reflect.ValueOf(&written))
		default:
			arg := reflect.New(typ).Elem()
			c.fill(arg)
			in = append(in, arg)
		}
	}
	var text strings.Builder
	for _, got := range m.Func.Call(in) {
		if got.Kind() == reflect.Func { // an iterator
			for k, v := range got.Seq2() {
				tell(&text, k, 0)
				tell(&text, v, 0)
			}
			continue
		}
		tell(&text, got, 0)
	}
	return text.String() + written.String()
}

// fill puts the handle wherever an argument has room for a name.
func (c tour) fill(v reflect.Value) {
	switch v.Interface().(type) {
	case accounts.Email:
		v.Set(reflect.ValueOf(c.email))
		return
	case accounts.Sites:
		v.Set(reflect.ValueOf(accounts.TheseSites(c.site)))
		return
	case panel.Place:
		v.Set(reflect.ValueOf(slot(4)))
		return
	case time.Time:
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(c.handle)
	case reflect.Bool:
		v.SetBool(c.flag)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.String {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			c.fill(v.Index(0))
		}
	case reflect.Struct:
		for _, f := range v.Fields() {
			if f.CanSet() {
				c.fill(f)
			}
		}
	}
}

// tell writes everything that a value holds, redacted or not, exported or not; times and
// numbers that count nothing aside.
func tell(b *strings.Builder, v reflect.Value, depth int) {
	if !v.IsValid() || depth > 12 {
		return
	}
	switch v.Type() {
	case reflect.TypeFor[time.Time](), reflect.TypeFor[*roster.Tab](), reflect.TypeFor[*roster.Operator](), reflect.TypeFor[panel.Model]():
		return
	}
	if v.CanInterface() && v.Type().Implements(reflect.TypeFor[error]()) && !((v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer) && v.IsNil()) {
		fmt.Fprintf(b, "error %q ", v.Interface())
	}
	switch v.Kind() {
	case reflect.String:
		fmt.Fprintf(b, "%q ", v.String())
	case reflect.Bool:
		fmt.Fprintf(b, "%t ", v.Bool())
	case reflect.Int, reflect.Int64, reflect.Int32:
		fmt.Fprintf(b, "%d ", v.Int())
	case reflect.Uint64:
		fmt.Fprintf(b, "%d ", v.Uint())
	case reflect.Pointer, reflect.Interface:
		tell(b, v.Elem(), depth+1)
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
			fmt.Fprintf(b, "%q ", v.Bytes())
			return
		}
		all := make([]string, v.Len())
		for i := range all {
			var each strings.Builder
			tell(&each, v.Index(i), depth+1)
			all[i] = each.String()
		}
		slices.SortFunc(all, func(a, b string) int { return strings.Compare(blurred(a), blurred(b)) }) // lists are in the order of random ids
		b.WriteString(strings.Join(all, ""))
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, k := range keys {
			tell(b, k, depth+1)
			tell(b, v.MapIndex(k), depth+1)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fmt.Fprintf(b, "%s: ", v.Type().Field(i).Name)
			tell(b, v.Field(i), depth+1)
		}
	}
}

// random are the ids that differ from run to run.
//
// A checkpoint, which an export ends with, tells how long the log of the whole store is:
// without it nothing in the log could be proven.
var random = regexp.MustCompile(`log\\n[0-9]+\\n|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32,}|[A-Za-z0-9_+/=-]{22,}`)

func blurred(s string) string { return random.ReplaceAllString(s, "…") }

// Two dealers on one store. Every exported operation, in the hands of dealer A and asked
// for everything of dealer B by its name, answers as it does on a store where there is no
// dealer B: no id, address, IMEI or number of B's comes out, in a value or in an error.
//
// Rules: R240
func TestADealerLearnsNothingOfAnother(t *testing.T) {
	var b dealer
	tours := func(w *world, a dealer) map[string]map[string]string {
		w.rights["dealer"] = accounts.Grant{Enabled: true, Rights: accounts.AllRights(), Sites: accounts.TheseSites(a.site)}
		w.stop() // nothing goes on while we look
		w.ctx = w.T.Context()
		out := map[string]map[string]string{}
		for i, h := range b.handles {
			out[h] = tour{w: w, actor: who("dealer"), handle: h, site: b.site, email: address(w, b.email), panel: b.panel, flag: i%2 == 1}.walk()
		}
		return out
	}
	var with, without map[string]map[string]string
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, edit{preset: powerManage(), mail: true})
		a := w.deal("harbour", "298765432101")
		b = w.deal("meadow", "298765432202")
		before := w.owned(b)
		with = tours(w, a)
		assert.Equal(t, before, w.owned(b), "something of B was changed")
		// The same walk does find what it may see: A's own things.
		var own strings.Builder
		for _, h := range []string{"", a.site} {
			own.WriteString(fmt.Sprint(tour{w: w, actor: who("dealer"), handle: h, site: a.site, email: address(t, a.email), panel: a.panel}.walk()))
		}
		for _, s := range []string{a.ident, a.email, a.panel, string(a.account.ID), "Label-harbour", "Reader-harbour"} {
			assert.Contains(t, own.String(), s)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, edit{preset: powerManage(), mail: true})
		without = tours(w, w.deal("harbour", "298765432101"))
	})
	for _, h := range b.handles {
		for _, op := range slices.Sorted(maps.Keys(with[h])) {
			got := with[h][op]
			for _, secret := range append(slices.Clone(b.handles), "owner_meadow", "Owner-meadow", "Guest-meadow", "Label-meadow", "Reader-meadow") {
				if secret != h && secret != b.site && secret != b.email && secret != b.panel { // those were asked for
					assert.NotContains(t, got, secret, "%s of %q", op, h)
				}
			}
			if op != "roster.Panels" { // begins after an id, and A's own id is another each time
				assert.Equal(t, blurred(without[h][op]), blurred(got), "%s of %q tells that B is there", op, h)
			}
		}
	}
}

// What is unique in the whole store cannot be had twice: who asks for another's address or
// identity is told that it is taken, and nothing else. SECURITY.md says so.
func TestWhatIsTakenElsewhereIsTakenAndNoMore(t *testing.T) {
	in(t, powerManage(), func(w *world) {
		b := w.deal("meadow", "298765432202")
		w.rights["dealer"] = accounts.Grant{Enabled: true, Rights: accounts.AllRights(), Sites: accounts.TheseSites("harbour")}
		_, _, errAccount := w.people.As(who("dealer")).Create(w.ctx, people.NewAccount{Email: address(w, b.email), Sites: accounts.TheseSites("harbour")})
		require.Equal(w, accounts.ErrEmailInUse, errAccount)
		_, errPanel := w.desk.As(who("dealer")).Register(w.ctx, roster.Registration{Site: "harbour", Driver: "dsc", Ident: b.ident})
		require.Equal(w, roster.ErrIdentTaken, errPanel)
	})
}

// owned is what stands about a dealer's account and panel.
func (w *world) owned(d dealer) string {
	w.Helper()
	var out strings.Builder
	for _, kind := range []store.Kind{"account", "panel", "user", "signin", "apitoken"} {
		rs, err := w.store.List(w.T.Context(), store.Query{Kind: kind})
		require.NoError(w, err)
		for _, r := range rs {
			for _, h := range d.handles {
				if strings.Contains(r.Key.ID, h) {
					fmt.Fprintln(&out, r.Key, r.Version)
				}
			}
		}
	}
	require.NotEmpty(w, out.String())
	return out.String()
}
