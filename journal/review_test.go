package journal_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/journal"
	"github.com/seed-a2d3eaca/keyholder/people"
)

const (
	day   = 24 * time.Hour
	roleA = "installer"
	roleB = "viewer"
)

// office is accounts in the store of a world.
func office(t *testing.T, w *world) (op func() *people.Operator, add func(name, role string, sites accounts.Sites) accounts.ID) {
	t.Helper()
	policy := accounts.PowerManage()
	policy.MaxRoles = 2
	s, err := people.New(people.Options{Policy: policy, Store: w.store, Keys: w.keys, Authority: grants(), Now: w.time})
	require.NoError(t, err)
	op = func() *people.Operator { return s.As(operator.Vouched(w.time())) }
	return op, func(name, role string, sites accounts.Sites) accounts.ID {
		e, err := accounts.ParseEmail(name + "@example.com")
		require.NoError(t, err)
		a, err := op().CreateConfirmed(t.Context(), people.NewAccount{Email: e, First: name, Roles: []string{role}, Sites: sites})
		require.NoError(t, err)
		return a.ID
	}
}

// A review says what was so on its date, whenever it is made.
//
// Rules: G210, G130, G131, G136
func TestAReviewIsAsOfItsDate(t *testing.T) {
	w := newWorld(t, false, nil)
	op, add := office(t, w)
	cleaner := add("cleaner", roleA, accounts.TheseSites("north"))
	guest := add("guest", roleB, accounts.TheseSites("south"))
	keeper := add("keeper", roleB, accounts.TheseSites("north"))
	w.advance(10 * day)
	_, err := op().SetRoles(t.Context(), cleaner, roleA, roleB)
	require.NoError(t, err)
	w.advance(10 * day)
	w.say(operator, audit.SignInDone, audit.Success, []string{string(cleaner)}, flow.F(audit.FieldAccount, string(cleaner)))
	w.say(operator, audit.FactorAdded, audit.Success, []string{string(cleaner)}, flow.F(audit.FieldAccount, string(cleaner)), flow.F(audit.FieldMethod, "app"))
	w.say(operator, audit.FactorAdded, audit.Success, []string{string(guest)}, flow.F(audit.FieldAccount, string(guest)),
		flow.F(audit.FieldMethod, "app"), flow.F(audit.FieldStatus, "waits to be proven"))
	_, err = op().Suspend(t.Context(), guest, "on leave")
	require.NoError(t, err)
	w.advance(10 * day)
	require.NoError(t, op().Remove(t.Context(), keeper, people.Confirmation{Account: "keeper@example.com"}))
	w.advance(10 * day)

	review := func(reader accounts.Actor, age time.Duration) map[string]journal.Reviewed {
		v, err := w.journal.As(reader).Review(t.Context(), journal.ReviewQuery{AsOf: began.Add(age), UnusedFor: 15 * day, Conflicts: [][2]string{{roleA, roleB}}})
		require.NoError(t, err)
		found := map[string]journal.Reviewed{}
		for _, a := range v.Accounts {
			found[a.Person] = a
		}
		return found
	}
	require.Empty(t, review(operator, -time.Second))

	first := review(operator, day)
	require.Len(t, first, 3)
	assert.Equal(t, journal.Reviewed{Account: string(cleaner), Person: "cleaner@example.com", Roles: roleA, Since: began, Sites: "north",
		Status: string(accounts.StatusActive), Created: began, NoFactor: true}, first["cleaner@example.com"])

	second := review(operator, 15*day)
	assert.Equal(t, roleA+", "+roleB, second["cleaner@example.com"].Roles)
	assert.Equal(t, began.Add(10*day), second["cleaner@example.com"].Since)
	assert.Equal(t, roleA+" and "+roleB, second["cleaner@example.com"].Conflicted)
	assert.False(t, second["guest@example.com"].Unused)

	third := review(operator, 25*day)
	assert.Equal(t, began.Add(20*day), third["cleaner@example.com"].SignedIn)
	assert.False(t, third["cleaner@example.com"].NoFactor || third["cleaner@example.com"].Unused)
	assert.True(t, third["guest@example.com"].NoFactor && third["guest@example.com"].Unused)
	assert.Equal(t, string(accounts.StatusSuspended), third["guest@example.com"].Status)
	require.Len(t, third, 3)

	last := review(operator, 35*day)
	require.Len(t, last, 2, "keeper was removed")
	require.Len(t, review(north, 15*day), 2)
	require.Len(t, review(south, 35*day), 1)
	_, err = w.journal.As(nowhere).Review(t.Context(), journal.ReviewQuery{})
	require.ErrorIs(t, err, accounts.ErrSiteMismatch)
	require.Equal(t, first, review(operator, day), "what came later changes nothing")
	assert.NotContains(t, fmt.Sprintf("%v %+v", last, last["cleaner@example.com"]), "{cleaner@")
}

// A reviewer signs what they have seen and nothing else.
//
// Rules: G210
func TestAReviewIsSignedOff(t *testing.T) {
	w := newWorld(t, false, nil)
	op, add := office(t, w)
	cleaner := add("cleaner", roleA, accounts.TheseSites("north"))
	w.advance(day)
	q := journal.ReviewQuery{AsOf: w.time()}
	r := w.journal.As(operator)
	seen, err := r.Review(t.Context(), q)
	require.NoError(t, err)
	digest, err := seen.Digest()
	require.NoError(t, err)
	w.advance(day)
	_, err = op().SetRoles(t.Context(), cleaner, roleB)
	require.NoError(t, err)

	_, err = r.SignOff(t.Context(), q, digest, "quarterly")
	require.ErrorIs(t, err, accounts.ErrStepUpRequired)
	r = w.journal.As(operator.Vouched(w.time()))
	id, err := r.SignOff(t.Context(), q, digest, "quarterly")
	require.NoError(t, err, "what came later is of another review")
	e, err := r.Entry(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, audit.ReviewSigned, e.Action)
	assert.Contains(t, e.Description, digest)
	assert.Contains(t, e.Description, "quarterly")

	_, err = r.SignOff(t.Context(), journal.ReviewQuery{AsOf: w.time()}, digest, "")
	require.ErrorIs(t, err, journal.ErrReviewChanged)
	_, err = r.SignOff(t.Context(), journal.ReviewQuery{}, digest, "")
	require.ErrorIs(t, err, journal.ErrReviewChanged)
	_, err = w.journal.As(south.Vouched(w.time())).SignOff(t.Context(), q, digest, "")
	require.ErrorIs(t, err, journal.ErrReviewChanged, "they see less")
	_, err = w.journal.As(stranger.Vouched(w.time())).SignOff(t.Context(), q, digest, "")
	require.ErrorIs(t, err, accounts.ErrPermissionDenied)
}

// Rules: R259, G210
func TestAReviewIsExported(t *testing.T) {
	w := newWorld(t, false, nil)
	_, add := office(t, w)
	add("cleaner", roleA, accounts.TheseSites("north"))
	r := w.journal.As(operator)
	var file bytes.Buffer
	require.NoError(t, r.ReportReview(t.Context(), &file, journal.ReviewQuery{}, journal.ReportOptions{Format: journal.CSV}))
	rows := table(t, file.Bytes())
	require.Len(t, rows, 1)
	assert.Equal(t, "no second factor", rows[0]["look"])
	assert.Contains(t, rows[0]["person"], "person:account/")
	assert.NotContains(t, file.String(), "cleaner@example.com")
	require.Equal(t, []string{"review as of 2026-11-21T10:00:00Z | 1"}, exports(t, w))

	file.Reset()
	require.NoError(t, r.ReportReview(t.Context(), &file, journal.ReviewQuery{}, journal.ReportOptions{Format: journal.JSON, Personal: true}))
	var a journal.Reviewed
	require.NoError(t, json.NewDecoder(&file).Decode(&a))
	assert.Equal(t, "cleaner@example.com", a.Person)
	file.Reset()
	require.NoError(t, r.ReportReview(t.Context(), &file, journal.ReviewQuery{}, journal.ReportOptions{Format: journal.HTML, Personal: true}))
	assert.Contains(t, file.String(), "<td>cleaner@example.com</td>")
	require.ErrorIs(t, r.ReportReview(t.Context(), &file, journal.ReviewQuery{}, journal.ReportOptions{Format: "pdf"}), journal.ErrFormat)
}
