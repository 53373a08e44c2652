package roster_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// behind changes a record and tells nobody.
func behind[T any](f *fleet, k rec.Kind[T], id string, edit func(v *T)) {
	f.Helper()
	core := &flow.Core{Store: f.store, Keys: f.keys, Authority: fleetRights()}
	_, err := core.Act(f.Context(), accounts.SystemActor("test"), func(u *flow.Unit) error {
		v, found, err := flow.Load(u, k, id)
		require.NoError(f, err)
		require.True(f, found)
		edit(&v)
		require.NoError(f, flow.Put(u, k, id, &v))
		_, err = u.Say(audit.PanelChanged, audit.Success, nil)
		return err
	})
	require.NoError(f, err)
}

// remembering runs a test with a guest on a device of whom a sweep has found that there is
// nothing to do. No loop runs any more.
func remembering(t *testing.T, st func(store.Store) store.Store, now func() time.Time, test func(f *fleet)) {
	t.Helper()
	inFleet(t, st, func(f *fleet) {
		f.stop()
		f.now, f.ahead = now, time.Now().Add(24*time.Hour) // whoever sets the clock back says so
		f.start()
		f.device("lobby", "north", codesOnly())
		pass(time.Minute)
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"guest"}, "lobby")
		require.NoError(f, f.person("guest").SetPIN(f.ctx, known("6137")))
		require.NoError(f, f.person("guest").SetWindow(f.ctx, credentials.Window{From: time.Now().Add(time.Hour).Truncate(time.Second), Until: time.Now().Add(30 * 24 * time.Hour).Truncate(time.Second)}))
		pass(2 * time.Hour)
		require.Len(f, f.on("6137"), 1)
		f.stop()
		f.ctx = f.Context()
		f.swept(0)
		test(f)
	})
}

// A sweep that remembers what it found finds whatever has changed since, although nothing
// says so.
//
// Rules: G206, G73
func TestASweepRemembersNoMoreThanIsStillSo(t *testing.T) {
	clock := &stepped{}
	user := func(f *fleet) string { return rec.UserID(f.ids["lobby"], panel.Place{Slot: 1}) }
	for what, change := range map[string]func(f *fleet){
		"a user's record": func(f *fleet) {
			behind(f, rec.Users, user(f), func(u *rec.User) { u.Projected.Generation-- })
		},
		"a rule": func(f *fleet) {
			behind(f, rec.Rules, "staff", func(r *rec.Rule) { r.Disabled = true })
		},
		"a PIN's window": func(f *fleet) {
			behind(f, rec.Credentials, rec.CredentialID("guest", rec.PIN, 0), func(c *rec.Credential) { c.Window.Until = time.Now().Add(-time.Minute) })
		},
		"an end": func(f *fleet) {
			behind(f, rec.Projections, "guest", func(p *rec.Projection) { p.Ended = &rec.End{At: time.Now()} })
		},
		"the host's person": func(f *fleet) {
			p := f.people.list["guest"]
			p.Status = accounts.StatusSuspended
			f.people.list["guest"] = p
		},
		"the clock": func(*fleet) { clock.step(-90 * time.Minute) },
	} {
		t.Run(what, func(t *testing.T) {
			clock.step(0)
			remembering(t, func(store.Store) store.Store {
				st, err := memstore.NewWith(memstore.Options{Now: clock.now}).Tenant("main")
				require.NoError(t, err)
				return st
			}, clock.now, func(f *fleet) {
				change(f)
				f.swept(1)
			})
		})
	}
	t.Run("a panel", func(t *testing.T) {
		remembering(t, nil, nil, func(f *fleet) {
			behind(f, rec.Panels, f.ids["lobby"], func(p *rec.Panel) {
				p.Model.Create |= panel.FieldFrom | panel.FieldUntil
				p.Model.Change |= panel.FieldFrom | panel.FieldUntil
			})
			f.swept(1)
		})
	})
}

// A line that is not due any more when it should be is due again after a sweep.
//
// Rules: G206
func TestASweepMakesALineDueThatIsNot(t *testing.T) {
	remembering(t, nil, nil, func(f *fleet) {
		due := func() time.Time {
			lines, err := f.store.Lines(f.ctx, flow.ProjectLine("guest"), "", 1)
			require.NoError(f, err)
			return lines[0].Due
		}
		right := due()
		require.False(f, right.IsZero())
		pass(time.Minute) // the desk's hold on its lines has ended
		l, err := f.store.Own(f.ctx, "another", flow.ProjectLine("guest"))
		require.NoError(f, err)
		_, err = f.store.Commit(f.ctx, store.Change{ID: "late", Ops: []store.Op{store.Fence{Line: l.Name, Owner: l.Owner, Token: l.Token, Fate: store.Fate{Done: l.Gen, Again: right.Add(time.Hour)}}}})
		require.NoError(f, err)
		require.Equal(f, right.Add(time.Hour), due())
		f.swept(0)
		require.Equal(f, right, due())
	})
}

// A sweep takes no line and writes nothing where it finds all as it was, and looks at
// everybody once in a while all the same.
//
// Rules: G206
func TestASweepOfWhatIsAsItWasOnlyReads(t *testing.T) {
	var wrote atomic.Int32
	remembering(t, func(st store.Store) store.Store {
		return storetest.Faulty(st, func(c storetest.Call) storetest.Fault {
			if c.Verb == storetest.Commit || c.Verb == storetest.Own {
				wrote.Add(1)
			}
			return storetest.Pass
		})
	}, nil, func(f *fleet) {
		sweep := func() int32 {
			before := wrote.Load()
			f.swept(0)
			return wrote.Load() - before
		}
		require.Zero(f, sweep())
		pass(4 * time.Hour) // what was found may be of an hour ago: of when the window began
		require.Zero(f, sweep())
		pass(2 * time.Hour)
		require.NotZero(f, sweep())
		require.Zero(f, sweep())
	})
}
