package credentials_test

import (
	"testing"

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

// Rules: G194
func TestADuressCodeBesideATagRaisesTheAlarm(t *testing.T) {
	p := presents("tag", credentials.Reader)
	p.With = []credentials.Shown{{Medium: credentials.Keypad, Prints: []credentials.Fingerprint{printOf("duress")}}}
	d := credentials.Decide(holder(), staff(nil), p, trusted(noon))
	assert.True(t, d.Granted() && d.Duress && d.Alarm)
}
