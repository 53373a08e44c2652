package roster_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// paper is a panel without a wire, with whatever model a test asks for: it shows a mark of
// each code, and the numbers of tags.
type paper struct {
	panel.Dials
	mu     sync.Mutex
	model  panel.Model
	length int
	users  map[panel.Place]panel.Values
	wrote  int
	jobs   map[string]panel.Edit // where edits become jobs
	ran    bool                  // jobs have ended
	away   bool
	kept   bool // sessions stay open between turns
	next   int  // the next reading is cut off, and the codes get this length
	locked bool // whoever tries is locked out
	tries  int
}

func (p *paper) Model() panel.Model { return p.model }
func (p *paper) Open(context.Context, panel.Target) (panel.Session, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tries++
	switch {
	case p.away:
		return nil, panel.ErrUnreachable
	case p.locked:
		return nil, &panel.Later{Err: panel.ErrBlocked, After: 5 * time.Minute}
	}
	if p.kept {
		return keptPaper{paperSession{p: p}}, nil
	}
	return quietPaper{paperSession: paperSession{p: p}}, nil
}

// do lets somebody else change the panel, and looks at it.
func (p *paper) do(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

// resize is what the panel does to every code when its length is switched.
func (p *paper) resize(length int) {
	for place, v := range p.users {
		digits := v.Code.Reveal()
		if len(digits) > length {
			digits = digits[:length]
		}
		v.Code, _ = panel.ParseCode(digits + strings.Repeat("0", length-len(digits)))
		p.users[place] = v
	}
	p.length = length
}

func (p *paper) write(e panel.Edit) {
	p.wrote++
	if e.Do == panel.Remove {
		delete(p.users, e.Place)
		return
	}
	v := p.users[e.Place]
	if e.Do == panel.Replace {
		v = panel.Values{}
	}
	if e.Set.Has(panel.FieldCode) {
		v.Code = e.Code
	}
	if e.Set.Has(panel.FieldLegacyTags) {
		v.LegacyTags = e.LegacyTags
	}
	p.users[e.Place] = v
}

type paperSession struct{ p *paper }

// quietPaper hears nothing.
type quietPaper struct {
	paperSession
	panel.NoWatch
}

// keptPaper stays open between turns, and says nothing.
type keptPaper struct{ paperSession }

func (keptPaper) Watch(ctx context.Context) iter.Seq2[panel.Event, error] {
	return func(func(panel.Event, error) bool) { <-ctx.Done() }
}

func (s paperSession) Model() panel.Model { return s.p.model }
func (s paperSession) Close() error       { return nil }

func (s paperSession) Apply(_ context.Context, edits []panel.Edit) iter.Seq2[panel.Outcome, error] {
	return func(yield func(panel.Outcome, error) bool) {
		for _, e := range edits {
			if !yield(s.apply(e), nil) {
				return
			}
		}
	}
}

func (s paperSession) apply(e panel.Edit) panel.Outcome {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if s.p.jobs == nil {
		s.p.write(e)
		return panel.Outcome{Place: e.Place, Done: e.Set}
	}
	if e.Ticket == nil {
		e.Ticket = []byte{byte('a' + len(s.p.jobs))}
		s.p.jobs[string(e.Ticket)] = e
	}
	if !s.p.ran {
		return panel.Outcome{Place: e.Place, Unsure: e.Set, Ticket: e.Ticket}
	}
	s.p.write(s.p.jobs[string(e.Ticket)])
	return panel.Outcome{Place: e.Place, Done: e.Set}
}

func (s paperSession) Read(_ context.Context, q panel.Query) iter.Seq2[panel.Event, error] {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	events := []panel.Event{{Panel: &panel.Facts{CodeLen: s.p.length}}}
	if s.p.next != 0 { // cut off in the middle, and switched meanwhile
		defer s.p.resize(s.p.next)
		s.p.next = 0
		return func(yield func(panel.Event, error) bool) {
			_ = yield(events[0], nil) && yield(panel.Event{}, panel.ErrUnreachable)
		}
	}
	for place, v := range s.p.users {
		if !q.All && !slices.Contains(q.Places, place) {
			continue
		}
		mark := sha256.Sum256([]byte("salt of the panel" + v.Code.Reveal()))
		events = append(events, panel.Event{User: &panel.Report{
			Place: place, Exists: true, Sight: panel.Marked, Mark: mark[:8], Known: s.p.model.Read &^ panel.FieldCode, Values: panel.Values{LegacyTags: v.LegacyTags},
		}})
	}
	return func(yield func(panel.Event, error) bool) {
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// desk is a tab on a paper panel in a bubble of fake time.
type paperDesk struct {
	*testing.T
	*paper
	store  store.Store
	plan   atomic.Pointer[func(storetest.Call) storetest.Fault] // nil: nothing goes wrong
	op     *roster.Operator
	tab    *roster.Tab
	alerts []roster.Alert
}

func onPaper(t *testing.T, m panel.Model, before func(p *paper), test func(d *paperDesk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		m.Kind, m.Name, m.Sight, m.Evidence = panel.Access, "paper", panel.Marked, "Invented for this test."
		d := &paperDesk{T: t, paper: &paper{model: m, length: 4, users: map[panel.Place]panel.Values{}}}
		before(d.paper)
		d.store = storetest.Faulty(memstore.Open(), func(c storetest.Call) storetest.Fault {
			if plan := d.plan.Load(); plan != nil {
				return (*plan)(c)
			}
			return storetest.Pass
		})
		desk, err := roster.New(roster.Options{
			Store: d.store, Keys: ring(t), ReadEvery: time.Minute, Drivers: map[string]panel.Driver{"paper": d.paper}, Directory: &people{},
			Authority: accounts.StaticAuthority{
				"operator": {Enabled: true, Rights: accounts.AllRights().Without(accounts.RightsOf(accounts.CollisionsView)), Sites: accounts.AllSites()},
			},
			Alert: func(a roster.Alert) { d.do(func() { d.alerts = append(d.alerts, a) }) },
		})
		require.NoError(t, err)
		var running sync.WaitGroup
		running.Go(func() { engine.Run(ctx, nil, desk.Loops()...) })
		d.op = desk.As(accounts.HostActor("operator", "", "").Vouched(time.Now()))
		p, err := d.op.Register(ctx, roster.Registration{Site: site, Driver: "paper", Ident: "p"})
		require.NoError(t, err)
		d.tab = d.op.Panel(p.ID)
		d.read()
		test(d)
		cancel()
		running.Wait()
	})
}

// written is how many edits the panel has taken.
func (d *paperDesk) written() (n int) {
	d.do(func() { n = d.wrote })
	return n
}

// told are the alerts so far.
func (d *paperDesk) told() (all []roster.Alert) {
	d.do(func() { all = slices.Clone(d.alerts) })
	return all
}

// at is what the panel has at a place.
func (d *paperDesk) at(p panel.Place) (v panel.Values) {
	d.do(func() { v = d.users[p] })
	return v
}

// read lets a full read and whatever follows from it happen.
func (d *paperDesk) read() { pass(90 * time.Second) }

func (d *paperDesk) fate(r roster.Receipt) roster.Fate {
	d.Helper()
	p, err := d.tab.Receipt(d.Context(), r)
	require.NoError(d, err)
	return p.Fate
}

func (d *paperDesk) set(place panel.Place, code string) roster.Receipt {
	d.Helper()
	r, err := d.tab.SetCode(d.Context(), place, roster.CodeWish{Code: digits(d.T, code)})
	require.NoError(d, err)
	d.read()
	return r
}

// slots is a panel of slots with codes and nothing else.
func slots(lens ...int) panel.Model {
	return panel.Model{Create: panel.FieldCode, Change: panel.FieldCode, Read: panel.FieldCode,
		Slots: panel.Slots{First: 1, Last: 300}, Code: panel.CodeRule{Lens: lens, Recode: panel.RecodeAppend}}
}

// Rules: D16
func TestAPanelRewritesItsCodes(t *testing.T) {
	stranger := func(n int) panel.Code { return known(fmt.Sprintf("3%03d", n)) }
	onPaper(t, slots(4, 6), func(p *paper) {
		for n := 11; n <= 243; n++ {
			p.users[slot(n)] = panel.Values{Code: stranger(n)}
		}
	}, func(d *paperDesk) {
		for n, code := range []string{"6137", "7283", "8604"} {
			require.Equal(d, roster.Settled, d.fate(d.set(slot(n+1), code)))
		}
		wrote, told := d.written(), len(d.told())

		d.do(func() { d.resize(6) })
		d.read()
		info, err := d.tab.Info(d.Context())
		require.NoError(d, err)
		require.Equal(d, 6, info.CodeLen)
		require.Len(d, d.told(), told, "nobody changed anything")
		open, err := d.op.Outstanding(d.Context())
		require.NoError(d, err)
		for _, m := range open {
			require.Equal(d, roster.UnmanagedUser, m.Kind)
		}
		_, err = d.tab.SetCode(d.Context(), slot(9), roster.CodeWish{Code: digits(d.T, "613700")})
		require.ErrorIs(d, err, credentials.ErrNotAvailable, "what the panel made of a code is claimed")
		r := d.set(slot(4), "613799")
		require.Equal(d, roster.Settled, d.fate(r))
		require.Equal(d, wrote+1, d.written())

		// On the way back two codes become one: both are live, one is named.
		d.do(func() { d.resize(4) })
		d.read()
		require.Equal(d, wrote+1, d.written(), "nothing is written because of it")
		open, err = d.op.Outstanding(d.Context())
		require.NoError(d, err)
		var shared []panel.Place
		for _, m := range open {
			if m.Kind == roster.SharedCode {
				shared = append(shared, m.Place)
			}
		}
		require.Len(d, shared, 1)
		require.Len(d, d.told(), told+1)
		require.Equal(d, roster.CodeCollided, d.told()[told].Kind)
		_, err = d.tab.SetCode(d.Context(), slot(9), roster.CodeWish{Code: digits(d.T, "6137")})
		require.ErrorIs(d, err, credentials.ErrNotAvailable)
		_, err = d.tab.SetCode(d.Context(), slot(9), roster.CodeWish{Code: digits(d.T, "613799")})
		require.ErrorIs(d, err, panel.ErrCodeLength)

		// A new code for either ends it.
		require.Equal(d, roster.Settled, d.fate(d.set(shared[0], "9164")))
		open, err = d.op.Outstanding(d.Context())
		require.NoError(d, err)
		for _, m := range open {
			require.Equal(d, roster.UnmanagedUser, m.Kind)
		}

		// What somebody changes at the keypad afterwards is still noticed.
		d.do(func() { d.users[slot(2)] = panel.Values{Code: digits(d.T, "5918")} })
		d.read()
		require.Equal(d, roster.ChangedAtPanel, d.told()[len(d.told())-1].Kind)
	})
}

// The switch is followed to its end whichever commit on the way fails or loses its answer.
//
// Rules: D16, R194
func TestARewriteIsFollowedWhereItWasLeft(t *testing.T) {
	for _, fault := range []storetest.Fault{storetest.Fail, storetest.Lose} {
		for nth := 1; nth <= 8; nth++ {
			t.Run(fmt.Sprintf("commit %d fault %d", nth, fault), func(t *testing.T) {
				onPaper(t, slots(4, 6), func(p *paper) {
					for n := 11; n <= 21; n++ {
						p.users[slot(n)] = panel.Values{Code: known(fmt.Sprintf("3%03d", n))}
					}
				}, func(d *paperDesk) {
					for n, code := range []string{"6137", "7283", "8604"} {
						require.Equal(d, roster.Settled, d.fate(d.set(slot(n+1), code)))
					}
					wrote, told := d.written(), len(d.told())
					var commits atomic.Int64
					plan := func(c storetest.Call) storetest.Fault {
						if c.Verb != storetest.Commit {
							return storetest.Pass
						}
						if n := int(commits.Add(1)); n >= nth && n < nth+3 {
							return fault
						}
						return storetest.Pass
					}
					d.do(func() { d.resize(6) })
					d.plan.Store(&plan)
					pass(time.Hour)
					d.plan.Store(nil)
					require.GreaterOrEqual(d, int(commits.Load()), nth, "the fault has struck")
					require.Equal(d, wrote, d.written())
					require.Len(d, d.told(), told)
					for n, code := range []string{"613700", "728300", "860400"} {
						_, err := d.tab.SetCode(d.Context(), slot(9), roster.CodeWish{Code: digits(d.T, code)})
						require.ErrorIs(d, err, credentials.ErrNotAvailable, "slot %d", n+1)
					}
					require.Equal(d, roster.Settled, d.fate(d.set(slot(4), "613799")), "codes are written again")
				})
			})
		}
	}
}

// directory is a device whose users have ids, and tags whose numbers show.
func directory() panel.Model {
	m := panel.FieldCode | panel.FieldLegacyTags
	return panel.Model{Create: m, Change: m, Read: m, Code: panel.CodeRule{Lens: []int{4}}}
}

func card(t *testing.T, number string) panel.Tag {
	t.Helper()
	tag, err := credentials.ParseTag(number, 32)
	require.NoError(t, err)
	return tag
}

// Rules: R86, R87
func TestTagsAreGivenAndTaken(t *testing.T) {
	onPaper(t, directory(), func(*paper) {}, func(d *paperDesk) {
		ctx := d.Context()
		add := func(place panel.Place, number string) roster.Receipt {
			r, err := d.tab.AddTag(ctx, place, panel.FieldLegacyTags, card(d.T, number))
			require.NoError(d, err)
			return r
		}
		tags := func(place panel.Place) []roster.TagView {
			v, err := d.tab.Details(ctx, place)
			require.NoError(d, err)
			require.Equal(d, roster.LegacyTags, v.Sections[0].Name)
			return v.Sections[0].Tags
		}
		first, err := d.tab.Add(ctx, roster.CodeWish{Code: digits(d.T, "6137")})
		require.NoError(d, err)
		require.NotEmpty(d, first.Place.ID, "the service mints ids")
		second, err := d.tab.Add(ctx, roster.CodeWish{Code: digits(d.T, "7283")})
		require.NoError(d, err)
		add(first.Place, "0A1B2C3D")
		r := add(first.Place, "0A1B2C3E")
		d.read()
		require.Equal(d, roster.Settled, d.fate(r))
		require.Len(d, d.at(first.Place).LegacyTags, 2)
		require.True(d, d.at(first.Place).LegacyTags[0].Equal(card(d.T, "0A1B2C3D")))

		_, err = d.tab.AddTag(ctx, second.Place, panel.FieldLegacyTags, card(d.T, "0A1B2C3D"))
		require.ErrorIs(d, err, credentials.ErrNotAvailable)
		_, err = d.tab.AddTag(ctx, first.Place, panel.FieldLockTags, card(d.T, "0A1B2C3F"))
		require.ErrorIs(d, err, panel.ErrTagsUnsupported)
		_, err = d.tab.RemoveTag(ctx, first.Place, panel.FieldLegacyTags, 99)
		require.ErrorIs(d, err, roster.ErrTagUnknown)

		// A tag that is taken away is free when the panel has shown it gone.
		list := tags(first.Place)
		require.Len(d, list, 2)
		d.do(func() { d.away = true })
		_, err = d.tab.RemoveTag(ctx, first.Place, panel.FieldLegacyTags, list[0].ID)
		require.NoError(d, err)
		require.True(d, tags(first.Place)[1].Gone)
		_, err = d.tab.AddTag(ctx, second.Place, panel.FieldLegacyTags, card(d.T, "0A1B2C3D"))
		require.ErrorIs(d, err, credentials.ErrNotAvailable)
		d.do(func() { d.away = false })
		d.read()
		require.Len(d, tags(first.Place), 1)
		r = add(second.Place, "0A1B2C3D")
		d.read()
		require.Equal(d, roster.Settled, d.fate(r))

		// With a tag that was enrolled at the panel, ours are not written over it.
		d.do(func() {
			v := d.users[second.Place]
			v.LegacyTags = append(v.LegacyTags, card(d.T, "00000FFF"))
			d.users[second.Place] = v
		})
		d.read()
		v, err := d.tab.Details(ctx, second.Place)
		require.NoError(d, err)
		require.Equal(d, "2 proximity tags", v.Sections[0].Text)
		_, err = d.tab.Restore(ctx, second.Place)
		require.NoError(d, err)
		d.read()
		require.Len(d, d.at(second.Place).LegacyTags, 1, "what appeared is taken away again")

		es, err := d.store.Entries(ctx, store.EntryQuery{ByIndex: true})
		require.NoError(d, err)
		given := slices.DeleteFunc(es, func(e store.Entry) bool { return e.Action != string(audit.UserTagsChanged) })
		require.Len(d, given, 4)
	})
}

// A job that runs at the far end is followed across turns and wishes, and started once.
//
// Rules: D27, R49
func TestAJobIsFollowedToItsEnd(t *testing.T) {
	onPaper(t, slots(4), func(p *paper) { p.jobs = map[string]panel.Edit{} }, func(d *paperDesk) {
		first := d.set(slot(4), "6137")
		require.Equal(d, roster.Sending, d.fate(first))
		_, err := d.tab.SetCode(d.Context(), slot(5), roster.CodeWish{Code: digits(d.T, "6137")})
		require.ErrorIs(d, err, credentials.ErrNotAvailable)
		second := d.set(slot(4), "7283")
		d.do(func() { require.Len(d, d.jobs, 1, "the second wish waits for the first job") })
		_, err = d.tab.SetCode(d.Context(), slot(5), roster.CodeWish{Code: digits(d.T, "6137")})
		require.ErrorIs(d, err, credentials.ErrNotAvailable, "the job may still set it")

		d.do(func() { d.ran = true })
		pass(time.Hour)
		require.Equal(d, roster.Settled, d.fate(second))
		d.do(func() {
			require.Len(d, d.jobs, 2)
			require.Equal(d, 2, d.wrote)
			require.True(d, d.users[slot(4)].Code.Equal(digits(d.T, "7283")))
		})
		require.Equal(d, roster.Settled, d.fate(d.set(slot(5), "6137")), "and then it is free")
	})
}

// Rules: R25, R27
func TestAUserIsAddedWhereThereIsRoom(t *testing.T) {
	m := slots(4)
	m.Slots, m.Reserved, m.MasterSlot = panel.Slots{First: 1, Last: 5}, []int{2}, 1
	onPaper(t, m, func(p *paper) { p.users[slot(3)] = panel.Values{Code: known("4477")} }, func(d *paperDesk) {
		var places []panel.Place
		for _, code := range []string{"6137", "7283"} {
			r, err := d.tab.Add(d.Context(), roster.CodeWish{Code: digits(d.T, code)})
			require.NoError(d, err)
			places = append(places, r.Place)
		}
		require.Equal(d, []panel.Place{slot(4), slot(5)}, places, "not the master's, a reserved or a stranger's slot")
		_, err := d.tab.Add(d.Context(), roster.CodeWish{Code: digits(d.T, "8604")})
		require.ErrorIs(d, err, panel.ErrNoFreeSlot)
		_, err = d.op.Panel("").Add(d.Context(), roster.CodeWish{})
		require.ErrorIs(d, err, panel.ErrPanelRequired)
	})
}

func known(digits string) panel.Code {
	c, _ := panel.ParseCode(digits)
	return c
}
