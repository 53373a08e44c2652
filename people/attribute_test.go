package people_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/people"
)

// Rules: S33, S44
func TestAttributesPlainAndSecret(t *testing.T) {
	const planted = "planted-value"
	b := newBench(t, func(o *people.Options) {
		o.Authority = accounts.StaticAuthority{"operator": everything,
			"reader": {Enabled: true, Rights: accounts.RightsOf(accounts.AccountsView, accounts.AccountsChange), Sites: accounts.AllSites()}}
	})
	a := b.account("owner@example.com", accounts.Active)
	require.NoError(t, b.op.SetAttribute(t.Context(), a.ID, "floor", "2"))
	require.NoError(t, b.op.SetSecret(t.Context(), a.ID, "badge", panel.SecretOf(planted)))
	list, err := b.as("reader").Attributes(t.Context(), a.ID)
	require.NoError(t, err)
	assert.Equal(t, people.Attributes{Plain: map[string]string{"floor": "2"}, Secret: []string{"badge"}}, list)
	for _, r := range b.kind("attributes") {
		assert.NotContains(t, string(r.Body), planted)
	}
	_, err = b.as("reader").Reveal(t.Context(), a.ID, "badge")
	require.ErrorIs(t, err, accounts.ErrPermissionDenied, "seeing a secret is a right of its own")
	s, err := b.op.Reveal(t.Context(), a.ID, "badge")
	require.NoError(t, err)
	assert.Equal(t, planted, s.Reveal())
	assert.Equal(t, 1, b.entries()[audit.AccountAttributeRead])
	_, err = b.op.Reveal(t.Context(), a.ID, "floor")
	require.ErrorIs(t, err, accounts.ErrAttributeNotFound)

	other := b.account("other@example.com", accounts.Active)
	require.ErrorIs(t, b.op.RemoveAttribute(t.Context(), other.ID, "badge"), accounts.ErrAttributeNotFound)
	require.NoError(t, b.op.SetAttribute(t.Context(), a.ID, "badge", "now plain"))
	require.NoError(t, b.op.RemoveAttribute(t.Context(), a.ID, "floor"))
	list, err = b.op.Attributes(t.Context(), a.ID)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"badge": "now plain"}, list.Plain)
	assert.Empty(t, list.Secret)
}

// Rules: S44
func TestAttributesHaveLimits(t *testing.T) {
	b := newBench(t)
	a := b.account("owner@example.com", accounts.Active)
	require.ErrorIs(t, b.op.SetAttribute(t.Context(), a.ID, "Floor", "2"), accounts.ErrAttribute)
	require.ErrorIs(t, b.op.SetAttribute(t.Context(), a.ID, "floor", strings.Repeat("x", 4097)), accounts.ErrAttribute)
	require.ErrorIs(t, b.op.SetSecret(t.Context(), a.ID, "floor", panel.SecretOf(strings.Repeat("x", 4097))), accounts.ErrAttribute)
	for i := range 32 {
		require.NoError(t, b.op.SetAttribute(t.Context(), a.ID, fmt.Sprintf("a_%d", i), strings.Repeat("x", 4096)))
	}
	require.ErrorIs(t, b.op.SetAttribute(t.Context(), a.ID, "one_more", "x"), accounts.ErrAttribute)
	sealing := newBench(t, func(o *people.Options) { o.Keys = credentials.SealOnly(o.Keys) })
	a = sealing.account("owner@example.com", accounts.Active)
	require.NoError(t, sealing.op.SetSecret(t.Context(), a.ID, "badge", panel.SecretOf("x")))
	_, err := sealing.op.Reveal(t.Context(), a.ID, "badge")
	require.ErrorIs(t, err, credentials.ErrKeyMissing)
	assert.Zero(t, sealing.entries()[audit.AccountAttributeRead])
}
