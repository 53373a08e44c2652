package accounts_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-a2d3eaca/keyholder/accounts"
)

// Rules: G92
func TestSessionTimesAreAdvisedAndNeverRefused(t *testing.T) {
	for name, p := range map[string]accounts.Policy{"PowerManage": accounts.PowerManage(), "GEM": accounts.GEM()} {
		for kiosk, rows := range map[bool]map[int][]accounts.Advice{
			false: {60: nil, 480: nil, 59: {accounts.ShortSession}, 1: {accounts.ShortSession}, 481: {accounts.LongSession}, 0: {accounts.LongSession}},
			true:  {5: nil, 15: nil, 4: {accounts.ShortSession}, 16: {accounts.LongSession}, 60: {accounts.LongSession}, 0: {accounts.LongSession}},
		} {
			p.Kiosk = kiosk
			for minutes, want := range rows {
				a := accounts.Account{Username: "tower", Email: email("tower@example.com"), Session: &minutes}
				assert.Equal(t, want, p.Advise(a), "%s, kiosk %t, %d", name, kiosk, minutes)
				assert.NoError(t, p.Check(a), "%s, kiosk %t, %d", name, kiosk, minutes)
			}
			assert.Nil(t, p.Advise(accounts.Account{}), "the host's own")
		}
	}
}
