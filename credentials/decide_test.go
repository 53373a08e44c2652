package credentials_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

// printOf is a stand-in for the fingerprint of a secret.
func printOf(of string) (f credentials.Fingerprint) {
	copy(f[:], of)
	return f
}

const door = "front door"

// holder is somebody with every kind of secret and one rule that leads to the door.
func holder() credentials.Record {
	return credentials.Record{
		Holder: "a1",
		As:     []credentials.Subject{subject("account", "a1"), subject("group", "staff")},
		Secrets: []credentials.Secret{
			{Kind: credentials.PIN, Print: printOf("pin")},
			{Kind: credentials.DuressPIN, Print: printOf("duress")},
			{Kind: credentials.TagNumber, Print: printOf("tag"), Typed: printOf("677")},
			{Kind: credentials.TagNumber, Print: printOf("lost tag"), Lost: true},
		},
	}
}

func staff(schedule *credentials.Compiled) []credentials.Rule {
	return []credentials.Rule{
		{ID: "elsewhere", Who: []credentials.Subject{subject("group", "staff")}, Points: []string{"garage"}},
		{ID: "for others", Who: []credentials.Subject{subject("account", "a2")}, Points: []string{door}},
		{ID: "off", Disabled: true, Who: []credentials.Subject{subject("group", "staff")}, Points: []string{door}},
		{ID: "staff", Who: []credentials.Subject{subject("group", "staff")}, Points: []string{"garage 2", door}, Schedule: schedule},
	}
}

// cooling is staff with a rule that opens the door once in an hour.
func cooling() []credentials.Rule {
	rules := staff(nil)
	rules[3].Cooldown = time.Hour
	return rules
}

// inLockdown is staff with a rule that lets in during a lockdown too.
func inLockdown() []credentials.Rule {
	rules := staff(nil)
	rules[3].InLockdown = true
	return rules
}

func presents(what string, m credentials.Medium) credentials.Presented {
	return credentials.Presented{Point: door, Medium: m, Prints: []credentials.Fingerprint{printOf("under an old key"), printOf(what)}}
}

func trusted(t time.Time) credentials.Now {
	return credentials.Now{T: t, Quality: credentials.ClockTrusted}
}

// officeHours is 08:00 to 17:00, UTC, every day; noon lies inside.
func officeHours(t require.TestingT) *credentials.Compiled {
	return compile(t, credentials.Schedule{Week: []credentials.Span{span(8*60, 17*60)}})
}

// The table has a row for each reason, and beside each the same for the duress code: the
// decision is the same in all that anybody sees.
//
// Rules: G185, G204
func TestEachReasonOfADecision(t *testing.T) {
	morning := time.Date(2026, 5, 14, 8, 0, 0, 0, time.UTC)
	evening := time.Date(2026, 5, 13, 20, 0, 0, 0, time.UTC)
	hours := officeHours(t)
	for _, c := range []struct {
		name   string
		change func(*credentials.Record, *credentials.Presented)
		rules  []credentials.Rule
		now    credentials.Now
		want   credentials.Reason
		next   time.Time
		silent bool // duress raises no alarm
	}{
		{name: "granted", now: trusted(noon), want: credentials.Granted},
		{name: "locked out", now: trusted(noon), want: credentials.LockedOut, next: noon.Add(time.Minute),
			change: func(_ *credentials.Record, p *credentials.Presented) { p.Locked = noon.Add(time.Minute) }},
		{name: "lock-out is over", now: trusted(noon), want: credentials.Granted,
			change: func(_ *credentials.Record, p *credentials.Presented) { p.Locked = noon }},
		{name: "locked out into the evening", now: trusted(noon), rules: staff(hours), want: credentials.LockedOut, next: morning,
			change: func(_ *credentials.Record, p *credentials.Presented) { p.Locked = evening }},
		{name: "locked out before revoked", now: trusted(noon), want: credentials.LockedOut, silent: true,
			change: func(r *credentials.Record, p *credentials.Presented) {
				p.Locked, r.Window.Revoked = noon.Add(time.Minute), true
			}},
		{name: "revoked before disabled and expired", now: trusted(noon), want: credentials.Revoked, silent: true,
			change: func(r *credentials.Record, _ *credentials.Presented) {
				r.Window, r.Disabled = credentials.Window{Until: noon, Revoked: true}, true
			}},
		{name: "disabled before not yet", now: trusted(noon), want: credentials.Disabled,
			change: func(r *credentials.Record, _ *credentials.Presented) {
				r.Window.From, r.Disabled = noon.Add(time.Hour), true
			}},
		{name: "not yet", now: trusted(noon), want: credentials.NotYet, next: noon.Add(time.Second),
			change: func(r *credentials.Record, _ *credentials.Presented) { r.Window.From = noon.Add(time.Second) }},
		{name: "not yet, and out of hours then", now: trusted(noon), rules: staff(hours), want: credentials.NotYet, next: morning,
			change: func(r *credentials.Record, _ *credentials.Presented) { r.Window.From = evening }},
		{name: "begins now", now: trusted(noon), want: credentials.Granted,
			change: func(r *credentials.Record, _ *credentials.Presented) { r.Window.From = noon }},
		{name: "last second", now: trusted(noon), want: credentials.Granted,
			change: func(r *credentials.Record, _ *credentials.Presented) { r.Window.Until = noon.Add(time.Second) }},
		{name: "expired before used up", now: trusted(noon), want: credentials.Expired,
			change: func(r *credentials.Record, _ *credentials.Presented) { r.Window.Until, r.Max, r.Used = noon, 1, 1 }},
		{name: "last use", now: trusted(noon), want: credentials.Granted,
			change: func(r *credentials.Record, _ *credentials.Presented) { r.Max, r.Used = 3, 2 }},
		{name: "used up", now: trusted(noon), want: credentials.UsedUp,
			change: func(r *credentials.Record, _ *credentials.Presented) { r.Max, r.Used = 3, 3 }},
		{name: "used up, though it waits for its window", now: trusted(noon), want: credentials.NotYet,
			change: func(r *credentials.Record, _ *credentials.Presented) {
				r.Window.From, r.Max, r.Used = noon.Add(time.Hour), 1, 1
			}},
		{name: "no rule", now: trusted(noon), rules: staff(nil)[:3], want: credentials.NoRule},
		{name: "another point", now: trusted(noon), want: credentials.NoRule,
			change: func(_ *credentials.Record, p *credentials.Presented) { p.Point = "back door" }},
		{name: "in hours", now: trusted(noon), rules: staff(hours), want: credentials.Granted},
		{name: "out of hours", now: trusted(evening), rules: staff(hours), want: credentials.OutOfHours, next: morning},
		{name: "out of hours, the sooner of two rules", now: trusted(evening), want: credentials.OutOfHours, next: morning.Add(-2 * time.Hour),
			rules: append(staff(hours), staff(compile(t, credentials.Schedule{Week: []credentials.Span{span(6*60, 7*60)}}))...)},
		{name: "out of hours until it is too long after the first use", now: trusted(evening), rules: staff(hours), want: credentials.OutOfHours,
			change: func(r *credentials.Record, _ *credentials.Presented) {
				r.Life = credentials.Life{For: 2 * time.Hour, First: evening.Add(-time.Hour)}
			}},
		{name: "out of hours until it was not used for too long", now: trusted(evening), rules: staff(hours), want: credentials.OutOfHours,
			change: func(r *credentials.Record, _ *credentials.Presented) {
				r.Life = credentials.Life{Idle: 2 * time.Hour, Last: evening.Add(-time.Hour)}
			}},
		{name: "out of hours for ever", now: trusted(evening), rules: staff(hours), want: credentials.OutOfHours,
			change: func(r *credentials.Record, _ *credentials.Presented) { r.Window.Until = morning }},

		{name: "lockdown, and nobody knows for how long", now: trusted(evening), rules: staff(hours), want: credentials.Lockdown,
			change: func(_ *credentials.Record, p *credentials.Presented) { p.Lockdown = true }},
		{name: "a rule for a lockdown", now: trusted(noon), rules: inLockdown(), want: credentials.Granted,
			change: func(_ *credentials.Record, p *credentials.Presented) { p.Lockdown = true }},
		{name: "cooldown", now: trusted(noon), rules: cooling(), want: credentials.Cooldown, next: noon.Add(time.Second),
			change: func(_ *credentials.Record, p *credentials.Presented) { p.Opened = noon.Add(time.Second - time.Hour) }},
		{name: "cooldown is over", now: trusted(noon), rules: cooling(), want: credentials.Granted,
			change: func(_ *credentials.Record, p *credentials.Presented) { p.Opened = noon.Add(-time.Hour) }},
		{name: "too long after the first use", now: trusted(noon), want: credentials.Expired,
			change: func(r *credentials.Record, _ *credentials.Presented) {
				r.Life = credentials.Life{For: time.Hour, First: noon.Add(-time.Hour)}
			}},
		{name: "not used for too long", now: trusted(noon), want: credentials.Unused,
			change: func(r *credentials.Record, _ *credentials.Presented) {
				r.Life = credentials.Life{Idle: time.Hour, Last: noon.Add(-time.Hour)}
			}},
		{name: "opens nothing", now: trusted(noon), want: credentials.NoAccess,
			change: func(r *credentials.Record, _ *credentials.Presented) { r.Type = credentials.NonAccess }},
		{name: "opens on a phone only", now: trusted(noon), want: credentials.NoAccess,
			change: func(r *credentials.Record, _ *credentials.Presented) { r.Type = credentials.RemoteOnly }},
		{name: "another credential is needed, which waiting does not bring", now: trusted(noon), want: credentials.Incomplete,
			change: func(r *credentials.Record, _ *credentials.Presented) { r.Needs = 2 }},

		{name: "no clock, unrestricted", now: credentials.Now{T: noon}, want: credentials.Granted},
		{name: "no clock, window", now: credentials.Now{T: noon, Quality: credentials.ClockDoubtful}, want: credentials.NoClock,
			change: func(r *credentials.Record, _ *credentials.Presented) { r.Window.From = noon.Add(-time.Hour) }},
		{name: "no clock, uses", now: credentials.Now{T: noon}, want: credentials.NoClock,
			change: func(r *credentials.Record, _ *credentials.Presented) { r.Max = 3 }},
		{name: "no clock, opens once", now: credentials.Now{T: noon}, want: credentials.NoClock,
			change: func(r *credentials.Record, _ *credentials.Presented) { r.Type = credentials.Disposable }},
		{name: "no clock, for a time from the first use", now: credentials.Now{T: noon}, want: credentials.NoClock,
			change: func(r *credentials.Record, _ *credentials.Presented) { r.Type = credentials.Expiring }},
		{name: "no clock, schedule", now: credentials.Now{T: noon}, rules: staff(hours), want: credentials.NoClock},
		{name: "no clock, and another rule without a schedule", now: credentials.Now{T: noon},
			rules: append(staff(hours), staff(nil)...), want: credentials.Granted},
		{name: "no clock, revoked", now: credentials.Now{T: noon}, want: credentials.Revoked, silent: true,
			change: func(r *credentials.Record, _ *credentials.Presented) {
				r.Window = credentials.Window{Until: noon, Revoked: true}
			}},
		{name: "no clock, a cooldown", now: credentials.Now{T: noon}, rules: cooling(), want: credentials.NoClock,
			change: func(_ *credentials.Record, p *credentials.Presented) { p.Opened = noon.Add(-2 * time.Hour) }},
		{name: "no clock, a lock-out holds", now: credentials.Now{T: noon}, want: credentials.LockedOut,
			change: func(_ *credentials.Record, p *credentials.Presented) { p.Locked = noon.Add(-time.Hour) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.rules == nil {
				c.rules = staff(nil)
			}
			decide := func(what string) credentials.Decision {
				rec, p := holder(), presents(what, credentials.Keypad)
				if c.change != nil {
					c.change(&rec, &p)
				}
				return credentials.Decide(rec, c.rules, p, c.now)
			}
			plain, duress := decide("pin"), decide("duress")
			assert.Equal(t, c.want, plain.Reason)
			assert.Equal(t, c.want == credentials.Granted, plain.Granted())
			assert.True(t, plain.Next.Equal(c.next), "next is %s", plain.Next)
			assert.Equal(t, c.want == credentials.Granted, plain.Rule == "staff")
			assert.False(t, plain.Duress || plain.Alarm)

			assert.True(t, duress.Duress)
			assert.Equal(t, !c.silent, duress.Alarm)
			assert.Equal(t, everyForm(t, plain), everyForm(t, duress), "nothing visible tells them apart")
			duress.Duress, duress.Alarm = false, false
			assert.Equal(t, plain, duress)
			assert.Equal(t, credentials.Unknown, decide("anything else").Reason)
		})
	}
}

// Rules: G183
func TestACredentialOpensOnItsOwnMediumOnly(t *testing.T) {
	all := []credentials.Medium{0, credentials.Keypad, credentials.Reader, credentials.Mobile, credentials.Phone}
	for what, on := range map[string][]credentials.Medium{
		"pin":     {credentials.Keypad, credentials.Mobile, credentials.Phone},
		"duress":  {credentials.Keypad, credentials.Mobile, credentials.Phone},
		"tag":     {credentials.Reader},
		"677":     nil, // the tag's number, typed
		"unknown": nil,
	} {
		for _, m := range all {
			d := credentials.Decide(holder(), staff(nil), presents(what, m), trusted(noon))
			want := credentials.Unknown
			for _, ok := range on {
				if m == ok {
					want = credentials.Granted
				}
			}
			assert.Equal(t, want, d.Reason, "%s on %s", what, m)
			typed := what == "677" && m != credentials.Reader && m != 0
			assert.Equal(t, typed, d.TagTyped, "%s on %s", what, m)
		}
	}
}

// Rules: G182
func TestALostTagIsDenied(t *testing.T) {
	d := credentials.Decide(holder(), staff(nil), presents("lost tag", credentials.Reader), trusted(noon))
	assert.Equal(t, credentials.Lost, d.Reason)
	assert.Zero(t, d.Next)
	assert.False(t, d.Alarm)
	forced := holder()
	forced.Type = credentials.Forced
	d = credentials.Decide(forced, staff(nil), presents("lost tag", credentials.Reader), trusted(noon))
	assert.True(t, d.Duress)
	assert.False(t, d.Alarm, "whoever found it is not its holder")
	disabled := holder()
	disabled.Disabled = true
	d = credentials.Decide(disabled, staff(nil), presents("lost tag", credentials.Reader), credentials.Now{})
	assert.Equal(t, credentials.Lost, d.Reason)
}

// Rules: G186
func TestTheSecondOfAnEndOpensAndTheNextDoesNot(t *testing.T) {
	rec := holder()
	var err error
	rec.Window, err = credentials.Through(noon, noon.Add(time.Hour))
	require.NoError(t, err)
	for offset, want := range map[time.Duration]credentials.Reason{
		-time.Second: credentials.NotYet, 0: credentials.Granted,
		time.Hour - time.Second: credentials.Granted, time.Hour: credentials.Granted, time.Hour + time.Second: credentials.Expired,
	} {
		d := credentials.Decide(rec, staff(nil), presents("pin", credentials.Keypad), trusted(noon.Add(offset)))
		assert.Equal(t, want, d.Reason, "%s", offset)
	}
}

// Rules: S39
func TestRulesCanAskForAMedium(t *testing.T) {
	rules := staff(nil)
	rules[3].On = credentials.MediumsOf(credentials.Reader)
	assert.Equal(t, credentials.NoRule, credentials.Decide(holder(), rules, presents("pin", credentials.Keypad), trusted(noon)).Reason)
	assert.Equal(t, credentials.Granted, credentials.Decide(holder(), rules, presents("tag", credentials.Reader), trusted(noon)).Reason)
}

// What Next says comes true: then it is granted, and not a second earlier. Without a
// Next it is not granted within the next three days either.
//
// Rules: G204
func TestNextIsWhenItWouldBeGranted(t *testing.T) {
	hours := compile(t, credentials.Schedule{
		Zone: "Europe/Berlin",
		Week: []credentials.Span{{Days: []credentials.Weekday{mon, sat}, From: 22 * 60, Until: 6 * 60}},
		Days: []credentials.SpecialDay{{Date: "2026-05-16", Hours: []credentials.Hours{{From: 60, Until: 90}}}},
	})
	rapid.Check(t, func(t *rapid.T) {
		hour := func(name string) time.Time {
			return noon.Add(time.Duration(rapid.Int64Range(-6, 90).Draw(t, name)) * time.Hour)
		}
		some := func(name string) bool { return rapid.IntRange(0, 3).Draw(t, name) == 0 }
		rec, p, now := holder(), presents("pin", credentials.Keypad), hour("now")
		if rapid.Bool().Draw(t, "window") {
			rec.Window = credentials.Window{From: hour("from"), Until: hour("until")}
		}
		if some("limit") {
			rec.Max, rec.Used = 2, rapid.IntRange(0, 3).Draw(t, "used")
		}
		rec.Disabled, rec.Window.Revoked = some("disabled"), some("revoked")
		if some("locked") {
			p.Locked = hour("until when")
		}
		decide := func(at time.Time) credentials.Decision { return credentials.Decide(rec, staff(hours), p, trusted(at)) }

		d := decide(now)
		switch {
		case d.Granted() && !d.Next.IsZero():
			t.Fatal("granted now, and again later")
		case !d.Next.IsZero():
			if !d.Next.After(now) || !decide(d.Next).Granted() || decide(d.Next.Add(-time.Second)).Granted() {
				t.Fatalf("%s at %s, then granted at %s?", d.Reason, now, d.Next)
			}
		case !d.Granted():
			for m := range 3 * 24 * 4 {
				if at := now.Add(time.Duration(m) * 15 * time.Minute); decide(at).Granted() {
					t.Fatalf("%s at %s without a next time, yet granted at %s", d.Reason, now, at)
				}
			}
		}
	})
}

func TestADecisionKeepsDuressToItself(t *testing.T) {
	d := credentials.Decide(holder(), staff(nil), presents("duress", credentials.Keypad), trusted(noon))
	require.True(t, d.Duress)
	b, err := json.Marshal(d)
	require.NoError(t, err)
	assert.JSONEq(t, `{"reason":"granted","rule":"staff"}`, string(b))
	assert.NotContains(t, everyForm(t, d), "uress")
}

func BenchmarkDecide(b *testing.B) {
	rec, rules, p := holder(), staff(officeHours(b)), presents("pin", credentials.Keypad)
	b.ReportAllocs()
	for b.Loop() {
		credentials.Decide(rec, rules, p, trusted(noon))
	}
}
