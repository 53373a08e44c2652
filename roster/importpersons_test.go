package roster_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Rules: R258
func TestPersonsAreReadFromBothForms(t *testing.T) {
	text, err := roster.ReadPersons(strings.NewReader("account,pin,tag,label,from,until\na-1,006137,0A1B2C3D:32,'=blue,2026-05-01T08:00:00Z,2026-06-01T08:00:00+02:00\na-2,,1D2C:26,,,\n"))
	require.NoError(t, err)
	objects, err := roster.ReadPersonsJSON(strings.NewReader(`[
		{"account": "a-1", "pin": "006137", "tag": "0A1B2C3D", "label": "=blue", "from": "2026-05-01T08:00:00Z", "until": "2026-06-01T08:00:00+02:00"},
		{"account": "a-2", "tag": "1D2C:26"}]`))
	require.NoError(t, err)
	require.Equal(t, text, objects)
	require.Equal(t, "006137", text[0].PIN.Reveal())
	require.Equal(t, 32, text[0].Tag.Bits())
	require.Equal(t, 26, text[1].Tag.Bits())
	for file, want := range map[string]error{
		`[{"account":"a-1","pin":928137}]`:       roster.ErrImportNumber,
		`[{"account":1}]`:                        roster.ErrImportNumber,
		`[{"pin":"928137"}]`:                     roster.ErrImportForm,
		`[{"account":"a-1","tag":"9281:x"}]`:     credentials.ErrTagForm,
		`[{"account":"a-1","tag":"9281:0"}]`:     credentials.ErrTagForm,
		`[{"account":"a-1","tag":"9281:2"}]`:     credentials.ErrTagForm,
		`[{"account":"a-1","until":"9281"}]`:     roster.ErrImportForm,
		`[{"account":"a-1","tag":"92:81:10:F"}]`: credentials.ErrTagForm,
	} {
		_, err := roster.ReadPersonsJSON(strings.NewReader(file))
		assert.ErrorIs(t, err, want, file)
		assert.NotContains(t, err.Error(), "9281", file)
	}
}

// known people of the desks.
func (d *desks) know(ids ...accounts.ID) {
	d.Helper()
	for _, id := range ids {
		d.people.set(accounts.Person{ID: id, Email: email(d.T, string(id)+"@example.com"), Status: accounts.StatusActive, Sites: accounts.AllSites()})
	}
}

// Each row of a dry run comes to what the single operations come to, and so does the commit.
//
// Rules: R258
func TestPersonsAreImportedAsOneByOne(t *testing.T) {
	row := func(who accounts.ID, pin, tag string, w *credentials.Window) roster.PersonRow {
		r := roster.PersonRow{Account: who, Window: w}
		if pin != "" {
			r.PIN = digits(t, pin)
		}
		if tag != "" {
			r.Tag = card(t, tag)
		}
		return r
	}
	d := newDesks(t)
	d.know("holder", "cleaner", "guest", "cook", "driver", "porter", "waiter")
	op := d.as("operator")
	require.NoError(t, op.Person("holder").SetPIN(t.Context(), digits(t, "613728")))
	_, err := op.Person("holder").AddTag(t.Context(), card(t, "0A1B2C3D"), "")
	require.NoError(t, err)
	end := d.now.Add(time.Hour)
	rows := []roster.PersonRow{
		row("cleaner", "728361", "0A1B2C3E", &credentials.Window{Until: end}),
		row("cleaner", "728361", "0A1B2C3F", nil),
		row("guest", "613728", "0A1B2C40", nil),
		row("guest", "", "0A1B2C3D", nil),
		row("cook", "728361", "", nil),
		row("cook", "", "0A1B2C3E", nil),
		row("driver", "111111", "", nil),
		row("driver", "860413", "", &credentials.Window{From: end, Until: d.now}),
		row("porter", "", "", &credentials.Window{Until: end}),
		row("waiter", "", "", nil),
		row("nobody", "860413", "", nil),
		row("waiter", "860413", "", nil),
	}
	want := []error{nil, nil, credentials.ErrCodeTaken, credentials.ErrCodeTaken, credentials.ErrCodeTaken, credentials.ErrCodeTaken,
		credentials.ErrWeak, credentials.ErrValidityOrder, roster.ErrNoPIN, roster.ErrImportForm, accounts.ErrAccountNotFound, nil}
	check := func(rep roster.ImportReport) {
		t.Helper()
		require.Len(t, rep.Rows, len(rows))
		require.Equal(t, []int{3, 9}, []int{rep.Accepted, rep.Refused})
		for i, out := range rep.Rows {
			assert.Equal(t, rows[i].Account, out.Account)
			assert.Equal(t, want[i] == nil, out.Err == nil, "row %d: %v", i+1, out.Err)
			if want[i] != nil {
				assert.ErrorIs(t, out.Err, want[i], "row %d", i+1)
			}
		}
	}
	before, err := d.store.Entries(t.Context(), store.EntryQuery{ByIndex: true})
	require.NoError(t, err)
	steps := 0
	dry, err := op.ImportPersons(t.Context(), rows, roster.ImportOptions{Progress: func(int, int) { steps++ }})
	require.NoError(t, err)
	check(dry)
	require.Equal(t, len(rows), steps)
	after, err := d.store.Entries(t.Context(), store.EntryQuery{ByIndex: true})
	require.NoError(t, err)
	require.Len(t, after, len(before), "a dry run changes nothing")

	_, err = op.ImportPersons(t.Context(), rows[:3], roster.ImportOptions{Token: dry.Token})
	require.ErrorIs(t, err, roster.ErrImportChanged)
	done, err := op.ImportPersons(t.Context(), rows, roster.ImportOptions{Token: dry.Token})
	require.NoError(t, err)
	check(done)
	has, err := op.Person("cleaner").Holds(t.Context())
	require.NoError(t, err)
	require.True(t, has.PIN)
	require.Equal(t, credentials.Window{Until: end}.Whole(), has.Window)
	require.Len(t, has.Tags, 2)
	require.Equal(t, []uint64{has.Tags[0].ID, has.Tags[1].ID}, []uint64{done.Rows[0].Tag, done.Rows[1].Tag})
	has, err = op.Person("guest").Holds(t.Context())
	require.NoError(t, err)
	require.Zero(t, has, "a row is done as a whole or not at all")
}

// What decides about persons has changed since the dry run: it does not commit.
//
// Rules: R258
func TestAnImportOfPersonsIsBoundToWhatTheyHad(t *testing.T) {
	for name, change := range map[string]func(d *desks){
		"the person": func(d *desks) {
			require.NoError(d, d.as("operator").Person("cleaner").SetPIN(d.Context(), digits(d.T, "860413")))
		},
		"the formats of cards": func(d *desks) { d.formats = []credentials.CardFormat{credentials.H10301()} },
		"the time":             func(d *desks) { d.now = d.now.Add(roster.ImportLife + time.Second) },
		"":                     func(d *desks) {},
	} {
		d := newDesks(t)
		d.know("cleaner")
		rows := []roster.PersonRow{{Account: "cleaner", PIN: digits(t, "613728")}}
		dry, err := d.as("operator").ImportPersons(t.Context(), rows, roster.ImportOptions{})
		require.NoError(t, err)
		change(d)
		_, err = d.as("operator").ImportPersons(t.Context(), rows, roster.ImportOptions{Token: dry.Token})
		if name == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, roster.ErrImportChanged, name)
	}
}

// A dry run tells somebody who may not know nothing of what others have, and the commit
// stops at their budget of refusals; who may not set a PIN imports none.
//
// Rules: R258, G189
func TestAnImportOfPersonsKeepsTheRightsOfEachRow(t *testing.T) {
	d := newDesks(t)
	d.know("holder", "cleaner")
	require.NoError(t, d.as("operator").Person("holder").SetPIN(t.Context(), digits(t, "613728")))
	rows := []roster.PersonRow{{Account: "cleaner", PIN: digits(t, "111111")}}
	for range 4 {
		rows = append(rows, roster.PersonRow{Account: "cleaner", PIN: digits(t, "613728")})
	}
	clerk := d.as("clerk")
	dry, err := clerk.ImportPersons(t.Context(), rows, roster.ImportOptions{})
	require.NoError(t, err)
	require.Equal(t, 5, dry.Accepted)
	require.Equal(t, 1, dry.NotAvailable, "what everybody can know is counted")
	rep, err := clerk.ImportPersons(t.Context(), rows, roster.ImportOptions{Token: dry.Token})
	require.ErrorIs(t, err, roster.ErrImportStopped)
	require.Len(t, rep.Rows, 3)
	require.ErrorIs(t, rep.Rows[0].Err, credentials.ErrNotAvailable)
	require.ErrorIs(t, rep.Rows[1].Err, credentials.ErrNotAvailable)
	require.ErrorIs(t, rep.Rows[2].Err, roster.ErrCollisionBudget)

	dry, err = d.as("importer").ImportPersons(t.Context(), rows, roster.ImportOptions{})
	require.NoError(t, err)
	require.ErrorIs(t, dry.Rows[0].Err, accounts.ErrPermissionDenied)
	_, err = d.as("viewer").ImportPersons(t.Context(), rows, roster.ImportOptions{})
	require.ErrorIs(t, err, accounts.ErrPermissionDenied)
	_, err = d.as("operator").ImportPersons(t.Context(), nil, roster.ImportOptions{})
	require.ErrorIs(t, err, roster.ErrImportForm)
}

// Rules: R258
func TestAnImportOfPersonsStopsBetweenTwoRows(t *testing.T) {
	d := newDesks(t)
	d.know("cleaner", "guest")
	rows := []roster.PersonRow{{Account: "cleaner", PIN: digits(t, "613728")}, {Account: "guest", PIN: digits(t, "860413")}}
	dry, err := d.as("operator").ImportPersons(t.Context(), rows, roster.ImportOptions{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	rep, err := d.as("operator").ImportPersons(ctx, rows, roster.ImportOptions{Token: dry.Token, Progress: func(int, int) { cancel() }})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, rep.Accepted)
	has, err := d.as("operator").Person("guest").Holds(t.Context())
	require.NoError(t, err)
	require.False(t, has.PIN)
	es, err := d.store.Entries(t.Context(), store.EntryQuery{Target: []byte(rep.ID), ByIndex: true})
	require.NoError(t, err)
	require.Len(t, es, 2)
	done, err := audit.Decode(es[1].Body)
	require.NoError(t, err)
	require.Equal(t, "1", done.Value(audit.FieldAccepted))
}

// Whatever the reason is for which a PIN or tag is not available, a row of somebody who may
// not know it causes the same calls to the store, tried or carried out.
//
// Rules: G189, R258
func TestEveryRowOfPersonsTakesTheSamePath(t *testing.T) {
	d := newDesks(t)
	d.know("holder", "cleaner")
	d.budget = roster.Budget{Hour: 1000, Day: 1000, TenantDay: 1000}
	l := &ledger{Store: d.store}
	d.store = l
	require.NoError(t, d.as("operator").Person("holder").SetPIN(t.Context(), digits(t, "613728")))
	_, err := d.as("operator").Person("holder").AddTag(t.Context(), card(t, "0A1B2C3D"), "")
	require.NoError(t, err)
	d.codes.Reserved = []string{"284617"}
	clerk := d.as("clerk")
	path := func(r roster.PersonRow) (tried, carried []string) {
		r.Account = "cleaner"
		rows := []roster.PersonRow{r}
		var token string
		tried = l.of(func() {
			dry, err := clerk.ImportPersons(t.Context(), rows, roster.ImportOptions{})
			require.NoError(t, err)
			require.NoError(t, dry.Rows[0].Err)
			token = dry.Token
		})
		carried = l.of(func() {
			rep, err := clerk.ImportPersons(t.Context(), rows, roster.ImportOptions{Token: token})
			require.NoError(t, err)
			require.Same(t, credentials.ErrNotAvailable, rep.Rows[0].Err)
		})
		for i, call := range carried { // the operation at which the store refuses it is no call
			carried[i], _, _ = strings.Cut(call, ": store.")
		}
		return tried, carried
	}
	pin := func(code string) roster.PersonRow { return roster.PersonRow{PIN: digits(t, code)} }
	path(pin("613728")) // the first refusal in an hour has an entry more
	wantTried, wantCarried := path(pin("613728"))
	for _, code := range []string{"111111", "284617"} {
		tried, carried := path(pin(code))
		assert.Equal(t, wantTried, tried, code)
		assert.Equal(t, wantCarried, carried, code)
	}
}
