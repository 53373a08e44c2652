package door_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

const (
	otherCard   = "00:00:04:62"
	unknownCard = "FF:FF:FF:01"
)

// both is a card with what is typed after it.
func both(t testing.TB, card string, then ...string) door.Entry {
	t.Helper()
	e := held(t, card)
	for _, text := range then {
		e.With = append(e.With, typed(t, text).Shown)
	}
	return e
}

// giveTag gives somebody one of several tags.
func (w *world) giveTag(account string, n uint64, text string, edits ...func(*rec.Credential)) {
	w.t.Helper()
	claim, err := credentials.ClaimTag(w.keys, credentials.Scope{Kind: credentials.TenantScope}, tag(w.t, text))
	require.NoError(w.t, err)
	id := rec.CredentialID(account, rec.TagNumber, n)
	var claims []store.Op
	for _, name := range claim.Hold {
		claims = append(claims, store.Claim{Name: store.Name(name), Holder: account, Use: id})
	}
	put(w, rec.Credentials, id, func(c *rec.Credential) {
		*c = rec.Credential{Account: account, Kind: rec.TagNumber, Names: claim.Hold, Generation: n, Len: 32, Created: noon, Changed: noon}
		for _, e := range edits {
			e(c)
		}
	}, claims...)
}

// needed makes the rule ask for so many credentials.
func (w *world) needed(n int) {
	w.t.Helper()
	put(w, rec.Rules, "all", func(r *rec.Rule) { r.Needs = n })
}

// A duress code raises its alarm wherever it is shown: beside somebody else's card, beside
// nobody's, and where it completes nothing; the answer is the one to the PIN.
//
// Rules: G194, G196
func TestADuressCodeShownAfterAnotherCredentialRaisesTheAlarm(t *testing.T) {
	for name, c := range map[string]struct {
		card   string
		edit   func(w *world)
		want   credentials.Reason
		silent bool
	}{
		"beside its own card":          {card: card, want: credentials.Granted},
		"beside somebody else's":       {card: otherCard, want: credentials.Granted},
		"beside nobody's":              {card: unknownCard, want: credentials.Unknown},
		"where two are asked for":      {card: card, edit: func(w *world) { w.needed(2) }, want: credentials.Granted},
		"where it is not enough":       {card: card, edit: func(w *world) { w.needed(3) }, want: credentials.Incomplete},
		"where it must be its own":     {card: otherCard, edit: func(w *world) { w.needed(2) }, want: credentials.Incomplete},
		"though it has ended":          {card: card, edit: func(w *world) { w.needed(2); w.change("cleaner", rec.PIN, ended) }, want: credentials.Incomplete},
		"though its holder may not in": {card: otherCard, edit: func(w *world) { w.changeAccount("cleaner", func(a *accounts.Account) { a.Roles = nil }) }, want: credentials.Granted},
		"though its reader is locked":  {card: otherCard, edit: func(w *world) { w.wrong(5) }, want: credentials.LockedOut},
		"after a lost card":            {card: card, edit: func(w *world) { w.change("cleaner", rec.TagNumber, func(c *rec.Credential) { c.State = rec.TagLost }) }, want: credentials.Lost},
		"of somebody who was revoked": {card: otherCard, edit: func(w *world) { w.changeAccount("cleaner", func(a *accounts.Account) { a.Window.Revoked = true }) },
			want: credentials.Granted, silent: true},
	} {
		t.Run(name, func(t *testing.T) {
			answers := map[string]door.Answer{}
			for _, text := range []string{pin, duress} {
				w := newWorld(t)
				w.cleaner()
				w.account("guest")
				w.give("guest", rec.TagNumber, otherCard)
				if c.edit != nil {
					c.edit(w)
				}
				a := w.try(both(t, c.card, text))
				require.Equal(t, c.want, a.Reason)
				flag, err := w.as("operator").Duress(t.Context(), last(w.entries("main", audit.DoorDecided)))
				require.NoError(t, err)
				require.Equal(t, text == duress, flag)
				require.NoError(t, w.door.Work(t.Context()))
				if text == duress && !c.silent {
					require.Len(t, w.alarms, 1)
					require.Equal(t, accounts.ID("cleaner"), w.alarms[0].Account)
				} else {
					require.Empty(t, w.alarms)
				}
				a.Decision = ""
				answers[text] = a
			}
			require.Equal(t, answers[pin], answers[duress])
		})
	}
}

func ended(c *rec.Credential) { c.Window.Until = noon.Add(-time.Hour) }

func last(all []audit.Entry) audit.Entry { return all[len(all)-1] }

// Two runs that differ only in which code is shown after a card write the same, of the same
// sizes, whoever's card it is.
//
// Rules: G63, G193, G196
func TestNothingTellsASecondDuressCodeApart(t *testing.T) {
	run := func(text string) (written, said string, answers []door.Answer) {
		w := newWorld(t, func(o *door.Options) {
			o.Alarm = func(context.Context, door.Alarm) error { return errors.New("the guard does not answer") }
		})
		w.cleaner()
		w.account("guest")
		w.give("guest", rec.TagNumber, otherCard)
		w.change("cleaner", rec.PIN, func(c *rec.Credential) {
			c.Uses = 1
			c.Window.Until = noon.Add(time.Hour)
		})
		w.wrote()
		step := func(e door.Entry) {
			a := w.try(e)
			a.Decision = ""
			answers = append(answers, a)
		}
		for _, first := range []string{otherCard, unknownCard, card, card} {
			step(both(t, first, text))
		}
		w.needed(2)
		for _, first := range []string{otherCard, unknownCard, card} {
			step(both(t, first, text))
			step(both(t, first, "9999", text))
		}
		w.later(2 * time.Hour)
		step(both(t, card, text))
		step(both(t, otherCard, text, text))
		require.NoError(t, w.door.Work(t.Context()))
		return shape(t, w.wrote()), w.log.String(), answers
	}
	written, said, answers := run(pin)
	duressWritten, duressSaid, duressAnswers := run(duress)
	require.Equal(t, answers, duressAnswers)
	require.Equal(t, written, duressWritten)
	require.Equal(t, said, duressSaid)
}

// What completes another credential must open by itself at that time.
//
// Rules: G69, G70
func TestASecondCredentialHasItsOwnRestrictions(t *testing.T) {
	for name, edit := range map[string]func(*rec.Credential){
		"ended":         ended,
		"not yet":       func(c *rec.Credential) { c.Window.From = noon.Add(time.Hour) },
		"revoked":       func(c *rec.Credential) { c.Window.Revoked = true },
		"disabled":      func(c *rec.Credential) { c.Disabled = true },
		"opens nothing": func(c *rec.Credential) { c.Type = credentials.NonAccess },
		"not here":      func(c *rec.Credential) { c.Type = credentials.RemoteOnly },
		"not now": func(c *rec.Credential) {
			c.Type = credentials.WeekDay
			c.Schedule = &credentials.Schedule{Week: []credentials.Span{{Days: []credentials.Weekday{3}, From: 13 * 60, Until: 14 * 60}}}
		},
		"used up": func(c *rec.Credential) { c.Uses = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.cleaner()
			w.needed(2)
			require.True(t, w.try(both(t, card, pin)).Granted)
			w.change("cleaner", rec.PIN, edit)
			require.Equal(t, credentials.Incomplete, w.try(both(t, card, pin)).Reason)
			require.Equal(t, credentials.Incomplete, w.try(both(t, card, duress)).Reason)
		})
	}
	for name, edit := range map[string]func(*rec.Credential){
		"a tag that works": func(*rec.Credential) {},
		"disabled":         func(c *rec.Credential) { c.Disabled = true },
		"ended":            ended,
		"lost":             func(c *rec.Credential) { c.State = rec.TagLost },
	} {
		t.Run("a second card, "+name, func(t *testing.T) {
			w := newWorld(t)
			w.cleaner()
			w.needed(2)
			w.giveTag("cleaner", 2, "00:1A:2B:3D", edit)
			e := held(t, card)
			e.With = []door.Shown{held(t, "00:1A:2B:3D").Shown}
			require.Equal(t, name == "a tag that works", w.try(e).Granted)
		})
	}
}

// A credential that opens so many times is used by completing another, in the same commit,
// and only where the door opened.
//
// Rules: G199
func TestCompletingAnotherIsAUse(t *testing.T) {
	for _, text := range []string{pin, duress} {
		w := newWorld(t)
		w.cleaner()
		w.needed(2)
		w.change("cleaner", rec.PIN, func(c *rec.Credential) { c.Uses = 2 })
		w.change("cleaner", rec.TagNumber, func(c *rec.Credential) { c.Uses = 3 })
		locked := both(t, card, text)
		locked.Lockdown = true
		require.Equal(t, credentials.Lockdown, w.try(locked).Reason)
		for range 2 {
			require.True(t, w.try(both(t, card, text, text)).Granted, "shown twice is used once")
		}
		require.Equal(t, credentials.Incomplete, w.try(both(t, card, text)).Reason)
		w.needed(1)
		require.True(t, w.try(both(t, card, text)).Granted)
		require.Equal(t, credentials.UsedUp, w.try(held(t, card)).Reason)
	}
}

// A rule or a credential can ask for two or three, and the greater number counts; the most
// is one PIN and two cards here. What was shown rightly is no wrong code, though more is
// asked for.
//
// Rules: S39
func TestADoorAsksForSeveralCredentials(t *testing.T) {
	for _, c := range []struct{ rule, credential, need int }{{0, 0, 1}, {1, 1, 1}, {2, 0, 2}, {0, 2, 2}, {3, 2, 3}, {2, 3, 3}} {
		w := newWorld(t)
		w.cleaner()
		w.giveTag("cleaner", 2, "00:1A:2B:3D")
		w.needed(c.rule)
		w.change("cleaner", rec.TagNumber, func(r *rec.Credential) { r.Needs = c.credential })
		three := both(t, card, pin)
		three.With = append(three.With, held(t, "00:1A:2B:3D").Shown)
		for shown, e := range map[int]door.Entry{1: held(t, card), 2: both(t, card, pin), 3: three} {
			for range 6 {
				want := credentials.Granted
				if shown < c.need {
					want = credentials.Incomplete
				}
				require.Equal(t, want, w.try(e).Reason, "%v, %d shown", c, shown)
			}
		}
	}
	w := newWorld(t, func(o *door.Options) { o.Policy.Guesses, o.Policy.Both = 1, true })
	w.cleaner()
	w.needed(3)
	w.wrong(1)
	require.Equal(t, credentials.Incomplete, w.try(both(t, card, pin)).Reason, "an alarm does not ask for less")
}

// Nobody begins the count of wrong codes anew with a card of their own.
//
// Rules: G199
func TestAWrongCodeAfterACardIsNotForgiven(t *testing.T) {
	w := newWorld(t)
	w.cleaner()
	w.wrong(4)
	require.True(t, w.try(both(t, card, "9998")).Granted)
	w.wrong(1)
	require.Equal(t, credentials.LockedOut, w.try(typed(t, pin)).Reason)
}

// What four people show at once is one commit, however many tags each has.
func TestFourPeopleAtOnce(t *testing.T) {
	w := newWorld(t)
	e := held(t, "00:00:00:C0")
	for i := range 4 {
		id := fmt.Sprint("guest", i)
		w.account(id)
		for n := range 8 {
			w.giveTag(id, uint64(n+1), fmt.Sprintf("00:00:00:%02X", 0xC0+8*i+n))
		}
		if i > 0 {
			e.With = append(e.With, held(t, fmt.Sprintf("00:00:00:%02X", 0xC0+8*i)).Shown)
		}
	}
	require.True(t, w.try(e).Granted)
}
