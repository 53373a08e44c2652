package dscsim

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The simulator's encoder stands on the same published bytes as the driver's, and on
// nothing of the driver.
func TestEncoderAgainstVectors(t *testing.T) {
	require.Equal(t, uint16(0x29B1), check([]byte("123456789")))
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		require.NoError(t, err)
		return b
	}
	frames := 0
	for _, name := range []string{"hardware.json", "derived.json", "transcript_type2.json", "derived_type1.json"} {
		raw, err := os.ReadFile("../testdata/" + name)
		require.NoError(t, err)
		if raw[0] == '[' {
			raw = append(append([]byte(`{"vectors":`), raw...), '}')
		}
		var file struct {
			ID      string `json:"integration_id"`
			Out     string `json:"out_key"`
			In      string `json:"in_key"`
			Vectors []struct {
				Dir, Key, Packet, Frame, TLink string
				Type2                          string `json:"tlink_type2"`
			}
		}
		require.NoError(t, json.Unmarshal(raw, &file))
		header := file.ID
		if header == "" {
			header = "123456789012"
		}
		for _, v := range file.Vectors {
			frame := framed(unhex(v.Packet))
			if v.Frame != "" {
				require.Equal(t, v.Frame, hex.EncodeToString(frame))
			}
			keys := map[string]string{"in": file.In, "out": file.Out}
			if v.Type2 != "" {
				require.Equal(t, v.Type2, hex.EncodeToString(onWire(header, encrypted(unhex(keys[v.Dir]), frame, 0))))
			}
			if v.Key != "" {
				frame = encrypted(unhex(keys[v.Key]), frame, 0)
			}
			if v.TLink != "" {
				require.Equal(t, v.TLink, hex.EncodeToString(onWire(header, frame)))
			}
			frames++
		}
	}
	require.Equal(t, 44, frames)
}

func TestPrimitives(t *testing.T) {
	require.Equal(t, []byte{1, 5}, number(5))
	require.Equal(t, []byte{2, 1, 0x2C}, number(300))
	require.Equal(t, []byte{3, 1, 0x11, 0x70}, number(70000))
	require.Equal(t, []byte{0, 'A', 0, ' '}, wide("A", 2))
	require.Equal(t, []byte{0x05, 0x80}, mask(0x8005, 2))
	require.Equal(t, []byte{0x64, 0x5C, 0x35, 0x48}, moment(time.Date(2026, 10, 8, 12, 34, 56, 0, time.UTC)))
}
