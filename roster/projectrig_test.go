package roster_test

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
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
	log     []panel.Opened // of a device that tells who opens it
	said    int            // of these
	cut     bool           // its watch fails
	loses   bool           // the answers to what it is told
	armed   bool           // it takes no edits
	pace    time.Duration  // of an edit
	look    time.Duration  // of a reading
	watches int
	tick    time.Duration // how often its log is asked for, 0: a second
}

// holds reports whether the device lets somebody in by a code at that time.
func (d *device) holds(c panel.Code, at time.Time) bool {
	for _, v := range d.users {
		if v.Code.Equal(c) && d.good(v, at) {
			return true
		}
	}
	return false
}

// takes reports whether the device lets somebody in by a tag.
func (d *device) takes(tag panel.Tag) bool {
	for _, v := range d.users {
		if slices.ContainsFunc(v.LegacyTags, tag.Equal) {
			return true
		}
	}
	return false
}

// good reports whether the device lets a user in at that time.
func (d *device) good(v panel.Values, at time.Time) bool {
	return d.model.Create&panel.FieldUntil == 0 || v.Window.Contains(at)
}

// try presents a code at a device that tells who opens it, and reports whether it opens.
func (d *device) try(code string) bool {
	for place, v := range d.users {
		duress := v.Duress.Equal(known(code))
		if duress || v.Code.Equal(known(code)) {
			d.log = append(d.log, panel.Opened{Place: place, At: time.Now(), Duress: duress})
			return true
		}
	}
	return false
}

// live are the codes that let somebody in at that time.
func (d *device) live(at time.Time) map[string]bool {
	out := map[string]bool{}
	for _, v := range d.users {
		if d.good(v, at) {
			out[v.Code.Reveal()] = true
		}
	}
	return out
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
	s := deviceSession{all: d, one: d.all[t.Ident]}
	if s.one.model.TellsWhoOpened() {
		return tellingSession{s}, nil
	}
	return quietSession{deviceSession: s}, nil
}

// quietSession hears nothing.
type quietSession struct {
	deviceSession
	panel.NoWatch
}

// tellingSession tells who opened since it was last asked, as a device's log does.
type tellingSession struct{ deviceSession }

func (s tellingSession) Watch(ctx context.Context) iter.Seq2[panel.Event, error] {
	return func(yield func(panel.Event, error) bool) {
		for tick := time.NewTicker(cmp.Or(s.one.tick, time.Second)); ; {
			s.all.mu.Lock()
			s.one.watches++
			cut, news := s.one.cut || s.one.away, s.one.log[s.one.said:]
			if !cut {
				s.one.said = len(s.one.log)
			}
			s.all.mu.Unlock()
			if cut {
				yield(panel.Event{}, panel.ErrUnreachable)
				return
			}
			for _, o := range news {
				if !yield(panel.Event{Opened: &o}, nil) {
					return
				}
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				tick.Stop()
				return
			}
		}
	}
}

type deviceSession struct {
	all *devices
	one *device
}

func (s deviceSession) Model() panel.Model { return s.one.model }
func (s deviceSession) Close() error       { return nil }

func (s deviceSession) Apply(_ context.Context, edits []panel.Edit) iter.Seq2[panel.Outcome, error] {
	return func(yield func(panel.Outcome, error) bool) {
		for _, e := range edits {
			time.Sleep(s.one.pace)
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
	case s.one.armed:
		return panel.Outcome{}, panel.ErrArmed
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
		v.Code, v.Duress = e.Code, e.Duress
	}
	if e.Set.Has(panel.FieldRole) {
		v.Role = e.Role
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
	if s.one.loses {
		s.one.away = true
		return panel.Outcome{}, panel.ErrUnreachable
	}
	return panel.Outcome{Place: e.Place, Done: e.Set}, nil
}

func (s deviceSession) Read(_ context.Context, q panel.Query) iter.Seq2[panel.Event, error] {
	time.Sleep(s.one.look)
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

// telling is a device that tells who opens it, with ids, tags and no windows.
func telling() panel.Model {
	m := scripted(panel.FieldCode | panel.FieldLegacyTags)
	m.Duress, m.Codeless = panel.DuressByEvent, true
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
	rest   time.Duration // Options.Rest
	now    func() time.Time
	good   func() credentials.ClockQuality // Options.Quality
	ahead  time.Time                       // Options.LogAhead
	own    bool                            // keyholder's own accounts instead of the host's
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
		Store: f.store, Keys: f.keys, PollEvery: f.poll, Rest: f.rest, Now: f.now, Quality: f.good, LogAhead: f.ahead, Drivers: map[string]panel.Driver{"scripted": f.devices}, Directory: directory,
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
		"chief":    {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()},
		"dealer":   {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.TheseSites("south")},
	}
}

func (f *fleet) as(id accounts.ID) *roster.Operator {
	return f.desk.As(accounts.HostActor(id, "", "").Vouched(time.Now()))
}

// operator is the operator, who has just proven a factor.
func (f *fleet) operator() *roster.Operator { return f.as("operator") }

// device is a new device at a site. What it is like beyond its model is said here: once
// registered, it is looked at.
func (f *fleet) device(ident, site string, m panel.Model, like ...func(*device)) *device {
	f.Helper()
	d := &device{model: m, users: map[panel.Place]panel.Values{}}
	for _, l := range like {
		l(d)
	}
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
	f.people.mu.Lock()
	defer f.people.mu.Unlock()
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
