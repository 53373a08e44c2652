package accounts_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
)

func TestPresetsHoldWhatTheProductsSay(t *testing.T) {
	pm, gem := accounts.PowerManage(), accounts.GEM()
	assert.Equal(t, accounts.Tombstone, pm.Deletion, "an account is removed entirely")
	assert.Equal(t, accounts.Forbid, gem.Deletion, "there is no delete")
	assert.Equal(t, accounts.ByEmail, pm.LoginBy)
	assert.True(t, pm.EmailRequired && pm.EmailUnique, "an account is its address")
	assert.Equal(t, accounts.ByUsername, gem.LoginBy)
	assert.False(t, gem.EmailRequired || gem.EmailUnique, "an address is optional")
	assert.True(t, pm.ResetByMail && !pm.SetByOperator, "the owner sets the password")
	assert.True(t, gem.SetByOperator && !gem.ResetByMail, "an operator does")
	assert.Equal(t, 1, pm.MaxRoles)
	assert.Equal(t, accounts.Immediate, pm.RoleRefresh)
	assert.Equal(t, accounts.NextLogin, gem.RoleRefresh)
	for _, p := range []accounts.Policy{pm, gem} {
		assert.True(t, p.KeepOldUntilOTP && p.AssignRequiresCode)
		assert.False(t, p.UnassignOnDisable || p.GlobalDeny)
		assert.Equal(t, 10*time.Minute, p.OTPLife)
	}
}

// Rules: G34, G101, G11, G37, S7
func TestAccountsAreCheckedBeforeTheyAreStored(t *testing.T) {
	good := accounts.Account{ID: "a1", Username: "homeowner_1", Email: email("owner@example.com"), Phone: "+1234567890", Roles: []string{"user"}}
	for name, c := range map[string]struct {
		change  func(*accounts.Account)
		pm, gem error
	}{
		"good":         {func(*accounts.Account) {}, nil, nil},
		"no address":   {func(a *accounts.Account) { a.Email = accounts.Email{} }, accounts.ErrEmailRequired, nil},
		"no username":  {func(a *accounts.Account) { a.Username = "" }, nil, accounts.ErrUsernameFormat},
		"odd username": {func(a *accounts.Account) { a.Username = "Home" }, accounts.ErrUsernameFormat, accounts.ErrUsernameFormat},
		"no phone":     {func(a *accounts.Account) { a.Phone = "" }, nil, nil},
		"odd phone":    {func(a *accounts.Account) { a.Phone = "0123" }, accounts.ErrPhoneFormat, accounts.ErrPhoneFormat},
		"two roles":    {func(a *accounts.Account) { a.Roles = []string{"user", "viewer"} }, accounts.ErrRoleLimit, nil},
		"bad validity": {func(a *accounts.Account) { a.Window = window(time.Hour, 0) }, credentials.ErrValidityOrder, credentials.ErrValidityOrder},
	} {
		a := good
		c.change(&a)
		assert.ErrorIs(t, accounts.PowerManage().Check(a), c.pm, name)
		assert.ErrorIs(t, accounts.GEM().Check(a), c.gem, name)
	}
	assert.NoError(t, accounts.Policy{}.Check(accounts.Account{ID: "a1"}), "the zero policy asks for nothing")
}
