package keys_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// A code that waits for its holder is carried over to the new key, and the word goes on to
// be the word; the old key stays until it is used or its time is over.
//
// Rules: G191, G213
func TestACodeThatWaitsForItsHolderIsRotated(t *testing.T) {
	w := begin(t, nil, nil)
	n, place := w.nodes[0], panel.Place{Slot: 5}
	require.NoError(t, w.set(t.Context(), n, 5, w.code("8604")))
	email, err := accounts.ParseEmail("owner@example.com")
	require.NoError(t, err)
	a, err := n.people.As(w.worker).CreateConfirmed(t.Context(), people.NewAccount{Email: email, Sites: accounts.TheseSites(site)})
	require.NoError(t, err)
	tab := n.desk.As(w.worker).Panel(w.panel)
	who, err := n.desk.As(w.worker).Choose(t.Context(), a.ID)
	require.NoError(t, err)
	_, err = tab.Assign(t.Context(), place, who)
	require.NoError(t, err)
	offer, _, err := tab.HandOver(t.Context(), place, roster.CodeWish{}, roster.HandOver{})
	require.NoError(t, err)
	waits := func() *rec.Offer { return w.user(5).Offer }
	require.Equal(t, w.old.ID(), waits().Code.Sealed.KeyID)

	for _, n := range w.nodes {
		w.give(n)
		require.NoError(t, n.keys.Follow(t.Context()))
	}
	require.NoError(t, n.keys.Begin(t.Context(), w.worker, w.new.ID()))
	for range 8 {
		require.False(t, w.turn(), "the word rests on the old key")
		_, err = n.people.Collect(t.Context(), offer.Word)
		require.ErrorIs(t, err, accounts.ErrCodePending, "it is the word still, in phase %d", w.phase())
	}
	require.Equal(t, credentials.ReadingOld, w.phase())
	o := waits()
	require.Equal(t, w.new.ID(), o.Code.Sealed.KeyID)
	code, err := credentials.OpenNamedCode(n.ring, n.ring, rec.OfferBinding(rec.UserID(w.panel, place), o.Tenancy, o.Code.ID), o.Code.Sealed,
		credentials.Scope{Kind: credentials.PanelScope, ID: w.panel}, o.Code.Names)
	require.NoError(t, err)
	require.NotEmpty(t, w.holder(w.new, code))

	_, err = tab.Cancel(t.Context(), place)
	require.NoError(t, err)
	require.False(t, waits().Open())
	require.True(t, w.turn())
	require.Equal(t, credentials.Dropped, w.phase())
}
