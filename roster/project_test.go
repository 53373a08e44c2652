package roster_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/engine"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// device is one of many scripted panels behind one driver.
type device struct {
	model   panel.Model
	away    bool
	refuses bool
	users   map[panel.Place]panel.Values
	wrote   int
}

// holds reports whether the device lets somebody in by a code at that time.
func (d *device) holds(c panel.Code, at time.Time) bool {
	for _, v := range d.users {
		if v.Code.Equal(c) && (d.model.Create&panel.FieldUntil == 0 || v.Window.Contains(at)) {
			return true
		}
	}
	return false
}

// devices are many panels with one driver.
type devices struct {
	panel.Dials
	mu  sync.Mutex
	all map[string]*device // by identity
}

func (d *devices) Model() panel.Model { return codesOnly() }

func (d *devices) Open(_ context.Context, t panel.Target) (panel.Session, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all[t.Ident].away {
		return nil, panel.ErrUnreachable
	}
	return deviceSession{all: d, one: d.all[t.Ident]}, nil
}

type deviceSession struct {
	panel.NoWatch
	all *devices
	one *device
}

func (s deviceSession) Model() panel.Model { return s.one.model }
func (s deviceSession) Close() error       { return nil }

func (s deviceSession) Apply(_ context.Context, edits []panel.Edit) iter.Seq2[panel.Outcome, error] {
	return func(yield func(panel.Outcome, error) bool) {
		for _, e := range edits {
			o, err := s.apply(e)
			if !yield(o, err) || err != nil {
				return
			}
		}
	}
}

func (s deviceSession) apply(e panel.Edit) (panel.Outcome, error) {
	s.all.mu.Lock()
	defer s.all.mu.Unlock()
	switch {
	case s.one.away:
		return panel.Outcome{}, panel.ErrUnreachable
	case s.one.refuses && e.Do != panel.Remove:
		return panel.Outcome{Place: e.Place, Refused: map[panel.Field]error{panel.FieldCode: panel.ErrRefused}}, nil
	}
	s.one.wrote++
	if e.Do == panel.Remove {
		delete(s.one.users, e.Place)
		return panel.Outcome{Place: e.Place, Done: e.Set}, nil
	}
	v := s.one.users[e.Place]
	if e.Do == panel.Replace {
		v = panel.Values{}
	}
	if e.Set.Has(panel.FieldCode) {
		v.Code = e.Code
	}
	if e.Set.Has(panel.FieldLegacyTags) {
		v.LegacyTags = e.LegacyTags
	}
	if e.Set.Has(panel.FieldFrom) {
		v.Window.From = e.Window.From
	}
	if e.Set.Has(panel.FieldUntil) {
		v.Window.Until = e.Window.Until
	}
	s.one.users[e.Place] = v
	return panel.Outcome{Place: e.Place, Done: e.Set}, nil
}

func (s deviceSession) Read(_ context.Context, q panel.Query) iter.Seq2[panel.Event, error] {
	s.all.mu.Lock()
	defer s.all.mu.Unlock()
	var events []panel.Event
	for place, v := range s.one.users {
		if q.All || slices.Contains(q.Places, place) {
			events = append(events, panel.Event{User: &panel.Report{Place: place, Exists: true, Sight: s.one.model.Sight,
				Known: s.one.model.Read &^ panel.FieldCode, Values: panel.Values{LegacyTags: v.LegacyTags, Window: v.Window}}})
		}
	}
	return func(yield func(panel.Event, error) bool) {
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func scripted(fields panel.Field) panel.Model {
	return panel.Model{Kind: panel.Access, Name: "scripted", Evidence: "Invented for this test.", Sight: panel.Presence,
		Create: fields, Change: fields, Read: fields, Code: panel.CodeRule{Lens: []int{4, 5, 6}}}
}

// codesOnly is a panel of ten slots that knows no windows.
func codesOnly() panel.Model {
	m := scripted(panel.FieldCode)
	m.Slots = panel.Slots{First: 1, Last: 10}
	return m
}

// withWindows is a device that keeps windows and tags, with ids.
func withWindows() panel.Model {
	return scripted(panel.FieldCode | panel.FieldLegacyTags | panel.FieldFrom | panel.FieldUntil)
}

// fleet is a desk over many scripted panels in a bubble of fake time.
type fleet struct {
	*testing.T
	*devices
	ctx    context.Context
	store  store.Store
	people *people
	desk   *roster.Desk
	op     *roster.Operator
	ids    map[string]string // panel ids by identity
	keys   *credentials.Ring
	poll   time.Duration // Options.PollEvery
	own    bool          // keyholder's own accounts instead of the host's
	alerts []roster.Alert
	stop   func()
}

func inFleet(t *testing.T, st func(store.Store) store.Store, test func(f *fleet)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &fleet{keys: ring(t), T: t, devices: &devices{all: map[string]*device{}}, store: memstore.Open(), people: &people{list: map[accounts.ID]accounts.Person{}}, ids: map[string]string{}}
		if st != nil {
			f.store = st(f.store)
		}
		f.start()
		test(f)
		f.stop()
	})
}

// start runs a desk over the store, as a program does when it begins.
func (f *fleet) start() {
	ctx, cancel := context.WithCancel(f.Context())
	f.ctx = ctx
	var err error
	var directory accounts.Directory
	if !f.own {
		directory = f.people
	}
	f.desk, err = roster.New(roster.Options{
		Store: f.store, Keys: f.keys, PollEvery: f.poll, Drivers: map[string]panel.Driver{"scripted": f.devices}, Directory: directory,
		Authority: fleetRights(),
		Alert: func(a roster.Alert) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.alerts = append(f.alerts, a)
		},
	})
	require.NoError(f, err)
	f.op = f.as("operator")
	var running sync.WaitGroup
	running.Go(func() { engine.Run(ctx, nil, f.desk.Loops()...) })
	f.stop = func() { cancel(); running.Wait() }
}

func fleetRights() accounts.StaticAuthority {
	return accounts.StaticAuthority{
		"operator": {Enabled: true, Rights: accounts.AllRights().Without(accounts.RightsOf(accounts.CollisionsView)), Sites: accounts.AllSites()},
		"dealer":   {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.TheseSites("south")},
	}
}

func (f *fleet) as(id accounts.ID) *roster.Operator {
	return f.desk.As(accounts.HostActor(id, "", "").Vouched(time.Now()))
}

// operator is the operator, who has just proven a factor.
func (f *fleet) operator() *roster.Operator { return f.as("operator") }

func (f *fleet) device(ident, site string, m panel.Model) *device {
	f.Helper()
	d := &device{model: m, users: map[panel.Place]panel.Values{}}
	f.do(func() { f.all[ident] = d })
	p, err := f.operator().Register(f.ctx, roster.Registration{Site: site, Driver: "scripted", Ident: ident, Model: &m})
	require.NoError(f, err)
	f.ids[ident] = p.ID
	require.NoError(f, f.operator().SetPoint(f.ctx, roster.AccessPoint{Projects: true, Point: credentials.Point{ID: "at " + ident, Panel: p.ID, Site: site}}))
	return d
}

// do looks at the devices, or changes them.
func (f *fleet) do(what func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	what()
}

func (f *fleet) person(id accounts.ID) *roster.Person {
	if _, known := f.people.list[id]; !known {
		e, err := accounts.ParseEmail(string(id) + "@example.com")
		require.NoError(f, err)
		f.people.list[id] = accounts.Person{ID: id, Email: e, Name: string(id), Status: accounts.StatusActive, Sites: accounts.AllSites()}
	}
	return f.operator().Person(id)
}

// rule lets accounts in at devices.
func (f *fleet) rule(r roster.AccessRule, who []accounts.ID, idents ...string) {
	f.Helper()
	for _, id := range who {
		r.Who = append(r.Who, credentials.Subject{Kind: roster.AccountSubject, ID: string(id)})
	}
	for _, ident := range idents {
		r.Points = append(r.Points, "at "+ident)
	}
	require.NoError(f, f.operator().SetRule(f.ctx, r))
}

// on lists the devices that let somebody in now by a code.
func (f *fleet) on(code string) []string {
	var out []string
	f.do(func() {
		for ident, d := range f.all {
			if d.holds(known(code), time.Now()) {
				out = append(out, ident)
			}
		}
	})
	slices.Sort(out)
	return out
}

// actions lists what the log says was done.
func (f *fleet) actions() []string {
	es, err := f.store.Entries(f.ctx, store.EntryQuery{ByIndex: true})
	require.NoError(f, err)
	var out []string
	for _, e := range es {
		out = append(out, e.Action)
	}
	return out
}

func (f *fleet) swept(found int) {
	f.Helper()
	s, err := f.desk.Sweep(f.ctx)
	require.NoError(f, err)
	require.Equal(f, found, s.Found)
}

// settling is how long a change takes to reach devices that answer.
const settling = 10 * time.Second

// Rules: G72, G76, G80, G185, G187
func TestDevicesFollowRightsAndWindows(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		f.device("lobby", "north", codesOnly())
		f.device("gate", "north", withWindows())
		f.device("other", "north", codesOnly())
		pass(time.Minute)
		ann := f.person("ann")
		require.NoError(f, ann.SetPIN(f.ctx, known("6137")))
		pass(settling)
		require.Empty(f, f.on("6137"), "no rule lets her in")
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"ann"}, "lobby", "gate")
		pass(settling)
		require.Equal(f, []string{"gate", "lobby"}, f.on("6137"))

		require.NoError(f, ann.SetPIN(f.ctx, known("7283")))
		pass(settling)
		require.Empty(f, f.on("6137"))
		require.Equal(f, []string{"gate", "lobby"}, f.on("7283"))

		// The end comes at its own second, and an extension brings her back.
		end := time.Now().Add(time.Hour).Truncate(time.Second)
		require.NoError(f, ann.SetWindow(f.ctx, credentials.Window{Until: end}))
		pass(time.Until(end) - time.Second)
		require.Equal(f, []string{"gate", "lobby"}, f.on("7283"))
		pass(time.Second)
		require.NotContains(f, f.on("7283"), "gate", "it keeps the window itself")
		pass(2 * time.Second)
		require.Empty(f, f.on("7283"))
		pass(settling)
		f.do(func() { require.Empty(f, f.all["gate"].users) })
		begin := time.Now().Add(2 * time.Hour).Truncate(time.Second)
		require.NoError(f, ann.SetWindow(f.ctx, credentials.Window{From: begin}))
		pass(settling)
		f.do(func() {
			require.Len(f, f.all["gate"].users, 1, "a device with windows is told ahead")
			require.Empty(f, f.all["lobby"].users)
		})
		require.Empty(f, f.on("7283"))
		pass(time.Until(begin) + 2*time.Second)
		require.Equal(f, []string{"gate", "lobby"}, f.on("7283"))

		// The right is lost, and comes back.
		require.NoError(f, f.operator().RemoveRule(f.ctx, "staff"))
		pass(settling)
		require.Empty(f, f.on("7283"))
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"ann"}, "other")
		pass(settling)
		require.Equal(f, []string{"other"}, f.on("7283"))
		pass(time.Hour)
		f.swept(0)
		require.Empty(f, f.alerts)
	})
}

// Rules: G52, G55, G57, G66, G182
func TestWhatAPersonHasIsNobodyElses(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		ann, bob := f.person("ann"), f.person("bob")
		require.ErrorIs(f, ann.SetDuressPIN(f.ctx, known("8604")), roster.ErrNoPIN)
		require.NoError(f, ann.SetPIN(f.ctx, known("6137")))
		require.NoError(f, ann.SetDuressPIN(f.ctx, known("8604")))
		_, err := ann.AddTag(f.ctx, card(f.T, "00001D2C"), "blue") // 7468
		require.NoError(f, err)
		require.ErrorIs(f, ann.SetDuressPIN(f.ctx, known("6137")), credentials.ErrNotAvailable)
		require.ErrorIs(f, ann.SetDuressPIN(f.ctx, known("613799")), credentials.ErrCodeLength)
		refusals := 1
		for _, code := range []string{"6137", "8604", "7468"} {
			require.ErrorIs(f, bob.SetPIN(f.ctx, known(code)), credentials.ErrNotAvailable)
			refusals++
		}
		require.ErrorIs(f, bob.SetPIN(f.ctx, known("1234")), credentials.ErrNotAvailable, "a weak one is refused alike")
		require.ErrorIs(f, bob.SetPIN(f.ctx, known("2958")), roster.ErrCollisionBudget, "five answers an hour")
		pass(time.Hour)
		_, err = bob.AddTag(f.ctx, card(f.T, "00001D2C"), "")
		require.ErrorIs(f, err, credentials.ErrNotAvailable)
		require.NoError(f, bob.SetPIN(f.ctx, known("2958")))

		// What is given up is free as soon as no device has it.
		require.NoError(f, ann.RemovePIN(f.ctx))
		pass(settling)
		require.NoError(f, bob.SetPIN(f.ctx, known("6137")))
		h, err := ann.Holds(f.ctx)
		require.NoError(f, err)
		require.False(f, h.PIN)
		require.Equal(f, "blue", h.Tags[0].Label)
		require.ErrorIs(f, f.person("cid").SetTagState(f.ctx, 1, roster.TagLost), roster.ErrTagUnknown)
		require.NoError(f, ann.SetTagState(f.ctx, h.Tags[0].ID, roster.TagLost))
		_, err = bob.AddTag(f.ctx, card(f.T, "00001D2C"), "")
		require.ErrorIs(f, err, credentials.ErrNotAvailable, "a lost tag goes to nobody")
	})
}

// A PIN that a device may still have is not free, however long the device is away.
//
// Rules: G74, G211
func TestAPINIsFreeWhenTheLastDeviceLetItGo(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		d := f.device("lobby", "north", codesOnly())
		pass(time.Minute)
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"ann"}, "lobby")
		require.NoError(f, f.person("ann").SetPIN(f.ctx, known("6137")))
		pass(settling)
		require.Len(f, f.on("6137"), 1)
		f.do(func() { d.away = true })
		require.NoError(f, f.person("ann").SetPIN(f.ctx, known("7283")))
		pass(48 * time.Hour)
		require.ErrorIs(f, f.person("bob").SetPIN(f.ctx, known("6137")), credentials.ErrNotAvailable)
		f.do(func() { d.away = false })
		pass(time.Hour)
		require.NoError(f, f.person("bob").SetPIN(f.ctx, known("6137")))
		require.Equal(f, []string{"lobby"}, f.on("7283"))
	})
}

// Rules: G74, R262
func TestAPersonIsEndedEverywhere(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		const all, away = 500, 20
		var idents []string
		for i := range all {
			m := codesOnly()
			if i%3 == 0 {
				m = withWindows()
			}
			idents = append(idents, fmt.Sprintf("d%03d", i))
			f.device(idents[i], "north", m)
		}
		pass(time.Minute)
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"ann"}, idents...)
		require.NoError(f, f.person("ann").SetPIN(f.ctx, known("6137")))
		pass(time.Minute)
		require.Len(f, f.on("6137"), all)
		live, err := f.person("ann").Live(f.ctx)
		require.NoError(f, err)
		require.Len(f, live.On, all)
		f.do(func() {
			for _, ident := range idents[:away] {
				f.all[ident].away = true
			}
		})
		require.ErrorIs(f, f.person("ann").End(f.ctx), accounts.ErrConfirmationRequired)
		ended := time.Now()
		require.NoError(f, f.person("ann").End(f.ctx, roster.Confirmed("yes"), roster.Because("left")))
		pass(time.Minute)
		require.Equal(f, idents[:away], f.on("6137"))
		live, err = f.person("ann").Live(f.ctx)
		require.NoError(f, err)
		require.Len(f, live.On, away)
		require.Equal(f, ended.UTC(), live.Ended.UTC())
		for i, d := range live.On {
			require.Equal(f, idents[i], d.Ident)
			require.True(f, d.Active && d.Going)
			require.WithinDuration(f, ended, d.Since, time.Second)
		}
		open, err := f.operator().Outstanding(f.ctx)
		require.NoError(f, err)
		require.Len(f, open, away)
		for _, m := range open {
			require.Equal(f, roster.RemovalOpen, m.Kind)
			require.Equal(f, accounts.ID("ann"), m.Account)
		}
		none, err := f.as("dealer").Person("ann").Live(f.ctx)
		require.NoError(f, err)
		require.Empty(f, none.On, "a dealer sees nothing of other sites")

		f.do(func() {
			for _, ident := range idents[:away] {
				f.all[ident].away = false
			}
		})
		pass(time.Hour)
		require.Empty(f, f.on("6137"))
		live, err = f.person("ann").Live(f.ctx)
		require.NoError(f, err)
		require.Empty(f, live.On)
		require.NoError(f, f.person("ann").SetPIN(f.ctx, known("7283")))
		pass(time.Minute)
		require.Empty(f, f.on("7283"), "she stays ended")
		require.NoError(f, f.person("ann").Lift(f.ctx))
		pass(time.Minute)
		require.Len(f, f.on("7283"), all)
		f.swept(0)
	})
}

// Less access at the device wins, and a person at the desk too.
//
// Rules: G185
func TestWhatSomebodyTookAwayStaysAway(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		d := f.device("lobby", "north", codesOnly())
		pass(time.Minute)
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"ann"}, "lobby")
		require.NoError(f, f.person("ann").SetPIN(f.ctx, known("6137")))
		pass(settling)
		require.Len(f, f.on("6137"), 1)
		_, err := f.operator().Panel(f.ids["lobby"]).Disable(f.ctx, slot(1), roster.Confirmed("yes"))
		require.NoError(f, err)
		pass(time.Hour)
		require.Empty(f, f.on("6137"))
		f.swept(0)
		require.NoError(f, f.person("ann").SetPIN(f.ctx, known("7283")))
		pass(settling)
		require.Equal(f, []string{"lobby"}, f.on("7283"), "a new PIN is a new wish")
		f.do(func() { d.users = map[panel.Place]panel.Values{} })
		pass(48 * time.Hour)
		require.Empty(f, f.on("7283"))
		f.swept(0)
	})
}

// Rules: G40, G187
func TestASuspendedPersonLosesDevicesWithTheNextSweep(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		f.device("lobby", "north", codesOnly())
		pass(time.Minute)
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"ann"}, "lobby")
		require.NoError(f, f.person("ann").SetPIN(f.ctx, known("6137")))
		pass(time.Hour)
		p := f.people.list["ann"]
		p.Status = accounts.StatusSuspended
		f.people.mu.Lock()
		f.people.list["ann"] = p
		f.people.mu.Unlock()
		pass(16 * time.Minute)
		require.Empty(f, f.on("6137"), "the host's own people are found by the sweep")
		require.Contains(f, f.actions(), string(audit.SweepFound))
	})
}
