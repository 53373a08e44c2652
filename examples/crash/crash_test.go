package main

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// TestMain lets this test's binary be the process that is killed, too.
func TestMain(m *testing.M) {
	if slices.Contains(os.Args, "-child") {
		main()
		return
	}
	os.Exit(m.Run())
}

// Ten kills with a panel of each kind; the command's flags give more, and other chances.
//
// Rules: R194, R48
func TestNothingAcknowledgedIsLost(t *testing.T) {
	t.Parallel()
	for name, seed := range map[string]uint64{"own duplicate refused": 1, "own duplicate taken": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			o := options{n: 10, seed: seed, dir: t.TempDir(), out: &out}
			figures, err := run(t.Context(), o)
			require.NoError(t, err)
			require.Equal(t, 10, figures.kills)
			require.True(t, figures.settled)
			require.Positive(t, figures.acknowledged)
			require.Positive(t, figures.sessions, "the panel was written to")
			require.Contains(t, out.String(), "10 kills, ")
		})
	}
}

// Each check fails when what it looks for is there.
func TestChecksCanFail(t *testing.T) {
	fresh := func(t *testing.T) *killer {
		k, err := newKiller(options{seed: 2, dir: t.TempDir()})
		require.NoError(t, err)
		require.NoError(t, k.register(t.Context()))
		k.life = 1
		return k
	}
	set := wish{Slot: 4, What: setCode, Code: 1, Label: "User 1", Partitions: 1}

	t.Run("acknowledged and lost", func(t *testing.T) {
		k := fresh(t)
		require.NoError(t, k.look(t.Context(), false))
		k.ledger.hear(word{Say: done, Wish: set, Revision: 1})
		err := k.look(t.Context(), false)
		require.ErrorIs(t, err, errViolation)
		require.ErrorContains(t, err, "slot 4 is stored at revision 0 and was acknowledged at 1")
	})
	t.Run("a wish that nobody made", func(t *testing.T) {
		k := fresh(t)
		k.make(t, set)
		require.ErrorContains(t, k.look(t.Context(), false), "slot 4 is stored at revision 1 and was acknowledged at 0")
	})
	t.Run("a wish that was under way", func(t *testing.T) {
		k := fresh(t)
		k.make(t, set)
		k.ledger.hear(word{Say: tries, Wish: set})
		require.NoError(t, k.look(t.Context(), false))
		require.Equal(t, 1, k.unheard)
		k.ledger.begin(2)
		require.NoError(t, k.look(t.Context(), false))
		require.ErrorContains(t, k.look(t.Context(), true), "slot 4 is stored as", "the panel has not taken it")
	})
	t.Run("another wish's entry", func(t *testing.T) {
		k := fresh(t)
		k.make(t, set)
		k.ledger.hear(word{Say: done, Wish: wish{Slot: 4, What: disable}, Revision: 1})
		require.ErrorContains(t, k.look(t.Context(), false), "slot 4 has no entry for its revision 1: disable")
	})
	t.Run("a code that is not claimed", func(t *testing.T) {
		k := fresh(t)
		code, err := panel.ParseCode(k.codes[7])
		require.NoError(t, err)
		require.NoError(t, k.sim.Keypad(panel.Edit{Place: panel.Place{Slot: 5}, Do: panel.Create, Set: panel.FieldCode, Values: panel.Values{Code: code}}))
		require.Equal(t, []int{1, 5}, slots(k.sim.Users()))
		require.ErrorContains(t, k.look(t.Context(), false), "the panel opens for code 7 in slot 5")
	})
	t.Run("a changed row", func(t *testing.T) {
		k := fresh(t)
		k.make(t, set)
		k.ledger.hear(word{Say: done, Wish: set, Revision: 1})
		h, err := open(t.Context(), k.dir, clockOf(1), dsc.Options{})
		require.NoError(t, err)
		_, err = h.db.SQL().ExecContext(t.Context(), "UPDATE kh_records SET body = replace(CAST(body AS TEXT), 'User 1', 'User 2') WHERE kind = 'user'")
		require.NoError(t, err)
		require.NoError(t, h.close())
		require.ErrorContains(t, k.look(t.Context(), false), "state         NOT OK")
	})
}

// make makes a wish without a process that could be killed.
func (k *killer) make(t *testing.T, w wish) {
	t.Helper()
	h, err := open(t.Context(), k.dir, clockOf(1), dsc.Options{})
	require.NoError(t, err)
	_, err = w.do(t.Context(), h.as().Panel(k.panelID), k.codes)
	require.NoError(t, err)
	require.NoError(t, h.close())
}

func slots(users []paneltest.User) (list []int) {
	for _, u := range users {
		list = append(list, u.Slot)
	}
	return list
}

// Both processes have the same codes, and none is weak, the Master's, or there twice.
func TestPoolIsDrawnAlike(t *testing.T) {
	one, err := pool(3)
	require.NoError(t, err)
	two, err := pool(3)
	require.NoError(t, err)
	other, err := pool(4)
	require.NoError(t, err)
	require.Equal(t, one, two)
	require.NotEqual(t, one, other)
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(one))), 61)
	require.NotContains(t, one, master)
	require.Len(t, strings.Join(one, ""), 60*4)
}

// Five kills between the two tries; the command's flags -master -n 50 give more.
//
// Rules: R241
func TestTheMastersOwnCodeIsTriedTwiceAtMost(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, report(t.Context(), options{n: 5, seed: 2, master: true, dir: t.TempDir(), out: &out}))
	require.Regexp(t, `of them between the two tries +5\n`, out.String())
}
