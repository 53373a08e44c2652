package twon

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// What the manual prints is read.
func TestTheManualsExamplesAreRead(t *testing.T) {
	raw, err := os.ReadFile("testdata/manual.json")
	require.NoError(t, err)
	var vectors []struct {
		Name, Source, Path, Body string
		Error                    int
	}
	require.NoError(t, json.Unmarshal(raw, &vectors))
	for _, v := range vectors {
		r := &reply{status: 200, body: []byte(v.Body)}
		result, _, err := r.result()
		switch v.Path {
		case pathInfo:
			var i info
			require.NoError(t, errors.Join(err, json.Unmarshal(result, &i)), v.Name)
			assert.Equal(t, info{Variant: "2N IP Verso", Serial: "00-0000-0005", Version: "2.35.0.45.0"}, i)
		case pathTime:
			var c struct{ UTCTime int64 }
			require.NoError(t, errors.Join(err, json.Unmarshal(result, &c)), v.Name)
			assert.EqualValues(t, 1639472172, c.UTCTime)
		default:
			require.ErrorIs(t, err, panel.ErrProtocol, v.Name)
			assert.ErrorContains(t, err, "12")
			assert.NotContains(t, err.Error(), "port")
		}
	}
}

// Anything that may open makes a user, whatever its form.
func TestWhatOpens(t *testing.T) {
	for body, want := range map[string]bool{
		`{}`:                                  false,
		`{"pin":"","card":["",""],"code":[]}`: false,
		`{"virtCard":"","mobkey":null,"fpt":["",{"a":0}],"licensePlates":""}`: false,
		`{"pin":"12"}`:                     true,
		`{"card":["","04AABBCC"]}`:         true,
		`{"code":["","","",12]}`:           false, // not what the manual writes: refused as a whole
		`{"code":["","","","99"]}`:         true,
		`{"mobkey":{"id":"1"}}`:            true,
		`{"fpt":[{"finger":1}]}`:           true,
		`{"licensePlates":"1A2 3456"}`:     true,
		`{"virtCard":"04AABB","pin":null}`: true,
	} {
		var a access
		if json.Unmarshal([]byte(body), &a) != nil {
			assert.False(t, want, body)
			continue
		}
		assert.Equal(t, want, a.exists(), body)
	}
}

// Access points that say nothing let in.
func TestAccessPoints(t *testing.T) {
	for body, want := range map[string]bool{
		`{}`:                    false,
		`{"accessPoints":[]}`:   false,
		`{"accessPoints":[{}]}`: false,
		`{"accessPoints":[{"enabled":false},{}]}`:                false,
		`{"accessPoints":[{"enabled":false},{"enabled":true}]}`:  false,
		`{"accessPoints":[{"enabled":false},{"enabled":false}]}`: true,
	} {
		var a access
		require.NoError(t, json.Unmarshal([]byte(body), &a))
		assert.Equal(t, want, a.shut(), body)
	}
}

// Each entry that was asked for is answered once, with or without its name.
func TestAnswersAreAligned(t *testing.T) {
	failed := entry{}
	failed.Errors = append(failed.Errors, struct {
		Code  string `json:"code"`
		Field string `json:"field"`
	}{Code: codeMissing})
	for name, c := range map[string]struct {
		got  []entry
		want bool
	}{
		"in order":            {[]entry{{UUID: "a"}, {UUID: "b"}}, true},
		"the other way round": {[]entry{{UUID: "b"}, {UUID: "a"}}, true},
		"one without a name":  {[]entry{{UUID: "a"}, failed}, true},
		"twice":               {[]entry{{UUID: "a"}, {UUID: "a"}}, false},
		"a name takes it":     {[]entry{{UUID: "b"}, failed}, false},
		"one too few":         {[]entry{{UUID: "a"}}, false},
		"one too many":        {[]entry{{UUID: "a"}, {UUID: "b"}, {UUID: "c"}}, false},
		"a stranger":          {[]entry{{UUID: "a"}, {UUID: "c"}}, false},
	} {
		got, err := align([]string{"a", "b"}, c.got)
		if !c.want {
			require.ErrorIs(t, err, panel.ErrProtocol, name)
			continue
		}
		require.NoError(t, err, name)
		assert.Equal(t, "a", got[0].UUID, name)
		assert.Equal(t, "b", got[1].UUID, name)
	}
}

// On a device without PINs the code of switch 1 is the user's; the others stay.
func TestOtherSwitchCodesStay(t *testing.T) {
	c, err := panel.ParseCode("4871")
	require.NoError(t, err)
	s := &session{shape: shape{codes: 3}}
	j := &job{edit: panel.Edit{Set: panel.FieldCode, Values: panel.Values{Code: c}}, found: entry{Access: access{Codes: []string{"1", "22"}}}}
	assert.Equal(t, map[string]any{"code": []string{"4871", "22", ""}}, s.values(j, false)["access"])
	assert.Equal(t, map[string]any{"code": []string{"4871", "", ""}}, s.values(j, true)["access"])
}

func TestSecondsAreSeconds(t *testing.T) {
	for in, want := range map[text]int64{"": 0, "0": 0, "1": 1, "2147483647": 2147483647, "00": 0} {
		n, set, err := in.seconds()
		require.NoError(t, err, in)
		assert.Equal(t, want, n, in)
		assert.Equal(t, want != 0, set, in)
	}
	for _, in := range []text{"-1", "1e3", "1.5", "soon", "1099511627777", "99999999999999999999"} {
		_, _, err := in.seconds()
		assert.ErrorIs(t, err, panel.ErrProtocol, in)
	}
}

// The template says what the device has.
//
// Rules: D2
func TestTemplatesMakeModels(t *testing.T) {
	const window = panel.FieldFrom | panel.FieldUntil
	for name, c := range map[string]struct {
		body string
		want panel.Field
		pin  bool
	}{
		"verso":       {`{"name":"","access":{"validFrom":"0","validTo":"0","pin":"","card":["",""],"code":["","","",""]}}`, writable, true},
		"no cards":    {`{"name":"","access":{"validFrom":"0","validTo":"0","pin":"","code":["",""]}}`, writable &^ panel.FieldLegacyTags, true},
		"uni":         {`{"name":"","access":{"code":[""]}}`, panel.FieldCode | panel.FieldLabel, false},
		"no names":    {`{"access":{"validFrom":0,"validTo":0,"pin":""}}`, panel.FieldCode | window, true},
		"no end":      {`{"name":"","access":{"validFrom":"0","pin":""}}`, panel.FieldCode | panel.FieldLabel, true},
		"no template": {`{"name":""}`, 0, false},
		"no code":     {`{"name":"","access":{"card":["",""]}}`, 0, false},
	} {
		s, err := parseTemplate([]byte(`{"users":[` + c.body + `]}`))
		if c.want == 0 {
			require.ErrorIs(t, err, panel.ErrProtocol, name)
			continue
		}
		require.NoError(t, err, name)
		m := s.model(Widest())
		assert.Equal(t, c.want, m.Create, name)
		assert.Equal(t, c.want, m.Change, name)
		assert.Equal(t, c.pin, s.pin, name)
		assert.Equal(t, c.want.Has(panel.FieldLabel), m.Label.Max > 0, name)
		if name == "uni" {
			m.Name, m.Evidence = Uni().Name, Uni().Evidence
			assert.Equal(t, Uni(), m)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"series":"2229480630597592840","timestamp":7,"users":[{"uuid":"01234567-89AB-CDEF-0123-456789ABCDEF","timestamp":3,"deleted":false,"owner":"My2N","name":"ABCD","access":{"pin":"1234","card":["04AABBCC",""],"validTo":"1795280400","accessPoints":[{"enabled":false}],"mobkey":{"a":[1]}}}]}`))
	f.Add([]byte(`{"series":7,"users":[{"errors":[{"code":"EDIR_FIELD_VALUE_ERROR","field":"access.pin"}]}]}`))
	f.Add([]byte(`{"users":[{"uuid":"x"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := decode(raw)
		if err != nil {
			if !errors.Is(err, panel.ErrProtocol) {
				t.Fatalf("%v is about no protocol", err)
			}
			return
		}
		var asked []string
		for _, e := range d.Users {
			if lower, ok := id(e.UUID); e.UUID != "" && (!ok || lower != e.UUID) {
				t.Fatal("a uuid of another form")
			}
			w, err := e.Access.window()
			if err == nil && (!w.From.IsZero() && w.From.Unix() < 1 || !w.Until.IsZero() && w.Until.Unix() < 2) {
				t.Fatalf("%v", w)
			}
			_ = e.Access.exists()
			if !slices.Contains(asked, e.UUID) {
				asked = append(asked, e.UUID)
			}
		}
		got, err := align(asked, d.Users)
		if err != nil {
			return
		}
		for i, e := range got {
			if e.UUID != asked[i] {
				t.Fatal("an answer in another's place")
			}
		}
	})
}

func FuzzTemplate(f *testing.F) {
	f.Add([]byte(`{"users":[{"name":"","access":{"validFrom":"0","validTo":"0","pin":"","card":["",""],"code":["","","",""]}}]}`))
	f.Add([]byte(`{"users":[{"access":{"code":[1,{}]}}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := parseTemplate(raw)
		if err != nil {
			return
		}
		m := s.model(Widest())
		if !Widest().Create.Has(m.Create) || !m.Create.Has(panel.FieldCode) || m.Create != m.Change || !s.pin && s.codes < 1 {
			t.Fatalf("%+v gives %+v", s, m.Create)
		}
	})
}

func FuzzCursor(f *testing.F) {
	f.Add([]byte(`{"series":"2229480630597592840","timestamp":7}`))
	f.Add([]byte(`{"series":"2229480630597592840","timestamp":7,"log":{"utc":1437987102,"id":3,"heard":1437987105}}`))
	f.Add([]byte(`{"timestAmp":1}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, mark := parseState(raw)
		again, told := parseState((&session{mark: mark}).state(c))
		if utf8.ValidString(string(c.Series)) && (again != c || told != mark) {
			t.Fatalf("%+v %+v does not survive", c, mark)
		}
	})
}

// What is told of a log names entries that can be there, and no more than it holds.
func FuzzLog(f *testing.F) {
	f.Add([]byte(`[{"id":3,"utcTime":1437987105,"event":"UserAuthenticated","params":{"uuid":"5e7f0c1a-0000-4000-8000-000000000001"}}]`))
	f.Add([]byte(`[{"id":9,"utcTime":1437987109,"event":"UserAuthenticated","params":{"uuid":"5E7F0C1A-0000-8000-8000-000000000001"}}]`))
	f.Add([]byte(`[{"id":1,"utcTime":-1,"event":"CodeEntered","params":{"code":"4871"}},null]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var list []logEvent
		if json.Unmarshal(raw, &list) != nil {
			return
		}
		r := &logReader{s: &session{mark: logMark{UTC: 7, ID: 7}}, old: true}
		told := 0
		for _, e := range r.told(list, nil, cursor{}) {
			if e.Opened != nil {
				told++
				uuid, ok := id(e.Opened.Place.ID)
				_, has := second(uuid)
				if !ok || uuid != e.Opened.Place.ID || e.Opened.Duress && !has {
					t.Fatalf("%+v", e.Opened)
				}
			}
		}
		if told > len(list) {
			t.Fatalf("%d of %d", told, len(list))
		}
	})
}
