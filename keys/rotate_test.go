package keys_test

import (
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/keys"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// Everything that a store keeps under one key is under the next one at the end: nobody
// loses a code, an account or an address, and the old key is named by no record.
//
// Rules: G191, G192
func TestARotationLeavesNothingOnTheOldKey(t *testing.T) {
	w := begin(t, nil, nil)
	n := w.nodes[0]
	require.NoError(t, w.set(t.Context(), n, 5, w.code("8604")))
	email, err := accounts.ParseEmail("owner@example.com")
	require.NoError(t, err)
	op := n.people.As(w.worker)
	a, err := op.CreateConfirmed(t.Context(), people.NewAccount{Email: email, Username: "owner", Sites: accounts.TheseSites(site)})
	require.NoError(t, err)
	require.NoError(t, op.SetSecret(t.Context(), a.ID, "badge", panel.SecretOf("blue")))
	require.NoError(t, n.desk.As(w.worker).Person(a.ID).SetPIN(t.Context(), w.code("730528")))
	second, err := accounts.ParseEmail("second@example.com")
	require.NoError(t, err)
	other, err := op.CreateConfirmed(t.Context(), people.NewAccount{Email: second, Sites: accounts.TheseSites(site)})
	require.NoError(t, err)
	rests, err := n.keys.Resting(t.Context(), w.old.ID())
	require.NoError(t, err)
	kinds := map[string]bool{}
	for _, row := range rests {
		kind, _, _ := strings.Cut(row, "/")
		kinds[kind] = true
	}
	for _, kind := range []string{"user", "panel", "address", "attributes", "credential", "person"} {
		require.True(t, kinds[kind], "this can tell: %s", kind)
	}

	require.ErrorIs(t, n.keys.Begin(t.Context(), w.worker, w.new.ID()), credentials.ErrKeyMissing)
	for _, n := range w.nodes {
		w.give(n)
		require.NoError(t, n.keys.Follow(t.Context()))
	}
	require.NoError(t, n.keys.Begin(t.Context(), w.worker, w.new.ID()))
	require.ErrorIs(t, n.keys.Begin(t.Context(), w.worker, w.new.ID()), keys.ErrRotating)
	for steps := 0; !w.turn(); steps++ {
		require.Less(t, steps, 10, "phase %d", w.phase())
		w.verified()
	}
	require.Equal(t, credentials.Dropped, w.phase())
	rests, err = n.keys.Resting(t.Context(), w.old.ID())
	require.NoError(t, err)
	require.Empty(t, rests)
	require.Empty(t, w.holder(w.old, w.code("8604")))
	require.NotEmpty(t, w.holder(w.new, w.code("8604")))

	for _, n := range w.nodes { // the old key is destroyed
		w.destroy(n)
	}
	require.ErrorIs(t, w.set(t.Context(), n, 6, w.code("8604")), credentials.ErrCodeTaken)
	user := w.user(5)
	c, err := credentials.OpenNamedCode(n.ring, n.ring, rec.UserBinding(rec.UserID(w.panel, panel.Place{Slot: 5}), rec.CodeSealed, user.Wanted.Code.ID),
		user.Wanted.Code.Sealed, credentials.Scope{Kind: credentials.PanelScope, ID: w.panel}, user.Wanted.Code.Names)
	require.NoError(t, err)
	require.Equal(t, "8604", c.Reveal())
	secret, err := n.desk.Secret(t.Context(), "dsc", "298765432101", "itv2", "master")
	require.NoError(t, err)
	require.Equal(t, "4729", secret.Reveal())
	badge, err := op.Reveal(t.Context(), a.ID, "badge")
	require.NoError(t, err)
	require.Equal(t, "blue", badge.Reveal())
	require.ErrorIs(t, n.desk.As(w.worker).Person(other.ID).SetPIN(t.Context(), w.code("730528")), credentials.ErrCodeTaken)
	ids, err := n.people.Resolve(t.Context(), email)
	require.NoError(t, err)
	require.Equal(t, []accounts.ID{a.ID}, ids)
	_, err = op.CreateConfirmed(t.Context(), people.NewAccount{Email: email, Sites: accounts.TheseSites(site)})
	require.ErrorIs(t, err, accounts.ErrEmailInUse)
	third, err := accounts.ParseEmail("third@example.com")
	require.NoError(t, err)
	_, err = op.CreateConfirmed(t.Context(), people.NewAccount{Email: third, Username: "owner", Sites: accounts.TheseSites(site)})
	require.ErrorIs(t, err, accounts.ErrUsernameTaken)
	// What the log said of the owner before is readable with the new key alone.
	core := &flow.Core{Store: w.store, Keys: n.ring, Opener: n.ring, Authority: w.rights}
	es, err := w.store.Entries(t.Context(), store.EntryQuery{Target: []byte(a.ID), Limit: 1})
	require.NoError(t, err)
	e, err := audit.Decode(es[0].Body)
	require.NoError(t, err)
	e, err = core.OpenEntry(t.Context(), e)
	require.NoError(t, err)
	require.Equal(t, "owner@example.com", e.Value(audit.FieldEmail))
}

// Three nodes ask for the same codes through all phases, one of them always late to hear
// of an epoch: each code has one winner.
//
// Rules: G190, G191
func TestOneWinnerWhileKeysRotate(t *testing.T) {
	rounds := 500
	if testing.Short() {
		rounds = 50
	}
	w := begin(t, nil, nil)
	for _, n := range w.nodes {
		w.give(n)
		require.NoError(t, n.keys.Follow(t.Context()))
	}
	seen, taken := map[credentials.Phase]int{}, map[string]bool{}
	for i := range rounds {
		if i == rounds/10 {
			require.NoError(t, w.nodes[0].keys.Begin(t.Context(), w.worker, w.new.ID()))
		}
		code, err := credentials.Generate(rand.Reader, 4, credentials.Policy{}, func(c panel.Code) bool { return taken[c.Reveal()] })
		require.NoError(t, err)
		taken[code.Reveal()] = true
		errs := make([]error, len(w.nodes))
		var all sync.WaitGroup
		for k, n := range w.nodes {
			all.Go(func() { errs[k] = w.set(t.Context(), n, 10+k, code) })
		}
		if i%(rounds/10) == rounds/20 { // a step in the middle of the race
			all.Go(func() {
				_ = w.nodes[1].keys.Follow(t.Context())
				if _, err := w.nodes[0].keys.Step(t.Context()); err != nil && !errors.Is(err, credentials.ErrRotation) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		won := 0
		for k, err := range errs {
			if err != nil {
				continue
			}
			won++
			require.Contains(t, []string{w.holder(w.old, code), w.holder(w.new, code)}, rec.UserID(w.panel, panel.Place{Slot: 10 + k}))
		}
		require.LessOrEqual(t, won, 1, "round %d, phase %d", i, w.phase())
		require.Positive(t, won, "round %d, phase %d: %v", i, w.phase(), errs)
		seen[w.phase()]++
		if i%(rounds/10) == rounds/15 {
			require.NoError(t, w.nodes[2].keys.Follow(t.Context())) // the lagging one
		}
	}
	for p := credentials.Announced; p <= credentials.Verifying; p++ {
		require.Positive(t, seen[p], "phase %d", p)
	}
	for range 10 {
		if w.turn() {
			break
		}
	}
	require.Equal(t, credentials.Dropped, w.phase())
}

// A node that lacks the new key holds a rotation up and is not waited for when it has gone;
// a node that has not heard of the new epoch claims nothing.
//
// Rules: G191
func TestARotationWaitsForItsWriters(t *testing.T) {
	w := begin(t, nil, nil)
	w.give(w.nodes[0])
	for _, n := range w.nodes {
		require.NoError(t, n.keys.Follow(t.Context()))
	}
	require.NoError(t, w.nodes[0].keys.Begin(t.Context(), w.worker, w.new.ID()))
	_, err := w.nodes[0].keys.Step(t.Context())
	require.ErrorIs(t, err, credentials.ErrRotation)
	require.ErrorContains(t, err, "2 writers lack the new key")
	require.NoError(t, w.nodes[1].keys.Cancel(t.Context(), w.worker))
	require.NoError(t, w.nodes[0].keys.Begin(t.Context(), w.worker, w.new.ID()))
	for _, n := range w.nodes[1:] {
		w.give(n)
		require.NoError(t, n.keys.Follow(t.Context()))
	}
	_, err = w.nodes[0].keys.Step(t.Context())
	require.NoError(t, err)
	require.ErrorIs(t, w.nodes[0].keys.Cancel(t.Context(), w.worker), keys.ErrNoRotation)
	_, err = w.nodes[0].keys.Step(t.Context())
	require.ErrorContains(t, err, "2 writers have an older epoch")
	require.ErrorIs(t, w.set(t.Context(), w.nodes[2], 5, w.code("8604")), flow.ErrKeyEpoch)
	require.NoError(t, w.nodes[2].keys.Follow(t.Context()))
	require.NoError(t, w.set(t.Context(), w.nodes[2], 5, w.code("8604")))
}

// A key is announced after the one that the store has, whatever the announcing node has
// heard of, and not beside another that was announced meanwhile.
//
// Rules: G191
func TestARotationBeginsWhereTheStoreIs(t *testing.T) {
	var meanwhile func()
	w := begin(t, nil, func(st store.Store) store.Store {
		return storetest.Faulty(st, func(c storetest.Call) storetest.Fault {
			if do := meanwhile; do != nil && c.Verb == storetest.Commit {
				meanwhile = nil
				do()
			}
			return storetest.Pass
		})
	})
	third := key(t, "thirdkey-3")
	all, err := credentials.NewKeyring("", []credentials.Key{w.old, w.new, third}, credentials.KeyringOptions{})
	require.NoError(t, err)
	for _, n := range w.nodes {
		require.NoError(t, n.ring.Use(all))
		require.NoError(t, n.keys.Follow(t.Context()))
	}
	meanwhile = func() { assert.NoError(t, w.nodes[1].keys.Begin(t.Context(), w.worker, w.new.ID())) }
	require.ErrorIs(t, w.nodes[0].keys.Begin(t.Context(), w.worker, third.ID()), keys.ErrRotating)
	require.Nil(t, meanwhile)
	for steps := 0; !w.turn(); steps++ {
		require.Less(t, steps, 40)
	}
	late := w.start("late", nil)
	require.NoError(t, late.ring.Use(all))
	require.Equal(t, w.old.ID(), late.ring.Epoch().Seal, "it has heard of nothing")
	require.NoError(t, late.keys.Begin(t.Context(), w.worker, third.ID()))
	p, err := w.nodes[0].keys.Progress(t.Context())
	require.NoError(t, err)
	require.Equal(t, credentials.Rotation{From: w.new.ID(), To: third.ID(), Start: w.nodes[0].ring.Epoch().N, Phase: credentials.Announced}, p.Rotation)
}

// A rotation that dies at any of its calls to the store, before or after the call, goes on
// from there, and a code that somebody has is nobody else's at any moment.
//
// Rules: G191
func TestARotationIsKilledAnywhere(t *testing.T) {
	for _, how := range []storetest.Fault{storetest.Fail, storetest.Lose} {
		for at := 1; ; at++ {
			if testing.Short() && at%7 != 0 {
				continue
			}
			var mu sync.Mutex
			commits, armed := 0, false
			w := begin(t, nil, func(st store.Store) store.Store {
				return storetest.Faulty(st, func(c storetest.Call) storetest.Fault {
					mu.Lock()
					defer mu.Unlock()
					if !armed || c.Verb != storetest.Commit {
						return storetest.Pass
					}
					if commits++; commits >= at && commits < at+3 { // a commit is tried three times
						return how
					}
					return storetest.Pass
				})
			})
			require.NoError(t, w.set(t.Context(), w.nodes[0], 5, w.code("8604")))
			for _, n := range w.nodes {
				w.give(n)
				require.NoError(t, n.keys.Follow(t.Context()))
			}
			armed = true
			over, killed := false, false
			for steps := 0; !over; steps++ {
				require.Less(t, steps, 40)
				for _, n := range w.nodes {
					if n.keys.Follow(t.Context()) != nil {
						killed = true
					}
				}
				var err error
				if w.phase() == 0 {
					err = w.nodes[0].keys.Begin(t.Context(), w.worker, w.new.ID())
				} else {
					over, err = w.nodes[0].keys.Step(t.Context())
				}
				if err != nil && !errors.Is(err, credentials.ErrRotation) {
					killed, over = true, false
				}
				err = w.set(t.Context(), w.nodes[1], 6, w.code("8604"))
				require.True(t, errors.Is(err, credentials.ErrCodeTaken) || errors.Is(err, flow.ErrKeyEpoch), "nobody else's, in phase %d: %v", w.phase(), err)
			}
			rests, err := w.nodes[0].keys.Resting(t.Context(), w.old.ID())
			require.NoError(t, err)
			require.Empty(t, rests)
			require.True(t, strings.HasSuffix(w.holder(w.new, w.code("8604")), "0005"))
			if !killed {
				require.Greater(t, at, 15, "every commit was killed once")
				break
			}
		}
	}
}

// A code whose digits nobody has any more stays taken: both keys are claimed under until
// it ends, and only then is the old one let go.
//
// Rules: G191
func TestACodeWithoutDigitsStaysTaken(t *testing.T) {
	w := begin(t, nil, nil)
	require.NoError(t, w.set(t.Context(), w.nodes[0], 5, w.code("8604")))
	edit := func(change func(u *rec.User)) {
		core := &flow.Core{Store: w.store, Keys: w.nodes[0].ring, Authority: w.rights}
		id := rec.UserID(w.panel, panel.Place{Slot: 5})
		_, err := core.Act(t.Context(), w.worker, func(u *flow.Unit) error {
			user, _, err := flow.Load(u, rec.Users, id)
			if err != nil {
				return err
			}
			before := user.Claims()
			change(&user)
			for _, n := range before {
				if !slices.Contains(user.Claims(), n) {
					u.Do(store.Release{Name: store.Name(n), Holder: user.Holder, Use: id})
				}
			}
			if _, err := u.Say(audit.RepairDone, audit.Success, nil); err != nil {
				return err
			}
			return flow.Put(u, rec.Users, id, &user)
		})
		require.NoError(t, err)
	}
	edit(func(u *rec.User) { // as a wish leaves it that the panel has fulfilled
		u.Agreed.Set, u.Agreed.Code = true, panel.CodeRef{Names: u.Wanted.Code.Names}
		u.Wanted, u.Pending = panel.State{}, 0
	})
	for _, n := range w.nodes {
		w.give(n)
		require.NoError(t, n.keys.Follow(t.Context()))
	}
	require.NoError(t, w.nodes[0].keys.Begin(t.Context(), w.worker, w.new.ID()))
	for range 12 {
		require.False(t, w.turn())
		err := w.set(t.Context(), w.nodes[1], 6, w.code("8604"))
		require.True(t, errors.Is(err, credentials.ErrCodeTaken) || errors.Is(err, flow.ErrKeyEpoch), "%v", err)
	}
	require.Equal(t, credentials.Verifying, w.phase())
	p, err := w.nodes[0].keys.Progress(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, p.Tally.Opaque)
	require.NoError(t, w.set(t.Context(), w.nodes[1], 7, w.code("5917")), "others go on")

	edit(func(u *rec.User) { u.Agreed = panel.State{} }) // the user is gone from the panel
	for range 6 {
		if w.turn() {
			break
		}
	}
	require.Equal(t, credentials.Dropped, w.phase())
}

// A code that the panel shows again after the new key came gets its new name from that.
func TestACodeThatIsSeenAgainIsRenewed(t *testing.T) {
	w := begin(t, nil, nil)
	require.NoError(t, w.set(t.Context(), w.nodes[0], 5, w.code("8604")))
	for _, n := range w.nodes {
		w.give(n)
		require.NoError(t, n.keys.Follow(t.Context()))
	}
	require.NoError(t, w.nodes[0].keys.Begin(t.Context(), w.worker, w.new.ID()))
	for w.phase() != credentials.BackFilling {
		require.False(t, w.turn())
	}
	core := &flow.Core{Store: w.store, Keys: w.nodes[0].ring, Authority: w.rights}
	id := rec.UserID(w.panel, panel.Place{Slot: 5})
	names, err := credentials.Names(w.nodes[0].ring, credentials.Scope{Kind: credentials.PanelScope, ID: w.panel}, credentials.CodeMaterial(w.code("8604")))
	require.NoError(t, err)
	require.Len(t, names, 2)
	_, err = core.Act(t.Context(), w.worker, func(u *flow.Unit) error {
		user, _, err := flow.Load(u, rec.Users, id)
		if err != nil {
			return err
		}
		user.Agreed.Set, user.Agreed.Code = true, panel.CodeRef{Names: user.Wanted.Code.Names}
		user.Wanted, user.Pending = panel.State{}, 0
		user.Reported.Set, user.Reported.Code = true, panel.CodeRef{Names: names, Mark: names[0]}
		if _, err := u.Say(audit.RepairDone, audit.Success, nil); err != nil {
			return err
		}
		return flow.Put(u, rec.Users, id, &user)
	})
	require.NoError(t, err)
	for range 6 {
		if w.turn() {
			break
		}
	}
	require.Equal(t, credentials.Dropped, w.phase())
	require.Equal(t, id, w.holder(w.new, w.code("8604")))
}
