package rec_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

type thing struct {
	inner
	Zulu  string `json:"zulu"`
	Alpha int    `json:"alpha,omitempty"`
}

type inner struct {
	Mid string `json:"mid"`
}

var things = rec.Kind[thing]{Name: "thing", Schema: 2}

func stored(body string) store.Record {
	return store.Record{Key: things.Key("1"), Version: 3, Body: []byte(body)}
}

func TestBodiesHaveSortedKeysAndASchema(t *testing.T) {
	r, err := things.Encode("1", &thing{Zulu: "<z>", inner: inner{Mid: "m"}}, nil)
	require.NoError(t, err)
	require.JSONEq(t, `{"mid":"m","schema":2,"zulu":"<z>"}`, string(r.Body))
	require.Less(t, string(r.Body[:6]), `{"sche`)
	require.Equal(t, "thing/1", r.Key.String())
}

func TestUnknownFieldsAreKept(t *testing.T) {
	v, extra, err := things.Decode(stored(`{"mid":"m","schema":1,"zulu":"z","future":{"b":1,"a":[2]},"alpha":7}`))
	require.NoError(t, err)
	require.Equal(t, 7, v.Alpha)
	v.Alpha = 0
	r, err := things.Encode("1", &v, extra)
	require.NoError(t, err)
	require.JSONEq(t, `{"mid":"m","schema":2,"zulu":"z","future":{"b":1,"a":[2]}}`, string(r.Body), "kept, and what was emptied is gone")
}

func TestANewerSchemaIsReadAndNotWritten(t *testing.T) {
	v, extra, err := things.Decode(stored(`{"mid":"m","schema":3,"zulu":"z"}`))
	require.NoError(t, err)
	require.Equal(t, "z", v.Zulu)
	_, err = things.Encode("1", &v, extra)
	require.ErrorIs(t, err, rec.ErrNewer)
}

func TestABodyThatIsNoneIsSaid(t *testing.T) {
	_, _, err := things.Decode(stored(`{"mid":7}`))
	require.ErrorIs(t, err, rec.ErrBody)
	v, _, err := things.Decode(store.Record{Key: things.Key("1")})
	require.NoError(t, err)
	require.Zero(t, v)
}

func TestUsersSortBySlotAndAreFoundByWhatIsOpen(t *testing.T) {
	require.Less(t, rec.UserID("p", panel.Place{Slot: 9}), rec.UserID("p", panel.Place{Slot: 10}))
	terms := func(u rec.User) (names []string) {
		r, err := rec.Users.Encode("x", &u, nil)
		require.NoError(t, err)
		for _, term := range r.Terms {
			names = append(names, term.Name)
		}
		return names
	}
	require.Equal(t, []string{rec.ByPanel}, terms(rec.User{Panel: "p"}))
	require.Contains(t, terms(rec.User{Panel: "p", Slot: panel.Slot{Pending: panel.FieldLabel}}), rec.ByPending)
	stranger := rec.User{Panel: "p", Slot: panel.Slot{Reported: panel.State{Set: true}}}
	require.Contains(t, terms(stranger), rec.ByUnmanaged)
	require.NotContains(t, terms(stranger), rec.ByPending)
}
