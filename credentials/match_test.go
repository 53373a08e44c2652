package credentials_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

// Both of a pair have to be shown, each on its own medium, and a code in two forms is one.
//
// Rules: G183
func TestWhatCompletesACredential(t *testing.T) {
	rec := holder()
	rec.Needs = 2
	for name, c := range map[string]struct {
		with credentials.Shown
		want credentials.Reason
	}{
		"the tag":                      {credentials.Shown{Medium: credentials.Reader, Prints: []credentials.Fingerprint{printOf("tag")}}, credentials.Granted},
		"the tag, typed":               {credentials.Shown{Medium: credentials.Keypad, Prints: []credentials.Fingerprint{printOf("tag")}}, credentials.Incomplete},
		"a lost tag":                   {credentials.Shown{Medium: credentials.Reader, Prints: []credentials.Fingerprint{printOf("lost tag")}}, credentials.Incomplete},
		"the same code":                {credentials.Shown{Medium: credentials.Keypad, Prints: []credentials.Fingerprint{printOf("pin")}}, credentials.Incomplete},
		"the duress code":              {credentials.Shown{Medium: credentials.Keypad, Prints: []credentials.Fingerprint{printOf("duress")}}, credentials.Incomplete},
		"something of somebody else's": {credentials.Shown{Medium: credentials.Reader, Prints: []credentials.Fingerprint{printOf("other")}}, credentials.Incomplete},
	} {
		p := presents("pin", credentials.Keypad)
		p.With = []credentials.Shown{c.with}
		assert.Equal(t, c.want, credentials.Decide(rec, staff(nil), p, trusted(noon)).Reason, name)
	}
}

// The record, the rule and the point can each ask for more, and the most counts. A rule that
// asks for less grants, also later.
//
// Rules: S39
func TestTheMostThatAnybodyAsksForCounts(t *testing.T) {
	for _, c := range []struct{ record, rule, point, need int }{{0, 0, 0, 1}, {1, 1, 1, 1}, {2, 0, 0, 2}, {0, 2, 0, 2}, {0, 0, 2, 2}, {2, 3, 0, 3}, {3, 1, 2, 3}} {
		rec, rules := holder(), staff(nil)
		rec.Secrets = append(rec.Secrets, credentials.Secret{Kind: credentials.TagNumber, Print: printOf("second tag")})
		rec.Needs, rules[3].Needs = c.record, c.rule
		p := presents("pin", credentials.Keypad)
		p.Needs = c.point
		for shown, what := range []string{"", "tag", "second tag"} {
			if what != "" {
				p.With = append(p.With, credentials.Shown{Medium: credentials.Reader, Prints: []credentials.Fingerprint{printOf(what)}})
			}
			d := credentials.Decide(rec, rules, p, trusted(noon))
			assert.Equal(t, shown+1 >= c.need, d.Granted(), "%v, %d shown", c, shown+1)
			assert.True(t, d.Granted() || d.Reason == credentials.Incomplete)
		}
	}
	rules := append(staff(nil), staff(officeHours(t))...)
	rules[3].Needs, rules[3].Duress = 2, "call the guard"
	decide := func(hour int) credentials.Decision {
		return credentials.Decide(holder(), rules, presents("duress", credentials.Keypad), trusted(time.Date(2026, 5, 13, hour, 0, 0, 0, time.UTC)))
	}
	assert.True(t, decide(12).Granted())
	night := decide(20)
	assert.Equal(t, credentials.Incomplete, night.Reason)
	assert.Equal(t, "call the guard", night.Action, "of the rule that would grant")
	assert.Equal(t, time.Date(2026, 5, 14, 8, 0, 0, 0, time.UTC), night.Next)
}

// Rules: G194
func TestADuressCodeBesideATagRaisesTheAlarm(t *testing.T) {
	p := presents("tag", credentials.Reader)
	p.With = []credentials.Shown{{Medium: credentials.Keypad, Prints: []credentials.Fingerprint{printOf("duress")}}}
	d := credentials.Decide(holder(), staff(nil), p, trusted(noon))
	assert.True(t, d.Granted() && d.Duress && d.Alarm)
}
