package roster_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// cards makes users with tags, in slots from 1 on.
func (d *paperDesk) cards(users, each int) {
	d.Helper()
	for n := 1; n <= users; n++ {
		_, err := d.tab.SetCode(d.Context(), slot(n), roster.CodeWish{Code: digits(d.T, fmt.Sprint(6130+n*7))})
		require.NoError(d, err)
		for i := range each {
			_, err := d.tab.AddTag(d.Context(), slot(n), panel.FieldLegacyTags, card(d.T, fmt.Sprintf("0A%02X%04X", n, 7*i)))
			require.NoError(d, err)
		}
	}
	d.read()
}

func tagSlots() panel.Model {
	m := directory()
	m.Slots = panel.Slots{First: 1, Last: 300}
	return m
}

// However many names are let go of at once, the changes fit into the store.
//
// Rules: R86
func TestUsersWithManyTagsVanishTogether(t *testing.T) {
	onPaper(t, tagSlots(), func(*paper) {}, func(d *paperDesk) {
		d.cards(8, roster.MaxTags)
		require.Len(d, d.at(slot(8)).LegacyTags, roster.MaxTags)
		d.do(func() { clear(d.users) })
		d.read()
		info, err := d.tab.Info(d.Context())
		require.NoError(d, err)
		require.Empty(d, info.Line.Words)
		_, err = d.tab.SetCode(d.Context(), slot(9), roster.CodeWish{Code: digits(d.T, "6137")})
		require.NoError(d, err, "what is gone is free")
		_, err = d.tab.AddTag(d.Context(), slot(9), panel.FieldLegacyTags, card(d.T, "0A010000"))
		require.NoError(d, err)
	})
}

// Rules: R86
func TestUsersWithManyTagsAreDisabledTogether(t *testing.T) {
	m := tagSlots()
	m.Read &^= panel.FieldLegacyTags // a confirmation frees them
	onPaper(t, m, func(*paper) {}, func(d *paperDesk) {
		d.cards(8, roster.MaxTags)
		for n := 1; n <= 8; n++ {
			_, err := d.tab.Disable(d.Context(), slot(n))
			require.NoError(d, err)
		}
		d.read()
		info, err := d.tab.Info(d.Context())
		require.NoError(d, err)
		require.Empty(d, info.Line.Words)
		d.do(func() { require.Empty(d, d.users) })
	})
}

// Rules: R86
func TestATagAmongVeryManyIsStillHeld(t *testing.T) {
	onPaper(t, tagSlots(), func(*paper) {}, func(d *paperDesk) {
		d.cards(1, 1)
		d.do(func() {
			v := d.users[slot(1)]
			ours := v.LegacyTags[0]
			v.LegacyTags = nil
			for n := range 40 {
				v.LegacyTags = append(v.LegacyTags, card(d.T, fmt.Sprintf("0B00%04X", n)))
			}
			v.LegacyTags = append(v.LegacyTags, ours)
			d.users[slot(1)] = v
		})
		d.read()
		_, err := d.tab.SetCode(d.Context(), slot(2), roster.CodeWish{Code: digits(d.T, "8604")})
		require.NoError(d, err)
		_, err = d.tab.AddTag(d.Context(), slot(2), panel.FieldLegacyTags, card(d.T, "0A010000"))
		require.ErrorIs(d, err, credentials.ErrNotAvailable, "the panel opens for it")
	})
}

// Rules: R86
func TestTagsOfBothKindsAreBoundedTogether(t *testing.T) {
	m := tagSlots()
	m.Create |= panel.FieldLockTags
	m.Change |= panel.FieldLockTags
	onPaper(t, m, func(*paper) {}, func(d *paperDesk) {
		d.cards(1, roster.MaxTags)
		var err error
		given := 0
		for ; err == nil; given++ {
			_, err = d.tab.AddTag(d.Context(), slot(1), panel.FieldLockTags, card(d.T, fmt.Sprintf("0C01%04X", 7*given)))
		}
		require.ErrorIs(d, err, roster.ErrTooManyTags)
		require.Equal(d, 5, given, "twelve in all")
	})
}

// Rules: R258
func TestAnImportIsBoundToTheWindowsOfItsDryRun(t *testing.T) {
	m := slots(4)
	m.Create |= panel.FieldFrom | panel.FieldUntil
	m.Change |= panel.FieldFrom | panel.FieldUntil
	onPaper(t, m, func(*paper) {}, func(d *paperDesk) {
		row := func(days int) []roster.ImportRow {
			w := panel.Window{From: time.Now(), Until: time.Now().AddDate(0, 0, days)}
			return []roster.ImportRow{{Place: slot(1), CodeWish: roster.CodeWish{Code: digits(d.T, "6137"), Window: &w}}}
		}
		dry, err := d.tab.Import(d.Context(), row(1), roster.ImportOptions{})
		require.NoError(d, err)
		_, err = d.tab.Import(d.Context(), row(900), roster.ImportOptions{Token: dry.Token})
		require.ErrorIs(d, err, roster.ErrImportChanged)
	})
}

// What somebody had on the hardware before waits for them, and for nobody else.
func TestNobodyIsAddedWhereAUserOfTheHardwareBeforeWaits(t *testing.T) {
	m := slots(4)
	m.Create |= panel.FieldLabel
	m.Change |= panel.FieldLabel
	m.Label.Max = 20
	onPaper(t, m, func(*paper) {}, func(d *paperDesk) {
		_, err := d.tab.SetCode(d.Context(), slot(1), roster.CodeWish{Code: digits(d.T, "6137"), Label: "Cleaner"})
		require.NoError(d, err)
		d.read()
		d.do(func() { clear(d.users) })
		require.NoError(d, d.tab.Replace(d.Context(), "q", nil))
		d.read()
		v, err := d.tab.Details(d.Context(), slot(1))
		require.NoError(d, err)
		require.Equal(d, roster.ReasonReplaced, v.Explain)
		r, err := d.tab.Add(d.Context(), roster.CodeWish{Code: digits(d.T, "7283")})
		require.NoError(d, err)
		require.Equal(d, slot(2), r.Place)

		// With the next code they are users as all others.
		require.Equal(d, roster.Settled, d.fate(d.set(slot(1), "8604")))
		_, err = d.tab.Disable(d.Context(), slot(1), roster.Confirmed("yes"))
		require.NoError(d, err)
		d.read()
		v, err = d.tab.Details(d.Context(), slot(1))
		require.NoError(d, err)
		require.Equal(d, roster.ReasonDisabled, v.Explain)
		r, err = d.tab.Add(d.Context(), roster.CodeWish{Code: digits(d.T, "9517")})
		require.NoError(d, err)
		require.Equal(d, slot(1), r.Place)
	})
}

// Rules: D27
func TestAJobOfTheHardwareBeforeIsNotFollowed(t *testing.T) {
	onPaper(t, slots(4), func(p *paper) { p.jobs = map[string]panel.Edit{} }, func(d *paperDesk) {
		r := d.set(slot(4), "6137")
		require.Equal(d, roster.Sending, d.fate(r))
		d.do(func() { clear(d.jobs) })
		require.NoError(d, d.tab.Replace(d.Context(), "q", nil))
		d.read()
		d.do(func() { require.Len(d, d.jobs, 1, "the wish is sent to the new hardware"); d.ran = true })
		pass(time.Hour)
		require.Equal(d, roster.Settled, d.fate(r))
	})
}

// A wish makes the line due at once; that the panel is away is known already.
func TestAWishDoesNotLengthenTheWait(t *testing.T) {
	onPaper(t, slots(4), func(*paper) {}, func(d *paperDesk) {
		d.do(func() { d.away = true })
		var last roster.Receipt
		for n := 1; n <= 40; n++ {
			var err error
			last, err = d.tab.SetCode(d.Context(), slot(n), roster.CodeWish{Code: digits(d.T, fmt.Sprint(6130+n*7))})
			require.NoError(d, err)
			pass(100 * time.Millisecond)
		}
		info, err := d.tab.Info(d.Context())
		require.NoError(d, err)
		require.Positive(d, info.Line.Attempts)
		require.Less(d, info.Line.Attempts, 5)
		d.do(func() { d.away = false })
		pass(20 * time.Second)
		require.Equal(d, roster.Settled, d.fate(last))
		// A panel that stays away is tried ever more rarely.
		d.do(func() { d.away = true })
		d.set(slot(50), "9164")
		info, err = d.tab.Info(d.Context())
		require.NoError(d, err)
		require.Greater(d, info.Line.Attempts, 4)
	})
}

// A panel that has locked us out is left alone for as long as it said, whatever is wished
// for meanwhile, and the line is parked only if it does so again then.
func TestALockOutIsSatOut(t *testing.T) {
	onPaper(t, slots(4), func(*paper) {}, func(d *paperDesk) {
		tried := 0
		d.do(func() { d.locked = true; tried = d.tries })
		d.set(slot(1), "6137")
		last := d.set(slot(2), "7283")
		d.do(func() { require.Equal(d, tried+1, d.tries); d.locked = false })
		info, err := d.tab.Info(d.Context())
		require.NoError(d, err)
		require.Empty(d, info.Line.Parked)
		require.Equal(d, panel.ErrBlocked.Error(), info.Line.Words[:len(panel.ErrBlocked.Error())])
		pass(5 * time.Minute)
		require.Equal(d, roster.Settled, d.fate(last))

		d.do(func() { d.locked = true })
		d.set(slot(3), "8604")
		pass(6 * time.Minute)
		info, err = d.tab.Info(d.Context())
		require.NoError(d, err)
		require.NotEmpty(d, info.Line.Parked, "it was not us alone")
	})
}
