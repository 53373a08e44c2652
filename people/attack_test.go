package people_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/internal/mint"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/people"
)

// Every operation, tried by those who are in the house and are no operators there: none
// answers, nothing changes and no message leaves.
//
// Rules: R19, R240, S25
func TestNobodyWithoutTheRightGetsAnywhere(t *testing.T) {
	b := newBench(t)
	b.groups()
	inside := b.inside()
	installer, err := b.op.CreateConfirmed(t.Context(), people.NewAccount{Email: email(t, "installer@example.com"), Kind: accounts.InstallerKind,
		Sites: sites, Roles: []string{accounts.AdminRole}})
	require.NoError(t, err)
	rejected, err := b.op.CreateConfirmed(t.Context(), people.NewAccount{Email: email(t, "rejected@example.com"), Kind: accounts.InstallerKind,
		Sites: sites, Roles: []string{accounts.AdminRole}})
	require.NoError(t, err)
	require.NoError(t, b.op.RejectInstaller(t.Context(), rejected.ID, "north"))
	service, err := b.op.CreateConfirmed(t.Context(), people.NewAccount{Email: email(t, "integration@example.com"), Kind: accounts.ServiceKind,
		Sites: sites, Roles: []string{accounts.AdminRole}})
	require.NoError(t, err)
	token := accounts.Scoped(mint.Token{}, b.actor(service), accounts.Scope{Rights: accounts.RightsOf(accounts.EquipmentView), Sites: sites})
	own, err := people.New(people.Options{Store: b.store, Keys: b.keys, Mailer: b.mail, FirstTry: -1})
	require.NoError(t, err)
	a := b.account("owner@example.com", accounts.Active)
	d, err := b.op.ResetPassword(t.Context(), a.ID)
	require.NoError(t, err)
	before, pin, tries := b.record(a.ID), b.pin(a.ID), b.mail.Tries()
	for who, op := range map[string]*people.Operator{
		"a standard user":               inside(b.hired("standard@example.com", sites, "user")),
		"a visitor":                     inside(b.visit(guest()).Account),
		"an installer who waits":        inside(installer),
		"an installer who was rejected": inside(rejected),
		"a token for something else":    own.As(token),
	} {
		for name, run := range operations {
			assert.Error(t, run(t.Context(), turn{op, a, d.Receipt}), "%s: %s", who, name)
		}
	}
	assert.Equal(t, before, b.record(a.ID))
	assert.Equal(t, pin, b.pin(a.ID))
	assert.Equal(t, tries, b.mail.Tries())
	assert.Empty(t, b.kind("approval"))
}

// What owners do for themselves is nobody else's to do for them, and takes no other account:
// each of these operations is for the actor, whatever it is given.
//
// Rules: G214
func TestEveryOperationOfOwnersIsForOwners(t *testing.T) {
	b := newBench(t, customers)
	owner := b.account("owner@example.com", accounts.Active)
	given, err := b.self(owner).Consent(t.Context(), people.Consent{Until: time.Now().Add(time.Hour), Reason: "a new keypad"})
	require.NoError(t, err)
	other := b.account("other@example.com", accounts.Active)
	own := map[string]func(s *people.Self) error{
		"Consent": func(s *people.Self) error {
			return failed(s.Consent(t.Context(), people.Consent{Until: time.Now().Add(time.Hour), Reason: "help"}))
		},
		"Consents": func(s *people.Self) error { return failed(s.Consents(t.Context())) },
		"NewPIN":   func(s *people.Self) error { return failed(s.NewPIN(t.Context())) },
		"Withdraw": func(s *people.Self) error { return s.Withdraw(t.Context(), given) },
	}
	for m := range reflect.TypeFor[*people.Self]().Methods() {
		assert.Contains(t, own, m.Name)
	}
	for name, run := range own {
		require.Error(t, run(b.svc.Self(accounts.HostActor(owner.ID, "", "test").Vouched(time.Now()))), name)
		require.Error(t, run(b.svc.Self(accounts.SystemActor("loop"))), name)
		require.Error(t, run(b.svc.Self(accounts.Actor{})), name)
	}
	require.ErrorIs(t, b.self(other).Withdraw(t.Context(), given), people.ErrNoConsent)
	list, err := b.self(other).Consents(t.Context())
	require.NoError(t, err)
	assert.Empty(t, list)
	list, err = b.self(owner).Consents(t.Context())
	require.NoError(t, err)
	assert.Len(t, list, 1)
	_, err = b.svc.Collect(t.Context(), panel.SecretOf(string(owner.ID)+"."))
	require.ErrorIs(t, err, people.ErrCode)
}
