package keys_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/journal"
	"github.com/seed-a2d3eaca/keyholder/keys"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

const site = "site-1"

// node is one process of a fleet: its keyring, its desk, its accounts.
type node struct {
	ring   *credentials.Following
	keys   *keys.Service
	desk   *roster.Desk
	people *people.Service
}

// world is three nodes on one store, with one panel to which nothing is delivered.
type world struct {
	*testing.T
	store    store.Store
	old, new credentials.Key
	nodes    []*node
	panel    string
	rights   accounts.StaticAuthority
	worker   accounts.Actor
	signer   audit.SigningKey // of the log
}

func key(t *testing.T, id string) credentials.Key {
	t.Helper()
	root := make([]byte, credentials.KeySize)
	copy(root, "root key of a test: "+id)
	k, err := credentials.KeyOf(id, root)
	require.NoError(t, err)
	return k
}

// begin makes a world on a store; each node may see the store in its own way.
func begin(t *testing.T, st store.Store, view func(store.Store) store.Store) *world {
	t.Helper()
	if st == nil {
		st = memstore.Open()
	}
	w := &world{T: t, store: st, old: key(t, "oldkey-1"), new: key(t, "newkey-2"), worker: accounts.HostActor("operator", "", "test").Vouched(time.Now())}
	w.rights = accounts.StaticAuthority{"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}}
	var err error
	w.signer, err = audit.GenerateKey("example.com/keys")
	require.NoError(t, err)
	for i := range 3 {
		w.nodes = append(w.nodes, w.start(fmt.Sprint("node-", i), view))
	}
	p, err := w.nodes[0].desk.As(w.worker).Register(t.Context(), roster.Registration{Site: site, Driver: "dsc", Ident: "298765432101", Routes: map[string]roster.Route{
		dsc.Route: {Secrets: map[string]panel.Secret{"key": panel.SecretOf(dscsim.DefaultType2), "master": panel.SecretOf("4729")}},
	}})
	require.NoError(t, err)
	w.panel = p.ID
	return w
}

func (w *world) start(name string, view func(store.Store) store.Store) *node {
	w.Helper()
	ring, err := credentials.NewKeyring("", []credentials.Key{w.old}, credentials.KeyringOptions{})
	require.NoError(w, err)
	n := &node{ring: credentials.Follow(ring)}
	st := w.store
	if view != nil {
		st = view(st)
	}
	n.keys, err = keys.New(keys.Options{Store: st, Keys: n.ring, Node: name})
	require.NoError(w, err)
	n.people, err = people.New(people.Options{Store: w.store, Keys: n.ring, Authority: w.rights, Policy: accounts.PowerManage()})
	require.NoError(w, err)
	n.desk, err = roster.New(roster.Options{Store: w.store, Keys: n.ring, Authority: w.rights, Node: name, Drivers: map[string]panel.Driver{"dsc": dsc.New(dsc.Options{})},
		Collisions: roster.Budget{Hour: 1e6, Day: 1e6, TenantDay: 1e6}})
	require.NoError(w, err)
	return n
}

// give puts both keys into a node's keyring.
func (w *world) give(n *node) {
	w.Helper()
	both, err := credentials.NewKeyring("", []credentials.Key{w.old, w.new}, credentials.KeyringOptions{})
	require.NoError(w, err)
	require.NoError(w, n.ring.Use(both))
}

// destroy leaves a node the new key alone.
func (w *world) destroy(n *node) {
	w.Helper()
	only, err := credentials.NewKeyring("", []credentials.Key{w.new}, credentials.KeyringOptions{})
	require.NoError(w, err)
	require.NoError(w, n.ring.Use(only))
}

func (w *world) code(s string) panel.Code {
	w.Helper()
	c, err := panel.ParseCode(s)
	require.NoError(w, err)
	return c
}

func (w *world) set(ctx context.Context, n *node, slot int, code panel.Code) error {
	_, err := n.desk.As(w.worker).Panel(w.panel).SetCode(ctx, panel.Place{Slot: slot}, roster.CodeWish{Code: code})
	return err
}

// user is a panel user as it is stored.
func (w *world) user(slot int) rec.User {
	w.Helper()
	rs, err := w.store.Load(w.Context(), rec.Users.Key(rec.UserID(w.panel, panel.Place{Slot: slot})))
	require.NoError(w, err)
	u, _, err := rec.Users.Decode(rs[0])
	require.NoError(w, err)
	return u
}

// holder is who has the name that a code has under a key.
func (w *world) holder(k credentials.Key, code panel.Code) string {
	w.Helper()
	ring, err := credentials.NewKeyring("", []credentials.Key{k}, credentials.KeyringOptions{})
	require.NoError(w, err)
	names, err := credentials.Names(ring, credentials.Scope{Kind: credentials.PanelScope, ID: w.panel}, credentials.CodeMaterial(code))
	require.NoError(w, err)
	hs, err := w.store.Holders(w.Context(), store.Name(names[0]))
	require.NoError(w, err)
	return hs[0].Holder
}

// phase is how far the rotation is.
func (w *world) phase() credentials.Phase {
	w.Helper()
	p, err := w.nodes[0].keys.Progress(w.Context())
	require.NoError(w, err)
	return p.Rotation.Phase
}

// verified signs the log, and checks it against the stored rows.
func (w *world) verified() {
	w.Helper()
	log, err := journal.New(journal.Options{Store: w.store, Keys: w.nodes[0].ring, Signer: w.signer})
	require.NoError(w, err)
	_, err = log.Checkpoint(w.Context())
	require.NoError(w, err)
	r, err := journal.VerifyStore(w.Context(), w.store, audit.VerifyOptions{Origin: w.signer.Name(), Keys: []note.Verifier{w.signer.Public()}})
	require.NoError(w, err)
	require.True(w, r.OK(), "%s", r)
}

// turn lets every node follow and the first one take a step; it reports whether it is over.
func (w *world) turn() bool {
	w.Helper()
	for _, n := range w.nodes {
		require.NoError(w, n.keys.Follow(w.Context()))
	}
	over, err := w.nodes[0].keys.Step(w.Context())
	if err != nil {
		require.ErrorIs(w, err, credentials.ErrRotation)
	}
	return over
}
