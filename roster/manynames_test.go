package roster_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// Eight new cards while eight old ones wait, under two keys: all their names are freed in
// the end, in as many changes as it takes.
//
// Rules: R86, G182
func TestManyNamesAreFreedInSeveralChanges(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		f.stop()
		var err error
		f.keys, err = credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey(), credentials.GenerateKey()}, credentials.KeyringOptions{})
		require.NoError(f, err)
		f.start()
		m := withWindows()
		m.Read = 0 // it does not show the cards
		gate := f.device("gate", "north", m)
		pass(time.Minute)
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"cleaner"}, "gate")
		cleaner := f.person("cleaner")
		require.NoError(f, cleaner.SetPIN(f.ctx, known("613725")))
		number := func(set, n int) string { return fmt.Sprintf("0%d00%04X", set, 11*n) }
		give := func(set int) (ids []uint64) {
			for n := range roster.MaxTags {
				id, err := cleaner.AddTag(f.ctx, card(f.T, number(set, n)), "")
				require.NoError(f, err)
				ids = append(ids, id)
			}
			_, err := cleaner.AddTag(f.ctx, card(f.T, number(9, 1)), "")
			require.ErrorIs(f, err, roster.ErrTooManyTags)
			return ids
		}
		old := give(1)
		pass(settling)
		require.Len(f, f.user("gate").LegacyTags, roster.MaxTags)
		f.do(func() { gate.away = true })
		for _, id := range old {
			require.NoError(f, cleaner.RemoveTag(f.ctx, id))
		}
		give(2)
		f.do(func() { gate.away, gate.loses = false, true })
		pass(time.Hour) // the new ones arrive, and nobody knows
		f.do(func() { require.True(f, gate.away) })
		require.NoError(f, cleaner.End(f.ctx, roster.Confirmed("yes")))
		pass(settling)
		live, err := cleaner.Live(f.ctx)
		require.NoError(f, err)
		require.Len(f, live.On, 1)
		require.True(f, live.On[0].Going, "the removal is wished for, though nothing is settled")
		f.do(func() { gate.away, gate.loses = false, false })
		pass(2 * time.Hour)
		f.do(func() { require.Empty(f, gate.users) })
		info, err := f.operator().Panel(f.ids["gate"]).Info(f.ctx)
		require.NoError(f, err)
		require.Empty(f, info.Line.Words)
		for n := range roster.MaxTags {
			_, err := f.person("guest").AddTag(f.ctx, card(f.T, number(1, n)), "")
			require.NoError(f, err)
		}
		holds, err := cleaner.Holds(f.ctx)
		require.NoError(f, err)
		require.Len(f, holds.Tags, roster.MaxTags)
		f.swept(0)
	})
}
