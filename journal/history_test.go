package journal_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/journal"
)

// A wish that comes to nothing leaves what was before it: nobody, or the values that the
// panel has.
//
// Rules: R260
func TestWhatIsRefusedWasNeverThere(t *testing.T) {
	w := newWorld(t, false, nil)
	user := rec.UserID("panel-1", seventh)
	say := func(action audit.Action, outcome audit.Outcome, fields ...flow.Field) {
		w.advance(time.Second)
		w.say(operator, action, outcome, []string{"panel-1", user, "site/north"}, append([]flow.Field{flow.F(audit.FieldPanel, "panel-1"),
			flow.F(audit.FieldIdent, "298765432101"), flow.F(audit.FieldSite, "north"), flow.F(audit.FieldUser, user),
			flow.F(audit.FieldTenancy, "3"), flow.F(audit.FieldSlot, "7")}, fields...)...)
	}
	label := func(text string) flow.Field {
		return flow.Field{Name: audit.FieldLabel, Value: text, Of: "panel/panel-1"}
	}
	now := func() []journal.Occupant {
		t.Helper()
		found, err := w.journal.As(north).WhoWas(t.Context(), "panel-1", seventh, w.time())
		require.NoError(t, err)
		return found
	}
	say(audit.UserCodeSet, audit.Success, label("Cleaner"), flow.F(audit.FieldRole, "User"))
	require.Equal(t, journal.Coming, now()[0].Presence)
	say(audit.UserSent, audit.Success, flow.F(audit.FieldFields, "code, label"), flow.F(audit.FieldReason, "create"))
	say(audit.UserUnsure, audit.Failure, flow.F(audit.FieldFieldsUnsure, "code, label"))
	require.Equal(t, journal.Coming, now()[0].Presence, "it may open")
	say(audit.UserRefused, audit.Failure, flow.F(audit.FieldFieldsRefused, "code, label"))
	require.Empty(t, now())

	// What is cleared first may be taken after all.
	say(audit.UserSettled, audit.Success, flow.F(audit.FieldFields, "code"))
	require.Len(t, now(), 1)
	require.Equal(t, journal.Present, now()[0].Presence)

	say(audit.UserCodeChanged, audit.Success, label("Guest"))
	require.Equal(t, "Guest", now()[0].Label)
	say(audit.UserPartitionsChanged, audit.Success, flow.F(audit.FieldPartitions, "1, 2"))
	say(audit.UserPartitionsChanged, audit.Success, flow.F(audit.FieldPartitions, "1, 2, 3"))
	say(audit.UserWindowChanged, audit.Success, flow.F(audit.FieldUntil, "2027-01-01T00:00:00Z"))
	say(audit.UserRefused, audit.Failure, flow.F(audit.FieldFieldsRefused, "code, partitions"))
	require.Equal(t, "1, 2", now()[0].Partitions)
	require.Equal(t, "2027-01-01T00:00:00Z", now()[0].Until)
	require.Equal(t, journal.Present, now()[0].Presence, "the code before still opens")

	// A wish that was denied or failed is none.
	say(audit.UserDisabled, audit.Denied)
	say(audit.UserRoleChanged, audit.Failure, flow.F(audit.FieldRole, "Master"))
	require.Equal(t, journal.Present, now()[0].Presence)
	require.NotEqual(t, "Master", now()[0].Role)

	say(audit.UserDisabled, audit.Success)
	say(audit.UserUnsure, audit.Failure, flow.F(audit.FieldFieldsUnsure, "code"))
	require.Equal(t, journal.Leaving, now()[0].Presence)

	// A code that expires before it was ever sent leaves nobody.
	say(audit.UserDriftAdopted, audit.Success, flow.F(audit.FieldReason, "removed, cancelled"))
	require.Empty(t, now())
	say(audit.UserCodeSet, audit.Success, label("Keeper"))
	say(audit.UserWishExpired, audit.Success, flow.F(audit.FieldFields, "code, label"))
	require.Empty(t, now())
}
