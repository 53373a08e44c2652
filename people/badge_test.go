package people_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/people"
)

// A badge has the visitor's name and photo, the host with a photo and the end of the visit,
// before and during it and not after.
//
// Rules: S30, G12, G19
func TestABadgeSaysWhoVisitsWhomUntilWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.groups()
		host := b.hired("host@example.com", accounts.TheseSites("south"))
		from, until := time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
		v, err := b.op.IssueVisitor(t.Context(), people.NewVisitor{First: "Tower", Last: "Guest", Groups: []string{"guests"}, Host: host.ID, Sites: sites, From: from, Until: until})
		require.NoError(t, err)
		badge, err := b.op.Badge(t.Context(), v.ID)
		require.NoError(t, err)
		assert.Equal(t, "Tower Guest", badge.Name)
		assert.Equal(t, host.Name(), badge.Host)
		assert.True(t, until.Equal(badge.Until))
		assert.Nil(t, badge.Photo)
		assert.Nil(t, badge.HostPhoto)
		require.NoError(t, b.op.SetPhoto(t.Context(), v.ID, portrait))
		require.NoError(t, b.op.SetPhoto(t.Context(), host.ID, landscape))
		badge, err = b.op.Badge(t.Context(), v.ID)
		require.NoError(t, err)
		hosts, err := b.op.Photo(t.Context(), host.ID)
		require.NoError(t, err)
		assert.Equal(t, hosts, badge.HostPhoto)
		assert.NotEqual(t, badge.Photo, badge.HostPhoto)
		time.Sleep(time.Hour)
		badge, err = b.as("north").Badge(t.Context(), v.ID)
		require.NoError(t, err)
		photo, err := b.op.Photo(t.Context(), v.ID)
		require.NoError(t, err)
		assert.Equal(t, photo, badge.Photo)
		assert.Empty(t, badge.Host, "the host is of another site")
		assert.Nil(t, badge.HostPhoto)
		_, err = b.op.Badge(t.Context(), host.ID)
		require.ErrorIs(t, err, accounts.ErrAccountNotFound, "no visitor")
		require.NoError(t, b.as("operator").Remove(t.Context(), host.ID, people.Confirmation{Account: "host@example.com"}))
		badge, err = b.op.Badge(t.Context(), v.ID)
		require.NoError(t, err)
		assert.Empty(t, badge.Host)
		time.Sleep(time.Hour)
		_, err = b.op.Badge(t.Context(), v.ID)
		require.ErrorIs(t, err, accounts.ErrAccountExpired)
	})
}
