package powerlink

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

type vector struct {
	name  string
	alt   bool
	frame []byte
}

func (v vector) payload() []byte { return v.frame[1 : len(v.frame)-2] }

func vectors(t testing.TB) (all []vector) {
	t.Helper()
	f, err := os.Open("testdata/vectors.txt")
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	for in := bufio.NewScanner(f); in.Scan(); {
		cols := strings.Split(in.Text(), " | ")
		if strings.HasPrefix(in.Text(), "#") || len(cols) != 5 {
			continue
		}
		frame, err := hex.DecodeString(strings.ReplaceAll(cols[4], " ", ""))
		require.NoError(t, err, cols[0])
		all = append(all, vector{name: cols[0], alt: cols[3] == "alt", frame: frame})
	}
	require.Len(t, all, 37)
	return all
}

// find returns the one payload whose vector's name begins so.
func find(t testing.TB, prefix string) []byte {
	t.Helper()
	for _, v := range vectors(t) {
		if strings.HasPrefix(v.name, prefix) {
			return bytes.Clone(v.payload())
		}
	}
	require.Fail(t, "no vector "+prefix)
	return nil
}

func split(pieces ...[]byte) (out [][]byte) {
	var s Splitter
	for _, p := range pieces {
		s.Push(p)
		for {
			payload, ok := s.Next()
			if !ok {
				break
			}
			out = append(out, payload)
		}
	}
	return out
}

// Every frame reads back, whole, split at every byte, byte by byte, and glued to any other.
func TestVectorsSplitAndGlued(t *testing.T) {
	all := vectors(t)
	for _, v := range all {
		want := [][]byte{v.payload()}
		sum := v.frame[len(v.frame)-2]
		if v.alt {
			sum--
		}
		require.Equal(t, sum, Sum(v.payload()), v.name)
		if !v.alt {
			require.Equal(t, v.frame, Frame(v.payload()), v.name)
		}
		for at := range v.frame {
			require.Equal(t, want, split(v.frame[:at], v.frame[at:]), "%s at %d", v.name, at)
		}
		var bits [][]byte
		for i := range v.frame {
			bits = append(bits, v.frame[i:i+1])
		}
		require.Equal(t, want, split(bits...), v.name)
		for _, w := range all {
			glued := append(bytes.Clone(v.frame), w.frame...)
			for at := range glued {
				require.Equal(t, [][]byte{v.payload(), w.payload()}, split(glued[:at], glued[at:]), "%s, %s at %d", v.name, w.name, at)
			}
		}
	}
}

// Noise before a frame, or a frame that was damaged, costs no frame behind it for longer
// than the damaged one's length.
func TestSplitterFindsItsWayBack(t *testing.T) {
	block, ack := Frame([]byte{OpBlock, 0xFA, 0x01, 2, 0x12, 0x34}), Frame([]byte{OpAck})
	assert.Equal(t, [][]byte{{OpAck}}, split([]byte("\r\r\n\n noise"), ack))
	for i := range block {
		bad := bytes.Clone(block)
		bad[i] ^= 0x15
		got := split(bad, bytes.Repeat(ack, MaxFrame/len(ack)+1))
		require.NotEmpty(t, got, "byte %d", i)
		assert.Equal(t, []byte{OpAck}, got[len(got)-1], "byte %d", i)
		for _, p := range got {
			assert.NotEqual(t, block[1:len(block)-2], p, "byte %d", i)
		}
	}
}

// What no frame ends in is not kept.
func TestSplitterHoldsOneFrame(t *testing.T) {
	var s Splitter
	for range 1000 {
		s.Push(bytes.Repeat([]byte{0x0D, 0x0A, 0xB0, 0x3F}, 100))
		for {
			if _, ok := s.Next(); !ok {
				break
			}
		}
		require.LessOrEqual(t, len(s.buf), MaxFrame)
	}
}

func TestRequestsAreThoseOfTheVectors(t *testing.T) {
	assert.Equal(t, find(t, "24 download start 5650"), Start([2]byte{0x56, 0x50}))
	assert.Equal(t, find(t, "24 download start AAAA"), Start([2]byte{0xAA, 0xAA}))
	assert.Equal(t, find(t, "3E read user codes PowerMax"), Read(CodesPowerMax, 16))
	assert.Equal(t, find(t, "3E read user codes PowerMaster"), Read(CodesPowerMaster, 96))
	assert.Equal(t, find(t, "35 request USER_CODES"), AskSettings(SetCodes))
	assert.Equal(t, find(t, "35 request USER_PARTITION"), AskSettings(SetAccess))
	assert.Equal(t, find(t, "35 multi request 08 e2"), AskSettings(SetCodes, SetAccess, 0x55, 0x61))
	assert.Equal(t, find(t, "02 43 powerlink ack"), Ack(find(t, "A5 04 status")))
	assert.Equal(t, find(t, "02 ack"), Ack(find(t, "3C panel type")))
	assert.Equal(t, []byte{0xB0, 1, 0x17, 7, 1, 0xFF, 8, 0xFF, 2, 0x1D, 0x24, 0x43}, Poll(MsgEnrolled, MsgStatus))
	assert.Equal(t, []byte{0xB0, 1, 0x42, 0x0B, 2, 0xFF, 8, 0x0C, 6, 0xE2, 0, 0, 0, 0xFF, 0xFF, 0x43}, AskRange(SetAccess))
}

func message(t *testing.T, p []byte) Message {
	t.Helper()
	m, err := ParseMessage(p)
	require.NoError(t, err)
	return m
}

func TestRepliesMeanWhatTheirVectorsSay(t *testing.T) {
	kind, err := Panel(find(t, "3C panel type"))
	require.NoError(t, err)
	assert.EqualValues(t, 7, kind, "PowerMaster-10")

	addr, data, err := Block(find(t, "3F one byte"))
	require.NoError(t, err)
	assert.Equal(t, 0x01E0, addr)
	assert.Equal(t, []byte{2}, data)

	want := []string{"1234", "5678", "", "", "4321", "", "", ""}
	_, data, err = Block(find(t, "3F synthetic"))
	require.NoError(t, err)
	assertCodes(t, want, Codes(data))
	assert.Equal(t, make([]byte, 16), data, "what was read is cleared")

	id, value, err := Setting(message(t, find(t, "35 synthetic reply")).Chunks[0])
	require.NoError(t, err)
	assert.EqualValues(t, SetCodes, id)
	assertCodes(t, want, Codes(value))

	_, value, err = Setting(message(t, find(t, "35 USER_CODES reply")).Chunks[0])
	require.NoError(t, err)
	assertCodes(t, append([]string{"1111"}, make([]string, 47)...), Codes(value))

	m := message(t, find(t, "42 USER_PARTITION_ACCESS"))
	assert.True(t, m.Last())
	r, err := ParseRange(m.Chunks[0])
	require.NoError(t, err)
	assert.Equal(t, Range{ID: SetAccess, Max: 8, Size: 1, Items: []byte{7, 1, 1, 1, 1, 1, 1, 1}}, r)

	r, err = ParseRange(message(t, find(t, "42 accepted characters")).Chunks[0])
	require.NoError(t, err)
	assert.Equal(t, 2, r.Size)
	assert.Len(t, r.Items, 2*54)

	m = message(t, find(t, "B0 06 invalid"))
	assert.Equal(t, [][2]byte{{ReasonUnknown, 5}}, m.Pairs)
	assert.Empty(t, m.Chunks)

	_, value, err = Setting(message(t, find(t, "35 setting 0x24")).Chunks[0])
	require.NoError(t, err)
	assert.Equal(t, []byte{0xAE, 7}, value)

	bits, ok := Enrolled(Message{Chunks: []Chunk{{Index: 6}, {Index: IndexTag, Data: []byte{1, 0, 0, 0x80}}}}, IndexTag)
	assert.True(t, ok)
	assert.EqualValues(t, 0x80000001, bits)
	_, ok = Enrolled(m, IndexTag)
	assert.False(t, ok)
}

func assertCodes(t *testing.T, want []string, got []Code) {
	t.Helper()
	require.Len(t, got, len(want))
	for i, digits := range want {
		require.Equal(t, digits != "", got[i].Set, "slot %d", i+1)
		if digits != "" {
			c, err := panel.ParseCode(digits)
			require.NoError(t, err)
			require.True(t, c.Equal(got[i].Digits), "slot %d", i+1)
		}
	}
}

// What is no decimal digit is a code all the same: somebody may open with it.
func TestStrangeCodesAreSet(t *testing.T) {
	got := Codes([]byte{0xFF, 0xFF, 0x12, 0x3A, 0, 0})
	assert.True(t, got[0].Set && got[0].Digits.IsZero())
	assert.True(t, got[1].Set && got[1].Digits.IsZero())
	assert.False(t, got[2].Set)
}

func TestClockOfBothCaptures(t *testing.T) {
	at, err := Clock(message(t, find(t, "B0 24 panel status")), time.UTC)
	require.NoError(t, err)
	assert.Equal(t, time.Date(2024, 7, 26, 18, 30, 40, 0, time.UTC), at)
	at, err = Clock(message(t, find(t, "B0 24 from PM")), time.UTC)
	require.NoError(t, err)
	assert.Equal(t, time.Date(2000, 1, 1, 12, 1, 28, 0, time.UTC), at)

	m := message(t, find(t, "B0 24 panel status"))
	m.Chunks[0].Data[12] = 13
	_, err = Clock(m, time.UTC)
	assert.ErrorIs(t, err, ErrMalformed, "there is no month 13")
}

func TestLaterCountsSeconds(t *testing.T) {
	wait, err := Later([]byte{OpLater, 0, 0, 30, 0, 0, 0, 0, 0, 0, 0})
	require.NoError(t, err)
	assert.Equal(t, 30*time.Second, wait)
}
