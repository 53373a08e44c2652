package audit_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/audit"
)

// sample is an entry that shows every class of field.
func sample() audit.Entry {
	return audit.Entry{
		Version: audit.Version, ID: "e-1", At: time.Date(2026, 11, 21, 10, 0, 0, 123, time.UTC),
		Action: audit.UserCodeSet, Outcome: audit.Success, Targets: [][]byte{{1, 2, 3}, []byte("user-7")},
		Fields: []audit.Field{
			audit.Public(audit.FieldActorKind, audit.AccountActor, fill(1)),
			audit.Public(audit.FieldActorID, "a-1", fill(2)),
			audit.Public(audit.FieldSlot, "7", fill(3)),
			audit.Personal(audit.FieldLabel, []byte("sealed label"), "person-9", fill(4)),
			audit.Secret(audit.FieldCode),
		},
		State: []audit.State{{Row: "user/u-7", Digest: audit.StateDigest(3, []byte(`{"x":1}`))}},
	}
}

func hashOf(t testing.TB, e audit.Entry) [32]byte {
	t.Helper()
	h, err := e.Hash()
	require.NoError(t, err)
	return h
}

func encoded(t testing.TB, e audit.Entry) []byte {
	t.Helper()
	b, err := audit.Encode(e)
	require.NoError(t, err)
	return b
}

// Rules: R190
func TestBodyIsReadableAndComesBack(t *testing.T) {
	body := encoded(t, sample())
	var shape map[string]any
	require.NoError(t, json.Unmarshal(body, &shape))
	require.EqualValues(t, 1, shape["v"])
	require.Contains(t, string(body), `"name":"slot"`)
	e, err := audit.Decode(body)
	require.NoError(t, err)
	require.Equal(t, sample(), e)
	require.Equal(t, "7", e.Value(audit.FieldSlot))
	require.Equal(t, audit.Actor{Kind: "account", ID: "a-1"}, e.Actor())
	_, found := e.Field("nothing")
	require.False(t, found)
}

// Every single bit of a body counts: a body with one bit changed is refused, or gives
// another hash.
// Rules: R191, R253
func TestEveryBitOfABodyCounts(t *testing.T) {
	body, want := encoded(t, sample()), hashOf(t, sample())
	for i := range body {
		for bit := range 8 {
			changed := bytes.Clone(body)
			changed[i] ^= 1 << bit
			if e, err := audit.Decode(changed); err == nil {
				require.NotEqual(t, want, hashOf(t, e), "bit %d of byte %d", bit, i)
			}
		}
	}
}

// A body has one form: everything else that means the same is refused.
// Rules: R191
func TestDecodeTakesOneFormOnly(t *testing.T) {
	body := string(encoded(t, sample()))
	replace := func(old, with string) string {
		require.Contains(t, body, old)
		return strings.Replace(body, old, with, 1)
	}
	for name, other := range map[string]string{
		"empty":              "",
		"not JSON":           "entry",
		"list":               "[" + body + "]",
		"space":              body + " ",
		"newline":            replace(`,"id"`, ",\n\"id\""),
		"second value":       body + body,
		"unknown key":        replace(`{"action"`, `{"a":1,"action"`),
		"key twice":          replace(`"id":"e-1"`, `"id":"e-2","id":"e-1"`),
		"key in capitals":    replace(`"id":`, `"ID":`),
		"keys not sorted":    replace(`"id":"e-1","outcome":"success"`, `"outcome":"success","id":"e-1"`),
		"float version":      replace(`"v":1}`, `"v":1.0}`),
		"version zero":       replace(`"v":1}`, `"v":0}`),
		"negative version":   replace(`"v":1}`, `"v":-255}`),
		"no version":         replace(`,"v":1}`, `}`),
		"escaped letter":     replace(`"e-1"`, `"\u0065-1"`),
		"lone surrogate":     replace(`"e-1"`, `"\ud800"`),
		"NUL":                replace(`"e-1"`, `"\u0000"`),
		"other zone":         replace(`10:00:00.000000123Z`, `11:00:00.000000123+01:00`),
		"trailing zeros":     replace(`.000000123Z`, `.0000001230Z`),
		"null list":          replace(`"state":[`, `"state":null,"x":[`),
		"base64 line break":  replace(`"AQID"`, `"AQ\nID"`),
		"short salt":         replace(`"AQEBAQEBAQEBAQEBAQEBAQ=="`, `"AQ=="`),
		"unknown class":      replace(`"class":"public"`, `"class":"Public"`),
		"public with sealed": replace(`"value":"7"`, `"sealed":"AQ==","value":"7"`),
		"secret with value":  replace(`{"class":"secret","name":"code"}`, `{"class":"secret","name":"code","value":"1234"}`),
		"unknown outcome":    replace(`"success"`, `"fine"`),
		"field name":         replace(`"name":"slot"`, `"name":"Slot"`),
		"field twice":        replace(`"name":"slot"`, `"name":"actor.id"`),
		"personal, no key":   replace(`"key":"person-9"`, `"key":""`),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := audit.Decode([]byte(other))
			require.ErrorIs(t, err, audit.ErrMalformed)
		})
	}
}

// A stored value cannot be replaced by its commitment alone: that would hide it.
// Rules: R191
func TestDecodeRefusesWithheldFields(t *testing.T) {
	withheld := sample().Disclose(audit.FieldSlot)
	_, err := audit.Encode(withheld)
	require.ErrorIs(t, err, audit.ErrWithheld)
	body, err := withheld.MarshalJSON()
	require.NoError(t, err)
	_, err = audit.Decode(body)
	require.ErrorIs(t, err, audit.ErrWithheld)
}

// Who meets a newer schema may read it and learns that it cannot be checked.
func TestNewerVersionIsReadNotChecked(t *testing.T) {
	body := bytes.Replace(encoded(t, sample()), []byte(`"v":1}`), []byte(`"v":257}`), 1)
	e, err := audit.Decode(body)
	require.ErrorIs(t, err, audit.ErrVersion)
	var v *audit.VersionError
	require.ErrorAs(t, err, &v)
	require.Equal(t, 257, v.Version)
	require.Equal(t, audit.UserCodeSet, e.Action)
	require.Equal(t, "7", e.Value(audit.FieldSlot))
	_, err = audit.Encode(e)
	require.ErrorIs(t, err, audit.ErrMalformed, "it must not be written")

	_, err = audit.Decode([]byte(`{"fields":{"other":"shape"},"v":2}`))
	require.ErrorIs(t, err, audit.ErrVersion)
}

func TestEntriesThatBreakTheirFormAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(*audit.Entry){
		"version":         func(e *audit.Entry) { e.Version = 0 },
		"no id":           func(e *audit.Entry) { e.ID = "" },
		"long id":         func(e *audit.Entry) { e.ID = strings.Repeat("x", audit.MaxID+1) },
		"id no text":      func(e *audit.Entry) { e.ID = "\xff" },
		"no time":         func(e *audit.Entry) { e.At = time.Time{} },
		"time too far":    func(e *audit.Entry) { e.At = time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC) },
		"action":          func(e *audit.Entry) { e.Action = "User" },
		"outcome":         func(e *audit.Entry) { e.Outcome = "" },
		"empty target":    func(e *audit.Entry) { e.Targets = [][]byte{{}} },
		"target twice":    func(e *audit.Entry) { e.Targets = [][]byte{{1}, {1}} },
		"many targets":    func(e *audit.Entry) { e.Targets = make([][]byte, audit.MaxTargets+1) },
		"field twice":     func(e *audit.Entry) { e.Fields = append(e.Fields, e.Fields[0]) },
		"field name":      func(e *audit.Entry) { e.Fields[0] = audit.Public("a..b", "", fill(1)) },
		"long value":      func(e *audit.Entry) { e.Fields[0] = audit.Public("a", strings.Repeat("x", audit.MaxValue+1), fill(1)) },
		"no sealed bytes": func(e *audit.Entry) { e.Fields[0] = audit.Personal("a", nil, "k", fill(1)) },
		"no key":          func(e *audit.Entry) { e.Fields[0] = audit.Personal("a", []byte{1}, "", fill(1)) },
		"row twice":       func(e *audit.Entry) { e.State = append(e.State, e.State[0]) },
		"no row":          func(e *audit.Entry) { e.State[0].Row = "" },
		"secret salted":   func(e *audit.Entry) { e.Fields[4].Salt = fill(1) },
	} {
		t.Run(name, func(t *testing.T) {
			e := sample()
			spoil(&e)
			_, err := e.Canonical()
			require.ErrorIs(t, err, audit.ErrMalformed)
			_, err = audit.Encode(e)
			require.ErrorIs(t, err, audit.ErrMalformed)
		})
	}
	e := sample()
	e.Fields[2].Value = "8"
	_, err := e.Hash()
	require.ErrorIs(t, err, audit.ErrCommitment, "a value that was changed after its commitment")
}

func TestPublicTakesAnyBytes(t *testing.T) {
	f := audit.Public("reason", "a\x00b\xffc", fill(1))
	require.Equal(t, "a\uFFFDb\uFFFDc", f.Value)
	e := sample()
	e.Fields = []audit.Field{f}
	_, err := audit.Decode(encoded(t, e))
	require.NoError(t, err)
}

// Withholding fields does not change the hash.
// Rules: R255
func TestDisclosedEntryHasTheSameHash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anyEntry().Draw(t, "entry")
		want, err := e.Hash()
		require.NoError(t, err)
		var names []string
		for _, f := range e.Fields {
			if rapid.Bool().Draw(t, "show") {
				names = append(names, f.Name)
			}
		}
		shown := e.Disclose(names...)
		got, err := shown.Hash()
		require.NoError(t, err)
		require.Equal(t, want, got)
		for i, f := range shown.Fields {
			if f.Withheld {
				require.Empty(t, f.Value)
				require.Zero(t, f.Salt)
				require.Empty(t, f.Sealed)
			} else {
				require.Equal(t, e.Fields[i], f)
			}
		}
	})
}

// Erasing a person's key leaves the entry as it is: nothing that is hashed needs the key.
// Rules: R255
func TestOpenedValueIsNeitherStoredNorHashed(t *testing.T) {
	e, opened := sample(), sample()
	opened.Fields[3] = opened.Fields[3].Opened("kitchen door")
	require.Equal(t, "kitchen door", opened.Value(audit.FieldLabel))
	require.Equal(t, hashOf(t, e), hashOf(t, opened))
	require.Equal(t, encoded(t, e), encoded(t, opened))
	require.Equal(t, e.Fields[0], e.Fields[0].Opened("x"), "a public field has nothing to open")
}

// Rules: R193, R256
func TestNothingPersonalPrints(t *testing.T) {
	const planted = "planted@example.com"
	e := sample()
	e.Fields = append(e.Fields, audit.Personal(audit.FieldActorName, []byte{1}, "k", fill(6)).Opened(planted))
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "entry", e, "actor", e.Actor(), "field", e.Fields[5])
	for _, v := range []any{e, &e, e.Fields, e.Fields[5], &e.Fields[5], e.Actor()} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			require.NotContains(t, fmt.Sprintf(verb, v), planted)
			require.NotContains(t, fmt.Sprintf(verb, v), hex.EncodeToString([]byte(planted)))
		}
		b, err := json.Marshal(v)
		require.NoError(t, err)
		require.NotContains(t, string(b), planted)
	}
	require.NotContains(t, logged.String(), planted)
	require.Contains(t, e.String(), `slot="7"`)
	require.Contains(t, e.String(), "label=[personal]")
	require.Equal(t, planted, e.Actor().Name)
	require.Equal(t, "person:k", e.Fields[5].Pseudonym())
	require.Empty(t, e.Fields[0].Pseudonym())
}

// fieldNames are enough to collide.
var fieldNames = []string{"a", "b", "a.b", "slot", "label"}

func anyField(name string) *rapid.Generator[audit.Field] {
	return rapid.Custom(func(t *rapid.T) audit.Field {
		salt := fill(rapid.Byte().Draw(t, "salt"))
		switch rapid.SampledFrom([]audit.Class{audit.ClassPublic, audit.ClassPersonal, audit.ClassSecret}).Draw(t, "class") {
		case audit.ClassPublic:
			return audit.Public(name, rapid.String().Draw(t, "value"), salt)
		case audit.ClassPersonal:
			return audit.Personal(name, rapid.SliceOfN(rapid.Byte(), 1, 8).Draw(t, "sealed"), rapid.SampledFrom([]string{"k", "kk"}).Draw(t, "key"), salt)
		}
		return audit.Secret(name)
	})
}

func anyEntry() *rapid.Generator[audit.Entry] {
	return rapid.Custom(func(t *rapid.T) audit.Entry {
		e := audit.Entry{
			Version: audit.Version,
			ID:      rapid.SampledFrom([]string{"e", "e-1", "é"}).Draw(t, "id"),
			At:      time.Unix(0, rapid.Int64Range(1, 4).Draw(t, "at")).UTC(),
			Action:  rapid.SampledFrom([]audit.Action{"a", "a.b"}).Draw(t, "action"),
			Outcome: rapid.SampledFrom([]audit.Outcome{audit.Success, audit.Failure, audit.Denied}).Draw(t, "outcome"),
		}
		targets := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"x", "y", "xy"}), 0, 3, rapid.ID[string]).Draw(t, "targets")
		for _, x := range targets {
			e.Targets = append(e.Targets, []byte(x))
		}
		for _, n := range rapid.SliceOfNDistinct(rapid.SampledFrom(fieldNames), 0, 4, rapid.ID[string]).Draw(t, "names") {
			e.Fields = append(e.Fields, anyField(n).Draw(t, n))
		}
		for _, r := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"user/1", "user/12"}), 0, 2, rapid.ID[string]).Draw(t, "rows") {
			e.State = append(e.State, audit.State{Row: r, Digest: audit.StateDigest(rapid.Uint64Range(0, 2).Draw(t, "version"), nil)})
		}
		return e
	})
}

// Two entries have the same canonical bytes exactly if they have the same body.
// Rules: R191, R253
func TestCanonicalIsInjective(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyEntry().Draw(t, "a"), anyEntry().Draw(t, "b")
		if rapid.Bool().Draw(t, "near") {
			b = a
			b.Fields = append([]audit.Field(nil), a.Fields...)
			switch i := rapid.IntRange(0, 5).Draw(t, "what"); {
			case i == 0:
				b.ID += "x"
			case i == 1:
				b.At = b.At.Add(1)
			case i == 2:
				b.Targets = append([][]byte{[]byte("z")}, b.Targets...)
			case i == 3 && len(b.Fields) > 0:
				b.Fields[0] = anyField(b.Fields[0].Name).Draw(t, "field")
			case i == 4 && len(b.Fields) > 1:
				b.Fields[0], b.Fields[1] = b.Fields[1], b.Fields[0]
			case i == 5 && len(b.State) > 0:
				b.State = b.State[1:]
			}
		}
		ca, err := a.Canonical()
		require.NoError(t, err)
		cb, err := b.Canonical()
		require.NoError(t, err)
		ba, err := audit.Encode(a)
		require.NoError(t, err)
		bb, err := audit.Encode(b)
		require.NoError(t, err)
		require.Equal(t, bytes.Equal(ba, bb), bytes.Equal(ca, cb))
		back, err := audit.Decode(ba)
		require.NoError(t, err)
		again, err := audit.Encode(back)
		require.NoError(t, err)
		require.Equal(t, ba, again)
	})
}

// Decode never panics, and what it takes it gives back byte for byte.
// Rules: R191
func FuzzDecode(f *testing.F) {
	f.Add(encoded(f, sample()))
	f.Add([]byte(readVector(f).Body))
	f.Add([]byte(`{"v":2}`))
	f.Add([]byte(`{"fields":[{"class":"public","commitment":"AA=="}],"v":1}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := audit.Decode(body)
		if err != nil {
			return
		}
		require.Equal(t, body, encoded(t, e))
		hashOf(t, e)
	})
}

func BenchmarkDecodeAndHash(b *testing.B) {
	body := encoded(b, sample())
	for b.Loop() {
		e, err := audit.Decode(body)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := e.Hash(); err != nil {
			b.Fatal(err)
		}
	}
}
