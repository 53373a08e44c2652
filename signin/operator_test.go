package signin_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials/password"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/signin"
)

// Rules: G144
func TestOperatorsSetPasswordsWhereThePolicySaysSo(t *testing.T) {
	w := newWorld(t)
	a := w.owner("tower")
	require.ErrorIs(t, w.op.SetPassword(t.Context(), a.ID, second), signin.ErrSetByOperator)

	w = newWorld(t, func(c *setup) { c.accounts, c.policy = accounts.GEM(), signin.GEM(); c.policy.Hash.Cost = 4 })
	a, _, err := w.people.Create(t.Context(), people.NewAccount{Username: "tower", Roles: []string{"user"}, Sites: accounts.TheseSites("north")})
	require.NoError(t, err)
	require.ErrorIs(t, w.op.SetPassword(t.Context(), a.ID, password.Of("1234567")), password.ErrTooShort)
	require.NoError(t, w.op.SetPassword(t.Context(), a.ID, first))
	w.in("tower")
	_, err = w.try("tower@example.com", first)
	require.ErrorIs(t, err, accounts.ErrSignIn, "by the username only")
	require.NoError(t, w.op.SetPassword(t.Context(), a.ID, second))
	_, err = w.try("tower", first)
	require.ErrorIs(t, err, accounts.ErrSignIn)
}

// Nobody changes how somebody signs in who may do more, and what is refused is logged.
func TestOperatorsNeedTheRightAndToBeAsStrong(t *testing.T) {
	w := newWorld(t, func(c *setup) { c.accounts.SetByOperator = true })
	admin := w.owner("admin", func(n *people.NewAccount) { n.Roles, n.Sites = []string{"admin"}, accounts.AllSites() })
	tower := w.owner("tower")
	acts := map[string]func(op *signin.Operator, id accounts.ID) error{
		"SetPassword":   func(op *signin.Operator, id accounts.ID) error { return op.SetPassword(t.Context(), id, second) },
		"RequireFactor": func(op *signin.Operator, id accounts.ID) error { return op.RequireFactor(t.Context(), id, true) },
		"ResetFactors":  func(op *signin.Operator, id accounts.ID) error { return op.ResetFactors(t.Context(), id) },
		"EndSessions":   func(op *signin.Operator, id accounts.ID) error { return op.EndSessions(t.Context(), id) },
		"Sessions":      func(op *signin.Operator, id accounts.ID) error { _, err := op.Sessions(t.Context(), id); return err },
		"Factors":       func(op *signin.Operator, id accounts.ID) error { _, err := op.Factors(t.Context(), id); return err },
		"Tokens":        func(op *signin.Operator, id accounts.ID) error { _, err := op.Tokens(t.Context(), id); return err },
		"IssueToken": func(op *signin.Operator, id accounts.ID) error {
			_, err := op.IssueToken(t.Context(), id, signin.NewToken{})
			return err
		},
		"RotateToken": func(op *signin.Operator, id accounts.ID) error {
			_, err := op.RotateToken(t.Context(), id, "x")
			return err
		},
		"EndToken": func(op *signin.Operator, id accounts.ID) error { return op.EndToken(t.Context(), id, "x") },
		"Bind": func(op *signin.Operator, id accounts.ID) error {
			return op.Bind(t.Context(), id, "https://id.example.com", "x")
		},
		"Unbind": func(op *signin.Operator, id accounts.ID) error { return op.Unbind(t.Context(), id) },
		"Enrolments": func(op *signin.Operator, id accounts.ID) error {
			_, err := op.Enrolments(t.Context(), id)
			return err
		},
		"EndEnrolment": func(op *signin.Operator, id accounts.ID) error { return op.EndEnrolment(t.Context(), id, "x") },
	}
	for name, act := range acts {
		p := accounts.PermissionFor("signin." + name)
		require.NotZero(t, p.Right, name)
		require.ErrorIs(t, act(w.as("nobody"), tower.ID), accounts.ErrPermissionDenied, name)
		require.ErrorIs(t, act(w.as("south"), tower.ID), accounts.ErrAccountNotFound, name)
		require.ErrorIs(t, act(w.op, "no such id"), accounts.ErrAccountNotFound, name)
		if p.StepUp {
			require.ErrorIs(t, act(w.signin.As(accounts.HostActor("operator", "", "test")), tower.ID), accounts.ErrStepUpRequired, name)
			require.ErrorIs(t, act(w.as("weak"), admin.ID), accounts.ErrOutranked, name)
		}
	}
	require.NoError(t, w.people.Remove(t.Context(), tower.ID, people.Confirmation{Account: "tower@example.com"}))
	for name, act := range acts {
		require.ErrorIs(t, act(w.op, tower.ID), accounts.ErrAccountRemoved, name)
	}
	for _, p := range accounts.Permissions() {
		if name, ok := cutPrefix(p.Op); ok {
			assert.Contains(t, acts, name, "a row without an operation")
		}
	}
	assert.NotZero(t, w.entries()[audit.AccessDenied])
}

func cutPrefix(op string) (string, bool) {
	const prefix = "signin."
	if len(op) < len(prefix) || op[:len(prefix)] != prefix {
		return "", false
	}
	return op[len(prefix):], true
}
