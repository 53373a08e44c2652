package door_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// thing is a credential as the pad of paper has it: a card, or a PIN with its duress PIN.
type thing struct {
	owner      string
	off        bool
	uses, used int
}

func (c *thing) reason() credentials.Reason {
	switch {
	case c.off:
		return credentials.Disabled
	case c.uses > 0 && c.used >= c.uses:
		return credentials.UsedUp
	}
	return credentials.Granted
}

// say is the reason that things shown together get; nil is nobody's.
func say(needs int, shown []*thing) credentials.Reason {
	first := shown[0]
	if first == nil {
		return credentials.Unknown
	}
	if why := first.reason(); why != credentials.Granted {
		return why
	}
	var count []*thing
	for _, c := range shown {
		if c != nil && c.owner == first.owner && c.reason() == credentials.Granted && !slices.Contains(count, c) {
			count = append(count, c)
		}
	}
	if len(count) < needs {
		return credentials.Incomplete
	}
	for _, c := range count {
		c.used++
	}
	return credentials.Granted
}

// Whatever of two people's is shown together, the service says what a pad of paper would,
// and raises one alarm, of one of those whose duress PIN was among it.
//
// Rules: G61, G194
func TestSeveralCredentialsAgreeWithAPadOfPaper(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t, func(o *door.Options) { o.Policy.Guesses, o.Policy.Wrong = 1<<30, 1<<30 })
		shows := map[string]door.Shown{"9999": typed(t, "9999").Shown, unknownCard: held(t, unknownCard).Shown}
		known, owners := map[string]*thing{}, map[string]string{}
		kinds := map[*thing]rec.CredentialKind{}
		for i := range 2 {
			id := fmt.Sprint("guest", i)
			w.account(id)
			code, forced, tag := fmt.Sprint(1000+i), fmt.Sprint(2000+i), fmt.Sprintf("00:00:00:C%d", i)
			w.give(id, rec.PIN, code)
			w.give(id, rec.DuressPIN, forced)
			w.give(id, rec.TagNumber, tag)
			own, carried := &thing{owner: id}, &thing{owner: id}
			kinds[own], kinds[carried] = rec.PIN, rec.TagNumber
			known[code], known[forced], known[tag] = own, own, carried
			owners[forced] = id
			shows[code], shows[forced], shows[tag] = typed(t, code).Shown, typed(t, forced).Shown, held(t, tag).Shown
		}
		texts := []string{"1000", "2000", "00:00:00:C0", "1001", "2001", "00:00:00:C1", "9999", unknownCard}
		needs, alarms := 1, 0
		for range rapid.IntRange(5, 30).Draw(r, "steps") {
			switch rapid.IntRange(0, 5).Draw(r, "step") {
			case 0:
				needs = rapid.IntRange(1, 3).Draw(r, "needs")
				w.needed(needs)
			case 1:
				c := known[rapid.SampledFrom(texts[:6]).Draw(r, "which")]
				c.off, c.uses = rapid.Bool().Draw(r, "off"), rapid.IntRange(0, 4).Draw(r, "uses")
				w.change(c.owner, kinds[c], func(v *rec.Credential) { v.Disabled, v.Uses = c.off, c.uses })
			default:
				var shown []*thing
				var e door.Entry
				var forced []string
				for i := range rapid.IntRange(1, 4).Draw(r, "together") {
					text := rapid.SampledFrom(texts).Draw(r, "shown")
					shown = append(shown, known[text])
					if id, ok := owners[text]; ok {
						forced = append(forced, id)
					}
					if i == 0 {
						e = door.Entry{Point: "front", Shown: shows[text]}
					} else {
						e.With = append(e.With, shows[text])
					}
				}
				require.Equal(r, say(needs, shown), w.try(e).Reason)
				require.NoError(r, w.door.Work(t.Context()))
				if len(forced) > 0 {
					alarms++
					require.Len(r, w.alarms, alarms)
					require.Contains(r, forced, string(w.alarms[alarms-1].Account))
				}
				require.Len(r, w.alarms, alarms)
			}
		}
	})
}
