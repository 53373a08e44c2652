package roster_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// janitor is somebody of the north site, at a desk of another node.
func (f *fleet) janitor() *roster.Operator { return f.janitorWithout() }

// janitorWithout is somebody of the north site without these rights.
func (f *fleet) janitorWithout(rights ...accounts.Right) *roster.Operator {
	f.Helper()
	desk, err := roster.New(roster.Options{Store: f.store, Keys: f.keys, Drivers: map[string]panel.Driver{"scripted": f.devices}, Directory: f.people,
		Authority: accounts.StaticAuthority{"janitor": {Enabled: true, Rights: accounts.AllRights().Without(accounts.RightsOf(rights...)), Sites: accounts.TheseSites("north")}}})
	require.NoError(f, err)
	return desk.As(accounts.HostActor("janitor", "", "").Vouched(time.Now()))
}

// A rule is about points of its own site, which are there.
func TestARuleLetsNobodyInAtAnotherSite(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		f.device("lobby", "north", codesOnly())
		f.device("gate", "south", codesOnly())
		who := []credentials.Subject{{Kind: roster.AccountSubject, ID: "cleaner"}}
		for _, point := range []string{"at gate", "nowhere"} {
			for _, op := range []*roster.Operator{f.operator(), f.janitor()} {
				err := op.SetRule(f.ctx, roster.AccessRule{ID: "staff", Site: "north", Who: who, Points: []string{"at lobby", point}})
				require.ErrorIs(f, err, roster.ErrAccessFields, point)
			}
		}
	})
}

// A point leads to a panel of its own site, also when the panel moves away.
//
// Rules: G185
func TestAPointLeadsToNoPanelOfAnotherSite(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		f.device("gate", "south", codesOnly())
		pass(time.Minute)
		require.NoError(f, f.person("cleaner").SetPIN(f.ctx, known("6137")))
		require.NoError(f, f.person("guest").SetPIN(f.ctx, known("7283")))
		mine := roster.AccessPoint{Point: credentials.Point{ID: "mine", Site: "north", Panel: f.ids["gate"]}, Projects: true}
		require.ErrorIs(f, f.janitor().SetPoint(f.ctx, mine), roster.ErrAccessFields)

		rule := roster.AccessRule{ID: "staff", Site: "south", Points: []string{"at gate"}}
		f.rule(rule, []accounts.ID{"cleaner"})
		pass(settling)
		require.Equal(f, []string{"gate"}, f.on("6137"))
		require.NoError(f, f.operator().Panel(f.ids["gate"]).Move(f.ctx, "north"))
		pass(settling)
		require.Empty(f, f.on("6137"), "the rules of the site before lead here no more")
		rule.Who = []credentials.Subject{{Kind: roster.AccountSubject, ID: "guest"}}
		require.NoError(f, f.as("dealer").SetRule(f.ctx, rule))
		pass(settling)
		require.Empty(f, f.on("7283"))
		require.NoError(f, f.janitor().SetPoint(f.ctx, mine))
		rule.ID, rule.Site, rule.Points = "ours", "north", []string{"mine"}
		require.NoError(f, f.janitor().SetRule(f.ctx, rule))
		pass(settling)
		require.Equal(f, []string{"gate"}, f.on("7283"))
	})
}

// A rule for a medium that there is not is no rule for any.
func TestARuleIsAboutKnownMedia(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		f.device("gate", "south", codesOnly())
		for _, m := range []credentials.Medium{0, 5, 8, 255} {
			rule := roster.AccessRule{ID: "staff", Site: "south", Points: []string{"at gate"}, On: []credentials.Medium{credentials.Keypad, m}}
			require.ErrorIs(f, f.operator().SetRule(f.ctx, rule), roster.ErrAccessFields, m)
		}
	})
}

// What a duress code sets off fits the journal of a reader.
func TestTheActionOfARuleIsBounded(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		f.device("gate", "south", codesOnly())
		rule := roster.AccessRule{ID: "staff", Site: "south", Points: []string{"at gate"}, Duress: strings.Repeat("x", 129)}
		require.ErrorIs(f, f.operator().SetRule(f.ctx, rule), roster.ErrAccessFields)
		rule.Duress = rule.Duress[1:]
		require.NoError(f, f.operator().SetRule(f.ctx, rule))
	})
}

// What a site calls a group is nobody's at another site, as at its doors.
//
// Rules: G185
func TestAGroupOfAnotherSiteLeadsNowhere(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		f.device("gate", "south", codesOnly())
		f.device("lobby", "north", codesOnly())
		pass(time.Minute)
		require.NoError(f, f.person("cleaner").SetPIN(f.ctx, known("6137")))
		team := []credentials.Subject{{Kind: "group", ID: "team"}}
		f.rule(roster.AccessRule{ID: "south", Site: "south", Who: team}, nil, "gate")
		f.rule(roster.AccessRule{ID: "north", Site: "north", Who: team}, nil, "lobby")
		members := credentials.Group{ID: "team", Members: []credentials.Subject{{Kind: roster.AccountSubject, ID: "cleaner"}}}
		require.NoError(f, f.janitor().SetGroup(f.ctx, "north", members))
		pass(settling)
		require.Equal(f, []string{"lobby"}, f.on("6137"))
		require.NoError(f, f.operator().SetGroup(f.ctx, "", members))
		pass(settling)
		require.Equal(f, []string{"gate", "lobby"}, f.on("6137"))
	})
}

// What is open is listed for those whose site it is.
func TestMattersAreListedForTheirSites(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		f.device("lobby", "north", codesOnly(), func(d *device) { d.away = true })
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"cleaner"}, "lobby")
		require.NoError(f, f.person("cleaner").SetPIN(f.ctx, known("6137")))
		pass(time.Minute)
		for op, want := range map[*roster.Operator]int{f.operator(): 1, f.janitor(): 1, f.as("dealer"): 0} {
			open, err := op.Outstanding(f.ctx)
			require.NoError(f, err)
			require.Len(f, open, want)
		}
	})
}

// Who ends somebody at their site keeps them out there until somebody of that site lifts it.
func TestAnEndIsLiftedByThoseOfItsSites(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		f.device("lobby", "north", codesOnly())
		f.device("gate", "south", codesOnly())
		f.rule(roster.AccessRule{ID: "north", Site: "north"}, []accounts.ID{"cleaner"}, "lobby")
		f.rule(roster.AccessRule{ID: "south", Site: "south"}, []accounts.ID{"cleaner"}, "gate")
		require.NoError(f, f.person("cleaner").SetPIN(f.ctx, known("6137")))
		pass(settling)
		require.Equal(f, []string{"gate", "lobby"}, f.on("6137"))

		require.NoError(f, f.as("dealer").Person("cleaner").End(f.ctx, roster.Confirmed("yes")))
		pass(settling)
		require.Equal(f, []string{"lobby"}, f.on("6137"))
		require.ErrorIs(f, f.janitor().Person("cleaner").Lift(f.ctx), accounts.ErrSiteMismatch)
		require.NoError(f, f.janitor().Person("cleaner").End(f.ctx, roster.Confirmed("yes")))
		require.ErrorIs(f, f.as("dealer").Person("cleaner").Lift(f.ctx), accounts.ErrSiteMismatch, "it is also another's now")
		require.NoError(f, f.operator().Person("cleaner").Lift(f.ctx))
		require.ErrorIs(f, f.operator().Person("cleaner").Lift(f.ctx), panel.ErrNothingPending)
		pass(settling)
		require.Equal(f, []string{"gate", "lobby"}, f.on("6137"))

		require.NoError(f, f.operator().Person("cleaner").End(f.ctx, roster.Confirmed("yes")))
		require.ErrorIs(f, f.as("dealer").Person("cleaner").Lift(f.ctx), accounts.ErrSiteMismatch, "it holds everywhere")
	})
}

// Somebody who was given a user by hand is given no second one by a rule.
func TestAUserGivenByHandIsEnough(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		d := f.device("lobby", "north", codesOnly())
		pass(time.Minute)
		f.person("cleaner")
		tab, place := f.operator().Panel(f.ids["lobby"]), panel.Place{Slot: 3}
		_, err := tab.SetCode(f.ctx, place, roster.CodeWish{Code: known("8604")})
		require.NoError(f, err)
		who, err := f.operator().Choose(f.ctx, "cleaner")
		require.NoError(f, err)
		_, err = tab.Assign(f.ctx, place, who)
		require.NoError(f, err)
		require.NoError(f, f.person("cleaner").SetPIN(f.ctx, known("6137")))
		pass(time.Hour)
		require.Equal(f, []string{"lobby"}, f.on("8604"), "no rule takes away what was given by hand")
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"cleaner"}, "lobby")
		pass(time.Hour)
		require.Empty(f, f.on("6137"))
		require.Equal(f, []string{"lobby"}, f.on("8604"))
		f.do(func() { require.Len(f, d.users, 1) })
	})
}

// A tag whose number is the holder's own duress PIN would raise the alarm when it is typed.
//
// Rules: G66
func TestATagIsNotItsHoldersDuressPIN(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		p := f.person("cleaner")
		require.NoError(f, p.SetPIN(f.ctx, known("6137")))
		require.NoError(f, p.SetDuressPIN(f.ctx, known("7391")))
		for _, number := range []string{"17F9", "1CDF"} { // 6137 and 7391 in decimal
			tag, err := credentials.ParseTag(number, 26)
			require.NoError(f, err)
			_, err = p.AddTag(f.ctx, tag, "")
			require.ErrorIs(f, err, credentials.ErrNotAvailable, number)
		}
	})
}

// A node whose clock is wrong decides nothing about who may be where.
//
// Rules: G204, G206
func TestANodeWithAWrongClockDoesNotSweep(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		for skew, want := range map[time.Duration]error{0: nil, 2 * time.Second: nil, -2 * time.Second: nil, 3 * time.Second: roster.ErrSkew, -3 * time.Second: roster.ErrSkew} {
			desk, err := roster.New(roster.Options{Store: f.store, Keys: f.keys, Drivers: map[string]panel.Driver{"scripted": f.devices}, Directory: f.people,
				Authority: fleetRights(), Now: func() time.Time { return time.Now().Add(skew) }})
			require.NoError(f, err)
			_, err = desk.Sweep(f.ctx)
			require.ErrorIs(f, err, want, skew)
		}
	})
}

// A group of no site is for those of all sites.
func TestAGroupOfAllSitesIsMadeByThoseOfAllSites(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		group := credentials.Group{ID: "staff", Members: []credentials.Subject{{Kind: roster.AccountSubject, ID: "cleaner"}}}
		require.ErrorIs(f, f.janitor().SetGroup(f.ctx, "", group), accounts.ErrSiteMismatch)
		require.NoError(f, f.operator().SetGroup(f.ctx, "", group))
		require.ErrorIs(f, f.janitor().SetGroup(f.ctx, "north", group), accounts.ErrSiteMismatch, "nor is it taken over")
		require.ErrorIs(f, f.janitor().RemoveGroup(f.ctx, "staff"), accounts.ErrSiteMismatch)
	})
}

// The name of a tag is held until no device has it any more.
func TestATagIsFreeWhenTheLastDeviceLetItGo(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		f.device("gate", "north", withWindows())
		pass(time.Minute)
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"cleaner"}, "gate")
		require.NoError(f, f.person("cleaner").SetPIN(f.ctx, known("6137")))
		tag, err := credentials.ParseTag("1CDF", 26)
		require.NoError(f, err)
		id, err := f.person("cleaner").AddTag(f.ctx, tag, "blue")
		require.NoError(f, err)
		pass(time.Minute)
		f.do(func() { f.all["gate"].away = true })
		require.NoError(f, f.person("cleaner").RemoveTag(f.ctx, id))
		pass(time.Minute)
		_, err = f.person("guest").AddTag(f.ctx, tag, "blue")
		require.ErrorIs(f, err, credentials.ErrNotAvailable, "the gate may still take it")
		f.do(func() { f.all["gate"].away = false })
		pass(time.Hour)
		_, err = f.person("guest").AddTag(f.ctx, tag, "blue")
		require.NoError(f, err)
	})
}
