package soak

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

// found counts how often values stand in the bytes of a database's files and of a fresh
// backup, as they are or as text.
func found(t *testing.T, db *sqlite.DB, path string, all ...[]byte) (n int) {
	t.Helper()
	require.NoError(t, db.Checkpoint(t.Context()))
	backup := filepath.Join(t.TempDir(), "backup.db")
	require.NoError(t, db.Backup(t.Context(), backup))
	paths, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	for _, p := range append(paths, backup) {
		b, err := os.ReadFile(p)
		require.NoError(t, err)
		for _, one := range all {
			text := base64.StdEncoding.EncodeToString(one)
			n += bytes.Count(b, one) + bytes.Count(b, []byte(text[:len(text)-4]))
		}
	}
	return n
}

// A PIN, a duress PIN and a tag that nothing has to write any more, because another one was
// set, they were taken away or their owner was removed, are in no byte of the files and of
// a fresh backup, not even sealed.
//
// Rules: G192
func TestSealedCredentialsAreForgotten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keyholder.db")
	s := &site{T: t, heard: map[string]bool{}, clock: time.Date(2027, 3, 27, 12, 0, 0, 0, time.UTC), ring: []credentials.Key{credentials.GenerateKey()}}
	var db *sqlite.DB
	open := s.file(path)
	s.fleet = func() store.Fleet {
		f := open()
		db, _ = f.(*sqlite.DB)
		return f
	}
	s.open()
	s.furnish(1)
	held := s.desk.As(s.actor()).Person(s.ids[0])
	set := func(pin, duress, raw string) {
		c, err := credentials.ParseCode(pin)
		require.NoError(t, err)
		d, err := credentials.ParseCode(duress)
		require.NoError(t, err)
		tag, err := credentials.ParseTag(raw, 32)
		require.NoError(t, err)
		require.NoError(t, held.SetPIN(t.Context(), c))
		require.NoError(t, held.SetDuressPIN(t.Context(), d))
		_, err = held.AddTag(t.Context(), tag, raw)
		require.NoError(t, err)
	}
	sealed := func() (all [][]byte) {
		rs, err := s.store.List(t.Context(), store.Query{Kind: "credential"})
		require.NoError(t, err)
		for _, r := range rs {
			var c struct{ Sealed credentials.Sealed }
			require.NoError(t, json.Unmarshal(r.Body, &c))
			if !c.Sealed.IsZero() {
				all = append(all, c.Sealed.Bytes)
			}
		}
		return all
	}
	found := func(all [][]byte) int { return found(t, db, path, all...) }

	set("7294", "5093", "9c3f71d2")
	first := sealed()
	require.Len(t, first, 3)
	require.Equal(t, 2*len(first), found(first), "each is in the file and in the backup: this can tell")

	set("6174", "2951", "8c3f71d2") // the first tag stays
	h, err := held.Holds(t.Context())
	require.NoError(t, err)
	for _, tag := range h.Tags {
		if tag.Label == "9c3f71d2" {
			require.NoError(t, held.RemoveTag(t.Context(), tag.ID))
		}
	}
	require.Zero(t, found(first), "others were set, or it was taken away")

	second := sealed()
	require.Len(t, second, 3)
	require.NoError(t, held.RemovePIN(t.Context()))
	require.Len(t, sealed(), 1)
	require.NoError(t, s.people.As(s.actor()).Remove(t.Context(), s.ids[0], people.Confirmation{Account: "person-0@example.com"}))
	s.restart() // carries out what that means
	require.Empty(t, sealed())
	require.Zero(t, found(append(first, second...)), "the owner is gone")
}
