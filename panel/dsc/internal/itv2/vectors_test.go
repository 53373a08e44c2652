package itv2

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// vector is one frame with everything that lies in it.
type vector struct {
	Note, Dir, Key, Source string
	Packet, Frame, TLink   string
	Type2                  string `json:"tlink_type2"`
}

// vectorFile is one file of ../../testdata.
type vectorFile struct {
	Source     string
	ID         string `json:"integration_id"`
	Secret     string
	PanelInit  string `json:"panel_init"`
	ServerInit string `json:"server_init"`
	Check      string
	OutKey     string `json:"out_key"`
	InKey      string `json:"in_key"`
	Vectors    []vector
}

func load(t testing.TB, name string) (f vectorFile) {
	t.Helper()
	b, err := os.ReadFile("../../testdata/" + name)
	require.NoError(t, err)
	if name == "hardware.json" {
		require.NoError(t, json.Unmarshal(b, &f.Vectors))
	} else {
		require.NoError(t, json.Unmarshal(b, &f))
	}
	require.NotEmpty(t, f.Vectors)
	for _, v := range f.Vectors {
		require.NotEmpty(t, v.Source, "a vector without its source")
	}
	return f
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

func keyOf(t testing.TB, s string) Key {
	t.Helper()
	k, err := Type2Key(s)
	require.NoError(t, err)
	return k
}

// oneFrame reads exactly one frame.
func oneFrame(t testing.TB, b []byte) TLink {
	t.Helper()
	var s Stream
	f, ok, rest, err := s.Next(b)
	require.NoError(t, err)
	require.True(t, ok)
	require.Empty(t, rest)
	return f
}

// bothWays takes wire bytes apart down to the message and puts them together again.
func bothWays(t testing.TB, wire []byte, key *Key, packet string) {
	t.Helper()
	var c *Cipher
	if key != nil {
		c = NewCipher(*key)
	}
	f := oneFrame(t, wire)
	header := append([]byte(nil), f.Header...)
	p, err := Open(f.Payload, c)
	require.NoError(t, err)
	require.Equal(t, packet, hex.EncodeToString(p.Append(nil)))
	if p.Command != Ack && p.Command != 0x0210 {
		m, err := Parse(p.Command, p.Body)
		require.NoError(t, err)
		require.Equal(t, p.Command, m.Command())
		require.Equal(t, hex.EncodeToString(p.Body), hex.EncodeToString(m.Append(nil)))
	}
	require.Equal(t, hex.EncodeToString(wire), hex.EncodeToString(Seal(header, p, c)))
}

func TestHardwareFramesBothWays(t *testing.T) {
	for _, v := range load(t, "hardware.json").Vectors {
		packet, err := ParseFrame(unhex(t, v.Frame))
		require.NoError(t, err, v.Note)
		require.Equal(t, v.Packet, hex.EncodeToString(packet))
		require.Equal(t, v.Frame, hex.EncodeToString(AppendFrame(nil, packet)))
		if v.TLink != "" {
			bothWays(t, unhex(t, v.TLink), nil, v.Packet)
		}
	}
}

func TestTranscriptsBothWays(t *testing.T) {
	for _, name := range []string{"transcript_type2.json", "derived_type1.json"} {
		f := load(t, name)
		for _, v := range f.Vectors {
			var key *Key
			if v.Key != "" {
				k := keyOf(t, map[string]string{"in": f.InKey, "out": f.OutKey}[v.Key])
				key = &k
			}
			bothWays(t, unhex(t, v.TLink), key, v.Packet)
		}
	}
}

func TestDerivedVectorsBothWays(t *testing.T) {
	f := load(t, "derived.json")
	in, out := keyOf(t, f.InKey), keyOf(t, f.OutKey)
	for _, v := range f.Vectors {
		t.Run(v.Note, func(t *testing.T) {
			key := &in
			if v.Dir == "out" {
				key = &out
			}
			require.Equal(t, v.Frame, hex.EncodeToString(AppendFrame(nil, unhex(t, v.Packet))))
			bothWays(t, unhex(t, v.TLink), nil, v.Packet)
			bothWays(t, unhex(t, v.Type2), key, v.Packet)
		})
	}
}

func TestVectorsSplitAndGluedAtEveryByte(t *testing.T) {
	var glued []byte
	var frames []string
	for _, name := range []string{"hardware.json", "transcript_type2.json", "derived_type1.json", "derived.json"} {
		for _, v := range load(t, name).Vectors {
			if v.TLink == "" {
				continue
			}
			wire := unhex(t, v.TLink)
			whole := hex.EncodeToString(oneFrame(t, wire).Payload)
			for cut := range wire {
				var s Stream
				_, ok, _, err := s.Next(wire[:cut])
				require.NoError(t, err)
				require.False(t, ok)
				f, ok, _, err := s.Next(wire[cut:])
				require.NoError(t, err)
				require.True(t, ok)
				require.Equal(t, whole, hex.EncodeToString(f.Payload))
			}
			glued, frames = append(glued, wire...), append(frames, whole)
		}
	}
	for _, portion := range []int{1, 2, 3, 7, 16, 1000, len(glued)} {
		var s Stream
		var got []string
		for b := glued; len(b) > 0; b = b[min(portion, len(b)):] {
			for p := b[:min(portion, len(b))]; len(p) > 0; {
				f, ok, rest, err := s.Next(p)
				require.NoError(t, err)
				if !ok {
					break
				}
				got, p = append(got, hex.EncodeToString(f.Payload)), rest
			}
		}
		require.Equal(t, frames, got, "portions of %d", portion)
	}
}

func TestSessionKeysOfTranscripts(t *testing.T) {
	f := load(t, "transcript_type2.json")
	secret := keyOf(t, f.Secret)
	out, err := Type2Session(secret, unhex(t, f.PanelInit))
	require.NoError(t, err)
	in, err := Type2Session(secret, unhex(t, f.ServerInit))
	require.NoError(t, err)
	require.Equal(t, keyOf(t, f.OutKey), out)
	require.Equal(t, keyOf(t, f.InKey), in)
}

// The integration id and the access code differ here, which the public transcript does
// not: there swapping them goes unnoticed.
func TestType1KeysAreNotSwapped(t *testing.T) {
	f := load(t, "derived_type1.json")
	require.NotEqual(t, f.ID[:8], f.Secret[:8])
	id, err := Type1Key(f.ID)
	require.NoError(t, err)
	code, err := Type1Key(f.Secret)
	require.NoError(t, err)

	out, err := Type1Take(id, unhex(t, f.PanelInit))
	require.NoError(t, err)
	require.Equal(t, keyOf(t, f.OutKey), out)
	require.Equal(t, f.ServerInit, hex.EncodeToString(Type1Offer(code, keyOf(t, f.InKey), [16]byte(unhex(t, f.Check)))))
	in, err := Type1Take(code, unhex(t, f.ServerInit))
	require.NoError(t, err)
	require.Equal(t, keyOf(t, f.InKey), in)

	_, err = Type1Take(code, unhex(t, f.PanelInit))
	require.ErrorIs(t, err, ErrInitCheck)
	_, err = Type1Take(id, unhex(t, f.ServerInit))
	require.ErrorIs(t, err, ErrInitCheck)
}
