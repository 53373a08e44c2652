package makers_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys/qolsyssim"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
)

func (r *rig) keypad(do panel.Do, n int, set panel.Field, v panel.Values) {
	r.Helper()
	require.NoError(r, r.sim.Keypad(panel.Edit{Place: slot(n), Do: do, Set: set, Values: v}))
	pass(10 * time.Second) // the panel tells, and is read
}

// Somebody at the keypad carries a wish out, and nobody has to confirm it: the panel tells
// of the change. Whose digits were typed nobody can see, so no wish is ever verified, the
// digits that somebody had in mind or others.
//
// Rules: R246
func TestAWishForHandsSettlesByItself(t *testing.T) {
	with(t, aQolsys, nil, func(r *rig) {
		for n, typed := range map[int]string{4: "6137", 5: "7283"} {
			got, err := r.tab.SetCode(r.Context(), slot(n), roster.CodeWish{})
			require.NoError(r, err)
			pass(time.Minute)
			p, err := r.tab.Receipt(r.Context(), got)
			require.NoError(r, err)
			require.Equal(r, roster.Pending, p.Fate)
			r.keypad(panel.Create, n, panel.FieldCode|panel.FieldLabel|panel.FieldRole, panel.Values{Code: digits(r.T, typed), Label: "Guest", Role: panel.Guest})
			p, err = r.tab.Receipt(r.Context(), got)
			require.NoError(r, err)
			require.Equal(r, roster.Unverified, p.Fate, "not verified, and long before the next full reading")
			// Others are typed later: it is noticed, and shown as no more than it was.
			before := r.alerted()
			r.keypad(panel.Change, n, panel.FieldCode, panel.Values{Code: digits(r.T, "86"+typed[2:])})
			require.Equal(r, before+1, r.alerted())
			p, err = r.tab.Receipt(r.Context(), got)
			require.NoError(r, err)
			require.NotEqual(r, roster.Settled, p.Fate)
		}
		_, err := r.tab.SetRole(r.Context(), slot(4), panel.User)
		require.ErrorIs(r, err, panel.ErrFixed)
	})
}

// A panel that rewrites 238 codes to six digits and back has changed nothing: no write, no
// storm of alerts.
//
// Rules: R246
func TestAPanelThatRewritesItsMarksMakesNoStorm(t *testing.T) {
	with(t, aQolsys, nil, func(r *rig) {
		for n := 2; n <= 239; n++ {
			code := digits(r.T, string([]byte{'5', byte('0' + n/100), byte('0' + n/10%10), byte('0' + n%10)}))
			require.NoError(r, r.sim.Keypad(panel.Edit{Place: slot(n), Do: panel.Create, Set: panel.FieldCode | panel.FieldLabel | panel.FieldRole, Values: panel.Values{Code: code, Label: "Guest", Role: panel.Guest}}))
		}
		pass(10 * time.Minute)
		rows, err := r.op().Unmanaged(r.Context())
		require.NoError(r, err)
		require.Len(r, rows, 239, "with the Master")
		before := r.alerted()
		for _, length := range []int{6, 4} {
			r.sim.(*qolsyssim.Panel).SetDigits(length)
			pass(10 * time.Minute)
			require.Equal(r, length, r.info().CodeLen)
			require.Equal(r, before, r.alerted())
		}
		require.Empty(r, r.info().Line.Parked)
	})
}

// What a full answer holds besides users is nowhere: not in a record, not in the log, not
// in an entry.
//
// Rules: R266
func TestTheDealersCodeIsNowhere(t *testing.T) {
	with(t, aQolsys, nil, func(r *rig) {
		r.keypad(panel.Create, 4, panel.FieldCode|panel.FieldLabel|panel.FieldRole, panel.Values{Code: digits(r.T, "6137"), Label: "Guest", Role: panel.Guest})
		r.sim.Fault(paneltest.Fault{Do: paneltest.Corrupt})
		r.keypad(panel.Change, 4, panel.FieldLabel, panel.Values{Label: "Friend"})
		pass(time.Hour)
		var all strings.Builder
		for _, kind := range []store.Kind{"panel", "user", store.Attempt} {
			rs, err := r.store.List(r.Context(), store.Query{Kind: kind})
			require.NoError(r, err)
			require.NotEmpty(r, rs, kind)
			for _, one := range rs {
				all.Write(one.Body)
			}
		}
		es, err := r.store.Entries(r.Context(), store.EntryQuery{ByIndex: true})
		require.NoError(r, err)
		for _, e := range es {
			all.Write(e.Body)
		}
		all.WriteString(r.log.String())
		// The dealer's code and its setting, a PIN, and what every cipher text of one ends with.
		for _, secret := range []string{`["=: ]8373\b`, "DEALER_CODE", `["=: ]6137\b`, fmt.Sprintf("%X", "fixed for all 16")} {
			require.NotRegexp(r, secret, all.String())
		}
	})
}
