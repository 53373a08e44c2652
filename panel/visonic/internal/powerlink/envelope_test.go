package powerlink

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// published is the one envelope that is public (rexchoppers/visonic-tolk and
// msp1974/visonic_proxy use it in their tests).
const published = "\n2C2F0022\"VIS-ACK\"5564L001234#2A4CC3[\r\x02C\xba\n]\r"

func splitEnvelopes(pieces ...[]byte) (out []Envelope) {
	var s EnvelopeSplitter
	for _, p := range pieces {
		s.Push(p)
		for {
			e, ok := s.Next()
			if !ok {
				break
			}
			out = append(out, e)
		}
	}
	return out
}

func TestPublishedEnvelopeBothWays(t *testing.T) {
	want := Envelope{Type: EnvelopeAck, ID: 5564, Account: "001234", Panel: "2A4CC3", Body: []byte("\r\x02C\xba\n")}
	assert.Equal(t, []byte(published), want.Bytes())
	for at := range len(published) {
		require.Equal(t, []Envelope{want}, splitEnvelopes([]byte(published[:at]), []byte(published[at:])))
	}
	assert.Equal(t, []Envelope{want, want}, splitEnvelopes([]byte(published+published)))
	assert.Equal(t, []Envelope{want}, splitEnvelopes([]byte("\n\n2C2F\nFFFFFFFF noise \r"+published)))
}

// Every frame travels inside an envelope and comes out as it was, split and glued anywhere.
func TestVectorsInEnvelopes(t *testing.T) {
	for i, v := range vectors(t) {
		e := Envelope{Type: EnvelopeData, ID: i, Account: "001234", Panel: "2A4CC3", Body: v.frame}
		raw := append(e.Bytes(), published...)
		for at := range raw {
			got := splitEnvelopes(raw[:at], raw[at:])
			require.Len(t, got, 2, "%s at %d", v.name, at)
			require.Equal(t, e, got[0], "%s at %d", v.name, at)
		}
	}
}

func TestDamagedEnvelopesAreNotTaken(t *testing.T) {
	for i := range len(published) {
		bad := []byte(published)
		bad[i] ^= 0x15
		assert.Empty(t, splitEnvelopes(bad), "byte %d", i)
	}
	unclosed := []byte("\"*ACK\"0001L001234#2A4CC3[")
	e, ok := parseText(unclosed)
	assert.True(t, ok)
	assert.Empty(t, e.Body)
}

// However a stream is cut it gives the same envelopes, each of which reads back.
func FuzzEnvelope(f *testing.F) {
	f.Add([]byte(published), 3)
	for _, v := range vectors(f) {
		f.Add(Envelope{Type: EnvelopeData, ID: 7, Account: "0", Panel: "2A4CC3", Body: v.frame}.Bytes(), 9)
	}
	f.Fuzz(func(t *testing.T, stream []byte, at int) {
		at = max(0, min(at, len(stream)))
		whole := splitEnvelopes(stream)
		require.Equal(t, whole, splitEnvelopes(stream[:at], stream[at:]))
		for _, e := range whole {
			again := splitEnvelopes(e.Bytes())
			if !bytes.HasSuffix(e.Body, []byte{']'}) && len(e.Body) <= MaxFrame {
				require.Equal(t, []Envelope{e}, again)
			}
		}
		var s EnvelopeSplitter
		s.Push(stream)
		for {
			if _, ok := s.Next(); !ok {
				break
			}
		}
		require.LessOrEqual(t, len(s.buf), envelopeHead+MaxEnvelope+1)
	})
}
