package itv2

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestCRCCheckValue(t *testing.T) {
	require.Equal(t, uint16(0x29B1), CRC([]byte("123456789")))
}

func TestSequenceWrapsToOne(t *testing.T) {
	require.Equal(t, byte(1), Next(0))
	require.Equal(t, byte(255), Next(254))
	require.Equal(t, byte(1), Next(255))
}

func TestLengthTakesTwoBytesFrom128(t *testing.T) {
	for n, want := range map[int]string{125: "7f", 126: "8080", 4000: "8fa2"} {
		f := AppendFrame(nil, bytes.Repeat([]byte{0xAB}, n))
		require.Equal(t, want, hex.EncodeToString(f[:len(f)-n-2]))
		back, err := ParseFrame(f)
		require.NoError(t, err)
		require.Len(t, back, n)
	}
}

func TestStuffingEverywhere(t *testing.T) {
	// Each special byte at each place of header, body, check and cipher text.
	special := []byte{0x7D, 0x7E, 0x7F}
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(special), rapid.Byte()), 0, MaxHeader)
		header := part.Draw(t, "header")
		body := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(special), rapid.Byte()), 0, 300).Draw(t, "body")
		wire := AppendTLink(nil, header, body)
		require.Equal(t, 1, bytes.Count(wire, []byte{frameEnd}))
		require.Equal(t, 1, bytes.Count(wire, []byte{headerEnd}))
		var s Stream
		f, ok, rest, err := s.Next(wire)
		require.NoError(t, err)
		require.True(t, ok)
		require.Empty(t, rest)
		require.True(t, bytes.Equal(header, f.Header) && bytes.Equal(body, f.Payload))

		p := Packet{Sender: 0x7D, Receiver: 0x7E, Command: 0x7F7D, Body: body}
		key := Key(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "key"))
		s = Stream{}
		f, _, _, err = s.Next(Seal(header, p, NewCipher(key)))
		require.NoError(t, err)
		back, err := Open(f.Payload, NewCipher(key))
		require.NoError(t, err)
		require.Equal(t, p.Append(nil), back.Append(nil))
	})
}

func TestStreamRefusesAndStaysBounded(t *testing.T) {
	long := bytes.Repeat([]byte{'1'}, MaxPayload+1)
	for name, c := range map[string]struct {
		in   []byte
		want error
	}{
		"escape then a letter": {[]byte{0x7D, 0x03}, ErrStuffing},
		"escape twice":         {[]byte{0x7D, 0x7D}, ErrStuffing},
		"endless header":       {long, ErrTooLong},
		"oversize payload":     {append([]byte{0x7E}, long...), ErrTooLong},
		"end before header":    {[]byte{0x7F}, ErrOrder},
		"header end twice":     {[]byte{0x7E, 0x7E}, ErrOrder},
	} {
		t.Run(name, func(t *testing.T) {
			var s Stream
			_, ok, _, err := s.Next(c.in)
			require.ErrorIs(t, err, c.want)
			require.False(t, ok)
			require.LessOrEqual(t, len(s.frame.Header)+len(s.frame.Payload), MaxHeader+MaxPayload)
		})
	}
}

func TestEveryDamagedBitIsFound(t *testing.T) {
	good := unhex(t, load(t, "derived.json").Vectors[0].Frame)
	for i := range good {
		for bit := range 8 {
			b := append([]byte(nil), good...)
			b[i] ^= 1 << bit
			_, err := ParseFrame(b)
			require.Error(t, err, "byte %d bit %d", i, bit)
		}
	}
}

func TestFrameRefusesWrongLengths(t *testing.T) {
	good := AppendFrame(nil, []byte{1, 2})
	for _, b := range [][]byte{nil, {0x80}, {1, 0}, good[:len(good)-1], append(good, make([]byte, 16)...)} {
		_, err := ParseFrame(b)
		require.ErrorIs(t, err, ErrLength)
	}
	_, err := ParseFrame(append(good, make([]byte, 15)...))
	require.NoError(t, err, "padding is ignored")
	_, err = Open(make([]byte, 15), NewCipher(Key{}))
	require.ErrorIs(t, err, ErrLength)
}

func TestCompactIntegers(t *testing.T) {
	for n, want := range map[int]string{0: "0100", 5: "0105", 255: "01ff", 300: "02012c", 70000: "03011170"} {
		require.Equal(t, want, hex.EncodeToString(appendInt(nil, n)))
		r := &reader{b: unhex(t, want)}
		require.Equal(t, n, r.int())
		require.NoError(t, r.end())
	}
	for _, bad := range []string{"", "00", "01", "0500000000", "04ffffffff"} {
		r := &reader{b: unhex(t, bad)}
		r.int()
		require.Error(t, r.end(), bad)
	}
}

func TestBCDKeepsLettersAndFillsOddDigits(t *testing.T) {
	for digits, want := range map[string]string{"1234": "1234", "AAAA": "aaaa", "123": "1230", "B00F": "b00f"} {
		b, err := BCD(digits)
		require.NoError(t, err)
		require.Equal(t, want, hex.EncodeToString(b))
	}
	_, err := BCD("12x4")
	require.Error(t, err)
	require.Equal(t, "AA0F", Digits([]byte{0xAA, 0x0F}))
}

func TestDateTime(t *testing.T) {
	at := time.Date(2026, 10, 8, 12, 34, 56, 0, time.UTC)
	require.Equal(t, DateTime(0x645C3548), DateTimeOf(at))
	require.Equal(t, at, DateTime(0x645C3548).Time(time.UTC))
}

func TestMaskIsLowestBitFirst(t *testing.T) {
	m := Masks{Of: CmdWriteMasks, Start: 5, Width: 4, Sets: []uint64{1<<0 | 1<<8 | 1<<31}}
	require.Equal(t, "01050101"+"04"+"01010080", hex.EncodeToString(m.Append(nil)))
	back, err := Parse(CmdWriteMasks, m.Append(nil))
	require.NoError(t, err)
	require.Equal(t, m, back)
}

func TestNackWithAndWithoutSequence(t *testing.T) {
	for _, body := range []string{"074602", "01074602"} {
		m, err := Parse(CmdNack, unhex(t, body))
		require.NoError(t, err)
		require.Equal(t, Nack{Of: CmdWriteCodes, Result: NackUnknown}, m)
	}
}

func TestSeveralHoldsLongAndShortParts(t *testing.T) {
	m := Several{Parts: []Part{
		{Command: CmdResponse, Seq: 9, Body: []byte{0}},
		{Command: CmdLabels, Body: bytes.Repeat([]byte{7}, 200)},
	}}
	back, err := Parse(CmdSeveral, m.Append(nil))
	require.NoError(t, err)
	require.Equal(t, m, back)
	nested := Several{Parts: []Part{{Command: CmdSeveral}}}
	_, err = Parse(CmdSeveral, nested.Append(nil))
	require.ErrorIs(t, err, ErrBody, "one inside another would recurse without end")
}

// Rules: R39
func TestCodesDoNotPrint(t *testing.T) {
	for _, m := range []Message{
		Enter{Code: []byte{0x12, 0x34}},
		Codes{Of: CmdWriteCodes, Width: 2, Data: []byte{0x12, 0x34}},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			text := fmt.Sprintf(verb, m)
			require.Contains(t, text, "[redacted]")
			require.NotContains(t, text, "1234")
			require.NotContains(t, text, "18 52")
		}
	}
}
