package roster_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// bound is how long a device that answers may have somebody longer than rules say, where
// lines are looked for every ten seconds.
const bound = 30 * time.Second

// guest is somebody in the week's simulation, as a naive reader of the rules sees them.
type guest struct {
	id      accounts.ID
	pin     string
	window  credentials.Window
	pinless bool
	tag     panel.Tag
	ended   bool
	groups  []string
}

// allowed decides as a door would: window, then the rules of the guest's groups.
func (g guest) allowed(rules []credentials.Rule, point string, on credentials.Medium, now time.Time) bool {
	r := credentials.Record{Holder: string(g.id), Disabled: g.ended}
	switch {
	case on == credentials.Reader && !g.tag.IsZero():
		r.Secrets = []credentials.Secret{{Kind: credentials.TagNumber, Print: credentials.Fingerprint{1}}}
	case on == credentials.Keypad && !g.pinless:
		r.Secrets, r.Window = []credentials.Secret{{Kind: credentials.PIN, Print: credentials.Fingerprint{1}}}, g.window
	}
	for _, group := range g.groups {
		r.As = append(r.As, credentials.Subject{Kind: "group", ID: group})
	}
	p := credentials.Presented{Point: point, Medium: on, Prints: []credentials.Fingerprint{{1}}}
	return credentials.Decide(r, rules, p, credentials.Now{T: now, Quality: credentials.ClockTrusted}).Granted()
}

// brief keeps entries without what they say, which would be most of what a week needs.
type brief struct{ store.Store }

func (b brief) Commit(ctx context.Context, c store.Change) (store.Result, error) {
	c.Entries = slices.Clone(c.Entries)
	for i := range c.Entries {
		c.Entries[i].Body = []byte{'-'}
	}
	return b.Store.Commit(ctx, c)
}

// A week in which people come and go, devices are away, a program is restarted and the
// clocks change: no device that answers has anybody longer than the bound after a door
// would refuse them. In the end everybody is where they may be, no device has anything else
// that opens, by code or by tag, and the sweep finds nothing. It runs with 16 persons and 6 devices; KEYHOLDER_WEEK="1000x50" gives other numbers.
//
// Rules: G71, G72, G73, G206, G218, S40
func TestAWeekOfComingAndGoing(t *testing.T) {
	persons, boxes := 16, 6
	if size := os.Getenv("KEYHOLDER_WEEK"); size != "" {
		_, err := fmt.Sscanf(size, "%dx%d", &persons, &boxes)
		require.NoError(t, err)
	}
	inFleet(t, func(st store.Store) store.Store { return brief{st} }, func(f *fleet) {
		random := rand.New(rand.NewPCG(1, 2))
		f.stop()
		f.poll = 10 * time.Second // a week has 604,800 seconds
		// The bubble begins on 1 January 2000; the clocks of Berlin go forward on 26 March.
		pass(time.Until(time.Date(2000, 3, 23, 0, 0, 0, 0, time.UTC)))
		f.start()
		var idents []string
		for i := range boxes {
			m := codesOnly()
			switch {
			case i%2 == 0:
				m = withWindows()
			case i == boxes-1:
				m = telling()
			default:
				m.Slots.Last = persons + 5
			}
			idents = append(idents, "box"+strconv.Itoa(i))
			f.device(idents[i], "north", m, func(d *device) { d.tick = time.Minute })
		}
		pass(time.Minute)
		office := credentials.Schedule{Zone: "Europe/Berlin", Week: []credentials.Span{{Days: []credentials.Weekday{0, 1, 2, 3, 4, 5, 6}, From: 2*60 + 30, Until: 18 * 60}}}
		hours, err := office.Compile()
		require.NoError(f, err)
		guests := make([]*guest, persons)
		groups := map[string]*credentials.Group{}
		var rules []credentials.Rule
		for n, name := range []string{"always", "office"} {
			groups[name] = &credentials.Group{ID: name}
			r := roster.AccessRule{ID: name, Site: "north", Who: []credentials.Subject{groups[name].Subject()}}
			one := credentials.Rule{ID: name, Who: r.Who}
			if n == 1 {
				r.Schedule, one.Schedule = &office, hours
			}
			for i := n; i < boxes; i += n + 1 {
				one.Points = append(one.Points, "at "+idents[i])
			}
			r.Points = one.Points
			rules = append(rules, one)
			require.NoError(f, f.operator().SetRule(f.ctx, r))
		}
		for i := range guests {
			g := &guest{id: accounts.ID("guest" + strconv.Itoa(i)), pinless: true, groups: []string{"always"}}
			if i%2 == 1 && persons-i < 120 { // whose coming and going every day is most of the work
				g.groups[0] = "office"
			}
			guests[i] = g
			group := groups[g.groups[0]]
			group.Members = append(group.Members, credentials.Subject{Kind: roster.AccountSubject, ID: string(g.id)})
			f.person(g.id)
		}
		for _, g := range groups {
			require.NoError(f, f.operator().SetGroup(f.ctx, "", *g))
		}
		for i, g := range []*guest{guests[0], guests[persons-1]} { // of either group
			g.tag = card(t, "00001D2"+strconv.Itoa(i))
			_, err := f.person(g.id).AddTag(f.ctx, g.tag, "")
			require.NoError(f, err)
		}
		late := map[string]time.Time{} // since when a device has somebody whom a door refuses
		owners := map[string]*guest{}  // whose a PIN is or was
		// What a check finds stays as it is until a device is written to, a guest or a device is
		// changed, or a window or the office begins or ends.
		var calm time.Time
		told := 0
		check := func() {
			now := time.Now()
			f.do(func() {
				writes := 0
				for _, d := range f.all {
					writes += d.wrote
				}
				if writes == told && now.Before(calm) {
					return
				}
				told, calm = writes, hours.Next(now)
				turns := func(w credentials.Window) {
					if next := w.Next(now); !next.IsZero() && next.Before(calm) {
						calm = next
					}
				}
				for _, g := range guests {
					turns(g.window)
				}
				still := map[string]time.Time{}
				for _, ident := range idents {
					if f.all[ident].away {
						continue
					}
					see := func(g *guest, right bool) {
						if right {
							return
						}
						key := string(g.id) + ident
						if still[key] = late[key]; still[key].IsZero() {
							still[key] = now
						}
						require.LessOrEqual(f, now.Sub(still[key]), bound, "%s on %s", g.id, ident)
						calm = now
					}
					for _, v := range f.all[ident].users {
						turns(v.Window)
						if !f.all[ident].good(v, now) {
							continue
						}
						if g, typed := owners[v.Code.Reveal()]; typed || len(v.LegacyTags) == 0 {
							see(g, g.pin == v.Code.Reveal() && g.allowed(rules, "at "+ident, credentials.Keypad, now))
						}
						for _, tag := range v.LegacyTags {
							g := guests[slices.IndexFunc(guests, func(g *guest) bool { return g.tag.Equal(tag) })]
							see(g, g.allowed(rules, "at "+ident, credentials.Reader, now))
						}
					}
				}
				late = still
			})
		}
		draw := func(g *guest) {
			code, err := f.person(g.id).GeneratePIN(f.ctx, 6)
			require.NoError(f, err)
			g.pin, g.pinless = code.Reveal(), false
			owners[g.pin] = g
		}
		for _, g := range guests[persons/2:] { // who has been there for long
			draw(g)
		}
		for end := time.Now().Add(7 * 24 * time.Hour); time.Now().Before(end); {
			g := guests[random.IntN(persons)]
			switch random.IntN(6) {
			case 0, 1:
				draw(g)
			case 2:
				if !g.pinless {
					from := time.Now().Add(time.Duration(random.IntN(36)-12) * time.Hour).Truncate(time.Second)
					g.window = credentials.Window{From: from, Until: from.Add(time.Duration(1+random.IntN(24)) * time.Hour)}
					require.NoError(f, f.person(g.id).SetWindow(f.ctx, g.window))
				}
			case 3:
				if g.ended = !g.ended; g.ended {
					require.NoError(f, f.person(g.id).End(f.ctx, roster.Confirmed("yes")))
				} else {
					require.NoError(f, f.person(g.id).Lift(f.ctx))
				}
			case 4:
				d := f.all[idents[random.IntN(boxes)]]
				f.do(func() { d.away = !d.away })
				pass(11 * time.Minute) // a device that is back is found by its next try
			case 5:
				f.stop()
				f.start()
				pass(time.Minute)
			}
			calm = time.Time{}
			for range 240 {
				pass(bound / 2)
				check()
			}
		}
		f.do(func() {
			for _, d := range f.all {
				d.away = false
			}
		})
		pass(time.Hour)
		f.swept(0)
		for _, g := range guests {
			for _, ident := range idents {
				require.Equal(f, g.allowed(rules, "at "+ident, credentials.Keypad, time.Now()), g.pin != "" && f.all[ident].holds(known(g.pin), time.Now()), "%s on %s", g.id, ident)
			}
			tells := idents[boxes-1]
			require.Equal(f, g.allowed(rules, "at "+tells, credentials.Reader, time.Now()), f.all[tells].takes(g.tag), "%s on %s", g.id, tells)
		}
		calm = time.Time{}
		check()
		require.Empty(f, late, "nothing else opens anywhere")
		f.do(func() {
			for _, a := range f.alerts {
				require.NotEqual(f, roster.SweepFound, a.Kind)
			}
		})
	})
}

// Whatever call to the store fails, or is done without its answer, devices follow in the
// end and nobody stays who should not.
//
// Rules: G187, G206
func TestProjectionSurvivesAnyFaultOfTheStore(t *testing.T) {
	calls := 0
	project(t, func(storetest.Call) storetest.Fault {
		calls++
		return storetest.Pass
	})
	require.Greater(t, calls, 40)
	step := 7
	if testing.Short() || raceDetector {
		step = 40
	}
	for n, fault := range []storetest.Fault{storetest.Fail, storetest.Lose, storetest.Stale} {
		for nth := 1 + n; nth <= calls; nth += step {
			seen := 0
			project(t, func(storetest.Call) storetest.Fault {
				if seen++; seen == nth {
					return fault
				}
				return storetest.Pass
			})
		}
	}
}

func project(t *testing.T, plan func(storetest.Call) storetest.Fault) {
	t.Helper()
	var on atomic.Bool
	faulty := func(st store.Store) store.Store {
		return storetest.Faulty(st, func(c storetest.Call) storetest.Fault {
			if !on.Load() {
				return storetest.Pass
			}
			return plan(c)
		})
	}
	inFleet(t, faulty, func(f *fleet) {
		f.device("lobby", "north", codesOnly())
		f.device("gate", "north", withWindows())
		pass(time.Minute)
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"cleaner"}, "lobby", "gate")
		pass(settling)
		on.Store(true)
		until := func(what func() error) {
			for what() != nil {
				pass(time.Second)
			}
		}
		until(func() error { return f.person("cleaner").SetPIN(f.ctx, known("6137")) })
		pass(settling)
		until(func() error { return f.person("cleaner").End(f.ctx, roster.Confirmed("yes")) })
		pass(settling)
		on.Store(false)
		pass(30 * time.Minute)
		require.Empty(f, f.on("6137"))
		require.NoError(f, f.person("cleaner").Lift(f.ctx))
		pass(time.Minute)
		require.Equal(f, []string{"gate", "lobby"}, f.on("6137"))
		f.do(func() { require.Len(f, f.all["lobby"].users, 1) })
	})
}
