package roster_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// ledger is a store that writes down what every call was about, and where it failed.
type ledger struct {
	store.Store
	calls []string
	taken int // so many commits with a claim are refused, as if somebody had the code
}

func (l *ledger) note(format string, args ...any) {
	l.calls = append(l.calls, fmt.Sprintf(format, args...))
}

func (l *ledger) Load(ctx context.Context, keys ...store.Key) ([]store.Record, error) {
	kinds := make([]string, len(keys))
	for i, k := range keys {
		kinds[i] = string(k.Kind)
	}
	l.note("Load %v", kinds)
	return l.Store.Load(ctx, keys...)
}

func (l *ledger) List(ctx context.Context, q store.Query) ([]store.Record, error) {
	l.note("List %s %s", q.Kind, q.Term)
	return l.Store.List(ctx, q)
}

func (l *ledger) Holders(ctx context.Context, names ...store.Name) ([]store.Held, error) {
	l.note("Holders %d", len(names))
	return l.Store.Holders(ctx, names...)
}

func (l *ledger) Commit(ctx context.Context, c store.Change) (store.Result, error) {
	var ops []string
	for _, op := range c.Ops {
		what := strings.TrimPrefix(fmt.Sprintf("%T", op), "store.")
		switch op := op.(type) {
		case store.Put:
			what += " " + string(op.Record.Key.Kind)
		case store.Check:
			what += " " + string(op.Key.Kind)
		}
		ops = append(ops, what)
	}
	slices.Sort(ops) // names are random, and with them the order of claims and releases
	var res store.Result
	var err error
	claim := slices.IndexFunc(c.Ops, func(op store.Op) bool { _, ok := op.(store.Claim); return ok })
	if claim >= 0 && l.taken > 0 {
		l.taken--
		err = &store.OpError{Index: claim, Op: c.Ops[claim], Err: store.ErrTaken}
	} else {
		res, err = l.Store.Commit(ctx, c)
	}
	end := "done"
	if failed, ok := errors.AsType[*store.OpError](err); ok {
		end = fmt.Sprintf("%T: %v", failed.Op, failed.Err)
	}
	l.note("Commit %v, %d entries: %s", ops, len(c.Entries), end)
	return res, err
}

// of lists the calls that f makes.
func (l *ledger) of(f func()) []string {
	l.calls = nil
	f()
	return l.calls
}

// counter is a panel with a user at slot 2 who has a code and a tag, and a wish at slot 4;
// and a clerk who may not know why a code is not available.
func counter(t *testing.T) (*ledger, *roster.Tab) {
	t.Helper()
	m := slots(4)
	m.Kind, m.Name, m.Sight, m.Evidence = panel.Access, "paper", panel.Marked, "Invented for this test."
	for _, fields := range []*panel.Field{&m.Create, &m.Change, &m.Read} {
		*fields |= panel.FieldLegacyTags
	}
	m.Code.Never = []string{"9070"}
	l := &ledger{Store: memstore.Open()}
	blind := accounts.AllRights().Without(accounts.RightsOf(accounts.CollisionsView))
	desk, err := roster.New(roster.Options{
		Store: l, Keys: ring(t), Drivers: map[string]panel.Driver{"paper": &paper{model: m, length: 4}}, Directory: &people{},
		Codes:      credentials.Policy{Reserved: []string{"2846"}},
		Collisions: roster.Budget{Hour: 1000, Day: 1000, TenantDay: 1000},
		Authority: accounts.StaticAuthority{
			"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()},
			"clerk":    {Enabled: true, Rights: blind, Sites: accounts.AllSites()},
		},
	})
	require.NoError(t, err)
	as := func(id accounts.ID) *roster.Operator {
		return desk.As(accounts.HostActor(id, "The "+string(id), "test").Vouched(time.Now()))
	}
	p, err := as("operator").Register(t.Context(), roster.Registration{Site: site, Driver: "paper", Ident: "p"})
	require.NoError(t, err)
	ours := as("operator").Panel(p.ID)
	for n, code := range map[int]string{2: "6137", 4: "7283"} {
		_, err = ours.SetCode(t.Context(), slot(n), roster.CodeWish{Code: digits(t, code)})
		require.NoError(t, err)
	}
	_, err = ours.AddTag(t.Context(), slot(2), panel.FieldLegacyTags, card(t, "0A1B2C3D"))
	require.NoError(t, err)
	return l, as("clerk").Panel(p.ID)
}

// reasons are codes that are not available, each for another reason.
var reasons = []struct{ reason, code string }{
	{"somebody has it", "6137"}, {"it is easy to guess", "1111"}, {"a run", "3456"},
	{"the host reserves it", "2846"}, {"the panel never takes it", "9070"},
}

// Whatever the reason is for which a code is not available, somebody who may not know it
// causes the same calls to the store, with the same operations, that fail at the same one.
//
// Rules: G189
func TestEveryReasonTakesTheSamePath(t *testing.T) {
	for name, ask := range map[string]func(tab *roster.Tab, code panel.Code) error{
		"SetCode": func(tab *roster.Tab, code panel.Code) error {
			_, err := tab.SetCode(t.Context(), slot(3), roster.CodeWish{Code: code})
			return err
		},
		"SetCode over another wish": func(tab *roster.Tab, code panel.Code) error {
			_, err := tab.SetCode(t.Context(), slot(4), roster.CodeWish{Code: code})
			return err
		},
		"Add": func(tab *roster.Tab, code panel.Code) error {
			_, err := tab.Add(t.Context(), roster.CodeWish{Code: code})
			return err
		},
		"Import": func(tab *roster.Tab, code panel.Code) error {
			rows := []roster.ImportRow{{Place: slot(3), CodeWish: roster.CodeWish{Code: code}}}
			dry, err := tab.Import(t.Context(), rows, roster.ImportOptions{})
			require.NoError(t, err)
			rep, err := tab.Import(t.Context(), rows, roster.ImportOptions{Token: dry.Token})
			require.NoError(t, err)
			return rep.Rows[0].Err
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, tab := counter(t)
			require.Same(t, credentials.ErrNotAvailable, ask(tab, digits(t, "6137")), "the first refusal in an hour has an entry more")
			var want []string
			for i, r := range reasons {
				got := l.of(func() { require.Same(t, credentials.ErrNotAvailable, ask(tab, digits(t, r.code)), r.reason) })
				if i == 0 {
					want = got
					require.True(t, slices.ContainsFunc(got, func(c string) bool { return strings.HasSuffix(c, "store.Claim: "+store.ErrTaken.Error()) }), "%q", got)
				}
				assert.Equal(t, want, got, r.reason)
			}
			d, err := tab.Details(t.Context(), slot(3))
			require.NoError(t, err)
			require.Zero(t, d.Revision, "nothing was wished for")
			require.NoError(t, ask(tab, digits(t, "8604")), "what is available is still to be had")
		})
	}
}

// Rules: G189
func TestATagThatIsTakenTakesThePathOfACode(t *testing.T) {
	l, tab := counter(t)
	add := func(number string) error {
		_, err := tab.AddTag(t.Context(), slot(4), panel.FieldLegacyTags, card(t, number))
		return err
	}
	ending := func(calls []string) string {
		at := slices.IndexFunc(calls, func(c string) bool { return strings.Contains(c, "Claim") })
		require.Positive(t, at, "%q", calls)
		_, how, _ := strings.Cut(calls[at], ": ")
		return how
	}
	require.Same(t, credentials.ErrNotAvailable, add("0A1B2C3D"))
	first := l.of(func() { require.Same(t, credentials.ErrNotAvailable, add("0A1B2C3D")) })
	require.Equal(t, first, l.of(func() { require.Same(t, credentials.ErrNotAvailable, add("0A1B2C3D")) }))
	code := l.of(func() {
		_, err := tab.SetCode(t.Context(), slot(3), roster.CodeWish{Code: digits(t, "1111")})
		require.Same(t, credentials.ErrNotAvailable, err)
	})
	require.Equal(t, ending(code), ending(first))
	require.NoError(t, add("0A1B2C3E"))
}

// A drawn code that somebody has costs one more round, each like the one before.
//
// Rules: G189
func TestEveryDrawTakesTheSamePath(t *testing.T) {
	l, tab := counter(t)
	l.taken = 1
	_, _, err := tab.GenerateCode(t.Context(), slot(3), roster.CodeWish{})
	require.NoError(t, err)
	l.taken = 4
	calls := l.of(func() {
		_, _, err = tab.GenerateCode(t.Context(), slot(5), roster.CodeWish{})
		require.NoError(t, err)
	})
	var rounds [][]string
	begun := 0
	for i, c := range calls {
		if strings.Contains(c, store.ErrTaken.Error()) {
			rounds = append(rounds, calls[begun:i+1])
			begun = i + 1
		}
	}
	require.GreaterOrEqual(t, len(rounds), 4, "one more if the code that is drawn last is somebody's")
	for _, r := range rounds[2:] {
		require.Equal(t, rounds[1], r)
	}
}

// A dry run of somebody who may not know takes the same path for every row, and says how
// many the rules refuse; it does not look up whether somebody has a code.
//
// Rules: G189, R258
func TestADryRunJudgesEveryRowAlike(t *testing.T) {
	l, tab := counter(t)
	dry := func(code string) (roster.ImportReport, []string) {
		var rep roster.ImportReport
		calls := l.of(func() {
			var err error
			rep, err = tab.Import(t.Context(), []roster.ImportRow{{Place: slot(3), CodeWish: roster.CodeWish{Code: digits(t, code)}}}, roster.ImportOptions{})
			require.NoError(t, err)
		})
		return rep, calls
	}
	free, want := dry("8604")
	require.Zero(t, free.NotAvailable)
	for _, r := range reasons {
		rep, calls := dry(r.code)
		assert.Equal(t, want, calls, r.reason)
		require.NoError(t, rep.Rows[0].Err)
		if r.code != "6137" {
			assert.Equal(t, 1, rep.NotAvailable, r.reason)
		}
	}
}

// Rules: G189
func TestWhoMayKnowIsToldTheReason(t *testing.T) {
	inBubble(t, func(r *rig) {
		for code, want := range map[string]error{"1111": credentials.ErrWeak, "2846": credentials.ErrReserved} {
			_, err := r.tab.SetCode(r.ctx, slot(5), roster.CodeWish{Code: digits(t, code)})
			require.ErrorIs(t, err, want)
		}
	}, func(r *rig) { r.options.Codes = credentials.Policy{Reserved: []string{"2846"}} })
}
