package flow_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

func twoKeys(t *testing.T) (*credentials.Ring, credentials.Key, credentials.Key) {
	t.Helper()
	a, b := credentials.GenerateKey(), credentials.GenerateKey()
	ring, err := credentials.NewKeyring("", []credentials.Key{a, b}, credentials.KeyringOptions{Epoch: credentials.Epoch{N: 1, Prints: []string{a.ID()}, Seal: a.ID()}})
	require.NoError(t, err)
	return ring, a, b
}

// Names that were made before the epoch, however long before their change, are refused:
// else a code could be claimed under the old key by one and under the new one by another.
//
// Rules: G191
func TestNamesOfAnotherEpochAreNotClaimed(t *testing.T) {
	ring, a, b := twoKeys(t)
	var fp credentials.Fingerprint
	name := func(k credentials.Key, id string) store.Name {
		return store.Name(credentials.Name(credentials.Scope{Kind: credentials.PanelScope, ID: id}, k.ID(), fp))
	}
	for what, c := range map[string]struct {
		prints []string
		claims []store.Op
		ok     bool
	}{
		"both":             {[]string{b.ID(), a.ID()}, []store.Op{store.Claim{Name: name(a, "p"), Holder: "h", Use: "u"}, store.Claim{Name: name(b, "p"), Holder: "h", Use: "u"}}, true},
		"the new one":      {[]string{b.ID(), a.ID()}, []store.Op{store.Claim{Name: name(b, "p"), Holder: "h", Use: "u"}}, true},
		"only the old one": {[]string{b.ID(), a.ID()}, []store.Op{store.Claim{Name: name(a, "p"), Holder: "h", Use: "u"}}, false},
		"a key of before":  {[]string{b.ID()}, []store.Op{store.Claim{Name: name(a, "p"), Holder: "h", Use: "u"}, store.Claim{Name: name(b, "p"), Holder: "h", Use: "u"}}, false},
		"no key's name":    {[]string{b.ID()}, []store.Op{store.Claim{Name: "ident|dsc|298765432101", Holder: "h", Use: "u"}}, true},
		"handed over":      {[]string{b.ID(), a.ID()}, []store.Op{store.Claim{Name: name(a, "p"), Holder: "h", Use: "u", From: "g"}}, true},
	} {
		moved, err := ring.At(credentials.Epoch{N: 1, Prints: c.prints, Seal: b.ID()})
		require.NoError(t, err)
		co := core(t, memstore.Open())
		co.Keys = moved
		_, err = co.Act(t.Context(), operator, func(u *flow.Unit) error {
			u.Do(c.claims...)
			_, err := u.Say(audit.RepairDone, audit.Success, nil)
			return err
		})
		if c.ok {
			require.NoError(t, err, what)
		} else {
			require.ErrorIs(t, err, flow.ErrKeyEpoch, what)
		}
	}
}

// A decision in which the keyring moves on is made again under the new epoch.
func TestADecisionIsMadeAgainWhenTheKeyringMoves(t *testing.T) {
	ring, a, b := twoKeys(t)
	keys := credentials.Follow(ring)
	c := core(t, memstore.Open())
	c.Keys = keys
	rounds := 0
	scope := credentials.Scope{Kind: credentials.PanelScope, ID: "p"}
	_, err := c.Act(t.Context(), operator, func(u *flow.Unit) error {
		names, err := credentials.Names(keys, scope, credentials.MarkMaterial([]byte("x")))
		if err != nil {
			return err
		}
		if rounds++; rounds == 1 {
			e := credentials.Epoch{N: 2, Prints: []string{b.ID(), a.ID()}, Seal: b.ID()}
			_, err := c.Act(t.Context(), operator, func(u *flow.Unit) error {
				if err := flow.Put(u, rec.Epochs, rec.EpochID, &e); err != nil {
					return err
				}
				_, err := u.Say(audit.KeysRotated, audit.Success, nil)
				return err
			})
			if err != nil {
				return err
			}
			if err := keys.Turn(e); err != nil {
				return err
			}
		}
		for _, n := range names {
			u.Do(store.Claim{Name: store.Name(n), Holder: "h", Use: "u"})
		}
		_, err = u.Say(audit.RepairDone, audit.Success, nil)
		return err
	})
	require.NoError(t, err)
	require.Equal(t, 2, rounds)
}

// What the log says of a person opens under the next key, again and again, and never when
// it was erased before.
//
// Rules: G191, R255
func TestAPersonsKeyOutlivesTheRootKey(t *testing.T) {
	ring, _, b := twoKeys(t)
	st := memstore.Open()
	c := core(t, st)
	c.Keys = ring
	worker := accounts.SystemActor("keys")
	_, err := c.Act(t.Context(), worker, func(u *flow.Unit) error {
		_, err := u.Say(audit.AccountCreated, audit.Success, []string{"a1"}, flow.Field{Name: audit.FieldEmail, Value: "owner@example.com", Of: "account/a1"})
		return err
	})
	require.NoError(t, err)
	remake := func(keys credentials.Sealer) (s rec.Salt) {
		_, err := c.Act(t.Context(), worker, func(u *flow.Unit) error {
			was, _, err := flow.Load(u, rec.Salts, "account/a1")
			if err != nil {
				return err
			}
			if s, err = flow.Remade(keys, "account/a1", was); err != nil {
				return err
			}
			if _, err := u.Say(audit.KeysRotated, audit.Success, nil); err != nil {
				return err
			}
			return flow.Put(u, rec.Salts, "account/a1", &s)
		})
		require.NoError(t, err)
		return s
	}
	read := func() string {
		es, err := st.Entries(t.Context(), store.EntryQuery{Target: []byte("a1")})
		require.NoError(t, err)
		e, err := audit.Decode(es[0].Body)
		require.NoError(t, err)
		e, err = c.OpenEntry(t.Context(), e)
		require.NoError(t, err)
		return e.Value(audit.FieldEmail)
	}
	next, err := ring.At(credentials.Epoch{N: 2, Prints: []string{b.ID()}, Seal: b.ID()})
	require.NoError(t, err)
	for range 2 {
		require.Equal(t, b.ID(), remake(next).KeyID)
		c.Keys, err = credentials.NewKeyring("", []credentials.Key{b}, credentials.KeyringOptions{}) // the old key is destroyed
		require.NoError(t, err)
		require.Equal(t, "owner@example.com", read())
	}
	erased, err := flow.Remade(next, "account/a1", rec.Salt{KeyID: "gone"})
	require.NoError(t, err)
	require.Equal(t, rec.Salt{KeyID: b.ID()}, erased)
}
