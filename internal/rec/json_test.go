package rec_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// value draws any JSON value, with names and texts that need escapes.
func value(t *rapid.T, depth int) any {
	text := rapid.StringOfN(rapid.RuneFrom([]rune("az09\"\\{}[],: \n<&é\u2028")), 0, 5, -1)
	kind := rapid.IntRange(0, 6).Draw(t, "kind")
	if depth == 0 {
		kind %= 5
	}
	switch kind {
	case 0:
		return nil
	case 1:
		return rapid.Bool().Draw(t, "bool")
	case 2:
		return json.Number(rapid.SampledFrom([]string{"0", "-1", "18446744073709551615", "1.50", "2e-7"}).Draw(t, "number"))
	case 3, 4:
		return text.Draw(t, "text")
	case 5:
		list := make([]any, rapid.IntRange(0, 3).Draw(t, "items"))
		for i := range list {
			list[i] = value(t, depth-1)
		}
		return list
	}
	return object(t, depth, text)
}

func object(t *rapid.T, depth int, name *rapid.Generator[string]) map[string]any {
	o := map[string]any{}
	for range rapid.IntRange(0, 4).Draw(t, "members") {
		o[name.Draw(t, "name")] = value(t, depth-1)
	}
	return o
}

// Whatever a body holds, known or not, and however it was laid out by hand, it is
// written as encoding/json writes a map: sorted and without space.
func TestBodiesHaveOneForm(t *testing.T) {
	type known struct {
		V json.RawMessage `json:"v"`
	}
	kind := rec.Kind[known]{Name: "known", Schema: 1}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-z"\\<é]{1,4}`).Filter(func(s string) bool { return s != "v" && s != "V" && s != "schema" })
		o := object(t, 3, name)
		o["v"] = object(t, 2, name)
		o["schema"] = 1
		want, err := json.Marshal(o)
		require.NoError(t, err)
		var laid bytes.Buffer
		require.NoError(t, json.Indent(&laid, want, " ", "\t"))
		body := append([]byte(" \n"), laid.Bytes()...)
		v, extra, err := kind.Decode(store.Record{Key: kind.Key("1"), Version: 1, Body: body})
		require.NoError(t, err)
		require.Len(t, extra, len(o)-2)
		r, err := kind.Encode("1", &v, extra)
		require.NoError(t, err)
		require.Equal(t, string(want), string(r.Body))
	})
}

func TestABodyThatIsNoObjectIsRefused(t *testing.T) {
	for _, body := range []string{`null`, ``, `[]`, `7`, `"x"`, `{`} {
		_, _, err := things.Decode(stored(body))
		require.ErrorIs(t, err, rec.ErrBody, body)
	}
}

func BenchmarkUser(b *testing.B) {
	u := rec.User{Panel: "0b0e6d39", Site: "site", Author: rec.Author{Kind: "host", ID: "operator"}, Holder: "h"}
	u.Reported.Label, u.Agreed.Code.Names = "Front door", []string{"panel/0b0e6d39|k|p"}
	r, err := rec.Users.Encode("1", &u, nil)
	require.NoError(b, err)
	r.Version = 1
	for b.Loop() {
		v, extra, err := rec.Users.Decode(r)
		require.NoError(b, err)
		_, err = rec.Users.Encode("1", &v, extra)
		require.NoError(b, err)
	}
}
