package soak

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/keys"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

// Keys are rotated on a file while three processes' worth of desks, each with its own
// connection to it, ask for the same codes. Once the old key is dropped and the log of the
// file is emptied, neither a name nor a sealed value of it is in any byte of the files.
//
// Rules: G191, G192
func TestKeysRotateOnAFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "keyholder.db")
	oldKey, newKey := credentials.GenerateKey(), credentials.GenerateKey()
	ring := func(keys ...credentials.Key) *credentials.Ring {
		r, err := credentials.NewKeyring("", keys, credentials.KeyringOptions{})
		require.NoError(t, err)
		return r
	}
	type node struct {
		db   *sqlite.DB
		st   store.Store
		ring *credentials.Following
		keys *keys.Service
		desk *roster.Desk
	}
	actor := accounts.HostActor("operator", "", "test").Vouched(time.Now())
	rights := accounts.StaticAuthority{"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}}
	var nodes []node
	for i := range 3 {
		n := node{ring: credentials.Follow(ring(oldKey))}
		var err error
		n.db, err = sqlite.Open(t.Context(), path, sqlite.Options{})
		require.NoError(t, err)
		n.st = n.db.Main()
		n.keys, err = keys.New(keys.Options{Store: n.st, Keys: n.ring, Node: fmt.Sprint("node-", i)})
		require.NoError(t, err)
		n.desk, err = roster.New(roster.Options{Store: n.st, Keys: n.ring, Authority: rights, Node: fmt.Sprint("node-", i),
			Drivers: map[string]panel.Driver{"dsc": dsc.New(dsc.Options{})}, Collisions: roster.Budget{Hour: 1e6, Day: 1e6, TenantDay: 1e6}})
		require.NoError(t, err)
		nodes = append(nodes, n)
	}
	p, err := nodes[0].desk.As(actor).Register(t.Context(), roster.Registration{Site: "site-1", Driver: "dsc", Ident: "298765432101", Routes: map[string]roster.Route{
		dsc.Route: {Secrets: map[string]panel.Secret{"key": panel.SecretOf(dscsim.DefaultType2), "master": panel.SecretOf("4729")}},
	}})
	require.NoError(t, err)
	code := func(n int) panel.Code {
		c, err := panel.ParseCode(fmt.Sprintf("73%02d", 10+n))
		require.NoError(t, err)
		return c
	}
	race := func(round int) int {
		errs := make([]error, len(nodes))
		var all sync.WaitGroup
		for k, n := range nodes {
			all.Go(func() {
				_, errs[k] = n.desk.As(actor).Panel(p.ID).SetCode(t.Context(), panel.Place{Slot: 3 + 3*round + k}, roster.CodeWish{Code: code(round)})
			})
		}
		all.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			}
		}
		return won
	}
	require.Equal(t, 1, race(0))

	planted := [][]byte{[]byte("|" + oldKey.ID() + "|"), []byte(`"k":"` + oldKey.ID() + `"`)}
	traces := func() (found int) {
		for _, n := range nodes {
			require.NoError(t, n.db.Checkpoint(t.Context()))
		}
		files, err := filepath.Glob(path + "*")
		require.NoError(t, err)
		for _, f := range files {
			b, err := os.ReadFile(f)
			require.NoError(t, err)
			for _, what := range planted {
				found += bytes.Count(b, what)
			}
		}
		return found
	}
	rs, err := nodes[0].st.List(t.Context(), store.Query{Kind: "user"})
	require.NoError(t, err)
	require.Len(t, rs, 1)
	sealed := bytes.SplitN(bytes.SplitN(rs[0].Body, []byte(`"sealed":{"b":"`), 2)[1], []byte(`"`), 2)[0]
	require.Greater(t, len(sealed), 30)
	planted = append(planted, sealed)
	require.Positive(t, traces(), "this can tell")

	for _, n := range nodes {
		require.NoError(t, n.ring.Use(ring(oldKey, newKey)))
		require.NoError(t, n.keys.Follow(t.Context()))
	}
	require.NoError(t, nodes[0].keys.Begin(t.Context(), actor, newKey.ID()))
	over := false
	for round := 1; !over; round++ {
		require.Less(t, round, 12)
		for _, n := range nodes {
			require.NoError(t, n.keys.Follow(t.Context()))
		}
		require.Equal(t, 1, race(round), "round %d", round)
		over, err = nodes[0].keys.Step(t.Context())
		if !errors.Is(err, credentials.ErrRotation) {
			require.NoError(t, err)
		}
	}
	rests, err := nodes[1].keys.Resting(t.Context(), oldKey.ID())
	require.NoError(t, err)
	require.Empty(t, rests)
	require.Zero(t, traces(), "nothing of the old key rests in the files")
	for _, n := range nodes {
		require.NoError(t, n.keys.Follow(t.Context()))
		require.NoError(t, n.ring.Use(ring(newKey)))
	}
	_, err = nodes[1].desk.As(actor).Panel(p.ID).SetCode(t.Context(), panel.Place{Slot: 60}, roster.CodeWish{Code: code(0)})
	require.ErrorIs(t, err, credentials.ErrCodeTaken)
	for _, n := range nodes {
		require.NoError(t, n.db.Close())
	}
}
