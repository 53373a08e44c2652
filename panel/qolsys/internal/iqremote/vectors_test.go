package iqremote

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

func load(t testing.TB, name string, v any) {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, v))
}

type noticeVector struct {
	Name, Source string
	Input        json.RawMessage
	Want         Notice
}

func TestNoticeVectors(t *testing.T) {
	var all []noticeVector
	load(t, "notices.json", &all)
	for _, v := range all {
		t.Run(v.Name, func(t *testing.T) {
			got, err := DecodeNotice(v.Input)
			require.NoError(t, err)
			assert.Equal(t, v.Want, got)
			assert.NotEmpty(t, v.Source)
		})
	}
}

type syncVector struct {
	Input  json.RawMessage
	Digits int
	Users  []struct {
		ID         int
		Name, Type string
		Code       bool
		Known      string
		Partitions panel.Partitions
		Window     panel.Window
	}
}

// Only the columns of User and the code length leave the codec: no code, no cipher text.
//
// Rules: R266
func TestSyncVector(t *testing.T) {
	var v syncVector
	load(t, "sync.json", &v)
	got, err := DecodeSync(v.Input)
	require.NoError(t, err)
	assert.Equal(t, v.Digits, got.Digits)
	require.Len(t, got.Users, len(v.Users))
	marks := map[string]bool{}
	for i, want := range v.Users {
		u := got.Users[i]
		assert.Equal(t, want.ID, u.ID)
		assert.Equal(t, want.Name, u.Name)
		assert.Equal(t, want.Type, u.Type)
		assert.Equal(t, want.Code, len(u.Mark) > 0, "user %d", u.ID)
		assert.Equal(t, want.Known, u.Known.String(), "user %d", u.ID)
		assert.Equal(t, want.Partitions, u.Partitions, "user %d", u.ID)
		assert.Equal(t, want.Window, u.Window, "user %d", u.ID)
		assert.False(t, marks[string(u.Mark)], "user %d has the mark of another", u.ID)
		marks[string(u.Mark)] = true
	}
	out, err := json.Marshal(got)
	require.NoError(t, err)
	for _, secret := range []string{"739182", "00112233445566778899AABBCCDDEEFF", "FFEEDDCC", "AAAA"} {
		assert.NotContains(t, string(out), secret)
	}
}

func TestDoubtfulListsAreNone(t *testing.T) {
	table := func(rows string) string {
		return `{"fulldbdata":[{"uri":"content://x/user","resultSet":` + rows + `}]}`
	}
	for name, text := range map[string]string{
		"nothing":             ``,
		"not an object":       `[]`,
		"no tables":           `{}`,
		"no user table":       `{"fulldbdata":[{"uri":"content://x/zone","resultSet":[{"userid":"1"}]}]}`,
		"nobody":              table(`[]`),
		"no rows":             table(`null`),
		"rows of another":     table(`{}`),
		"no number":           table(`[{"username":"x"}]`),
		"a number that is no": table(`[{"userid":"one"}]`),
		"number zero":         table(`[{"userid":"0"}]`),
		"a huge number":       table(`[{"userid":"10000"}]`),
		"twice":               table(`[{"userid":"1"},{"userid":"1"}]`),
		"a list as text":      table(`[{"userid":["1"]}]`),
		"cut off":             table(`[{"userid":"1"}`),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := DecodeSync([]byte(text))
			assert.ErrorIs(t, err, ErrForm)
		})
	}
}

func TestCodeLength(t *testing.T) {
	for value, want := range map[string]int{`"true"`: 6, `"TRUE"`: 6, `1`: 6, `true`: 6, `"0"`: 4, `"false"`: 4, `"maybe"`: 0, `""`: 0, `null`: 0} {
		text := `{"fulldbdata":[{"uri":"content://x/user","resultSet":[{"userid":"1"}]},
			{"uri":"content://y/qolsyssettings","resultSet":[{"name":"X","value":"true"},{"name":"SIX_DIGIT_USER_CODE","value":` + value + `}]}]}`
		got, err := DecodeSync([]byte(text))
		require.NoError(t, err)
		assert.Equal(t, want, got.Digits, value)
	}
}

func TestSessionVectors(t *testing.T) {
	var v map[string]json.RawMessage
	load(t, "session.json", &v)
	const mac, id = "F2:16:3E:00:00:01", "00000000-0000-4000-8000-00000000000"
	assert.JSONEq(t, string(v["connect"]), string(Connect(id+"1", mac, "client", "10.0.0.7")))
	assert.JSONEq(t, string(v["sync"]), string(Sync(id+"2", mac)))
	assert.JSONEq(t, string(v["ping"]), string(Ping(id+"3", mac, "10.0.0.7")))
	a, err := DecodeAnswer(v["answer"])
	require.NoError(t, err)
	assert.Equal(t, Answer{ID: id + "1", MAC: "AA:BB:CC:00:00:01", Product: "msm8953_64", Version: "4.4.1"}, a)
	a, err = DecodeAnswer(v["deleted"])
	require.NoError(t, err)
	assert.True(t, a.Deleted)
}

func TestIDs(t *testing.T) {
	assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, NewID())
	first, second := NewID(), NewID()
	assert.NotEqual(t, first, second)
	assert.Regexp(t, `^F2:16:3E:[0-7][0-9A-F]:[0-9A-F]{2}:[0-9A-F]{2}$`, NewMAC())
	mac, err := ParseMAC("aa:bb:cc:00:00:01")
	require.NoError(t, err)
	assert.Equal(t, "AA:BB:CC:00:00:01", mac)
	for _, bad := range []string{"", "AA:BB:CC:00:00:0", "AA-BB-CC-00-00-01", "AA:BB:CC:00:00:0G", "AA:BB:CC:00:00:012"} {
		_, err := ParseMAC(bad)
		assert.ErrorIs(t, err, ErrForm, bad)
	}
}

// The transcript is QolsysController's pairing_server.py as its documentation describes it,
// with certificates that say what they are.
func TestPairingTranscript(t *testing.T) {
	text, err := os.ReadFile("testdata/pairing.txt")
	require.NoError(t, err)
	fromPanel, fromRemote, ok := strings.Cut(string(text), "=== remote ===\n")
	require.True(t, ok)
	r := bufio.NewReader(strings.NewReader("\x00\x11" + fromPanel))
	mac, err := ReadMAC(r)
	require.NoError(t, err)
	assert.Equal(t, "AA:BB:CC:DD:EE:FF", mac)
	for _, want := range []string{"b3du", "Y2E="} {
		pem, err := ReadCertificate(r)
		require.NoError(t, err)
		assert.Equal(t, "-----BEGIN CERTIFICATE-----\n"+want+"\n-----END CERTIFICATE-----\n", string(pem))
	}
	csr := "-----BEGIN CERTIFICATE REQUEST-----\nY3Ny\n-----END CERTIFICATE REQUEST-----\n"
	assert.Equal(t, "\x00\x11"+strings.TrimSuffix(fromRemote, "\n"), string(Reply("F2:16:3E:00:00:01", []byte(csr))))
}

func TestPairingRefusesNoise(t *testing.T) {
	for _, s := range []string{"", "\x00", "\x00\x10AA:BB:CC:DD:EE:F", "\x00\x11AA:BB", "\x00\x11AA:BB:CC:DD:EE:FG", "\xff\xff" + strings.Repeat("x", 70000)} {
		_, err := ReadMAC(strings.NewReader(s))
		assert.Error(t, err)
	}
	for _, s := range []string{"", "sent", "-----BEGIN CERTIFICATE-----\n", strings.Repeat("x\n", maxPEM), "-----BEGIN CERTIFICATE-----\n" + strings.Repeat("x\n", maxPEM)} {
		_, err := ReadCertificate(bufio.NewReader(strings.NewReader(s)))
		assert.Error(t, err)
	}
}

func FuzzSync(f *testing.F) {
	var v syncVector
	load(f, "sync.json", &v)
	f.Add([]byte(v.Input))
	f.Add([]byte(`{"fulldbdata":[{"uri":"content://x/user","resultSet":[{"userid":"1","expirydate":"-9223372036854775808"}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := DecodeSync(b)
		if err != nil {
			if !assert.ObjectsAreEqual(ErrForm.Error(), err.Error()) {
				t.Fatalf("the error %q may quote the input", err)
			}
			return
		}
		if len(s.Users) == 0 || s.Digits != 0 && s.Digits != 4 && s.Digits != 6 {
			t.Fatalf("%d users, %d digits", len(s.Users), s.Digits)
		}
		last := 0
		for _, u := range s.Users {
			if u.ID <= last || u.ID > maxID || !u.Partitions.Within(panel.FirstPartitions(4)) || len(u.Mark) != 0 && len(u.Mark) != 16 {
				t.Fatalf("%+v behind %d", u, last)
			}
			last = u.ID
		}
	})
}

func FuzzNotice(f *testing.F) {
	var all []noticeVector
	load(f, "notices.json", &all)
	for _, v := range all {
		f.Add([]byte(v.Input))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := DecodeNotice(b)
		said := 0
		for _, is := range []bool{n.User != 0, n.Doubt, n.Leaving} {
			if is {
				said++
			}
		}
		if said > 1 || err != nil && said != 0 || n.User < 0 || n.User > maxID {
			t.Fatalf("%+v, %v", n, err)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	var v map[string]json.RawMessage
	load(f, "session.json", &v)
	f.Add([]byte(v["answer"]))
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := DecodeAnswer(b); err != nil && a != (Answer{}) {
			t.Fatalf("%+v beside %v", a, err)
		}
	})
}

func FuzzPairing(f *testing.F) {
	text, err := os.ReadFile("testdata/pairing.txt")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append([]byte{0, 17}, text...))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bufio.NewReader(bytes.NewReader(b))
		mac, err := ReadMAC(r)
		if err != nil {
			return
		}
		if again, err := ParseMAC(mac); err != nil || again != mac {
			t.Fatalf("%q is taken for an address", mac)
		}
		for range 2 {
			pem, err := ReadCertificate(r)
			if err != nil {
				return
			}
			if !bytes.HasPrefix(pem, []byte("-----BEGIN CERTIFICATE-----")) || len(pem) > 2*maxPEM {
				t.Fatalf("%d bytes are taken for a certificate", len(pem))
			}
		}
	})
}
