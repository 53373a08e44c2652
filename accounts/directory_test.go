package accounts_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
)

var _ accounts.Directory = accounts.StaticDirectory{}

func TestAStaticDirectorySuggestsWhomItMay(t *testing.T) {
	person := func(id accounts.ID, mail string, status accounts.Status, sites ...string) accounts.Person {
		return accounts.Person{ID: id, Email: email(mail), Status: status, Sites: accounts.TheseSites(sites...)}
	}
	d := accounts.StaticDirectory{
		person("a4", "owner.z@example.com", accounts.StatusNotConfirmed, "s1"),
		person("a1", "Owner.A@example.com", accounts.StatusActive, "s1", "s2"),
		person("a2", "owner.b@example.com", accounts.StatusSuspended, "s1"),
		person("a3", "owner.c@example.com", accounts.StatusActive, "s2"),
		person("a5", "tenant@example.com", accounts.StatusActive, "s1"),
		person("a6", "owner.d@example.com", accounts.StatusUnknown, "s1"),
	}
	ids := func(sites accounts.Sites, prefix string, limit int) (ids []accounts.ID) {
		found, err := d.Suggest(t.Context(), sites, prefix, limit)
		require.NoError(t, err)
		for _, p := range found {
			ids = append(ids, p.ID)
		}
		return ids
	}
	s1 := accounts.TheseSites("s1")
	assert.Equal(t, []accounts.ID{"a1", "a4"}, ids(s1, "OWN", 10), "in order, and nobody who is suspended")
	assert.Equal(t, []accounts.ID{"a1"}, ids(s1, "own", 1))
	assert.Equal(t, []accounts.ID{"a1", "a3", "a4"}, ids(accounts.AllSites(), "own", 10))
	assert.Empty(t, ids(s1, "own", -1))
	assert.Empty(t, ids(accounts.TheseSites(), "own", 10))
	assert.Equal(t, accounts.ID("a4"), d[0].ID, "the list stays in its order")

	p, err := d.Person(t.Context(), "a2")
	require.NoError(t, err)
	assert.Equal(t, accounts.StatusSuspended, p.Status, "who is suspended is still there")
	_, err = d.Person(t.Context(), "a9")
	assert.ErrorIs(t, err, accounts.ErrAccountNotFound)
}
