package roster_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// carded is a desk whose cards are of a format, with two people.
func carded(t *testing.T, formats ...credentials.CardFormat) *roster.Operator {
	t.Helper()
	all := accounts.AllSites()
	directory := &people{list: map[accounts.ID]accounts.Person{}}
	for _, id := range []accounts.ID{"cleaner", "guest"} {
		directory.set(accounts.Person{ID: id, Email: email(t, string(id)+"@example.com"), Status: accounts.StatusActive, Sites: all})
	}
	desk, err := roster.New(roster.Options{
		Store: memstore.Open(), Keys: ring(t), Directory: directory, CardFormats: formats, Codes: credentials.Policy{Lens: []int{7, 8}},
		Authority: accounts.StaticAuthority{"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: all}},
	})
	require.NoError(t, err)
	return desk.As(accounts.HostActor("operator", "", "").Vouched(time.Now()))
}

// The number that is printed on a card can be typed: it is nobody's PIN, not even the
// holder's own, whichever of the two was there first.
//
// Rules: G182
func TestAPrintedNumberIsNobodysPIN(t *testing.T) {
	format := credentials.H10301()
	tag, err := format.Make(12, 3456)
	require.NoError(t, err)
	for _, typed := range []string{"1203456", "01203456"} {
		for _, who := range []accounts.ID{"cleaner", "guest"} {
			op := carded(t, credentials.H10306(), format)
			_, err := op.Person("cleaner").AddTag(t.Context(), tag, "")
			require.NoError(t, err)
			require.ErrorIs(t, op.Person(who).SetPIN(t.Context(), digits(t, typed)), credentials.ErrCodeTaken, "%s after the card: %s", typed, who)
			require.NoError(t, op.Person(who).SetPIN(t.Context(), digits(t, "1203457")), "the card beside it")

			op = carded(t, credentials.H10306(), format)
			require.NoError(t, op.Person(who).SetPIN(t.Context(), digits(t, typed)))
			_, err = op.Person("cleaner").AddTag(t.Context(), tag, "")
			require.ErrorIs(t, err, credentials.ErrCodeTaken, "%s before the card: %s", typed, who)
		}
		none := carded(t)
		_, err = none.Person("cleaner").AddTag(t.Context(), tag, "")
		require.NoError(t, err)
		require.NoError(t, none.Person("guest").SetPIN(t.Context(), digits(t, typed)), "without formats only all bits are a number")
	}
}

func TestALayoutThatLaysNoCardOutIsRefused(t *testing.T) {
	o := roster.Options{Store: memstore.Open(), Keys: ring(t), CardFormats: []credentials.CardFormat{{Name: "empty"}}}
	_, err := roster.New(o)
	assert.ErrorIs(t, err, credentials.ErrCardForm)
	o.CardFormats = make([]credentials.CardFormat, roster.MaxCardFormats+1)
	for i := range o.CardFormats {
		o.CardFormats[i] = credentials.H10301()
	}
	_, err = roster.New(o)
	assert.ErrorIs(t, err, credentials.ErrCardForm)
	o.CardFormats = o.CardFormats[1:]
	_, err = roster.New(o)
	assert.NoError(t, err)
}
