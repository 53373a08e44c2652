package signin_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/door"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/signin"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// committed keeps what is committed while do runs.
func (w *world) committed(do func()) []store.Change {
	var out []store.Change
	w.failing(func(c storetest.Call) storetest.Fault {
		if c.Verb == storetest.Commit {
			out = append(out, c.Change)
		}
		return storetest.Pass
	})
	do()
	w.failing(nil)
	return out
}

var anyID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}|quick/[A-Z2-7]{26}`)

// shape is everything of what was committed that does not differ from run to run by itself:
// operations with their sizes, entries with their public fields.
func shape(t *testing.T, changes []store.Change) string {
	t.Helper()
	var b strings.Builder
	for _, c := range changes {
		fmt.Fprintf(&b, "change\n")
		for _, o := range c.Ops {
			fmt.Fprintf(&b, "  %T %s", o, o.Target())
			switch o := o.(type) {
			case store.Put:
				fmt.Fprintf(&b, " %d bytes, %d terms, if %d", len(o.Record.Body), len(o.Record.Terms), o.If)
			case store.Count:
				fmt.Fprintf(&b, " %+d of %d", o.By, o.Max)
			}
			b.WriteString("\n")
		}
		for _, l := range c.Entries {
			e, err := audit.Decode(l.Body)
			require.NoError(t, err)
			fmt.Fprintf(&b, "  entry %d bytes %s %s targets %d states %d\n", len(l.Body), e.Action, e.Outcome, len(e.Targets), len(e.State))
			for _, f := range e.Fields {
				value := f.Value
				if f.Class == audit.ClassPersonal {
					value = fmt.Sprintf("%d sealed bytes", len(f.Sealed))
				}
				fmt.Fprintf(&b, "    %s %s = %s\n", f.Class, f.Name, value)
			}
		}
	}
	return anyID.ReplaceAllString(b.String(), "id")
}

// Two runs that differ only in which of the two codes is typed write the same rows of the
// same sizes and the same entries, leave the same diagnostics, and answer the same: after
// right and wrong ones, where the owner may not sign in, where the PIN is over.
//
// Rules: G184, G193, G196
func TestNothingTellsADuressPINApart(t *testing.T) {
	at := time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC)
	run := func(pin string) (written, said string, answers []string) {
		w := newWorld(t, quick, func(c *setup) { c.signin = func(o *signin.Options) { o.Now = func() time.Time { return at } } })
		at = time.Now().Truncate(time.Second).UTC()
		a, p, _ := w.holder("tower")
		changes := w.committed(func() {
			step := func(site, pin string) {
				q := p.attempt(pin)
				q.From.Site = site
				r, err := w.signin.QuickSignIn(t.Context(), q)
				answer := fmt.Sprint(err)
				if r.Session != nil {
					answer = fmt.Sprint(r.Session.Methods, r.Session.AAL, r.Session.Began, r.Session.Ends, r.Session.Factor, r.Device.IsZero(), r.Challenge)
				}
				answers = append(answers, answer)
			}
			step("", pin)
			step("north", wrongPIN)
			step("north", pin)
			step("south", pin)
			w.pin(a.ID, rec.PIN, rightPIN, func(c *rec.Credential) { c.Window.Until = at.Add(-time.Hour) })
			for range 4 {
				step("", pin)
			}
		})
		return shape(t, changes), anyID.ReplaceAllString(w.log.String(), "id"), answers
	}
	written, said, answers := run(rightPIN)
	duressWritten, duressSaid, duressAnswers := run(duressPIN)
	// The clock of the two runs differs, and nothing else.
	clock := regexp.MustCompile(`\d{4}-\d\d-\d\d[T ][0-9:.]+(Z| \+0000 UTC)|time=\S+|/\d{10}`)
	for _, pair := range [][2]string{{written, duressWritten}, {said, duressSaid}, {strings.Join(answers, "\n"), strings.Join(duressAnswers, "\n")}} {
		require.Equal(t, clock.ReplaceAllString(pair[0], "time"), clock.ReplaceAllString(pair[1], "time"))
	}
	require.Contains(t, written, "sealed bytes")
	require.Contains(t, answers[0], "pin")
}

// The duress PIN raises the alarm that a door would raise, by the loops of package door:
// whatever the decision, unless the owner or the PIN was revoked by hand. The entry says it
// to those who may know.
//
// Rules: G184, G193, G194
func TestADuressPINRaisesTheAlarm(t *testing.T) {
	revoked := func(c *rec.Credential) { c.Window.Revoked = true }
	for name, c := range map[string]struct {
		site   string
		pin    string
		sites  accounts.Sites
		edit   func(*rec.Credential)
		action audit.Action
		want   []door.Alarm
	}{
		"let in":           {pin: duressPIN, sites: accounts.TheseSites("north"), action: audit.SignInDone, want: []door.Alarm{{Site: "north"}}},
		"at all sites":     {pin: duressPIN, sites: accounts.AllSites(), action: audit.SignInDone, want: []door.Alarm{{}}},
		"another site":     {pin: duressPIN, sites: accounts.TheseSites("north"), site: "south", action: audit.SignInRefused, want: []door.Alarm{{Site: "south"}}},
		"the PIN is over":  {pin: duressPIN, sites: accounts.TheseSites("north"), edit: func(c *rec.Credential) { c.Window.Until = time.Now().Add(-time.Hour) }, action: audit.SignInRefused, want: []door.Alarm{{Site: "north"}}},
		"revoked by hand":  {pin: duressPIN, sites: accounts.TheseSites("north"), edit: revoked, action: audit.SignInRefused},
		"the ordinary PIN": {pin: rightPIN, sites: accounts.TheseSites("north"), action: audit.SignInDone},
		"a wrong one":      {pin: wrongPIN, sites: accounts.TheseSites("north"), action: audit.SignInRefused},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, quick)
			var alarms []door.Alarm
			doors, err := door.New(door.Options{Store: w.store, Restricted: memstore.Open(), Keys: w.keys, Authority: w.opts.Authority,
				Alarm: func(_ context.Context, a door.Alarm) error { alarms = append(alarms, a); return nil }})
			require.NoError(t, err)
			a, p, _ := w.holder("tower", func(n *people.NewAccount) { n.Sites = c.sites })
			if c.edit != nil {
				w.pin(a.ID, rec.PIN, rightPIN, c.edit)
			}
			q := p.attempt(c.pin)
			q.From.Site = c.site
			_, _ = w.signin.QuickSignIn(t.Context(), q) // the answer is another test's
			require.NoError(t, doors.Work(t.Context()))
			require.Len(t, alarms, len(c.want))
			op := doors.As(accounts.HostActor("operator", "Somebody", "test").Vouched(time.Now()))
			for i, want := range c.want {
				got := alarms[i]
				require.Equal(t, []string{string(a.ID), want.Site, "", p.id}, []string{string(got.Account), got.Site, got.Point, got.Reader})
				listed, err := op.Alarms(t.Context(), want.Site)
				require.NoError(t, err)
				require.Len(t, listed, 1)
				require.NoError(t, op.Acknowledge(t.Context(), got.ID))
			}
			found := 0
			for _, l := range w.leaves() {
				e, err := audit.Decode(l.Body)
				require.NoError(t, err)
				if _, sealed := e.Field(audit.FieldDuress); sealed {
					duress, err := op.Duress(t.Context(), e)
					require.NoError(t, err)
					require.Equal(t, c.pin == duressPIN, duress)
					require.Equal(t, c.action, e.Action)
					found++
				}
			}
			require.Equal(t, 1, found)
			rest, err := w.store.List(t.Context(), store.Query{Kind: rec.Signals.Name, Term: rec.ByRaised})
			require.NoError(t, err)
			require.Empty(t, rest)
		})
	}
}
