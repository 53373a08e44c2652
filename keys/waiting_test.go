package keys_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// settled makes the code of a user one that the panel has and nobody can open any more.
func (w *world) settled(slot int) string {
	w.Helper()
	id := rec.UserID(w.panel, panel.Place{Slot: slot})
	core := &flow.Core{Store: w.store, Keys: w.nodes[0].ring, Authority: w.rights}
	_, err := core.Act(w.Context(), w.worker, func(u *flow.Unit) error {
		user, _, err := flow.Load(u, rec.Users, id)
		if err != nil {
			return err
		}
		user.Agreed.Set, user.Agreed.Code = true, panel.CodeRef{Names: user.Wanted.Code.Names, Len: 4}
		user.Reported.Set = true
		user.Wanted, user.Pending = panel.State{}, 0
		if _, err := u.Say(audit.RepairDone, audit.Success, nil); err != nil {
			return err
		}
		return flow.Put(u, rec.Users, id, &user)
	})
	require.NoError(w, err)
	return rec.Users.Key(id).String()
}

// What holds a rotation up is named, place by place. Whoever gives the uniqueness of a
// named code up lets the rotation end: the user stays on the panel with a code that nobody
// here knows, and only that code could be given again.
//
// Rules: G191
func TestAWaitCanBeGivenUpPlaceByPlace(t *testing.T) {
	w := begin(t, nil, nil)
	n := w.nodes[0]
	for slot, digits := range map[int]string{5: "8604", 6: "5917", 7: "2743"} {
		require.NoError(t, w.set(t.Context(), n, slot, w.code(digits)))
	}
	first, second := w.settled(5), w.settled(6)
	waiting, err := n.keys.Waiting(t.Context())
	require.NoError(t, err)
	require.Empty(t, waiting, "there is no rotation")
	for _, n := range w.nodes {
		w.give(n)
		require.NoError(t, n.keys.Follow(t.Context()))
	}
	require.NoError(t, n.keys.Begin(t.Context(), w.worker, w.new.ID()))
	require.ErrorIs(t, n.keys.GiveUp(t.Context(), w.worker, first), credentials.ErrRotation, "it may still come right by itself")
	for range 8 {
		require.False(t, w.turn())
	}
	require.Equal(t, credentials.Verifying, w.phase())
	waiting, err = n.keys.Waiting(t.Context())
	require.NoError(t, err)
	require.Len(t, waiting, 2)
	for i, row := range []string{first, second} {
		require.Equal(t, row, waiting[i].Row)
		require.Equal(t, 1, waiting[i].Names)
		require.Equal(t, w.panel, waiting[i].Panel)
		require.Equal(t, 5+i, waiting[i].Place.Slot)
	}

	third := rec.Users.Key(rec.UserID(w.panel, panel.Place{Slot: 7})).String()
	for _, row := range []string{third, "user/nobody", "panel/" + w.panel, ""} {
		require.ErrorIs(t, n.keys.GiveUp(t.Context(), w.worker, row), credentials.ErrRotation, row)
	}
	require.NoError(t, n.keys.GiveUp(t.Context(), w.worker, first))
	require.Empty(t, w.holder(w.old, w.code("8604")))
	user := w.user(5)
	require.True(t, user.Agreed.Set, "the user stays")
	require.Equal(t, panel.CodeRef{Len: 4}, user.Agreed.Code, "with a code that is not ours")
	require.NotEmpty(t, w.holder(w.old, w.code("5917")), "only what was named")
	require.False(t, w.turn())
	require.Equal(t, credentials.Verifying, w.phase(), "the other one waits")
	require.ErrorIs(t, w.set(t.Context(), n, 8, w.code("5917")), credentials.ErrCodeTaken)
	es, err := w.store.Entries(t.Context(), store.EntryQuery{Target: []byte(rec.UserID(w.panel, panel.Place{Slot: 5})), Actions: []string{string(audit.KeysRotated)}, Limit: 1})
	require.NoError(t, err)
	require.Len(t, es, 1)
	e, err := audit.Decode(es[0].Body)
	require.NoError(t, err)
	require.Equal(t, "given up", e.Value(audit.FieldState))
	require.Equal(t, first, e.Value(audit.FieldRow))

	require.NoError(t, n.keys.GiveUp(t.Context(), w.worker, second))
	for range 8 {
		if w.turn() {
			break
		}
	}
	require.Equal(t, credentials.Dropped, w.phase())
	w.verified()
	require.ErrorIs(t, w.set(t.Context(), n, 8, w.code("2743")), credentials.ErrCodeTaken, "what could be opened is taken as ever")
	_, err = n.keys.Progress(t.Context())
	require.NoError(t, err)
	w.destroy(n)
	_, err = n.keys.Progress(t.Context())
	require.NoError(t, err, "the old key is gone, and there is nothing to count")
}
