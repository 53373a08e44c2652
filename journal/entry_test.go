package journal_test

import (
	"encoding/json"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/journal"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Rules: R190, R191, G139
func TestEntrySaysWhoDidWhatAndWhen(t *testing.T) {
	w := newWorld(t, false, nil)
	id := w.say(operator, audit.UserCodeChanged, audit.Success, []string{"site/north", "panel-1", "user-1"},
		flow.F(audit.FieldPanel, "panel-1"), flow.F(audit.FieldSlot, "7"), flow.Field{Name: audit.FieldLabel, Value: "Hall \"east\"", Of: "user/user-1"})

	e, err := w.journal.As(operator).Entry(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, began, e.Time)
	assert.Equal(t, "The operator", e.Who)
	assert.Equal(t, "host/operator", e.Actor.String())
	assert.Equal(t, audit.Success, e.Outcome)
	assert.Equal(t, `The code of a panel user was changed: via "http", panel "panel-1", slot "7", label "Hall \"east\"".`, e.Description)
	assert.Contains(t, e.Details, journal.Detail{Name: audit.FieldLabel, Value: `Hall "east"`, Personal: true})
	assert.Equal(t, []string{"site/north", "panel-1", "user-1", "operator"}, e.Targets)
	assert.EqualValues(t, 0, e.Index)

	screen, err := json.Marshal(e)
	require.NoError(t, err)
	assert.Contains(t, string(screen), `"who":"The operator"`)
	line := fmt.Sprintf("%v %+v %#v %s", e, e, e, []journal.Entry{e})
	assert.NotContains(t, line, "Hall")
	assert.NotContains(t, line, "The operator")

	_, err = w.journal.As(operator).Entry(t.Context(), "none")
	assert.ErrorIs(t, err, journal.ErrEntryNotFound)
	assert.Equal(t, fault.NotFound, fault.Of(err))
}

// What was erased stays a pseudonym, and the entry stays.
//
// Rules: R255
func TestErasedValuesArePseudonyms(t *testing.T) {
	w := newWorld(t, false, nil)
	id := w.label("north", "panel-1", "user-1", "Hall")
	kept := w.label("north", "panel-1", "user-2", "Cellar")
	w.act(operator, func(u *flow.Unit) error {
		if _, _, err := flow.Load(u, rec.Salts, "user/user-1"); err != nil {
			return err
		}
		flow.Drop(u, rec.Salts, "user/user-1")
		_, err := u.Say(audit.RepairDone, audit.Success, nil)
		return err
	})
	reader := w.journal.As(operator)
	e, err := reader.Entry(t.Context(), id)
	require.NoError(t, err)
	assert.Contains(t, e.Details, journal.Detail{Name: audit.FieldLabel, Value: "person:user/user-1", Personal: true})
	e, err = reader.Entry(t.Context(), kept)
	require.NoError(t, err)
	assert.Contains(t, e.Details, journal.Detail{Name: audit.FieldLabel, Value: "Cellar", Personal: true})

	proof, err := reader.Prove(t.Context(), id, audit.FieldLabel)
	require.NoError(t, err, "a proof outlives an erasure")
	parsed, err := audit.ParseProof(proof)
	require.NoError(t, err)
	_, err = audit.CheckProof(parsed, origin, w.key.Public())
	require.NoError(t, err)
}

// A changed or foreign row does not hide the others.
func TestUnreadableEntriesAreShownAsSuch(t *testing.T) {
	w := newWorld(t, false, nil)
	good := w.label("north", "panel-1", "user-1", "Hall")
	_, err := w.store.Commit(t.Context(), store.Change{ID: "forged", Entries: []store.Leaf{{
		ID: "forged", At: w.time(), Action: string(audit.UserLabelChanged), Targets: [][]byte{[]byte("site/north")}, Body: []byte(`{"v":1}`),
	}}})
	require.NoError(t, err)
	all := walk(t, w.journal.As(north), journal.Filter{}, 10)
	require.ElementsMatch(t, []string{"forged", good}, ids(all))
	for _, e := range all {
		assert.Equal(t, e.ID == "forged", e.Unreadable)
		if e.Unreadable {
			assert.Equal(t, "The label of a panel user was changed. The stored entry cannot be read: verify the log.", e.Description)
		}
	}
	assert.ErrorIs(t, w.journal.As(north).Export(t.Context(), io.Discard, journal.ExportOptions{}), audit.ErrMalformed)

	// Without the key that sealed them personal values stay closed.
	other := newWorld(t, false, nil)
	j := w.open(w.store, func(o *journal.Options) { o.Keys = other.keys })
	e, err := j.As(north).Entry(t.Context(), good)
	require.NoError(t, err)
	assert.Contains(t, e.Details, journal.Detail{Name: audit.FieldLabel, Value: "person:user/user-1", Personal: true})
}
