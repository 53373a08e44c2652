package powerlink

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// However a stream is cut, it gives the same frames, and holds no more than one.
func FuzzFrame(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.frame, 3)
	}
	f.Fuzz(func(t *testing.T, stream []byte, at int) {
		at = max(0, min(at, len(stream)))
		whole := split(stream)
		require.Equal(t, whole, split(stream[:at], stream[at:]))
		for _, p := range whole {
			got := split(Frame(p))
			require.NotEmpty(t, got)
			require.True(t, bytes.HasPrefix(p, got[0]) || bytes.Equal(p, got[0]))
		}
		var s Splitter
		s.Push(stream)
		for {
			if _, ok := s.Next(); !ok {
				break
			}
		}
		require.LessOrEqual(t, len(s.buf), MaxFrame)
	})
}

// What parses lies inside its payload, and nothing panics.
func FuzzMessage(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.payload())
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		m, err := ParseMessage(p)
		if err != nil {
			return
		}
		size := 0
		for _, c := range m.Chunks {
			size += 4 + len(c.Data)
			if r, err := ParseRange(c); err == nil {
				require.LessOrEqual(t, r.Start+len(r.Items)/r.Size, r.Max)
			}
			_, _, _ = Setting(c)
		}
		require.LessOrEqual(t, size, len(p))
		_, _ = Enrolled(m, IndexTag)
		_, _ = Clock(m, time.UTC)
	})
}

func FuzzBlock(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.payload())
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		_, _ = Panel(p)
		_, _ = Later(p)
		_, data, err := Block(p)
		if err != nil {
			return
		}
		require.Len(t, data, int(p[3]))
		for _, c := range Codes(data) {
			require.False(t, !c.Set && !c.Digits.IsZero())
			require.True(t, c.Digits.IsZero() || c.Digits.Len() == 4)
		}
	})
}
