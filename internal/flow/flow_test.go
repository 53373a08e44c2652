package flow_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

var operator = accounts.HostActor("operator", "The Operator", "test")

func core(t *testing.T, st store.Store) *flow.Core {
	t.Helper()
	ring, err := credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
	require.NoError(t, err)
	c := &flow.Core{Store: st, Keys: ring, Authority: accounts.StaticAuthority{"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}}}
	require.NoError(t, c.Check())
	return c
}

// rename is a decision about one panel.
func rename(id, name string) func(u *flow.Unit) error {
	return func(u *flow.Unit) error {
		p, _, err := flow.Load(u, rec.Panels, id)
		if err != nil {
			return err
		}
		p.Name, p.Site = name, "site-1"
		if err := flow.Put(u, rec.Panels, id, &p); err != nil {
			return err
		}
		_, err = u.Say(audit.PanelChanged, audit.Success, []string{id}, flow.F(audit.FieldPanel, id))
		return err
	}
}

func TestWhatIsMissingIsSaidAtStart(t *testing.T) {
	err := (&flow.Core{}).Check()
	for _, what := range []string{"store", "keyring", "authority"} {
		require.ErrorContains(t, err, what)
	}
}

// Rules: R190, R194, R253
func TestAChangeHasItsEntryAndItsState(t *testing.T) {
	st := memstore.Open()
	c := core(t, st)
	_, err := c.Act(t.Context(), operator, rename("p1", "Front"))
	require.NoError(t, err)
	es, err := st.Entries(t.Context(), store.EntryQuery{Target: []byte("p1")})
	require.NoError(t, err)
	require.Len(t, es, 1)
	e, err := audit.Decode(es[0].Body)
	require.NoError(t, err)
	require.Equal(t, "host/operator", e.Actor().String())
	rs, err := st.Load(t.Context(), rec.Panels.Key("p1"))
	require.NoError(t, err)
	require.Equal(t, []audit.State{{Row: "panel/p1", Digest: audit.StateDigest(1, rs[0].Body)}}, e.State)
	hash, err := e.Hash()
	require.NoError(t, err)
	require.Equal(t, es[0].Hash, hash)

	_, err = c.Act(t.Context(), operator, func(u *flow.Unit) error { return flow.Put(u, rec.Panels, "p2", &rec.Panel{}) })
	require.ErrorIs(t, err, store.ErrNoEntry, "no audit, no change")
}

// Rules: R193, R255, R256
func TestPersonalFieldsOpenOnlyWhileTheirKeyExists(t *testing.T) {
	st := memstore.Open()
	c := core(t, st)
	_, err := c.Act(t.Context(), operator, func(u *flow.Unit) error {
		_, err := u.Say(audit.AccountCreated, audit.Success, []string{"a1"}, flow.Field{Name: audit.FieldEmail, Value: "owner@example.com", Of: "account/a1"})
		return err
	})
	require.NoError(t, err)
	read := func() audit.Entry {
		es, err := st.Entries(t.Context(), store.EntryQuery{Target: []byte("a1")})
		require.NoError(t, err)
		require.NotContains(t, fmt.Sprintf("%s %+v", es[0].Body, es[0]), "owner@example")
		require.NotContains(t, string(es[0].Body), "The Operator")
		e, err := audit.Decode(es[0].Body)
		require.NoError(t, err)
		e, err = c.OpenEntry(t.Context(), e)
		require.NoError(t, err)
		return e
	}
	require.Equal(t, "owner@example.com", read().Value(audit.FieldEmail))
	require.Equal(t, "The Operator", read().Actor().Name)

	_, err = c.Act(t.Context(), operator, func(u *flow.Unit) error {
		s, _, err := flow.Load(u, rec.Salts, "account/a1")
		if err != nil {
			return err
		}
		s.Salt = nil
		if err := flow.Put(u, rec.Salts, "account/a1", &s); err != nil {
			return err
		}
		_, err = u.Say(audit.RepairDone, audit.Success, nil)
		return err
	})
	require.NoError(t, err)
	require.Empty(t, read().Value(audit.FieldEmail), "the key is gone, the entry stays")

	// Who is erased while something is under way about them: it is entered without them.
	_, err = c.Act(t.Context(), operator, func(u *flow.Unit) error {
		_, err := u.Say(audit.OperationRefused, audit.Failure, []string{"a1"}, flow.F(audit.FieldReason, "late"),
			flow.Field{Name: audit.FieldEmail, Value: "owner@example.com", Of: "account/a1"})
		return err
	})
	require.NoError(t, err)
	es, err := st.Entries(t.Context(), store.EntryQuery{Target: []byte("a1"), OldestLast: true, Limit: 1})
	require.NoError(t, err)
	e, err := audit.Decode(es[0].Body)
	require.NoError(t, err)
	require.Equal(t, "late", e.Value(audit.FieldReason))
	_, there := e.Field(audit.FieldEmail)
	require.False(t, there)
}

func TestWhatWasSeenIsChecked(t *testing.T) {
	st := memstore.Open()
	c := core(t, st)
	_, err := c.Act(t.Context(), operator, rename("p1", "Front"))
	require.NoError(t, err)
	rounds := 0
	_, err = c.Act(t.Context(), operator, func(u *flow.Unit) error {
		rounds++
		p, _, err := flow.Load(u, rec.Panels, "p1")
		if err != nil {
			return err
		}
		if rounds == 1 { // somebody else is faster
			if _, err := c.Act(t.Context(), operator, rename("p1", "Back")); err != nil {
				return err
			}
		}
		_, err = u.Say(audit.PanelTested, audit.Success, []string{p.Name})
		return err
	})
	require.NoError(t, err)
	require.Equal(t, 2, rounds, "it was decided again")
	es, err := st.Entries(t.Context(), store.EntryQuery{Target: []byte("Front")})
	require.NoError(t, err)
	require.Empty(t, es, "nothing of the first decision is left")
}

func TestADecisionIsMadeAgainEightTimes(t *testing.T) {
	c := core(t, storetest.Faulty(memstore.Open(), func(call storetest.Call) storetest.Fault {
		if call.Verb == storetest.Commit {
			return storetest.Stale
		}
		return storetest.Pass
	}))
	rounds := 0
	_, err := c.Act(t.Context(), operator, func(u *flow.Unit) error { rounds++; return rename("p1", "x")(u) })
	require.ErrorIs(t, err, flow.ErrContended)
	require.Equal(t, 8, rounds)
}

// Rules: R194
func TestALostAnswerIsAskedForAgainAndCommitsOnce(t *testing.T) {
	for name, fault := range map[string]storetest.Fault{"done": storetest.Lose, "not done": storetest.Fail} {
		t.Run(name, func(t *testing.T) {
			st := memstore.Open()
			c := core(t, storetest.Faulty(st, func(call storetest.Call) storetest.Fault {
				if call.Verb == storetest.Commit && call.N == 1 {
					return fault
				}
				return storetest.Pass
			}))
			_, err := c.Act(t.Context(), operator, rename("p1", "Front"))
			require.NoError(t, err)
			es, err := st.Entries(t.Context(), store.EntryQuery{Target: []byte("p1")})
			require.NoError(t, err)
			require.Len(t, es, 1)
		})
	}
}

// Rules: R194
func TestNothingChangesWhenTheLogCannotBeWritten(t *testing.T) {
	st := memstore.Open()
	c := core(t, storetest.Faulty(st, func(call storetest.Call) storetest.Fault {
		if call.Verb == storetest.Commit {
			return storetest.Fail
		}
		return storetest.Pass
	}))
	_, err := c.Act(t.Context(), operator, rename("p1", "Front"))
	require.ErrorIs(t, err, flow.ErrAuditWrite)
	rs, err := st.Load(t.Context(), rec.Panels.Key("p1"))
	require.NoError(t, err)
	require.Zero(t, rs[0].Version)
}

// Rules: R195
func TestRefusalsAreThinned(t *testing.T) {
	st := memstore.Open()
	c := core(t, st)
	refusal := errors.New("roster: no")
	for range 1000 {
		require.Equal(t, refusal, c.Refused(t.Context(), operator, "roster.SetCode", []string{"p1"}, refusal))
	}
	es, err := st.Entries(t.Context(), store.EntryQuery{Target: []byte("p1")})
	require.NoError(t, err)
	var counts []string
	for _, e := range es {
		d, err := audit.Decode(e.Body)
		require.NoError(t, err)
		counts = append(counts, d.Value(audit.FieldCount))
	}
	require.Equal(t, []string{"1", "10", "100", "1000"}, counts)
}

// Rules: R22, R23, G198
func TestRightsAreAskedFirst(t *testing.T) {
	c := core(t, memstore.Open())
	require.NoError(t, c.Allowed(t.Context(), operator, "roster.SetCode", "site-1"))
	require.ErrorIs(t, c.Allowed(t.Context(), operator, "roster.Adopt", "site-1"), accounts.ErrStepUpRequired)
	require.NoError(t, c.Allowed(t.Context(), operator.Vouched(c.Time()), "roster.Adopt", "site-1"))
	require.ErrorIs(t, c.Allowed(t.Context(), operator, "roster.Nonsense", "site-1"), accounts.ErrPermissionDenied, "an operation without a row asks for a right that nobody has")
	require.ErrorIs(t, c.Allowed(t.Context(), accounts.HostActor("stranger", "", ""), "roster.SetCode", "site-1"), accounts.ErrNotEnabled)

	ctx := t.Context()
	allocs := testing.AllocsPerRun(100, func() {
		if err := c.Allowed(ctx, operator, "roster.SetCode", "site-1"); err != nil {
			t.Fatal(err)
		}
	})
	require.Zero(t, allocs, "authorising does not allocate")
}

// Rules: G191
func TestClaimsRestOnTheKeyEpoch(t *testing.T) {
	st := memstore.Open()
	c := core(t, st)
	claim := func(u *flow.Unit) error {
		u.Do(store.Claim{Name: "n", Holder: "h", Use: "u"})
		_, err := u.Say(audit.RepairDone, audit.Success, nil)
		return err
	}
	_, err := c.Act(t.Context(), operator, claim)
	require.NoError(t, err, "a store without the record is of the first epoch")
	move := func(n uint64) {
		_, err := c.Act(t.Context(), operator, func(u *flow.Unit) error {
			e, _, err := flow.Load(u, rec.Epochs, rec.EpochID)
			if err != nil {
				return err
			}
			e.N = n
			if err := flow.Put(u, rec.Epochs, rec.EpochID, &e); err != nil {
				return err
			}
			_, err = u.Say(audit.KeysRotated, audit.Success, nil)
			return err
		})
		require.NoError(t, err)
	}
	move(2)
	_, err = c.Act(t.Context(), operator, claim)
	require.ErrorIs(t, err, flow.ErrKeyEpoch, "a node with the keys before must not claim")
	_, err = c.Act(t.Context(), operator, rename("p1", "Front"))
	require.NoError(t, err, "what claims nothing goes on")
}

// A decision that reads a record twice rests on what it read first.
func TestADecisionThatReadsTwiceSeesNoChangeBetween(t *testing.T) {
	c := newCore(t)
	change := func() {
		_, err := c.Act(t.Context(), tester, func(u *flow.Unit) error {
			l, _, err := flow.Load(u, rec.Lockouts, "lock")
			l.Wrong++
			return errors.Join(err, flow.Put(u, rec.Lockouts, "lock", &l))
		})
		require.NoError(t, err)
	}
	change()
	turns := 0
	var first, second rec.Lockout
	_, err := c.Act(t.Context(), tester, func(u *flow.Unit) (err error) {
		if first, _, err = flow.Load(u, rec.Lockouts, "lock"); err != nil {
			return err
		}
		if turns++; turns == 1 {
			change()
		}
		if second, _, err = flow.Load(u, rec.Lockouts, "lock"); err != nil {
			return err
		}
		return say(u, "owner")
	})
	require.NoError(t, err)
	require.Equal(t, 2, turns)
	require.Equal(t, first, second)
}
