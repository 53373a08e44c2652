package door_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// reasons is one world for each reason that concerns a known person.
var reasons = []struct {
	reason credentials.Reason
	alarm  bool // what a duress code raises
	edit   func(w *world)
}{
	{credentials.Granted, true, func(*world) {}},
	{credentials.Revoked, false, func(w *world) { w.changeAccount("cleaner", func(a *accounts.Account) { a.Window.Revoked = true }) }},
	{credentials.Disabled, true, func(w *world) {
		w.changeAccount("cleaner", func(a *accounts.Account) { a.Suspended.At = noon.Add(-time.Minute) })
	}},
	{credentials.Disabled, true, func(w *world) { w.installer("cleaner", "") }},
	{credentials.Disabled, true, func(w *world) { w.installer("cleaner", accounts.Rejected) }},
	{credentials.NotYet, true, func(w *world) {
		w.changeAccount("cleaner", func(a *accounts.Account) { a.Window.From = noon.Add(time.Second) })
	}},
	{credentials.Expired, true, func(w *world) { w.changeAccount("cleaner", func(a *accounts.Account) { a.Window.Until = noon }) }},
	{credentials.UsedUp, true, func(w *world) {
		for _, k := range []rec.CredentialKind{rec.PIN, rec.TagNumber} {
			w.change("cleaner", k, func(c *rec.Credential) { c.Uses = 1 })
		}
		require.True(w.t, w.try(typed(w.t, pin)).Granted)
		require.True(w.t, w.try(held(w.t, card)).Granted)
	}},
	{credentials.NoClock, true, func(w *world) {
		w.changeAccount("cleaner", func(a *accounts.Account) { a.Window.Until = noon.Add(time.Hour) })
		w.quality(credentials.ClockDoubtful)
	}},
	{credentials.NoRule, true, func(w *world) { w.changeAccount("cleaner", func(a *accounts.Account) { a.Roles = nil }) }},
	{credentials.OutOfHours, true, func(w *world) {
		put(w, rec.Rules, "all", func(r *rec.Rule) {
			r.Schedule = &credentials.Schedule{Week: []credentials.Span{{Days: []credentials.Weekday{3}, From: 13 * 60, Until: 14 * 60}}}
		})
	}},
	{credentials.LockedOut, true, func(w *world) {
		for range 5 {
			require.Equal(w.t, credentials.Unknown, w.try(typed(w.t, "9999")).Reason)
			require.Equal(w.t, credentials.Unknown, w.try(held(w.t, "FF:FF:FF:01")).Reason)
		}
	}},
}

// Every reason, for the PIN, the duress PIN and the tag: the answers to both PINs are the
// same, and the alarm is raised whatever the decision, except for who was revoked by hand.
//
// Rules: G61, G62, G63, G70, G75, G187, G193, G194, G204, G185, S41
func TestEveryReasonOnEveryMedium(t *testing.T) {
	for _, row := range reasons {
		t.Run(string(row.reason), func(t *testing.T) {
			answers := map[string]door.Answer{}
			for name, entry := range map[string]door.Entry{"pin": typed(t, pin), "duress": typed(t, duress), "card": held(t, card)} {
				w := newWorld(t)
				w.cleaner()
				row.edit(w)
				a := w.try(entry)
				require.Equal(t, row.reason, a.Reason, name)
				require.Equal(t, row.reason == credentials.Granted, a.Granted)
				e := w.entries("main", audit.DoorDecided)
				last := e[len(e)-1]
				require.Equal(t, a.Decision, last.Value(audit.FieldDecision))
				require.Equal(t, string(row.reason), last.Value(audit.FieldReason))
				require.Equal(t, "cleaner", last.Value(audit.FieldAccount))
				flag, err := w.as("operator").Duress(t.Context(), last)
				require.NoError(t, err)
				require.Equal(t, name == "duress", flag)
				require.NoError(t, w.door.Work(t.Context()))
				raised := w.entries("restricted", audit.DuressRaised)
				if name == "duress" && row.alarm {
					require.Len(t, raised, 1)
					require.Len(t, w.alarms, 1)
					require.Equal(t, "call the guard", orDefault(w.alarms[0].Action, row.reason))
					require.Equal(t, accounts.ID("cleaner"), w.alarms[0].Account)
				} else {
					require.Empty(t, raised)
					require.Empty(t, w.alarms)
				}
				a.Decision = ""
				answers[name] = a
			}
			require.Equal(t, answers["pin"], answers["duress"])
		})
	}
}

// orDefault is the action that an alarm has: where no rule is about the person, the host's.
func orDefault(action string, r credentials.Reason) string {
	if r == credentials.NoRule && action == "" {
		return "call the guard"
	}
	return action
}

// Rules: G183
func TestATypedTagNumberIsAWrongCodeWithANote(t *testing.T) {
	w := newWorld(t)
	w.account("guest")
	w.give("guest", rec.TagNumber, "00:00:04:62") // 1122 in decimal
	a := w.try(typed(t, badge))
	require.Equal(t, credentials.Unknown, a.Reason)
	e := w.entries("main", audit.DoorDecided)[0]
	require.Equal(t, "tag number typed", e.Value(audit.FieldFields))
	require.Equal(t, "guest", e.Value(audit.FieldAccount))
	require.True(t, w.try(held(t, "00:00:04:62")).Granted)
}

// A code of nobody is in the log without a person, also beside somebody's tag.
func TestAnUnknownCodeIsNobodys(t *testing.T) {
	w := newWorld(t)
	w.cleaner()
	require.Equal(t, credentials.Unknown, w.try(typed(t, "9999")).Reason)
	beside := typed(t, "9998")
	beside.With = []door.Shown{held(t, card).Shown}
	require.Equal(t, credentials.Unknown, w.try(beside).Reason)
	for _, e := range w.entries("main", audit.DoorDecided) {
		require.Empty(t, e.Value(audit.FieldAccount))
		require.NotContains(t, e.Targets, []byte("none"))
	}
}

// Rules: G199
func TestAReaderSpeaksForItsOwnPointsOnly(t *testing.T) {
	w := newWorld(t)
	w.cleaner()
	w.point("back", "site")
	e := typed(t, pin)
	e.Point = "back"
	_, err := w.door.Decide(t.Context(), door.ByKey(w.key), e)
	require.ErrorIs(t, err, door.ErrPoint)
	for name, k := range map[string]door.ReaderKey{"none": {}, "a guess": door.ParseReaderKey("khr_" + w.key.Reader() + "_AAAAAAAAAAAAAAAAAAAAAAAAAA")} {
		_, err = w.door.Decide(t.Context(), door.ByKey(k), typed(t, pin))
		require.ErrorIs(t, err, door.ErrReader, name)
	}
	require.True(t, w.try(typed(t, pin)).Granted)
	put(w, rec.Points, "front", func(p *rec.Point) { p.Site = "elsewhere" })
	_, err = w.door.Decide(t.Context(), door.ByKey(w.key), typed(t, pin))
	require.ErrorIs(t, err, door.ErrPoint)
	put(w, rec.Points, "front", func(p *rec.Point) { p.Site = "site" })
	require.NoError(t, w.as("operator").EndReader(t.Context(), w.key.Reader()))
	_, err = w.door.Decide(t.Context(), door.ByKey(w.key), typed(t, pin))
	require.ErrorIs(t, err, door.ErrReader)
	require.Empty(t, w.alarms)
	require.Len(t, w.entries("main", audit.DoorDecided), 1)
}

// Rules: G199
func TestAReaderWithACertificate(t *testing.T) {
	w := newWorld(t)
	w.cleaner()
	key, err := w.as("operator").AddReader(t.Context(), door.NewReader{Site: "site", Points: map[string]door.Outage{"front": door.OutageDeny}, Certificate: []byte("der")})
	require.NoError(t, err)
	_, err = w.door.Decide(t.Context(), door.ByKey(key), typed(t, pin))
	require.ErrorIs(t, err, door.ErrReader)
	_, err = w.door.Decide(t.Context(), door.ByCertificate(key.Reader(), []byte("another")), typed(t, pin))
	require.ErrorIs(t, err, door.ErrReader)
	a, err := w.door.Decide(t.Context(), door.ByCertificate(key.Reader(), []byte("der")), typed(t, pin))
	require.NoError(t, err)
	require.True(t, a.Granted)
}

func TestNewSaysEverythingThatIsMissing(t *testing.T) {
	_, err := door.New(door.Options{})
	require.ErrorContains(t, err, "a store is required")
	require.ErrorContains(t, err, "a keyring is required")
	require.ErrorContains(t, err, "a restricted store is required")
	o := newWorld(t).opts
	o.Store = o.Restricted
	_, err = door.New(o)
	require.ErrorContains(t, err, "the restricted store is the store itself")
	_, err = door.OpenEdge(nil, door.EdgeOptions{})
	require.Equal(t, fault.Invalid, fault.Of(err))
	_, err = door.OpenEdge(&wire{}, door.EdgeOptions{Journal: filepath.Join(t.TempDir(), "journal")})
	require.ErrorContains(t, err, "needs a center")
}

func TestReadersAreOfOneSite(t *testing.T) {
	w := newWorld(t)
	w.point("away", "elsewhere")
	for name, n := range map[string]door.NewReader{
		"no site":        {Points: map[string]door.Outage{"front": door.OutageDeny}},
		"no points":      {Site: "site"},
		"no such point":  {Site: "site", Points: map[string]door.Outage{"none": door.OutageDeny}},
		"another site's": {Site: "site", Points: map[string]door.Outage{"away": door.OutageDeny}},
		"not an outage":  {Site: "site", Points: map[string]door.Outage{"front": "perhaps"}},
	} {
		_, err := w.as("operator").AddReader(t.Context(), n)
		require.ErrorIs(t, err, door.ErrReaderForm, name)
	}
	for _, id := range []accounts.ID{"other", "stranger"} {
		require.ErrorIs(t, w.as(id).EndReader(t.Context(), w.key.Reader()), door.ErrReaderNotFound)
		require.ErrorIs(t, w.as(id).Unlock(t.Context(), w.key.Reader(), credentials.Keypad), door.ErrReaderNotFound)
		_, err := w.as(id).Readers(t.Context(), "site")
		require.Equal(t, fault.Denied, fault.Of(err))
		_, err = w.as(id).SiteKey(t.Context(), "site")
		require.Equal(t, fault.Denied, fault.Of(err))
	}
	require.ErrorIs(t, w.as("operator").EndReader(t.Context(), "none"), door.ErrReaderNotFound)
}

func TestWhatIsNoEntryIsRefused(t *testing.T) {
	w := newWorld(t)
	for name, e := range map[string]door.Entry{
		"nothing":             {Point: "front"},
		"a code at a reader":  {Point: "front", Shown: door.Shown{Medium: credentials.Reader, Code: code(t, pin)}},
		"a tag on a keypad":   {Point: "front", Shown: door.Shown{Medium: credentials.Keypad, Tag: tag(t, card)}},
		"a code and a tag":    {Point: "front", Shown: door.Shown{Medium: credentials.Keypad, Code: code(t, pin), Tag: tag(t, card)}},
		"more than fits":      {Point: "front", Shown: typed(t, pin).Shown, With: make([]door.Shown, 4)},
		"another that is not": {Point: "front", Shown: typed(t, pin).Shown, With: make([]door.Shown, 1)},
	} {
		_, err := w.door.Decide(t.Context(), door.ByKey(w.key), e)
		require.ErrorIs(t, err, door.ErrEntry, name)
	}
}

// A clock that is behind the log is in doubt, whatever it says of itself.
//
// Rules: G204
func TestAClockBehindTheLogIsInDoubt(t *testing.T) {
	w := newWorld(t)
	w.cleaner()
	w.account("until")
	w.give("until", rec.PIN, "4826", func(c *rec.Credential) { c.Window.Until = noon.Add(24 * time.Hour) })
	require.True(t, w.try(typed(t, "4826")).Granted)
	w.later(-2 * time.Minute)
	require.Equal(t, credentials.NoClock, w.try(typed(t, "4826")).Reason)
	require.True(t, w.try(typed(t, pin)).Granted, "who is restricted by no time passes")
	w.later(90 * time.Second)
	require.True(t, w.try(typed(t, "4826")).Granted, "a node may be a little slow")
}

// Who does not see duress alarms learns of none, and another site's operator of nothing.
//
// Rules: G193, R240
func TestAlarmsAreForThoseWhoMaySeeThem(t *testing.T) {
	w := newWorld(t)
	w.cleaner()
	w.try(typed(t, duress))
	require.NoError(t, w.door.Work(t.Context()))
	list, err := w.as("operator").Alarms(t.Context(), "site")
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, noon, list[0].Raised)
	require.Equal(t, noon, list[0].Delivered)
	require.Zero(t, list[0].Acknowledged)
	require.NotContains(t, list[0].String(), "cleaner")
	for _, id := range []accounts.ID{"guard", "other"} {
		_, err := w.as(id).Alarms(t.Context(), "site")
		require.Equal(t, fault.Denied, fault.Of(err), id)
		require.ErrorIs(t, w.as(id).Acknowledge(t.Context(), list[0].ID), door.ErrAlarmNotFound, id)
		_, err = w.as(id).Duress(t.Context(), w.entries("main", audit.DoorDecided)[0])
		require.Equal(t, fault.Denied, fault.Of(err), id)
	}
	require.NoError(t, w.as("operator").Acknowledge(t.Context(), list[0].ID))
	require.NoError(t, w.as("operator").Acknowledge(t.Context(), list[0].ID), "a second one changes nothing")
	require.Len(t, w.entries("restricted", audit.DuressAcknowledged), 1)
	for _, e := range w.entries("main", "") {
		require.NotContains(t, string(e.Action), "duress", "the log that others read has nothing of it")
	}
	st, err := w.fleet.Tenant("main")
	require.NoError(t, err)
	left, err := st.List(t.Context(), store.Query{Kind: rec.Signals.Name, Term: rec.ByRaised})
	require.NoError(t, err)
	require.Empty(t, left)
}
