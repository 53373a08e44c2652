package roster_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// Rules: R262, R240
func TestUsersAreFoundOnAllPanelsOfTheReader(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		for i := range 3 {
			f.device(fmt.Sprintf("n%d", i), "north", codesOnly())
			f.device(fmt.Sprintf("s%d", i), "south", codesOnly())
		}
		pass(time.Minute)
		f.rule(roster.AccessRule{ID: "north", Site: "north"}, []accounts.ID{"cleaner", "guest"}, "n0", "n1", "n2")
		f.rule(roster.AccessRule{ID: "south", Site: "south"}, []accounts.ID{"cleaner"}, "s0", "s1", "s2")
		require.NoError(f, f.person("cleaner").SetPIN(f.ctx, known("6137")))
		require.NoError(f, f.person("guest").SetPIN(f.ctx, known("7283")))
		pass(time.Minute)
		find := func(op *roster.Operator, s roster.Search) (idents []string) {
			for {
				hits, err := op.Search(f.ctx, s)
				require.NoError(f, err)
				for _, h := range hits.Hits {
					idents = append(idents, h.Ident+" "+string(h.Row.Account.ID))
				}
				if s.After = hits.After; s.After == "" {
					return idents
				}
			}
		}
		require.Len(f, find(f.op, roster.Search{State: roster.StateSet}), 9)
		require.ElementsMatch(f, find(f.op, roster.Search{Limit: 2}), find(f.op, roster.Search{}), "pages leave nothing out")
		require.ElementsMatch(f, []string{"n0 guest", "n1 guest", "n2 guest"}, find(f.op, roster.Search{Email: "guest@"}))
		require.ElementsMatch(f, find(f.op, roster.Search{Account: "cleaner"}), find(f.op, roster.Search{Email: "cleaner@", Limit: 1}))
		require.ElementsMatch(f, []string{"s0 cleaner", "s1 cleaner", "s2 cleaner"}, find(f.as("dealer"), roster.Search{}))
		require.Empty(f, find(f.op, roster.Search{State: roster.StateUnmanaged}))
		f.do(func() { f.all["n0"].away = true })
		_, err := f.op.Panel(f.ids["n0"]).SetCode(f.ctx, slot(5), roster.CodeWish{Code: known("8604")})
		require.NoError(f, err)
		require.Equal(f, []string{"n0 "}, find(f.op, roster.Search{State: roster.StatePending}))
		require.Len(f, find(f.op, roster.Search{State: roster.StateSet}), 9, "a wish is no user")
		require.Empty(f, find(f.op, roster.Search{Role: panel.Master}))
		_, err = f.op.Search(f.ctx, roster.Search{After: "?"})
		require.ErrorIs(f, err, roster.ErrCursor)
		_, err = f.op.Search(f.ctx, roster.Search{Email: "a"})
		require.ErrorIs(f, err, roster.ErrPrefix)
	})
}

// Rules: R263, S22, G172
func TestProcessesSayWhatIsOnItsWay(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		for _, ident := range []string{"n0", "n1"} {
			f.device(ident, "north", codesOnly())
		}
		f.device("s0", "south", codesOnly())
		pass(time.Minute)
		f.do(func() {
			for _, d := range f.all {
				d.away = true
			}
		})
		f.rule(roster.AccessRule{ID: "north", Site: "north"}, []accounts.ID{"cleaner"}, "n0")
		require.NoError(f, f.person("cleaner").SetPIN(f.ctx, known("6137")))
		for _, ident := range []string{"n1", "s0"} {
			_, err := f.op.Panel(f.ids[ident]).SetCode(f.ctx, slot(4), roster.CodeWish{Code: known("7283")})
			require.NoError(f, err)
		}
		pass(time.Minute)
		all, err := f.op.Processes(f.ctx, "")
		require.NoError(f, err)
		require.Len(f, all, 3)
		byIdent := map[string]roster.Process{}
		for _, p := range all {
			byIdent[p.Ident] = p
			require.Equal(f, roster.Pending, p.State)
			require.Positive(f, p.Attempts)
			require.NotEmpty(f, p.Words)
			require.True(f, p.Cancel)
			require.False(f, p.Next.IsZero())
		}
		require.Equal(f, accounts.ID(""), byIdent["n0"].Creator)
		require.Equal(f, accounts.ID("cleaner"), byIdent["n0"].Account)
		require.Equal(f, accounts.ID("operator"), byIdent["s0"].Creator)
		south, err := f.as("dealer").Processes(f.ctx, "")
		require.NoError(f, err)
		require.Len(f, south, 1)
		require.Equal(f, "s0", south[0].Ident)
		_, err = f.as("dealer").Processes(f.ctx, "north")
		require.ErrorIs(f, err, accounts.ErrSiteMismatch)

		_, err = f.op.Panel(f.ids["n1"]).Cancel(f.ctx, slot(4))
		require.NoError(f, err)
		f.do(func() {
			for _, d := range f.all {
				d.away = false
			}
		})
		require.NoError(f, f.op.Panel(f.ids["s0"]).Retry(f.ctx))
		pass(2 * time.Second)
		got, err := f.op.Panel(f.ids["s0"]).Receipt(f.ctx, byIdent["s0"].Receipt())
		require.NoError(f, err)
		require.Equal(f, roster.Settled, got.Fate, "it was not waited for")
		pass(time.Hour)
		all, err = f.op.Processes(f.ctx, "")
		require.NoError(f, err)
		require.Empty(f, all)
		require.Equal(f, []string{"n0"}, f.on("6137"))
	})
}

// What a device refuses is asked again, is shown, and keeps nobody else waiting.
//
// Rules: G74, S10
func TestADeviceThatCannotHaveAPersonSaysWhy(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		full := codesOnly()
		full.Slots = panel.Slots{First: 1, Last: 1}
		short := codesOnly()
		short.Code = panel.CodeRule{Lens: []int{6}}
		f.device("full", "north", full)
		f.device("short", "north", short)
		f.device("lobby", "north", codesOnly())
		pass(time.Minute)
		f.rule(roster.AccessRule{ID: "guest", Site: "north"}, []accounts.ID{"guest"}, "full")
		require.NoError(f, f.person("guest").SetPIN(f.ctx, known("7283")))
		pass(settling)
		require.Equal(f, []string{"full"}, f.on("7283"))
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"cleaner"}, "full", "short", "lobby")
		require.NoError(f, f.person("cleaner").SetPIN(f.ctx, known("6137")))
		pass(settling)
		require.Equal(f, []string{"lobby"}, f.on("6137"))
		devices, err := f.person("cleaner").Devices(f.ctx)
		require.NoError(f, err)
		require.Len(f, devices.On, 3)
		words := map[string]string{}
		for _, d := range devices.On {
			words[d.Ident] = d.Words
		}
		require.Contains(f, words["full"], panel.ErrNoFreeSlot.Error())
		require.NotEmpty(f, words["short"])
		require.Empty(f, words["lobby"])
		require.NoError(f, f.person("guest").RemovePIN(f.ctx))
		pass(time.Hour)
		require.Equal(f, []string{"full", "lobby"}, f.on("6137"))
		require.NotContains(f, fmt.Sprint(f.actions()), string(audit.SweepFound))
	})
}

// Tags ride with the PIN where a rule is for readers too, and lost ones go at once.
//
// Rules: G182
func TestTagsFollowThePerson(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		gate := f.device("gate", "north", withWindows())
		pass(time.Minute)
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"cleaner"}, "gate")
		require.NoError(f, f.person("cleaner").SetPIN(f.ctx, known("6137")))
		id, err := f.person("cleaner").AddTag(f.ctx, card(f.T, "0A1B2C3D"), "")
		require.NoError(f, err)
		tags := func() (n int) {
			f.do(func() {
				for _, u := range gate.users {
					n += len(u.LegacyTags)
				}
			})
			return n
		}
		pass(settling)
		require.Equal(f, 1, tags())
		require.NoError(f, f.person("cleaner").SetTagState(f.ctx, id, roster.TagStolen))
		pass(settling)
		require.Zero(f, tags())
		require.Equal(f, []string{"gate"}, f.on("6137"))
		require.NoError(f, f.person("cleaner").SetTagState(f.ctx, id, roster.TagActive))
		pass(settling)
		require.Equal(f, 1, tags())
		require.NoError(f, f.person("cleaner").RemoveTag(f.ctx, id))
		pass(time.Hour)
		require.Zero(f, tags())
		_, err = f.person("guest").AddTag(f.ctx, card(f.T, "0A1B2C3D"), "")
		require.NoError(f, err, "it is free when no device has it")
		f.swept(0)
	})
}
