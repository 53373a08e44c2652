package credentials_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

// situation is everything that a decision is made of, with schedules as tables of hours.
type situation struct {
	rec   credentials.Record
	rules []credentials.Rule
	p     credentials.Presented
	now   credentials.Now
}

// reasonOf decides as one would by hand, reason by reason, from a list of what is wrong.
func (s situation) reasonOf() credentials.Reason {
	shown := func(sec credentials.Secret, m credentials.Medium, prints []credentials.Fingerprint) bool {
		tag := sec.Kind == credentials.TagNumber
		return slices.Contains(prints, sec.Print) && (tag && m == credentials.Reader || !tag && m != credentials.Reader && m != 0)
	}
	var hit *credentials.Secret
	code, tags := 0, 0
	for i, sec := range s.rec.Secrets {
		all := shown(sec, s.p.Medium, s.p.Prints)
		if all {
			hit = &s.rec.Secrets[i]
		}
		for _, with := range s.p.With {
			all = all || shown(sec, with.Medium, with.Prints) && !sec.Lost
		}
		if all && sec.Kind == credentials.TagNumber {
			tags++
		} else if all {
			code = 1
		}
	}
	if hit == nil {
		return credentials.Unknown
	}
	t, trusted := s.now.T, s.now.Quality == credentials.ClockTrusted
	rec, life := s.rec, s.rec.Life
	restricted := rec.Type == credentials.YearDay || rec.Type == credentials.WeekDay || rec.Type == credentials.ScheduleRestricted
	timed := rec.Window.From != (time.Time{}) || rec.Window.Until != (time.Time{}) || rec.Max > 0 || restricted || rec.Hours != nil ||
		life.For > 0 || life.Idle > 0 || rec.Type == credentials.Disposable || rec.Type == credentials.Expiring
	remote := s.p.Medium == credentials.Mobile || s.p.Medium == credentials.Phone
	over := func(end time.Time) bool { return !t.Before(end) }
	wrong := []struct {
		reason credentials.Reason
		holds  bool
	}{
		{credentials.LockedOut, !s.p.Locked.IsZero() && (t.Before(s.p.Locked) || !trusted)},
		{credentials.Revoked, rec.Window.Revoked},
		{credentials.Lost, hit.Lost},
		{credentials.Disabled, rec.Disabled},
		{credentials.NoAccess, rec.Type == credentials.NonAccess || rec.Type == credentials.RemoteOnly && !remote},
		{credentials.NoClock, timed && !trusted},
		{credentials.NotYet, t.Before(rec.Window.From)},
		{credentials.Expired, !rec.Window.Until.IsZero() && over(rec.Window.Until)},
		{credentials.Expired, !life.First.IsZero() && (life.For > 0 || rec.Type == credentials.Expiring) && over(life.First.Add(life.For))},
		{credentials.Unused, life.Idle > 0 && life.Last.IsZero() && over(life.Since.Add(life.Idle))},
		{credentials.Unused, life.Idle > 0 && !life.Last.IsZero() && over(life.Last.Add(life.Idle))},
		{credentials.UsedUp, rec.Max > 0 && rec.Used >= rec.Max},
		{credentials.UsedUp, rec.Type == credentials.Disposable && rec.Used > 0},
		{credentials.OutOfHours, rec.Hours == nil && restricted},
		{credentials.OutOfHours, rec.Hours != nil && !rec.Hours.Open(t)},
	}
	for _, w := range wrong {
		if w.holds {
			return w.reason
		}
	}
	last, incomplete := credentials.NoRule, false
	for _, r := range s.rules {
		about := slices.Contains(r.Points, s.p.Point) && (r.On == 0 || r.On.Has(s.p.Medium)) && !r.Disabled
		if !about || !slices.Contains(rec.As, r.Who[0]) {
			continue
		}
		cools := r.Cooldown > 0 && !s.p.Opened.IsZero()
		switch {
		case s.p.Lockdown && !r.InLockdown:
			last = credentials.Lockdown
		case !trusted && (cools || r.Schedule != nil):
			last = credentials.NoClock
		case r.Schedule != nil && !r.Schedule.Open(t):
			last = credentials.OutOfHours
		case cools && t.Before(s.p.Opened.Add(r.Cooldown)):
			last = credentials.Cooldown
		case code+tags < max(rec.Needs, r.Needs, s.p.Needs):
			incomplete = true
		default:
			return credentials.Granted
		}
	}
	if incomplete {
		return credentials.Incomplete
	}
	return last
}

func drawSituation(t *rapid.T, hours []*credentials.Compiled) situation {
	some := func(name string) bool { return rapid.IntRange(0, 6).Draw(t, name) == 0 }
	when := func(name string) time.Time {
		return noon.Add(time.Duration(rapid.Int64Range(-5, 30).Draw(t, name)) * time.Hour)
	}
	s := situation{rec: holder(), now: trusted(when("now"))}
	if some("doubt") {
		s.now.Quality = credentials.ClockQuality(rapid.IntRange(0, 1).Draw(t, "quality"))
	}
	if some("window") {
		s.rec.Window = credentials.Window{From: when("from"), Until: when("until")}
	}
	if some("type") {
		s.rec.Type = credentials.UserType(rapid.IntRange(0, 9).Draw(t, "user type"))
	}
	if some("hours") {
		s.rec.Hours = rapid.SampledFrom(hours).Draw(t, "own")
	}
	if some("uses") {
		s.rec.Max, s.rec.Used = rapid.IntRange(0, 2).Draw(t, "max"), rapid.IntRange(0, 2).Draw(t, "used")
	}
	if some("for") {
		s.rec.Life.For, s.rec.Life.First = time.Hour, when("first")
	}
	if some("idle") {
		s.rec.Life.Idle, s.rec.Life.Since = 2*time.Hour, when("since")
		if some("last") {
			s.rec.Life.Last = when("last")
		}
	}
	s.rec.Needs = rapid.SampledFrom([]int{0, 0, 0, 1, 2, 3}).Draw(t, "needs")
	s.rec.Disabled, s.rec.Window.Revoked = some("disabled"), some("revoked")
	what := rapid.SampledFrom([]string{"pin", "duress", "tag", "lost tag", "677", "?"})
	s.p = presents(what.Draw(t, "what"), credentials.Medium(rapid.IntRange(1, 4).Draw(t, "medium")))
	for range rapid.IntRange(0, 2).Draw(t, "with") {
		s.p.With = append(s.p.With, credentials.Shown{
			Medium: credentials.Medium(rapid.IntRange(1, 4).Draw(t, "medium")), Prints: []credentials.Fingerprint{printOf(what.Draw(t, "also"))},
		})
	}
	if some("locked") {
		s.p.Locked = when("until when")
	}
	if some("opened") {
		s.p.Opened = when("opened when")
	}
	s.p.Lockdown = some("lockdown")
	s.p.Needs = rapid.SampledFrom([]int{0, 0, 0, 0, 1, 2}).Draw(t, "point needs")
	for range rapid.IntRange(0, 3).Draw(t, "rules") {
		r := credentials.Rule{
			ID: "r", Who: []credentials.Subject{rapid.SampledFrom([]credentials.Subject{subject("account", "a1"), subject("group", "staff"), subject("role", "x")}).Draw(t, "who")},
			Points: []string{rapid.SampledFrom([]string{door, door, "back"}).Draw(t, "point")}, Disabled: some("off"), InLockdown: some("in lockdown"),
			Schedule: rapid.SampledFrom(append(hours, nil)).Draw(t, "schedule"), Duress: rapid.SampledFrom([]string{"", "call"}).Draw(t, "action"),
		}
		if some("cooldown") {
			r.Cooldown = time.Hour
		}
		r.Needs = rapid.SampledFrom([]int{0, 0, 0, 0, 2, 3}).Draw(t, "rule needs")
		if some("on") {
			r.On = credentials.MediumsOf(credentials.Reader)
		}
		s.rules = append(s.rules, r)
	}
	return s
}

// Decide says what a slow reading of the same rules says; Next comes true to the second;
// and with the duress code in place of the code nothing that is seen changes.
//
// Rules: G61, G63, G69, G70, G75, G77, G194, S39
func TestDecideIsTheSlowReading(t *testing.T) {
	hours := []*credentials.Compiled{
		officeHours(t),
		compile(t, credentials.Schedule{Zone: "Europe/Berlin", Week: []credentials.Span{{Days: []credentials.Weekday{5, 6}, From: 22 * 60, Until: 6 * 60}}}),
		compile(t, credentials.Schedule{Periods: []credentials.Period{{From: "2026-05-13T20:00", Until: "2026-05-14T09:30"}}}),
	}
	rapid.Check(t, func(t *rapid.T) {
		s := drawSituation(t, hours)
		d := credentials.Decide(s.rec, s.rules, s.p, s.now)
		require.Equal(t, s.reasonOf(), d.Reason)
		require.Equal(t, d.Granted(), d.Rule != "")

		at := func(when time.Time) credentials.Reason {
			later := s
			later.now.T = when
			return later.reasonOf()
		}
		switch {
		case d.Granted():
			require.Zero(t, d.Next)
		case !d.Next.IsZero():
			require.True(t, d.Next.After(s.now.T))
			require.Equal(t, credentials.Granted, at(d.Next))
			require.NotEqual(t, credentials.Granted, at(d.Next.Add(-time.Second)))
		case s.now.Quality == credentials.ClockTrusted:
			for h := range 2 * 48 {
				require.NotEqual(t, credentials.Granted, at(s.now.T.Add(time.Duration(h)*30*time.Minute)))
			}
		}

		forced := s
		forced.p.Prints = slices.Clone(s.p.Prints)
		for i, f := range forced.p.Prints {
			if f == printOf("pin") {
				forced.p.Prints[i] = printOf("duress")
			}
		}
		f := credentials.Decide(forced.rec, forced.rules, forced.p, forced.now)
		require.Equal(t, everyForm(t, d), everyForm(t, f))
		require.Equal(t, d.Next, f.Next)
		if forced.p.Prints[1] == printOf("duress") && f.Reason != credentials.Unknown {
			require.True(t, f.Duress)
			require.Equal(t, !s.rec.Window.Revoked, f.Alarm)
		}
	})
}

// Rules: G194, S39
func TestARuleNamesTheDuressAction(t *testing.T) {
	rules := staff(officeHours(t))
	rules[3].Duress = "call the guard"
	night := trusted(noon.Add(12 * time.Hour))
	for what, want := range map[string]string{"pin": "", "duress": "call the guard"} {
		d := credentials.Decide(holder(), rules, presents(what, credentials.Keypad), night)
		require.Equal(t, credentials.OutOfHours, d.Reason)
		require.Equal(t, want, d.Action, "also when the door stays shut")
		require.NotContains(t, everyForm(t, d), "guard")
	}
	// Of several rules it is the one that grants, also if that leaves it to the host.
	all := staff(nil)
	for _, want := range []string{"", "call the owner"} {
		all[3].Duress = want
		d := credentials.Decide(holder(), append(slices.Clone(rules), all...), presents("duress", credentials.Keypad), night)
		require.Equal(t, credentials.Granted, d.Reason)
		require.Equal(t, want, d.Action)
	}
}
