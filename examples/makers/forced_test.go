package makers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
	"github.com/seed-a2d3eaca/keyholder/engine"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/panel/twon/twonsim"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// tenant is everybody that the directory knows.
type tenant struct{}

func (tenant) Person(_ context.Context, id accounts.ID) (accounts.Person, error) {
	e, err := accounts.ParseEmail(string(id) + "@example.com")
	return accounts.Person{ID: id, Email: e, Name: "The " + string(id), Status: accounts.StatusActive, Sites: accounts.AllSites()}, err
}

func (tenant) Suggest(context.Context, accounts.Sites, string, int) ([]accounts.Person, error) {
	return nil, nil
}

// entrance is an intercom at a door whose users are persons, beside the service that raises
// alarms.
type entrance struct {
	*rig
	sim    *twonsim.Device
	door   *door.Service
	secret store.Store // of duress alarms
}

// atTheEntrance runs a test with an intercom that lets the tenant in.
func atTheEntrance(t *testing.T, test func(*entrance)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r := &rig{T: t, made: a2NThatTells(new(paneltest.Network)), store: memstore.Open(), log: new(safe)}
		e := &entrance{rig: r, sim: r.made.sim.(*twonsim.Device), secret: memstore.Open()}
		keys, err := credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
		require.NoError(t, err)
		rights := accounts.StaticAuthority{"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}}
		r.desk, err = roster.New(roster.Options{
			Store: r.store, Keys: keys, Log: r.log.logger(), Directory: tenant{}, Authority: rights,
			Drivers: map[string]panel.Driver{"maker": r.driver(func() *roster.Desk { return r.desk })},
		})
		require.NoError(t, err)
		e.door, err = door.New(door.Options{Store: r.store, Restricted: e.secret, Keys: keys, Authority: rights, Log: r.log.logger()})
		require.NoError(t, err)
		var running sync.WaitGroup
		running.Go(func() { _ = r.made.sim.Serve(ctx) })
		running.Go(func() { engine.Run(ctx, nil, append(r.desk.Loops(), e.door.Loops()...)...) })
		p, err := r.op().Register(ctx, roster.Registration{Site: site, Driver: "maker", Ident: r.ident, Routes: r.routes})
		require.NoError(t, err)
		r.tab = r.op().Panel(p.ID)
		pass(time.Minute)
		require.NoError(t, r.op().SetPoint(ctx, roster.AccessPoint{Projects: true, Point: credentials.Point{ID: "entrance", Panel: p.ID, Site: site}}))
		e.lets("tenant")
		test(e)
		cancel()
		running.Wait()
	})
}

// lets is the rule about who may enter.
func (e *entrance) lets(who ...string) {
	e.Helper()
	rule := roster.AccessRule{ID: "tenants", Site: site, Points: []string{"entrance"}, Duress: "call the guard"}
	for _, id := range who {
		rule.Who = append(rule.Who, credentials.Subject{Kind: roster.AccountSubject, ID: id})
	}
	require.NoError(e, e.op().SetRule(e.Context(), rule))
}

func (e *entrance) tenant() *roster.Person { return e.op().Person("tenant") }

// alarms are the duress alarms, the newest first.
func (e *entrance) alarms() []door.Alarm {
	e.Helper()
	all, err := e.door.As(accounts.HostActor("operator", "", "").Vouched(time.Now())).Alarms(e.Context(), site)
	require.NoError(e, err)
	return all
}

// codes are the PINs that the device holds.
func (e *entrance) codes() (out []string) {
	for _, u := range e.sim.Users() {
		out = append(out, u.Code)
	}
	return out
}

// A person's duress PIN reaches the intercom beside their PIN. Whoever types it is let in
// and an alarm is raised, at once, and after an outage for what was missed. When nobody can
// hear it any more that is an alarm of its own, and it still opens. It goes with its holder.
//
// Rules: G195, G62
func TestWhoIsForcedAtAnIntercomIsHeard(t *testing.T) {
	atTheEntrance(t, func(e *entrance) {
		require.NoError(e, e.tenant().SetPIN(e.Context(), digits(e.T, "6137")))
		require.NoError(e, e.tenant().SetDuressPIN(e.Context(), digits(e.T, "8604")))
		pass(time.Minute)
		require.ElementsMatch(e, []string{"6137", "8604"}, e.codes())
		page, err := e.tab.Users(e.Context(), 1, 0)
		require.NoError(e, err)
		require.Len(e, page.Rows, 1)
		points, err := e.tenant().DuressPoints(e.Context())
		require.NoError(e, err)
		require.True(e, points[0].Works)

		require.True(e, e.sim.Enter("6137"))
		pass(time.Minute)
		require.Empty(e, e.alarms())
		forced := time.Now()
		require.True(e, e.sim.Enter("8604"))
		pass(20 * time.Second)
		all := e.alarms()
		require.Len(e, all, 1)
		require.Equal(e, "tenant", string(all[0].Account))
		require.Equal(e, "entrance", all[0].Point)
		require.Equal(e, "call the guard", all[0].Action)
		require.WithinDuration(e, forced, all[0].Raised, time.Second)
		require.Equal(e, 2, e.entries(audit.DoorDecided))

		// It is out of reach: nobody hears, and the device remembers.
		e.sim.Fault(paneltest.Fault{Do: paneltest.Away})
		pass(time.Minute)
		all = e.alarms()
		require.Len(e, all, 2)
		require.Equal(e, door.Blind, all[0].Action)
		missed := time.Now()
		require.True(e, e.sim.Enter("8604"))
		pass(time.Hour)
		require.Len(e, e.alarms(), 2)
		e.sim.Fault(paneltest.Fault{Do: paneltest.Back})
		pass(time.Hour)
		all = e.alarms()
		require.Len(e, all, 3)
		require.WithinDuration(e, missed, all[0].Raised, time.Second)
		require.Equal(e, "tenant", string(all[0].Account))

		// Its log is switched off: it can be reached, and nobody hears.
		e.sim.Quirk(twonsim.NoLog, true)
		pass(time.Minute)
		all = e.alarms()
		require.Len(e, all, 4)
		require.Equal(e, door.Blind, all[0].Action)
		pass(24 * time.Hour)
		require.Len(e, e.alarms(), 4)
		require.True(e, e.sim.Opens("8604", time.Now()), "a refused door endangers the person")
		points, err = e.tenant().DuressPoints(e.Context())
		require.NoError(e, err)
		require.False(e, points[0].Works)
		e.sim.Quirk(twonsim.NoLog, false)
		pass(2 * time.Hour)
		require.True(e, e.sim.Enter("8604"))
		pass(time.Minute)
		require.Len(e, e.alarms(), 5)

		e.lets()
		pass(time.Minute)
		require.Empty(e, e.codes())
	})
}

// random are ids and times, which differ from run to run by themselves.
var random = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}|[0-9-]{10}T[0-9:.]+Z`)

// Two runs that differ only in which of the two codes is typed look the same to everybody
// who may not see duress alarms.
//
// Rules: G196
func TestNothingTellsWhichCodeWasTypedAtAnIntercom(t *testing.T) {
	run := func(typed string) string {
		var shown strings.Builder
		atTheEntrance(t, func(e *entrance) {
			require.NoError(e, e.tenant().SetPIN(e.Context(), digits(e.T, "6137")))
			require.NoError(e, e.tenant().SetDuressPIN(e.Context(), digits(e.T, "8604")))
			pass(time.Minute)
			for range 3 {
				require.True(e, e.sim.Enter(typed))
				pass(time.Hour)
			}
			page, err := e.tab.Users(e.Context(), 1, 0)
			require.NoError(e, err)
			rows, err := json.Marshal(page.Rows)
			require.NoError(e, err)
			shown.WriteString(random.ReplaceAllString(string(rows), "id"))
			es, err := e.store.Entries(e.Context(), store.EntryQuery{ByIndex: true})
			require.NoError(e, err)
			for _, entry := range es {
				said, err := audit.Decode(entry.Body)
				require.NoError(e, err)
				if said.Action != audit.DoorDecided {
					continue // what came before has an order of its own in each run
				}
				fmt.Fprintf(&shown, "%s %s targets %d", said.Action, said.Outcome, len(said.Targets))
				for _, f := range said.Fields {
					fmt.Fprintf(&shown, " %s %d", f.Name, len(f.Sealed))
				}
				shown.WriteString("\n")
			}
			require.NotRegexp(e, `\b`+typed+`\b`, e.log.String()) // not as a part of a random id
			require.Len(e, e.alarms(), map[string]int{"6137": 0, "8604": 3}[typed])
		})
		return shown.String()
	}
	require.Equal(t, run("6137"), run("8604"))
}

// A PIN for one visit goes from the intercom when it has been used, and so does the duress
// PIN beside it.
//
// Rules: G71, G187
func TestAPINForOneVisitGoesFromTheIntercom(t *testing.T) {
	for _, typed := range []string{"6137", "8604"} {
		atTheEntrance(t, func(e *entrance) {
			require.NoError(e, e.tenant().SetPIN(e.Context(), digits(e.T, "6137")))
			require.NoError(e, e.tenant().SetDuressPIN(e.Context(), digits(e.T, "8604")))
			require.NoError(e, e.tenant().SetLimits(e.Context(), roster.Limits{Uses: 1}))
			pass(time.Minute)
			require.Len(e, e.codes(), 2)
			require.True(e, e.sim.Enter(typed))
			pass(time.Minute)
			require.Empty(e, e.codes())
		})
	}
}
