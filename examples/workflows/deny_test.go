package workflows_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/journal"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/signin"
)

// What one role denies is denied in every package where the policy says so, and in none
// where it does not: for people, sign-in, panel users and the log alike.
//
// Rules: G102, G103
func TestADenialHoldsInEveryPackage(t *testing.T) {
	for _, global := range []bool{false, true} {
		p := gem()
		p.accounts.GlobalDeny, p.accounts.RoleRefresh = global, accounts.Immediate // else the sign-in alone would decide
		in(t, p, func(w *world) {
			rights := accounts.RightsOf(accounts.AccountsView, accounts.EquipmentView, accounts.AuditView)
			setup, err := people.New(people.Options{Store: w.store, Keys: w.keys, Authority: w.rights, Policy: p.accounts})
			require.NoError(w, err)
			doors, err := signin.New(signin.Options{Store: w.store, Keys: w.keys, Authority: w.rights, Accounts: p.accounts, Policy: &w.preset.signin})
			require.NoError(w, err)
			op := setup.As(who("operator"))
			require.NoError(w, op.AddRole(w.ctx, accounts.Role{Name: "reader", Allow: rights.With(accounts.RightsOf(accounts.SignIn))}))
			require.NoError(w, op.AddRole(w.ctx, accounts.Role{Name: "apprentice", Deny: rights}))
			a, err := op.CreateConfirmed(w.ctx, people.NewAccount{Username: "reader", Roles: []string{"reader", "apprentice"}, Sites: accounts.AllSites()})
			require.NoError(w, err)
			require.NoError(w, doors.As(who("operator")).SetPassword(w.ctx, a.ID, first))
			r, err := w.try(a, first)
			require.NoError(w, err)
			actor := r.Session.Actor()
			for name, ask := range map[string]func() error{
				"people":                    func() error { _, err := w.people.As(actor).Accounts(w.ctx, people.Search{}); return err },
				"signin":                    func() error { _, err := w.signin.As(actor).Sessions(w.ctx, a.ID); return err },
				"roster":                    func() error { _, err := w.desk.As(actor).Panels(w.ctx, "", 0); return err },
				"journal":                   func() error { _, err := w.journal.As(actor).Query(w.ctx, journal.Query{}); return err },
				"door":                      func() error { _, err := w.doors.As(actor).Readers(w.ctx, "harbour"); return err },
				"people, in a transaction":  func() error { _, err := w.people.On(w.store).As(actor).Accounts(w.ctx, people.Search{}); return err },
				"roster, in a transaction":  func() error { _, err := w.desk.On(w.store, nil).As(actor).Panels(w.ctx, "", 0); return err },
				"journal, in a transaction": func() error { _, err := w.journal.On(w.store).As(actor).Query(w.ctx, journal.Query{}); return err },
			} {
				if err := ask(); global {
					assert.ErrorIs(w, err, accounts.ErrPermissionDenied, name)
				} else {
					assert.NoError(w, err, name)
				}
			}
			why, err := op.Explain(w.ctx, a.ID, "people.Accounts", "harbour")
			require.NoError(w, err)
			assert.Equal(w, !global, why.Allowed)
		}, func(e *edit) { e.roles = true })
	}
}
