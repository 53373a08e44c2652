package keys_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/keys"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/people"
)

// confirmed makes the code that is wished for the one that the panel has.
func (w *world) confirmed(slot int) {
	w.Helper()
	id := rec.UserID(w.panel, panel.Place{Slot: slot})
	core := &flow.Core{Store: w.store, Keys: w.nodes[0].ring, Authority: w.rights}
	_, err := core.Act(w.Context(), w.worker, func(u *flow.Unit) error {
		user, _, err := flow.Load(u, rec.Users, id)
		if err != nil {
			return err
		}
		code := user.Wanted.Code
		code.Sealed = credentials.Sealed{}
		user.Agreed.Set, user.Agreed.Code, user.Reported.Set = true, code, true
		user.Wanted, user.Pending = panel.State{}, 0
		if _, err := u.Say(audit.RepairDone, audit.Success, nil); err != nil {
			return err
		}
		return flow.Put(u, rec.Users, id, &user)
	})
	require.NoError(w, err)
}

// Whoever holds codes under a key that others know is listed before it is rotated away, and
// struck off when they have new ones: a person when PIN, duress PIN and tags are new, a user
// when the panel has confirmed the new code.
//
// Rules: G191
func TestWhoIsAffectedByAKeyGetsNewCodesInWaves(t *testing.T) {
	w := begin(t, nil, nil)
	n := w.nodes[0]
	op, hands := n.people.As(w.worker), n.desk.As(w.worker)
	account := func(address string) accounts.ID {
		email, err := accounts.ParseEmail(address)
		require.NoError(t, err)
		a, err := op.CreateConfirmed(t.Context(), people.NewAccount{Email: email, Sites: accounts.TheseSites(site)})
		require.NoError(t, err)
		return a.ID
	}
	owner := account("owner@example.com")
	account("guest@example.com")
	tag, err := credentials.H10301().Make(12, 3456)
	require.NoError(t, err)
	held := hands.Person(owner)
	require.NoError(t, held.SetPIN(t.Context(), w.code("730528")))
	require.NoError(t, held.SetDuressPIN(t.Context(), w.code("918264")))
	blue, err := held.AddTag(t.Context(), tag, "blue")
	require.NoError(t, err)
	require.NoError(t, w.set(t.Context(), n, 5, w.code("8604")))
	require.NoError(t, w.set(t.Context(), n, 6, w.code("5917")))
	w.confirmed(6)

	affected := func(k credentials.Key) (out []keys.Affected) {
		t.Helper()
		for a, err := range n.keys.Affected(t.Context(), k.ID()) {
			require.NoError(t, err)
			out = append(out, a)
		}
		return out
	}
	person := keys.Affected{Account: owner, Given: 3}
	wished := keys.Affected{Panel: w.panel, Place: panel.Place{Slot: 5}, Given: 1}
	settled := keys.Affected{Panel: w.panel, Place: panel.Place{Slot: 6}, Given: 1}
	all := affected(w.old)
	require.Equal(t, []keys.Affected{person, wished, settled}, all)
	require.Empty(t, affected(w.new))
	for a, err := range n.keys.Affected(t.Context(), w.old.ID()) {
		require.NoError(t, err)
		require.Equal(t, person, a, "one is enough")
		break
	}

	for _, n := range w.nodes {
		w.give(n)
		require.NoError(t, n.keys.Follow(t.Context()))
	}
	require.NoError(t, n.keys.Begin(t.Context(), w.worker, w.new.ID()))
	for range 8 {
		require.False(t, w.turn())
	}
	waiting, err := n.keys.Waiting(t.Context())
	require.NoError(t, err)
	require.Len(t, waiting, 1)
	require.NoError(t, n.keys.GiveUp(t.Context(), w.worker, waiting[0].Row))
	for steps := 0; !w.turn(); steps++ {
		require.Less(t, steps, 8)
	}
	require.Empty(t, affected(w.old), "nothing tells any more")

	still := func(want ...keys.Affected) {
		t.Helper()
		got, err := n.keys.StillAffected(t.Context(), all...)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	still(all...)
	handOver := func() {
		t.Helper()
		_, err := op.HandOver(t.Context(), owner, people.HandOver{})
		require.NoError(t, err)
	}
	require.NoError(t, held.RemoveTag(t.Context(), blue))
	handOver()
	still(person, wished, settled) // the duress PIN is the old one
	require.NoError(t, held.RemovePIN(t.Context()))
	handOver()
	still(wished, settled)
	require.NoError(t, w.set(t.Context(), n, 5, w.code("2743")))
	require.NoError(t, w.set(t.Context(), n, 6, w.code("3851")))
	still(settled) // what was wished for before is not wished for any more; what the panel has still opens
	w.confirmed(6)
	got, err := n.keys.StillAffected(t.Context(), all...)
	require.NoError(t, err)
	require.Empty(t, got)
}
