package roster_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/mint"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// paired is a paper panel that lets us in when somebody touches Pair after a while.
type paired struct {
	*paper
	after   time.Duration // until somebody does; negative: nobody
	calls   string        // how the panel that comes names itself
	key     string
	windows []string // for whom they were opened
}

func (p *paired) Pair(ctx context.Context, ident string) (panel.Candidate, error) {
	p.windows = append(p.windows, ident)
	if p.after >= 0 {
		select {
		case <-time.After(p.after):
			return panel.Candidate{Ident: p.calls, Print: "C0FFEE", Route: "wire", Secrets: map[string]panel.Secret{"key": panel.SecretOf(p.key)}}, nil
		case <-ctx.Done():
		}
	}
	<-ctx.Done()
	return panel.Candidate{}, ctx.Err()
}

// pairRig is a desk whose loops do not run: nobody talks to the panel but to pair.
type pairRig struct {
	*testing.T
	store  store.Store
	desk   *roster.Desk
	paired *paired
	rights accounts.StaticAuthority
	shown  []roster.Candidate
}

func pairing(t *testing.T, test func(r *pairRig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &pairRig{
			T: t, store: memstore.Open(),
			paired: &paired{paper: &paper{model: slots(4), length: 4}, after: 20 * time.Second, calls: "AA:01", key: "the key of the panel"},
			rights: accounts.StaticAuthority{"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}},
		}
		var err error
		r.desk, err = roster.New(roster.Options{
			Store: r.store, Keys: ring(t), Directory: &people{}, Authority: r.rights,
			Drivers: map[string]panel.Driver{"maker": r.paired, "other": r.paired.paper},
		})
		require.NoError(t, err)
		test(r)
	})
}

func (r *pairRig) op() *roster.Operator {
	return r.desk.As(accounts.HostActor("operator", "", "").Vouched(time.Now()))
}

// says is a person who looks at the panel and answers.
func (r *pairRig) says(yes bool) roster.Confirm {
	return func(_ context.Context, c roster.Candidate) bool {
		r.shown = append(r.shown, c)
		r.nothing()
		return yes
	}
}

func (r *pairRig) toPair() roster.Registration {
	return roster.Registration{Site: site, Driver: "maker", Ident: "aa:01", Routes: map[string]roster.Route{"wire": {Addr: "10.0.0.1"}}}
}

func (r *pairRig) pair(confirm roster.Confirm) (roster.Panel, error) {
	return r.op().Pair(r.Context(), r.toPair(), confirm)
}

// nothing checks that no panel is registered.
func (r *pairRig) nothing() {
	r.Helper()
	all, err := r.op().Panels(r.Context(), "", 0)
	require.NoError(r, err)
	require.Empty(r, all)
}

// steps are the log's entries about pairing and what came of it, oldest first. The key is
// in none of them.
func (r *pairRig) steps() []string {
	r.Helper()
	es, err := r.store.Entries(r.Context(), store.EntryQuery{ByIndex: true})
	require.NoError(r, err)
	var out []string
	for _, e := range es {
		require.NotContains(r, string(e.Body), r.paired.key)
		out = append(out, strings.TrimPrefix(e.Action, "panel."))
	}
	return out
}

// A panel that gives its key is registered by the confirmation, with the key sealed in its
// record and in no other form, and by nothing else.
//
// Rules: R266
func TestAPanelIsPairedByAPersonsConfirmation(t *testing.T) {
	pairing(t, func(r *pairRig) {
		_, err := r.pair(r.says(false))
		require.ErrorIs(r, err, roster.ErrNotConfirmed)
		r.nothing()
		require.Equal(r, []string{"pairing.begun", "pairing.shown", "pairing.ended"}, r.steps())

		begun := time.Now().UTC()
		p, err := r.pair(r.says(true))
		require.NoError(r, err)
		require.Equal(r, roster.Candidate{Ident: "AA:01", Print: "C0FFEE", Until: begun.Add(3 * time.Minute)}, r.shown[1])
		require.Equal(r, "AA:01", p.Ident)
		require.ElementsMatch(r, []string{"pairing.begun", "pairing.shown", "registered", "paired"}, r.steps()[3:])
		key, err := r.desk.Secret(r.Context(), "maker", "AA:01", "wire", "key")
		require.NoError(r, err)
		require.Equal(r, r.paired.key, key.Reveal())
		rs, err := r.store.List(r.Context(), store.Query{Kind: "panel"})
		require.NoError(r, err)
		require.Len(r, rs, 1)
		require.NotContains(r, string(rs[0].Body), r.paired.key)

		_, err = r.op().Pair(r.Context(), roster.Registration{Site: site, Driver: "maker", Ident: "AA:01"}, r.says(true))
		require.ErrorIs(r, err, roster.ErrIdentTaken)
		require.Len(r, r.paired.windows, 2, "no window is opened for a panel that is there")
	})
}

// The window ends by itself, whether nobody came, nobody answered, or somebody answered
// too late; and it ends with whoever asked for it.
//
// Rules: R266
func TestAPairingWindowEndsByItself(t *testing.T) {
	late := func(ctx context.Context, _ roster.Candidate) bool { <-ctx.Done(); return true }
	for name, spoil := range map[string]func(*pairRig){
		"nobody came":     func(r *pairRig) { r.paired.after = -1 },
		"came too late":   func(r *pairRig) { r.paired.after = time.Hour },
		"nobody answered": func(*pairRig) {},
	} {
		t.Run(name, func(t *testing.T) {
			pairing(t, func(r *pairRig) {
				spoil(r)
				begun := time.Now()
				_, err := r.pair(late)
				require.ErrorIs(r, err, roster.ErrPairingOver)
				require.Equal(r, 3*time.Minute, time.Since(begun))
				r.nothing()
				require.Equal(r, "pairing.ended", r.steps()[len(r.steps())-1])
			})
		})
	}
	pairing(t, func(r *pairRig) {
		ctx, hangUp := context.WithCancelCause(r.Context())
		gone := errors.New("gone")
		_, err := r.op().Pair(ctx, r.toPair(), func(context.Context, roster.Candidate) bool { hangUp(gone); return true })
		require.ErrorIs(r, err, gone)
		r.nothing()
		require.Equal(r, []string{"pairing.begun", "pairing.shown", "pairing.ended"}, r.steps())
	})
}

// Only the panel that was named can be paired, and only by who may give a panel's secrets
// when the confirmation is given.
//
// Rules: R266
func TestPairingAsksForTheRightToGiveSecrets(t *testing.T) {
	pairing(t, func(r *pairRig) {
		all := r.rights["operator"]
		without := all
		without.Rights = all.Rights.Without(accounts.RightsOf(accounts.PanelsSecrets))
		r.rights["operator"] = without
		_, err := r.pair(r.says(true))
		require.ErrorIs(r, err, accounts.ErrPermissionDenied)
		r.rights["operator"] = all
		_, err = r.desk.As(accounts.HostActor("operator", "", "")).Pair(r.Context(), r.toPair(), r.says(true))
		require.ErrorIs(r, err, accounts.ErrStepUpRequired)
		require.Empty(r, r.paired.windows, "refused before a window is opened")

		_, err = r.pair(func(context.Context, roster.Candidate) bool { r.rights["operator"] = without; return true })
		require.ErrorIs(r, err, accounts.ErrPermissionDenied, "taken away while the window was open")
		r.rights["operator"] = all
		r.nothing()

		r.paired.calls = "AA:02"
		_, err = r.pair(r.says(true))
		require.ErrorIs(r, err, panel.ErrIdentity)
		require.Empty(r, r.shown, "another panel is not even shown")
		r.nothing()

		for want, one := range map[error]roster.Registration{
			roster.ErrNoPairing:   {Site: site, Driver: "other", Ident: "AA:01"},
			roster.ErrNoDriver:    {Site: site, Driver: "none", Ident: "AA:01"},
			roster.ErrPanelFields: {Site: site, Driver: "maker"},
		} {
			_, err = r.op().Pair(r.Context(), one, r.says(true))
			require.ErrorIs(r, err, want)
		}
	})
}

// A factor that was proven for pairing at a site, or for pairing a panel anew, carries the
// whole act: the steps before the key is stored do not use it up, and storing the key does.
//
// Rules: G198, R266
func TestAProofForPairingIsSpentByTheKey(t *testing.T) {
	pairing(t, func(r *pairRig) {
		r.rights["chief"] = r.rights["operator"]
		prove := func(op, target string) *roster.Operator {
			core := &flow.Core{Store: r.store, Keys: ring(r.T)}
			proof := accounts.Proof{ID: flow.NewID(), Session: "session", Op: op, Target: target, At: time.Now()}
			_, err := core.Act(r.Context(), accounts.SystemActor("test"), func(u *flow.Unit) error {
				v, _, err := flow.Load(u, rec.Sessions, proof.Session)
				v.Proof = &rec.Proof{At: proof.At, ID: proof.ID, Op: proof.Op, Target: proof.Target}
				_, said := u.Say(audit.SignInStepUp, audit.Success, nil)
				return errors.Join(err, said, flow.Put(u, rec.Sessions, proof.Session, &v))
			})
			require.NoError(r, err)
			return r.desk.As(accounts.Bound(mint.Token{}, accounts.HostActor("chief", "", ""), proof))
		}
		yes := func(context.Context, roster.Candidate) bool { return true }
		no := func(context.Context, roster.Candidate) bool { return false }

		_, err := prove("roster.Pair", "site/other").Pair(r.Context(), r.toPair(), yes)
		require.ErrorIs(r, err, accounts.ErrStepUpRequired)
		require.Empty(r, r.paired.windows, "refused before a window is opened")
		chief := prove("roster.Pair", "site/"+site)
		_, err = chief.Pair(r.Context(), r.toPair(), no)
		require.ErrorIs(r, err, roster.ErrNotConfirmed)
		p, err := chief.Pair(r.Context(), r.toPair(), yes)
		require.NoError(r, err)
		another := r.toPair()
		another.Ident = "AA:02"
		_, err = chief.Pair(r.Context(), another, yes)
		require.ErrorIs(r, err, accounts.ErrStepUpRequired)

		tab := prove("roster.PairAnew", p.ID).Panel(p.ID)
		require.ErrorIs(r, tab.PairAnew(r.Context(), no), roster.ErrNotConfirmed)
		require.NoError(r, tab.PairAnew(r.Context(), yes))
		require.ErrorIs(r, tab.PairAnew(r.Context(), yes), accounts.ErrStepUpRequired)
	})
}

// A registered panel is paired anew in the same way: its address stays, its old key goes.
//
// Rules: R266
func TestARegisteredPanelIsPairedAnew(t *testing.T) {
	pairing(t, func(r *pairRig) {
		p, err := r.pair(r.says(true))
		require.NoError(r, err)
		tab := r.op().Panel(p.ID)
		key := func() string {
			s, err := r.desk.Secret(r.Context(), "maker", "AA:01", "wire", "key")
			require.NoError(r, err)
			return s.Reveal()
		}
		before := key()
		r.paired.key = "another key"
		yes := func(context.Context, roster.Candidate) bool { return true }
		require.ErrorIs(r, tab.PairAnew(r.Context(), func(context.Context, roster.Candidate) bool { return false }), roster.ErrNotConfirmed)
		require.Equal(r, before, key())
		n := len(r.steps())
		require.NoError(r, tab.PairAnew(r.Context(), yes))
		require.Equal(r, "another key", key())
		require.ElementsMatch(r, []string{"pairing.begun", "pairing.shown", "secret.changed", "paired"}, r.steps()[n:])

		require.ErrorIs(r, tab.PairAnew(r.Context(), func(context.Context, roster.Candidate) bool {
			require.NoError(r, tab.Retire(r.Context(), true))
			return true
		}), panel.ErrIdentity, "retired while the window was open")
		require.ErrorIs(r, tab.PairAnew(r.Context(), yes), roster.ErrNotInService)
		require.ErrorIs(r, r.op().Panel("none").PairAnew(r.Context(), yes), panel.ErrPanelNotFound)
	})
}
