package roster_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// receipt drops what a wish answers beside its error.
func receipt(_ roster.Receipt, err error) error { return err }

// acts are the operations that change something, on a panel with a user at slot 4.
var acts = map[string]func(r *rig, op *roster.Operator, t *roster.Tab) error{
	"Add": func(r *rig, _ *roster.Operator, t *roster.Tab) error {
		return receipt(t.Add(r.ctx, roster.CodeWish{Code: digits(r.T, "8604")}))
	},
	"AddTag": func(r *rig, _ *roster.Operator, t *roster.Tab) error {
		return receipt(t.AddTag(r.ctx, slot(4), panel.FieldLegacyTags, panel.Tag{}))
	},
	"Adopt": func(r *rig, _ *roster.Operator, t *roster.Tab) error {
		return receipt(t.Adopt(r.ctx, slot(5), "known"))
	},
	"Assign": func(r *rig, _ *roster.Operator, t *roster.Tab) error {
		return receipt(t.Assign(r.ctx, slot(4), roster.Suggestion{}))
	},
	"Cancel":  func(r *rig, _ *roster.Operator, t *roster.Tab) error { return receipt(t.Cancel(r.ctx, slot(4))) },
	"Change":  func(r *rig, _ *roster.Operator, t *roster.Tab) error { return t.Change(r.ctx, "Back house") },
	"Confirm": func(r *rig, _ *roster.Operator, t *roster.Tab) error { return receipt(t.Confirm(r.ctx, slot(4))) },
	"Disable": func(r *rig, _ *roster.Operator, t *roster.Tab) error { return receipt(t.Disable(r.ctx, slot(4))) },
	"GenerateCode": func(r *rig, _ *roster.Operator, t *roster.Tab) error {
		_, _, err := t.GenerateCode(r.ctx, slot(6), roster.CodeWish{})
		return err
	},
	"Import": func(r *rig, _ *roster.Operator, t *roster.Tab) error {
		_, err := t.Import(r.ctx, []roster.ImportRow{{Place: slot(4), CodeWish: roster.CodeWish{Label: "One"}}}, roster.ImportOptions{})
		return err
	},
	"ImportPersons": func(r *rig, op *roster.Operator, _ *roster.Tab) error {
		_, err := op.ImportPersons(r.ctx, []roster.PersonRow{{Account: "account-1", Window: &credentials.Window{}}}, roster.ImportOptions{})
		return err
	},
	"Person.Lift":  func(r *rig, op *roster.Operator, _ *roster.Tab) error { return op.Person("account-1").Lift(r.ctx) },
	"Move":         func(r *rig, _ *roster.Operator, t *roster.Tab) error { return t.Move(r.ctx, "site-2") },
	"OutOfService": func(r *rig, _ *roster.Operator, t *roster.Tab) error { return t.OutOfService(r.ctx, false) },
	"Pair": func(r *rig, op *roster.Operator, _ *roster.Tab) error {
		_, err := op.Pair(r.ctx, registration(), nil)
		return err
	},
	"PairAnew":   func(r *rig, _ *roster.Operator, t *roster.Tab) error { return t.PairAnew(r.ctx, nil) },
	"Quarantine": func(r *rig, op *roster.Operator, _ *roster.Tab) error { return op.Quarantine(r.ctx, "restored") },
	"PrintCode": func(r *rig, _ *roster.Operator, t *roster.Tab) error {
		_, _, err := t.PrintCode(r.ctx, slot(4), roster.CodeWish{})
		return err
	},
	"HandOver": func(r *rig, _ *roster.Operator, t *roster.Tab) error {
		_, _, err := t.HandOver(r.ctx, slot(4), roster.CodeWish{}, roster.HandOver{})
		return err
	},
	"Register": func(r *rig, op *roster.Operator, _ *roster.Tab) error {
		_, err := op.Register(r.ctx, registration())
		return err
	},
	"Release": func(r *rig, _ *roster.Operator, t *roster.Tab) error { return t.Release(r.ctx) },
	"RemoveTag": func(r *rig, _ *roster.Operator, t *roster.Tab) error {
		return receipt(t.RemoveTag(r.ctx, slot(4), panel.FieldLegacyTags, 1))
	},
	"RemoveGroup": func(r *rig, op *roster.Operator, _ *roster.Tab) error { return op.RemoveGroup(r.ctx, "staff") },
	"RemovePoint": func(r *rig, op *roster.Operator, _ *roster.Tab) error { return op.RemovePoint(r.ctx, "front") },
	"Replace": func(r *rig, _ *roster.Operator, t *roster.Tab) error {
		return t.Replace(r.ctx, "298765432199", registration().Routes)
	},
	"Restore": func(r *rig, _ *roster.Operator, t *roster.Tab) error { return receipt(t.Restore(r.ctx, slot(4))) },
	"Resume":  func(r *rig, _ *roster.Operator, t *roster.Tab) error { return t.Resume(r.ctx) },
	"Retire":  func(r *rig, _ *roster.Operator, t *roster.Tab) error { return t.Retire(r.ctx, true) },
	"SetCode": func(r *rig, _ *roster.Operator, t *roster.Tab) error {
		return receipt(t.SetCode(r.ctx, slot(4), roster.CodeWish{Code: digits(r.T, "9513")}))
	},
	"Person.SetDuressPIN": func(r *rig, op *roster.Operator, _ *roster.Tab) error {
		return op.Person("account-1").SetDuressPIN(r.ctx, digits(r.T, "8604"))
	},
	"SetGroup": func(r *rig, op *roster.Operator, _ *roster.Tab) error {
		return op.SetGroup(r.ctx, site, credentials.Group{ID: "staff"})
	},
	"SetPoint": func(r *rig, op *roster.Operator, _ *roster.Tab) error {
		return op.SetPoint(r.ctx, roster.AccessPoint{Point: credentials.Point{ID: "front", Site: site}})
	},
	"SetRule": func(r *rig, op *roster.Operator, _ *roster.Tab) error {
		return op.SetRule(r.ctx, roster.AccessRule{ID: "all", Site: site, Points: []string{"front"}, Who: []credentials.Subject{{Kind: "group", ID: "staff"}}})
	},
	"SetKeypads": func(r *rig, _ *roster.Operator, t *roster.Tab) error {
		return receipt(t.SetKeypads(r.ctx, slot(4), nil))
	},
	"SetLabel": func(r *rig, _ *roster.Operator, t *roster.Tab) error {
		return receipt(t.SetLabel(r.ctx, slot(4), "One"))
	},
	"SetLocks": func(r *rig, _ *roster.Operator, t *roster.Tab) error {
		return receipt(t.SetLocks(r.ctx, slot(4), nil))
	},
	"SetPartitions": func(r *rig, _ *roster.Operator, t *roster.Tab) error {
		return receipt(t.SetPartitions(r.ctx, slot(4), panel.PartitionsOf(2)))
	},
	"SetRole": func(r *rig, _ *roster.Operator, t *roster.Tab) error {
		return receipt(t.SetRole(r.ctx, slot(4), panel.User))
	},
	"SetSecret": func(r *rig, _ *roster.Operator, t *roster.Tab) error {
		return t.SetSecret(r.ctx, dsc.Route, registration().Routes[dsc.Route])
	},
	"SetWindow": func(r *rig, _ *roster.Operator, t *roster.Tab) error {
		return receipt(t.SetWindow(r.ctx, slot(4), panel.Window{}))
	},
	"Test":     func(r *rig, _ *roster.Operator, t *roster.Tab) error { _, err := t.Test(r.ctx); return err },
	"Unassign": func(r *rig, _ *roster.Operator, t *roster.Tab) error { return receipt(t.Unassign(r.ctx, slot(4))) },
}

// Every exported operation that changes a panel or its users asks for a fresh factor, or
// does not, as the one table of rights says; none that the table marks is left out.
//
// Rules: G198
func TestActsAskForAFreshFactor(t *testing.T) {
	for _, p := range accounts.Permissions() {
		if name, ok := strings.CutPrefix(p.Op, "roster."); ok && p.StepUp && name != "Protected" { // asked inside others
			require.Contains(t, acts, name)
		}
	}
	inBubble(t, func(r *rig) {
		r.settles(r.set(4, "6137", roster.CodeWish{}), roster.Settled)
		require.NoError(t, r.op.SetPoint(r.ctx, roster.AccessPoint{Point: credentials.Point{ID: "front", Site: site}}))
		stale := r.desk.As(accounts.HostActor("operator", "The operator", "test"))
		tab := stale.Panel(r.tab.ID())
		for _, name := range slices.Sorted(maps.Keys(acts)) {
			err := acts[name](r, stale, tab)
			if accounts.PermissionFor("roster." + name).StepUp {
				require.ErrorIs(t, err, accounts.ErrStepUpRequired, name)
			} else {
				require.NotErrorIs(t, err, accounts.ErrStepUpRequired, name)
			}
		}
		// What depends on the user and not on the operation: a protected role.
		_, err := tab.SetCode(r.ctx, slot(1), roster.CodeWish{Code: digits(t, "7295")})
		require.ErrorIs(t, err, accounts.ErrStepUpRequired, "the master's code")
	})
}

// A store is put in quarantine as a whole, so only by those who answer for all of it.
//
// Rules: R240
func TestOneSiteDoesNotQuarantineTheStore(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.rights["north"] = accounts.Grant{Enabled: true, Rights: accounts.AllRights(), Sites: accounts.TheseSites(site)}
		require.ErrorIs(t, r.as("north").Quarantine(r.ctx, "restored"), accounts.ErrSiteMismatch)
		p, err := r.tab.Info(r.ctx)
		require.NoError(t, err)
		require.False(t, p.Quarantine)
	})
}

// What somebody of another site asks about a panel and a person, they are told nothing: not
// that users are left, and not who it is.
//
// Rules: R240
func TestAnotherSiteIsToldNothing(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.settles(r.set(4, "6137", roster.CodeWish{}), roster.Settled)
		r.rights["south"] = accounts.Grant{Enabled: true, Rights: accounts.AllRights(), Sites: accounts.TheseSites("south")}
		south := r.as("south")
		require.ErrorIs(t, south.Panel(r.tab.ID()).Retire(r.ctx, false), panel.ErrPanelNotFound)
		s, err := south.Choose(r.ctx, "account-1")
		require.ErrorIs(t, err, accounts.ErrAccountNotFound)
		require.Zero(t, s)
		require.ErrorIs(t, r.tab.Retire(r.ctx, false), roster.ErrRetireUsers)
	})
}
