package people_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// tabs is a roster of so many panels, in which an account has a limited number of users.
func (b *bench) tabs(panels, most int) (*roster.Operator, []*roster.Tab) {
	b.t.Helper()
	p := policy()
	p.MaxLinks = most
	d, err := roster.New(roster.Options{Store: b.store, Keys: b.keys, Drivers: map[string]panel.Driver{"example": offline{}},
		Authority: accounts.StaticAuthority{"operator": everything}, Policy: p})
	require.NoError(b.t, err)
	op := d.As(accounts.HostActor("operator", "", "test").Vouched(time.Now()))
	tabs := make([]*roster.Tab, panels)
	for i := range tabs {
		p, err := op.Register(b.t.Context(), roster.Registration{Site: "north", Driver: "example", Ident: fmt.Sprintf("%015d", i)})
		require.NoError(b.t, err)
		tabs[i] = op.Panel(p.ID)
	}
	return op, tabs
}

// Eight operators assign one account to eight panels at once: as many succeed as the policy
// allows, and when one link goes there is room for one.
//
// Rules: S24
func TestAnAccountHasAsManyPanelUsersAsThePolicyAllows(t *testing.T) {
	for range rounds(10, 3) {
		b := newBench(t)
		b.account("owner@example.com", accounts.Active)
		op, tabs := b.tabs(8, 3)
		found, err := op.Suggest(t.Context(), "owner@")
		require.NoError(t, err)
		errs := make([]error, len(tabs))
		var all sync.WaitGroup
		for i, tab := range tabs {
			all.Go(func() { _, errs[i] = tab.Assign(t.Context(), panel.Place{Slot: 4}, found[0]) })
		}
		all.Wait()
		var linked []*roster.Tab
		for i, err := range errs {
			if err == nil {
				linked = append(linked, tabs[i])
				continue
			}
			require.ErrorIs(t, err, accounts.ErrLinkLimit)
		}
		require.Len(t, linked, 3)
		require.Len(t, b.linked(found[0].Person().ID), 3)

		_, err = linked[0].Unassign(t.Context(), panel.Place{Slot: 4})
		require.NoError(t, err)
		_, err = linked[0].Assign(t.Context(), panel.Place{Slot: 5}, found[0])
		require.NoError(t, err)
		_, err = linked[1].Assign(t.Context(), panel.Place{Slot: 5}, found[0])
		require.ErrorIs(t, err, accounts.ErrLinkLimit)
	}
}

// A limit counts the links from before it, and without one there is none.
//
// Rules: S24
func TestALimitCountsWhatThereIs(t *testing.T) {
	b := newBench(t)
	b.account("owner@example.com", accounts.Active)
	op, tabs := b.tabs(2, 0)
	found, err := op.Suggest(t.Context(), "owner@")
	require.NoError(t, err)
	for _, tab := range tabs {
		_, err := tab.Assign(t.Context(), panel.Place{Slot: 4}, found[0])
		require.NoError(t, err)
	}
	assert.Empty(t, b.kind("assigned"), "who has no limit counts nothing")
	p := policy()
	p.MaxLinks = 2
	strict, err := roster.New(roster.Options{Store: b.store, Keys: b.keys, Drivers: map[string]panel.Driver{"example": offline{}},
		Authority: accounts.StaticAuthority{"operator": everything}, Policy: p})
	require.NoError(t, err)
	again := strict.As(accounts.HostActor("operator", "", "test").Vouched(time.Now()))
	third, err := again.Register(t.Context(), roster.Registration{Site: "north", Driver: "example", Ident: "000000000000009"})
	require.NoError(t, err)
	_, err = again.Panel(third.ID).Assign(t.Context(), panel.Place{Slot: 4}, found[0])
	require.ErrorIs(t, err, accounts.ErrLinkLimit)
}

// Rules: S24
func TestAPanelsNameHasAtMost24Characters(t *testing.T) {
	b := newBench(t)
	op, tabs := b.tabs(1, 0)
	fits, long := strings.Repeat("ä", 24), strings.Repeat("a", 25)
	require.NoError(t, tabs[0].Change(t.Context(), fits))
	require.ErrorIs(t, tabs[0].Change(t.Context(), long), roster.ErrAliasTooLong)
	_, err := op.Register(t.Context(), roster.Registration{Site: "north", Driver: "example", Ident: "000000000000009", Name: long})
	require.ErrorIs(t, err, roster.ErrAliasTooLong)
	v, err := tabs[0].Info(t.Context())
	require.NoError(t, err)
	assert.Equal(t, fits, v.Name)
}
