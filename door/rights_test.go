package door_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
)

// Rules: R239
func TestEveryOperationHasItsRight(t *testing.T) {
	op := reflect.TypeFor[*door.Operator]()
	for m := range op.Methods() {
		require.NotZero(t, accounts.PermissionFor("door."+m.Name).Right, m.Name)
	}
	require.Positive(t, op.NumMethod())
}

// A dealer of another site with every right, and somebody with none, get nothing of a site's
// doors by any operation.
//
// Rules: R240
func TestAnotherSitesDoorsAreOutOfReach(t *testing.T) {
	w := newWorld(t)
	w.cleaner()
	require.True(t, w.try(typed(t, duress)).Granted)
	require.NoError(t, w.door.Work(t.Context()))
	decided := w.entries("main", audit.DoorDecided)
	alarms, err := w.as("operator").Alarms(t.Context(), "site")
	require.NoError(t, err)
	require.Len(t, alarms, 1)
	operations := map[string]func(op *door.Operator) error{
		"Acknowledge": func(op *door.Operator) error { return op.Acknowledge(t.Context(), alarms[0].ID) },
		"AddReader": func(op *door.Operator) error {
			_, err := op.AddReader(t.Context(), door.NewReader{Site: "site", Points: map[string]door.Outage{"front": door.OutageCached}})
			return err
		},
		"Alarms": func(op *door.Operator) error {
			_, err := op.Alarms(t.Context(), "site")
			return err
		},
		"Duress": func(op *door.Operator) error {
			_, err := op.Duress(t.Context(), decided[0])
			return err
		},
		"EndReader": func(op *door.Operator) error { return op.EndReader(t.Context(), w.key.Reader()) },
		"Enrol": func(op *door.Operator) error {
			_, err := op.Enrol(t.Context(), door.Enrolment{Account: "cleaner", Reader: w.key.Reader(), Point: "front"})
			return err
		},
		"Readers": func(op *door.Operator) error {
			_, err := op.Readers(t.Context(), "site")
			return err
		},
		"SetPoints": func(op *door.Operator) error {
			return op.SetPoints(t.Context(), w.key.Reader(), map[string]door.Outage{"front": door.OutageDeny}, nil)
		},
		"SiteKey": func(op *door.Operator) error {
			_, err := op.SiteKey(t.Context(), "site")
			return err
		},
		"Unlock": func(op *door.Operator) error { return op.Unlock(t.Context(), w.key.Reader(), credentials.Keypad) },
	}
	for m := range reflect.TypeFor[*door.Operator]().Methods() {
		require.Contains(t, operations, m.Name)
	}
	for name, run := range operations {
		for _, who := range []accounts.ID{"other", "nobody"} {
			require.Error(t, run(w.as(who)), "%s: %s", who, name)
		}
	}
	require.Empty(t, w.entries("main", audit.DoorSiteKeyShown))
	require.Empty(t, w.entries("restricted", audit.DuressAcknowledged))
	for name, run := range operations {
		if name != "EndReader" {
			require.NoError(t, run(w.as("operator")), name)
		}
	}
}
