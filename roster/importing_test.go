package roster_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/journal"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// Labels come back as they were before an export, whether a spreadsheet would take them
// for a formula or they begin with an apostrophe of their own, and JSON keeps them as they
// are.
//
// Rules: R259
func TestLabelsComeBackFromAnExport(t *testing.T) {
	back := func(t require.TestingT, label string) {
		var file bytes.Buffer
		w := csv.NewWriter(&file)
		require.NoError(t, w.WriteAll([][]string{{"slot", "code", "label"}, {"7", "0042", journal.Cell(label)}}))
		rows, err := roster.ReadImport(&file)
		require.NoError(t, err)
		require.Equal(t, label, rows[0].Label)
		require.Equal(t, "0042", rows[0].Code.Reveal())
		text, err := json.Marshal([]map[string]any{{"slot": 7, "code": "0042", "label": label}})
		require.NoError(t, err)
		rows, err = roster.ReadImportJSON(bytes.NewReader(text))
		require.NoError(t, err)
		require.Equal(t, label, rows[0].Label)
		require.Equal(t, "0042", rows[0].Code.Reveal())
	}
	for _, label := range []string{"Cleaner", "007", "'t Huis", "=1+1", "'=1+1", "''@you", "-", "＝1", "'", "''", "+49 151"} {
		back(t, label)
	}
	rapid.Check(t, func(t *rapid.T) {
		label := strings.TrimSpace(rapid.StringMatching(`['=+@＝a-]{0,3}[ -~]{0,20}`).Draw(t, "label"))
		if !strings.ContainsFunc(label, unicode.IsControl) {
			back(t, label)
		}
	})
}

// large is a file of four times the limit, which counts what is read of it.
type large struct {
	begin io.Reader
	read  int
}

func (l *large) Read(p []byte) (int, error) {
	if l.read > 4*roster.MaxImportBytes {
		return 0, io.EOF
	}
	n, err := l.begin.Read(p)
	if err != nil {
		n = copy(p, bytes.Repeat([]byte("7"), len(p)))
	}
	l.read += n
	return n, nil
}

// However large one cell is, no more of a file is read than the limit.
//
// Rules: R258
func TestAFileIsReadUpToItsLimit(t *testing.T) {
	for begin, read := range map[string]func(io.Reader) ([]roster.ImportRow, error){
		"slot,code\n4,\"":             roster.ReadImport,
		"slot,":                       roster.ReadImport,
		`[{"slot":"4","code":"`:       roster.ReadImportJSON,
		`[{"slot":4,"code":"0613"}, `: roster.ReadImportJSON,
	} {
		file := &large{begin: strings.NewReader(begin)}
		_, err := read(file)
		assert.ErrorIs(t, err, roster.ErrImportSize, begin)
		assert.LessOrEqual(t, file.read, roster.MaxImportBytes+1, begin)
	}
	var rows strings.Builder
	rows.WriteString("slot,code\n")
	for range roster.MaxImportRows {
		rows.WriteString("4,0613\n")
	}
	full, err := roster.ReadImport(strings.NewReader(rows.String()))
	require.NoError(t, err)
	require.Len(t, full, roster.MaxImportRows)
	_, err = roster.ReadImport(strings.NewReader(rows.String() + "4,0613\n"))
	require.ErrorIs(t, err, roster.ErrImportSize)
	last := rows.String() + strings.Repeat(" ", roster.MaxImportBytes-rows.Len()-1) + "\n"
	_, err = roster.ReadImport(strings.NewReader(last))
	require.NotErrorIs(t, err, roster.ErrImportSize, "as large as it may be")
}

// A file that is not what an import takes is refused with the place in it, and the refusal
// says nothing of what stands there.
//
// Rules: R258
func TestAnImportFileIsWhatItSays(t *testing.T) {
	long := strings.Repeat("a", roster.MaxImportCell+1)
	for file, where := range map[string]string{
		"":                                         "no header",
		"slot\n4":                                  "code is missing",
		"slot,code,code\n4,9281,9281":              "column 3",
		"slot,code,owner\n4,9281,me":               "column 3",
		"slot,code\n4,9281\nx,9281":                "line 3",
		"slot,code\n4,9281x":                       "line 2",
		"slot,code\n4":                             "line 2",
		"slot,code,label\n4,9281,a\x01b":           "line 2",
		"slot,code,label\n4,9281," + long:          "line 2",
		"slot,code,from\n4,9281,tomorrow":          "line 2",
		"{}":                                       "no array",
		"[":                                        "after row 0",
		`[{"slot":4,"code":"9281"}`:                "after row 1",
		`[{"slot":4,"code":"9281"}] 9281`:          "something follows",
		`[{"slot":4,"code":"9281"},9281]`:          "row 2",
		`[{"slot":4}]`:                             "row 1: roster: not an import file: code is missing",
		`[{"slot":4,"code":9281}]`:                 "row 1: roster: a code is text, not a number",
		`[{"slot":4.5,"code":"9281"}]`:             "row 1",
		`[{"slot":4,"code":null}]`:                 "row 1",
		`[{"slot":4,"code":["9281"]}]`:             "row 1",
		`[{"slot":4,"code":"9281","code":"9281"}]`: "row 1",
		`[{"slot":4,"code":"9281","owner":"me"}]`:  "row 1",
		`[{"slot":4,"code":"92` + "\x01" + `81"}]`: "row 1",
		`[{"slot":4,"code":"9281","label":"` + long + `"}]`: "row 1",
	} {
		read := roster.ReadImport
		if strings.HasPrefix(file, "[") || strings.HasPrefix(file, "{") {
			read = roster.ReadImportJSON
		}
		_, err := read(strings.NewReader(file))
		require.Error(t, err, file)
		assert.ErrorContains(t, err, where, file)
		assert.NotContains(t, err.Error(), "9281", file)
		if strings.Contains(file, `"code":9281`) {
			assert.ErrorIs(t, err, roster.ErrImportNumber)
			continue
		}
		assert.ErrorIs(t, err, roster.ErrImportForm, file)
	}
}

// Rules: R258
func TestBothFormsOfAFileSayTheSame(t *testing.T) {
	text, err := roster.ReadImport(strings.NewReader("\ufeffSlot, code ,label,role,partitions,from,until\n4,0613,Cleaner,user,1 3,2026-05-01T08:00:00Z,\n5, 0042,,,,,\n"))
	require.NoError(t, err)
	objects, err := roster.ReadImportJSON(strings.NewReader(`[
		{"slot": 4, "code": "0613", "label": "Cleaner", "role": "user", "partitions": "1 3", "from": "2026-05-01T08:00:00Z"},
		{"slot": "5", "code": "0042"}]`))
	require.NoError(t, err)
	require.Equal(t, text, objects)
	require.Equal(t, "0613", text[0].Code.Reveal())
	require.Equal(t, time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC), text[0].Window.From)
	require.Zero(t, text[0].Window.Until)
	require.Nil(t, text[1].Window, "what is not said stays as it is")
	empty, err := roster.ReadImportJSON(strings.NewReader(" [ ] "))
	require.NoError(t, err)
	require.Empty(t, empty)
}

// desks are desks over one store and one panel, to which nothing is delivered.
type desks struct {
	*testing.T
	store   store.Store
	ring    *credentials.Following
	now     time.Time
	codes   credentials.Policy
	formats []credentials.CardFormat
	budget  roster.Budget
	people  *people
}

func newDesks(t *testing.T) *desks {
	t.Helper()
	both, err := credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey(), credentials.GenerateKey()}, credentials.KeyringOptions{})
	require.NoError(t, err)
	return &desks{T: t, store: memstore.Open(), ring: credentials.Follow(both), now: time.Now(), budget: roster.Budget{Hour: 2, Day: 9, TenantDay: 9}, people: &people{list: map[accounts.ID]accounts.Person{}}}
}

func (d *desks) as(who accounts.ID) *roster.Operator {
	d.Helper()
	m := slots(4)
	m.Kind, m.Name, m.Sight, m.Evidence = panel.Access, "paper", panel.Marked, "Invented for this test."
	m.Create |= panel.FieldLabel
	m.Change |= panel.FieldLabel
	m.Label.Max = 20
	desk, err := roster.New(roster.Options{
		Store: d.store, Keys: d.ring, Drivers: map[string]panel.Driver{"paper": &paper{model: m, length: 4}}, Directory: d.people, Codes: d.codes, CardFormats: d.formats,
		Collisions: d.budget, Now: func() time.Time { return d.now },
		Authority: accounts.StaticAuthority{
			"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()},
			"clerk":    {Enabled: true, Rights: accounts.AllRights().Without(accounts.RightsOf(accounts.CollisionsView)), Sites: accounts.AllSites()},
			"importer": grant(accounts.ImportRun, accounts.PanelUsersView),
			"viewer":   grant(accounts.PanelUsersView),
		},
	})
	require.NoError(d, err)
	return desk.As(accounts.HostActor(who, "", "").Vouched(d.now))
}

// panel registers a panel and returns its id.
func (d *desks) panel(ident string) string {
	d.Helper()
	p, err := d.as("operator").Register(d.Context(), roster.Registration{Site: site, Driver: "paper", Ident: ident})
	require.NoError(d, err)
	return p.ID
}

// A dry run is of one panel as it was, under the rules for codes and the keys of its time,
// and commits for an hour.
//
// Rules: R258
func TestAnImportIsBoundToWhatItsDryRunSaw(t *testing.T) {
	rows := func(code string) []roster.ImportRow {
		return []roster.ImportRow{{Place: slot(4), CodeWish: roster.CodeWish{Code: digits(t, code)}}}
	}
	for name, c := range map[string]struct {
		change func(d *desks, tab *roster.Tab) *roster.Tab
		holds  bool
	}{
		"nothing":         {func(_ *desks, tab *roster.Tab) *roster.Tab { return tab }, true},
		"another user":    {func(d *desks, tab *roster.Tab) *roster.Tab { d.set(tab, 5, "8604"); return tab }, true},
		"not yet an hour": {func(d *desks, tab *roster.Tab) *roster.Tab { return d.later(tab, roster.ImportLife) }, true},
		"longer ago":      {func(d *desks, tab *roster.Tab) *roster.Tab { return d.later(tab, roster.ImportLife+time.Second) }, false},
		"the user":        {func(d *desks, tab *roster.Tab) *roster.Tab { d.set(tab, 4, "8604"); return tab }, false},
		"the panel": {func(d *desks, tab *roster.Tab) *roster.Tab {
			require.NoError(d, tab.Change(d.Context(), "Back house"))
			return tab
		}, false},
		"another panel": {func(d *desks, _ *roster.Tab) *roster.Tab { return d.as("operator").Panel(d.panel("q")) }, false},
		"the rules for codes": {func(d *desks, tab *roster.Tab) *roster.Tab {
			d.codes.Reserved = []string{"1234"}
			return d.later(tab, 0)
		}, false},
		"the keys": {func(d *desks, tab *roster.Tab) *roster.Tab {
			e := d.ring.Epoch()
			e.N++
			e.Prints = append(e.Prints, d.ring.Ring().Keys()[1])
			require.NoError(d, d.ring.Turn(e))
			return tab
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesks(t)
			tab := d.as("operator").Panel(d.panel("p"))
			dry, err := tab.Import(t.Context(), rows("6137"), roster.ImportOptions{})
			require.NoError(t, err)
			tab = c.change(d, tab)
			_, err = tab.Import(t.Context(), rows("7283"), roster.ImportOptions{Token: dry.Token})
			require.ErrorIs(t, err, roster.ErrImportChanged, "another code")
			rep, err := tab.Import(t.Context(), rows("6137"), roster.ImportOptions{Token: dry.Token})
			if !c.holds {
				require.ErrorIs(t, err, roster.ErrImportChanged)
				require.Zero(t, rep, "a refusal has no token")
				return
			}
			require.NoError(t, err)
			require.Equal(t, 1, rep.Accepted)
			_, err = tab.Import(t.Context(), rows("6137"), roster.ImportOptions{Token: dry.Token})
			require.ErrorIs(t, err, roster.ErrImportChanged, "it was carried out")
		})
	}
}

// Nobody writes a time into a token.
//
// Rules: R258
func TestATokensTimeIsItsOwn(t *testing.T) {
	d := newDesks(t)
	tab := d.as("operator").Panel(d.panel("p"))
	rows := []roster.ImportRow{{Place: slot(4), CodeWish: roster.CodeWish{Code: digits(t, "6137")}}}
	dry, err := tab.Import(t.Context(), rows, roster.ImportOptions{})
	require.NoError(t, err)
	_, mark, _ := strings.Cut(dry.Token, ".")
	for _, token := range []string{"x", mark, "." + mark, fmt.Sprintf("%x.%s", d.now.Add(time.Minute).UnixNano(), mark)} {
		_, err = tab.Import(t.Context(), rows, roster.ImportOptions{Token: token})
		require.ErrorIs(t, err, roster.ErrImportChanged, token)
	}
}

func (d *desks) set(tab *roster.Tab, n int, code string) {
	d.Helper()
	_, err := tab.SetCode(d.Context(), slot(n), roster.CodeWish{Code: digits(d.T, code)})
	require.NoError(d, err)
}

// later is the same panel at another time.
func (d *desks) later(tab *roster.Tab, by time.Duration) *roster.Tab {
	d.now = d.now.Add(by)
	return d.as("operator").Panel(tab.ID())
}

// Whoever stops an import stops it between two rows: what was done is done, and told.
//
// Rules: R258
func TestAnImportStopsBetweenTwoRows(t *testing.T) {
	d := newDesks(t)
	tab := d.as("operator").Panel(d.panel("p"))
	var rows []roster.ImportRow
	for i, code := range []string{"6137", "7283", "8604", "9517"} {
		rows = append(rows, roster.ImportRow{Place: slot(i + 2), CodeWish: roster.CodeWish{Code: digits(t, code)}})
	}
	stop := func() (context.Context, func(int, int)) {
		ctx, cancel := context.WithCancel(t.Context())
		return ctx, func(done, _ int) {
			if done == 2 {
				cancel()
			}
		}
	}
	ctx, progress := stop()
	rep, err := tab.Import(ctx, rows, roster.ImportOptions{Progress: progress})
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, rep.Token, "of a dry run that did not see all rows")
	dry, err := tab.Import(t.Context(), rows, roster.ImportOptions{})
	require.NoError(t, err)

	ctx, progress = stop()
	rep, err = tab.Import(ctx, rows, roster.ImportOptions{Token: dry.Token, Progress: progress})
	require.ErrorIs(t, err, context.Canceled)
	require.Len(t, rep.Rows, 2)
	require.Equal(t, 2, rep.Accepted)
	for i := range rows {
		u, err := tab.Details(t.Context(), slot(i+2))
		require.NoError(t, err)
		require.Equal(t, i < 2, u.Revision > 0, "row %d", i+1)
	}
	es, err := d.store.Entries(t.Context(), store.EntryQuery{Target: []byte(rep.ID), ByIndex: true})
	require.NoError(t, err)
	require.Len(t, es, 2)
	done, err := audit.Decode(es[1].Body)
	require.NoError(t, err)
	require.Equal(t, audit.ImportDone, done.Action)
	require.Equal(t, "2", done.Value(audit.FieldAccepted))
	require.Equal(t, "4", done.Value(audit.FieldRows))
}

// Who may not know which codes work is stopped when the budget of refusals is used up.
//
// Rules: R258, G189
func TestAnImportStopsAtTheBudget(t *testing.T) {
	d := newDesks(t)
	id := d.panel("p")
	d.set(d.as("operator").Panel(id), 2, "6137")
	clerk := d.as("clerk").Panel(id)
	var rows []roster.ImportRow
	for n := range 5 {
		rows = append(rows, roster.ImportRow{Place: slot(n + 3), CodeWish: roster.CodeWish{Code: digits(t, "6137")}})
	}
	dry, err := clerk.Import(t.Context(), rows, roster.ImportOptions{})
	require.NoError(t, err)
	rep, err := clerk.Import(t.Context(), rows, roster.ImportOptions{Token: dry.Token})
	require.ErrorIs(t, err, roster.ErrImportStopped)
	require.Len(t, rep.Rows, 3)
	require.ErrorIs(t, rep.Rows[1].Err, credentials.ErrNotAvailable)
	require.ErrorIs(t, rep.Rows[2].Err, roster.ErrCollisionBudget)
}

// No file makes a reader panic, and what is read keeps its digits.
func FuzzAnImportFile(f *testing.F) {
	f.Add("slot,code\n4,0613\n")
	f.Add("slot,code,label\n\"4\n")
	f.Add(`[{"slot":4,"code":"0613","until":"2026-05-01T08:00:00Z"}]`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, read := range []func(io.Reader) ([]roster.ImportRow, error){roster.ReadImport, roster.ReadImportJSON} {
			rows, err := read(strings.NewReader(text))
			if err != nil {
				require.Nil(t, rows)
			}
			for _, r := range rows {
				require.Contains(t, text, r.Code.Reveal())
			}
		}
	})
}
