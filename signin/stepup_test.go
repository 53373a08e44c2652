package signin_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
	"github.com/seed-a2d3eaca/keyholder/credentials/password"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/signin"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// office is a world in which an administrator works with other accounts by the rights of
// their own.
type office struct {
	*world
	desk  *people.Service
	token signin.Token
	a, b  people.Account
}

func newOffice(t testing.TB, edits ...func(*setup)) *office {
	t.Helper()
	w := newWorld(t, append([]func(*setup){func(c *setup) {
		c.policy.StepUp = signin.Bound
		c.signin = func(o *signin.Options) { o.Authority = nil }
	}}, edits...)...)
	desk, err := people.New(people.Options{Store: w.opts.Store, Keys: w.keys, Authority: w.signin.Authority(), Mailer: w.mail, FirstTry: -1, Policy: w.opts.Accounts})
	require.NoError(t, err)
	everywhere := func(n *people.NewAccount) { n.Sites, n.Roles = accounts.AllSites(), []string{accounts.AdminRole} }
	w.owner("chief", everywhere)
	w.owner("deputy", everywhere)
	return &office{world: w, desk: desk, a: w.owner("first"), b: w.owner("second"), token: w.in("chief").Token}
}

// hand is the desk in the hands of whoever shows the token.
func (o *office) hand() *people.Operator { return o.desk.As(o.actor()) }

func (o *office) actor() accounts.Actor {
	o.t.Helper()
	s, err := o.signin.Check(o.ctx(), o.token, home)
	require.NoError(o.t, err)
	return s.Actor()
}

// prove proves the password for an act.
func (o *office) prove(op string, target accounts.ID) {
	o.t.Helper()
	token, err := o.hands(o.token).Prove(o.ctx(), signin.Act{Op: op, Target: string(target)}, signin.Password, otp.Answer{}, first)
	require.NoError(o.t, err)
	require.False(o.t, o.alive(o.token), "the token from before the proof")
	o.token = token
}

func (o *office) lend(hand *people.Operator, to people.Account) error {
	_, err := hand.Lend(o.ctx(), to.ID, people.Loan{Rights: accounts.RightsOf(accounts.AuditView), Until: time.Now().Add(time.Hour), Reason: "cover"})
	return err
}

// A factor that was proven for an act counts for that act on that target, once, and not for
// long.
//
// Rules: G198, G134
func TestAProofIsForOneActOnOneTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		roles := func(hand *people.Operator, of people.Account) error {
			_, err := hand.SetRoles(t.Context(), of.ID, "installer")
			return err
		}
		require.ErrorIs(t, roles(o.hand(), o.a), accounts.ErrStepUpRequired, "that they have just signed in counts for no act")
		token, err := o.hands(o.token).StepUp(t.Context(), signin.Password, otp.Answer{}, first)
		require.NoError(t, err)
		o.token = token
		require.ErrorIs(t, roles(o.hand(), o.a), accounts.ErrStepUpRequired, "nor does a proof for nothing")

		o.prove("people.SetRoles", o.a.ID)
		require.ErrorIs(t, o.lend(o.hand(), o.a), accounts.ErrStepUpRequired, "another act")
		require.ErrorIs(t, roles(o.hand(), o.b), accounts.ErrStepUpRequired, "another target")
		_, err = o.hand().SetRoles(t.Context(), o.a.ID, "nothing of this name")
		require.ErrorIs(t, err, accounts.ErrRoleNotFound, "what is not done spends nothing")
		_, err = o.hand().SetDetails(t.Context(), o.b.ID, people.Details{First: "Bee"})
		require.NoError(t, err, "what asks for no factor goes on")
		hand := o.hand()
		require.NoError(t, roles(hand, o.a))
		require.ErrorIs(t, roles(hand, o.a), accounts.ErrStepUpRequired, "twice, by the same request")
		require.ErrorIs(t, roles(o.hand(), o.a), accounts.ErrStepUpRequired, "twice, by another")

		o.prove("people.SetRoles", o.a.ID)
		o.prove("people.SetRoles", o.b.ID)
		require.ErrorIs(t, roles(o.hand(), o.a), accounts.ErrStepUpRequired, "a newer proof took its place")
		time.Sleep(5*time.Minute + time.Second)
		require.ErrorIs(t, roles(o.hand(), o.b), accounts.ErrStepUpRequired, "too late")
		assert.Equal(t, 4, o.entries()[audit.SignInStepUp])
	})
}

// The actor's own account, which every entry names, is a target like any other.
//
// Rules: G198
func TestAProofForOnesOwnAccountIsForNoOther(t *testing.T) {
	o := newOffice(t)
	me := o.actor().ID()
	o.prove("people.ResetPassword", me)
	_, err := o.hand().ResetPassword(t.Context(), o.a.ID)
	require.ErrorIs(t, err, accounts.ErrStepUpRequired)
	_, err = o.hand().ResetPassword(t.Context(), me)
	require.NoError(t, err)
}

// Every service asks for the proof through the actor; what concerns many is proven once.
//
// Rules: G198
func TestAProofServesEveryService(t *testing.T) {
	o := newOffice(t)
	o.prove("people.AddRole", "role/guard")
	require.ErrorIs(t, o.hand().AddRole(t.Context(), accounts.Role{Name: "other"}), accounts.ErrStepUpRequired)
	require.NoError(t, o.hand().AddRole(t.Context(), accounts.Role{Name: "guard"}))

	o.prove("people.SetSite", "site/west")
	require.ErrorIs(t, o.hand().SetSite(t.Context(), accounts.Site{Name: "east", Enabled: true}), accounts.ErrStepUpRequired)
	require.NoError(t, o.hand().SetSite(t.Context(), accounts.Site{Name: "west", Enabled: true}))

	o.prove("signin.ResetFactors", o.a.ID)
	require.ErrorIs(t, o.signin.As(o.actor()).ResetFactors(t.Context(), o.b.ID), accounts.ErrStepUpRequired)
	require.NoError(t, o.signin.As(o.actor()).ResetFactors(t.Context(), o.a.ID))
	require.ErrorIs(t, o.signin.As(o.actor()).ResetFactors(t.Context(), o.a.ID), accounts.ErrStepUpRequired)

	o.prove("people.RemoveMany", "")
	require.ErrorIs(t, o.hand().Remove(t.Context(), o.a.ID, people.Confirmation{Account: "first@example.com"}), accounts.ErrStepUpRequired, "it is for what one call does to many")
}

// The removal of many is one act.
//
// Rules: G198
func TestAProofForManyServesEachOfThem(t *testing.T) {
	o := newOffice(t)
	o.prove("people.RemoveMany", "")
	list := []people.Row{{Account: o.a.ID, Confirm: people.Confirmation{Account: "first@example.com"}}, {Account: o.b.ID, Confirm: people.Confirmation{Account: "second@example.com"}}}
	out, err := o.hand().RemoveMany(t.Context(), list...)
	require.NoError(t, err)
	for _, one := range out {
		require.NoError(t, one.Err)
	}
	_, err = o.hand().RemoveMany(t.Context(), list...)
	require.ErrorIs(t, err, accounts.ErrStepUpRequired)
}

func TestOnlyActsThatAskForAFactorAreProven(t *testing.T) {
	o := newOffice(t)
	for name, act := range map[string]signin.Act{
		"none at all":           {},
		"not in the table":      {Op: "people.Everything", Target: "x"},
		"asks for no factor":    {Op: "people.Suspend", Target: string(o.a.ID)},
		"of nobody":             {Op: "people.SetRoles"},
		"the rest of many acts": {Op: "people.Remove"},
		"named by an address":   {Op: "people.Remove", Target: "first@example.com"},
		"too long a name":       {Op: "people.Remove", Target: strings.Repeat("x", 255)},
	} {
		_, err := o.hands(o.token).Prove(t.Context(), act, signin.Password, otp.Answer{}, first)
		require.ErrorIs(t, err, signin.ErrAct, name)
	}
	_, err := o.hands(o.token).Prove(t.Context(), signin.Act{Op: "people.Lend", Target: string(o.a.ID)}, signin.Password, otp.Answer{}, wrong)
	require.ErrorIs(t, err, accounts.ErrBadCredentials)
	require.ErrorIs(t, o.lend(o.hand(), o.a), accounts.ErrStepUpRequired)
}

// A code of an app proves one act, however many show it at once.
//
// Rules: G198
func TestACodeProvesOneAct(t *testing.T) {
	o := newOffice(t)
	secret, _, token := o.enrol(o.token)
	o.token = token
	owner := o.hands(o.token)
	code := shown(secret, time.Now().Add(30*time.Second)) // the one now proved the app
	_, err := owner.Prove(t.Context(), signin.Act{Op: "people.Lend", Target: string(o.a.ID)}, signin.Password, otp.Answer{}, first)
	require.ErrorIs(t, err, signin.ErrFactor, "who has an app uses it")
	won := wins(func(int) error {
		_, err := owner.Prove(t.Context(), signin.Act{Op: "people.Lend", Target: string(o.a.ID)}, signin.App, code, password.Password{})
		return err
	})
	assert.EqualValues(t, 1, won)
}

// The proof is spent by the change that is the act: of many requests at once one wins.
//
// Rules: G198
func TestAProofIsSpentOnce(t *testing.T) {
	o := newOffice(t)
	for round := range 10 {
		o.prove("people.Lend", o.a.ID)
		hands := make([]*people.Operator, 32)
		for i := range hands {
			hands[i] = o.hand() // a request each, all before the act
		}
		won := wins(func(i int) error {
			err := o.lend(hands[i], o.a)
			if err != nil && !errors.Is(err, accounts.ErrStepUpRequired) {
				assert.NoError(t, err)
			}
			return err
		})
		require.EqualValues(t, 1, won, "round %d", round)
	}
	a, err := o.people.Account(t.Context(), o.a.ID)
	require.NoError(t, err)
	assert.Len(t, a.Temporary, 10)
}

// A process that dies, or loses an answer, around the act leaves the act and the spent proof,
// or neither.
//
// Rules: G198
func TestAProofIsSpentWithItsActOrNotAtAll(t *testing.T) {
	for _, f := range []storetest.Fault{storetest.Fail, storetest.Lose, storetest.Stale} {
		for from := range 4 {
			o := newOffice(t)
			o.prove("people.Lend", o.a.ID)
			hand, again := o.hand(), o.hand()
			n := 0
			o.failing(func(c storetest.Call) storetest.Fault {
				if c.Verb == storetest.Commit {
					if n++; n > from {
						return f
					}
				}
				return storetest.Pass
			})
			first := o.lend(hand, o.a)
			o.failing(nil)
			if second := o.lend(again, o.a); first == nil {
				require.ErrorIs(t, second, accounts.ErrStepUpRequired)
			}
			a, err := o.people.Account(t.Context(), o.a.ID)
			require.NoError(t, err)
			assert.Len(t, a.Temporary, 1, "fault %d from commit %d on: %v", f, from, first)
		}
	}
}

// Where a factor counts for five minutes, one that is proven for an act still counts for
// that act alone.
//
// Rules: G198, G134
func TestAProofWhereFactorsAreTimed(t *testing.T) {
	assert.Equal(t, signin.Timed, signin.PowerManage().StepUp)
	assert.Equal(t, signin.Bound, signin.GEM().StepUp)
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, func(c *setup) { c.policy.StepUp = signin.Timed })
		require.NoError(t, o.lend(o.hand(), o.a), "they have just signed in")
		time.Sleep(5*time.Minute + time.Second)
		require.ErrorIs(t, o.lend(o.hand(), o.a), accounts.ErrStepUpRequired)
		o.prove("people.Lend", o.b.ID)
		require.ErrorIs(t, o.lend(o.hand(), o.a), accounts.ErrStepUpRequired)
		require.NoError(t, o.lend(o.hand(), o.b))
		require.ErrorIs(t, o.lend(o.hand(), o.b), accounts.ErrStepUpRequired)
		token, err := o.hands(o.token).StepUp(t.Context(), signin.Password, otp.Answer{}, first)
		require.NoError(t, err)
		o.token = token
		require.NoError(t, o.lend(o.hand(), o.a))
		require.NoError(t, o.lend(o.hand(), o.b))
	})
}
