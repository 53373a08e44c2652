package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/signin"
)

var harbour = accounts.TheseSites("harbour")

// An administrator: every right everywhere, a second factor, sessions of two hours.
//
// Rules: G140
func TestGEMCreateAnAdminUser(t *testing.T) {
	in(t, gem(), func(w *world) {
		a := w.hire(people.NewAccount{Username: "admin", Email: address(w, "admin@example.com"), Roles: []string{accounts.AdminRole}, Sites: accounts.AllSites(), Session: new(120)})
		require.NoError(w, w.signin.As(who("operator")).RequireFactor(w.ctx, a.ID, true))
		r, err := w.try(a, first)
		require.NoError(w, err)
		require.Nil(w, r.Session, "a password alone is not enough")
		require.Equal(w, signin.Mail, r.Challenge.Sent)
		r, err = w.signin.Answer(w.ctx, signin.Reply{Challenge: r.Challenge.Token, Method: signin.Mail, Code: w.code(), From: home})
		require.NoError(w, err)
		assert.Equal(w, 120*time.Minute, r.Session.Ends.Sub(r.Session.Began))
		_, err = w.people.As(r.Session.Actor()).Accounts(w.ctx, people.Search{})
		require.NoError(w, err)
		w.pass(121 * time.Minute)
		assert.False(w, w.alive(r.Token))
	})
}

// A standard user: an address, a role, their sites and no others, a notification profile.
//
// Rules: G110, G141
func TestGEMCreateAStandardUser(t *testing.T) {
	in(t, gem(), func(w *world) {
		op := w.operator()
		require.NoError(w, op.SetProfile(w.ctx, accounts.Profile{Name: "always", Enabled: true, Email: true}))
		a := w.hire(people.NewAccount{Username: "homeowner_smith", Email: address(w, "smith@example.com"), Roles: []string{"user"}, Sites: harbour, Profile: "always"})
		w.install("harbour", "298765432101")
		w.install("meadow", "298765432202")
		r, err := w.try(a, first)
		require.NoError(w, err)
		panels, err := w.desk.As(r.Session.Actor()).Panels(w.ctx, "", 0)
		require.NoError(w, err)
		require.Len(w, panels, 1)
		assert.Equal(w, "harbour", panels[0].Site)
		n, err := w.people.Notify(w.ctx, a.ID, accounts.EmailChannel)
		require.NoError(w, err)
		assert.True(w, n.Now)
	})
}

// An installer: a working day's sessions, and disabled when the work is done.
//
// Rules: G142
func TestGEMCreateAnInstallerAccount(t *testing.T) {
	in(t, gem(), func(w *world) {
		a := w.hire(people.NewAccount{Username: "installer_company", Roles: []string{"installer"}, Sites: harbour, Session: new(480)})
		r, err := w.try(a, first)
		require.NoError(w, err)
		assert.Equal(w, 8*time.Hour, r.Session.Ends.Sub(r.Session.Began))
		tab := w.install("harbour", "298765432101")
		_, err = w.desk.As(r.Session.Actor()).Panel(tab.ID()).Users(w.ctx, 1, 0)
		require.NoError(w, err)
		_, err = w.people.As(r.Session.Actor()).Accounts(w.ctx, people.Search{})
		require.ErrorIs(w, err, accounts.ErrPermissionDenied)
		a, err = w.operator().Suspend(w.ctx, a.ID, "commissioning is complete")
		require.NoError(w, err)
		assert.Equal(w, accounts.StatusInactive, a.StatusGEM(time.Now()))
		assert.False(w, w.alive(r.Token))
	})
}

// An integration: a token instead of a password, no time-out, no profile.
//
// Rules: G143
func TestGEMCreateAnAPIServiceAccount(t *testing.T) {
	in(t, gem(), func(w *world) {
		a, err := w.operator().CreateConfirmed(w.ctx, people.NewAccount{Username: "api_integration_pager", Kind: accounts.ServiceKind, Roles: []string{"api_only"}, Sites: harbour, Session: new(0)})
		require.NoError(w, err)
		token, err := w.signin.As(who("operator")).IssueToken(w.ctx, a.ID, signin.NewToken{Name: "pager", Rights: accounts.RightsOf(accounts.EquipmentView), Forever: true})
		require.NoError(w, err)
		w.pass(400 * 24 * time.Hour)
		w.install("harbour", "298765432101")
		actor, err := w.signin.CheckToken(w.ctx, token, home)
		require.NoError(w, err)
		panels, err := w.desk.As(actor).Panels(w.ctx, "", 0)
		require.NoError(w, err)
		assert.Len(w, panels, 1)
		_, err = w.desk.As(actor).Panel(panels[0].ID).Users(w.ctx, 1, 0)
		require.ErrorIs(w, err, accounts.ErrPermissionDenied, "the role would allow it, the token does not")
		_, err = w.try(a, first)
		require.ErrorIs(w, cause(err), signin.ErrMethod)
		n, err := w.people.Notify(w.ctx, a.ID, accounts.EmailChannel)
		require.NoError(w, err)
		require.ErrorIs(w, n.Cause, accounts.ErrNoProfile)
	})
}

// An operator sets a new password: the old one and its sessions are gone.
func TestGEMResetAPassword(t *testing.T) {
	in(t, gem(), func(w *world) {
		a := w.hire(people.NewAccount{Username: "smith", Roles: []string{"user"}, Sites: harbour})
		r, err := w.try(a, first)
		require.NoError(w, err)
		require.NoError(w, w.signin.As(who("operator")).SetPassword(w.ctx, a.ID, second))
		assert.False(w, w.alive(r.Token))
		_, err = w.try(a, first)
		require.ErrorIs(w, cause(err), accounts.ErrBadCredentials)
		_, err = w.try(a, second)
		require.NoError(w, err)
		_, err = w.operator().ResetPassword(w.ctx, a.ID)
		require.ErrorIs(w, err, accounts.ErrResetUnsupported, "not by mail here")
		assert.Equal(w, 2, w.actions(string(a.ID))[audit.PasswordSet])
	})
}

// Disabling takes access away at once and keeps everything; a removal is not on offer.
//
// Rules: G119, G120, G121, G125, G147, G155
func TestGEMDisableAUserAccount(t *testing.T) {
	in(t, gem(), func(w *world) {
		a := w.hire(people.NewAccount{Username: "smith", Roles: []string{"user"}, Sites: harbour})
		r, err := w.try(a, first)
		require.NoError(w, err)
		require.ErrorIs(w, w.operator().Remove(w.ctx, a.ID, people.Confirmation{Account: "smith"}), accounts.ErrDeleteForbidden)
		_, err = w.operator().Suspend(w.ctx, a.ID, "moved out")
		require.NoError(w, err)
		assert.False(w, w.alive(r.Token))
		_, err = w.desk.As(r.Session.Actor()).Panels(w.ctx, "", 0)
		require.Error(w, err, "an actor that was kept")
		_, err = w.try(a, first)
		require.ErrorIs(w, err, accounts.ErrSignIn)
		require.ErrorIs(w, cause(err), accounts.ErrAccountSuspended)
		a, err = w.operator().Enable(w.ctx, a.ID)
		require.NoError(w, err)
		assert.Equal(w, []string{"user"}, a.Roles)
		_, err = w.try(a, first)
		require.NoError(w, err, "with the password of before")
	})
}

// Access for a time ends by itself, to the second.
//
// Rules: G146
func TestGEMGrantTemporaryAccess(t *testing.T) {
	in(t, gem(), func(w *world) {
		until := time.Now().Add(8 * time.Hour)
		a := w.hire(people.NewAccount{Username: "contractor", Roles: []string{"user"}, Sites: harbour, Session: new(0), Window: credentials.Window{Until: until}})
		r, err := w.try(a, first)
		require.NoError(w, err)
		w.pass(time.Until(until) - time.Second)
		assert.True(w, w.alive(r.Token))
		w.pass(time.Second)
		assert.False(w, w.alive(r.Token))
		_, err = w.try(a, first)
		require.ErrorIs(w, cause(err), accounts.ErrAccountExpired)
	})
}

// Revoking stops an account whatever its window says, and can be taken back.
//
// Rules: G155
func TestGEMRemoveAUser(t *testing.T) {
	in(t, gem(), func(w *world) {
		a := w.hire(people.NewAccount{Username: "smith", Roles: []string{"user"}, Sites: harbour})
		_, err := w.operator().Revoke(w.ctx, a.ID, "lost the phone")
		require.NoError(w, err)
		_, err = w.try(a, first)
		require.ErrorIs(w, cause(err), accounts.ErrAccountRevoked)
		_, err = w.operator().Unrevoke(w.ctx, a.ID)
		require.NoError(w, err)
		_, err = w.try(a, first)
		require.NoError(w, err)
		assert.Equal(w, 1, w.actions(string(a.ID))[audit.AccountRevoked])
	})
}
