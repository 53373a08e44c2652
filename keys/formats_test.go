package keys_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// The numbers that are printed on a card stay claimed through a rotation, and when a desk
// is told of other formats since, or of none.
//
// Rules: G182, G191
func TestPrintedNumbersStayTakenThroughARotation(t *testing.T) {
	w := begin(t, nil, nil)
	n := w.nodes[0]
	desk := func(formats ...credentials.CardFormat) *roster.Operator {
		d, err := roster.New(roster.Options{Store: w.store, Keys: n.ring, Authority: w.rights, CardFormats: formats, Codes: credentials.Policy{Lens: []int{7, 8}}})
		require.NoError(t, err)
		return d.As(w.worker)
	}
	account := func(address string) accounts.ID {
		email, err := accounts.ParseEmail(address)
		require.NoError(t, err)
		a, err := n.people.As(w.worker).CreateConfirmed(t.Context(), people.NewAccount{Email: email, Sites: accounts.TheseSites(site)})
		require.NoError(t, err)
		return a.ID
	}
	cleaner, guest := account("cleaner@example.com"), account("guest@example.com")
	tag, err := credentials.H10301().Make(12, 3456)
	require.NoError(t, err)
	_, err = desk(credentials.H10301()).Person(cleaner).AddTag(t.Context(), tag, "")
	require.NoError(t, err)

	taken := func() {
		t.Helper()
		for _, op := range []*roster.Operator{desk(), desk(credentials.H10306())} {
			for _, typed := range []string{"1203456", "01203456"} {
				require.ErrorIs(t, op.Person(guest).SetPIN(t.Context(), w.code(typed)), credentials.ErrCodeTaken, "phase %d: %s", w.phase(), typed)
			}
		}
	}
	for _, n := range w.nodes {
		w.give(n)
		require.NoError(t, n.keys.Follow(t.Context()))
	}
	require.NoError(t, n.keys.Begin(t.Context(), w.worker, w.new.ID()))
	for steps := 0; !w.turn(); steps++ {
		require.Less(t, steps, 10, "phase %d", w.phase())
		taken()
	}
	for _, n := range w.nodes {
		w.destroy(n)
	}
	taken()
}
