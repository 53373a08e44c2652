package roster_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// A code in doubt that becomes somebody else's does not cost the one that is live its claim.
//
// Rules: D16
func TestACollisionInDoubtLeavesTheLiveCodeClaimed(t *testing.T) {
	onPaper(t, slots(4, 6), func(p *paper) { p.length = 6 }, func(d *paperDesk) {
		require.Equal(d, roster.Settled, d.fate(d.set(slot(1), "613700")))
		require.Equal(d, roster.Settled, d.fate(d.set(slot(2), "728300")))
		d.do(func() { d.jobs = map[string]panel.Edit{} }) // from here on edits hang
		require.NotEqual(d, roster.Settled, d.fate(d.set(slot(2), "613799")))
		d.do(func() { d.resize(4) })
		require.NoError(d, d.tab.Retry(d.Context()))
		d.read()
		require.Contains(d, kinds(d.told()), roster.CodeCollided)
		for _, live := range []string{"6137", "7283"} {
			_, err := d.tab.SetCode(d.Context(), slot(9), roster.CodeWish{Code: digits(d.T, live)})
			require.ErrorIs(d, err, credentials.ErrNotAvailable, live)
		}
	})
}

func kinds(alerts []roster.Alert) (out []roster.AlertKind) {
	for _, a := range alerts {
		out = append(out, a.Kind)
	}
	return out
}

// A panel that was switched to and fro before anybody followed has cut its codes all the
// same.
//
// Rules: D16
func TestASwitchToAndFroCutsCodes(t *testing.T) {
	onPaper(t, slots(4, 6), func(p *paper) { p.length, p.kept = 6, true }, func(d *paperDesk) {
		require.Equal(d, roster.Settled, d.fate(d.set(slot(1), "613725")))
		told := len(d.told())
		d.do(func() {
			d.resize(4)
			d.next = 6
		})
		require.NoError(d, d.tab.Retry(d.Context())) // a session that is open is asked, and dies
		pass(2 * time.Second)
		require.True(d, d.at(slot(1)).Code.Equal(digits(d.T, "613700")))
		require.Len(d, d.told(), told, "nobody changed anything")
		_, err := d.tab.SetCode(d.Context(), slot(9), roster.CodeWish{Code: digits(d.T, "613700")})
		require.ErrorIs(d, err, credentials.ErrNotAvailable, "it is live and claimed")
		_, err = d.tab.SetCode(d.Context(), slot(9), roster.CodeWish{Code: digits(d.T, "613725")})
		require.NoError(d, err, "nobody has this one any more")
	})
}
