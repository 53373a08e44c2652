package dsc

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/internal/itv2"
)

// sink is a connection that keeps the packets that are written to it in clear.
type sink struct {
	net.Conn
	t       *testing.T
	packets []itv2.Packet
}

func (s *sink) SetWriteDeadline(time.Time) error { return nil }

func (s *sink) Write(b []byte) (int, error) {
	var stream itv2.Stream
	frame, ok, _, err := stream.Next(b)
	require.NoError(s.t, err)
	require.True(s.t, ok)
	p, err := itv2.Open(frame.Payload, nil)
	require.NoError(s.t, err)
	s.packets = append(s.packets, p)
	return len(b), nil
}

// A message that comes twice is acknowledged twice and heard once.
func TestDuplicatesAreAcknowledgedAndIgnored(t *testing.T) {
	out := &sink{t: t}
	d := New(Options{})
	l := newLink(d, &handshake{ident: "298765432101", wire: &wire{conn: out}, model: Widest(), seq: 7})
	l.home = newLine(l.ident, time.Minute)
	box := newMailbox()
	l.home.watch(box)
	hear := func(sender byte) int {
		m := itv2.UsersChanged{What: 1, Count: 1, Start: 5, End: 5}
		packet := itv2.Packet{Sender: sender, Command: m.Command(), Body: m.Append(nil)}.Append(nil)
		require.NoError(t, l.take(itv2.TLink{Payload: itv2.AppendFrame(nil, packet)}))
		return len(box.take())
	}
	require.Equal(t, 1, hear(20))
	require.Equal(t, 0, hear(20))
	require.Equal(t, 1, hear(21))
	require.Len(t, out.packets, 3)
	for i, receiver := range []byte{20, 20, 21} {
		require.Equal(t, itv2.Packet{Sender: 7, Receiver: receiver}, out.packets[i])
	}
}

// A mailbox that nobody empties holds a bounded number of things.
func TestMailboxIsBounded(t *testing.T) {
	b := newMailbox()
	for slot := range 100_000 {
		b.stale(slot, slot)
		require.LessOrEqual(t, len(b.places), manyPlaces)
	}
	b.tell(panel.Facts{CodeLen: 4})
	b.tell(panel.Facts{CodeLen: 6})
	got := b.take()
	require.Len(t, got, 2)
	require.Equal(t, 6, got[0].Panel.CodeLen)
	require.True(t, got[1].Stale.All)
	require.Empty(t, b.take())
	b.stale(1, manyPlaces+1)
	require.True(t, b.take()[0].Stale.All)
}

// An answer is taken for a question only when it fits it; it may come alone or among
// others.
func TestAnswersMatchTheirQuestion(t *testing.T) {
	const seq = 9
	fits := func(m itv2.Message) bool { return m.(itv2.Octets).Start == 5 }
	part := func(m itv2.Message, seq byte) itv2.Part {
		return itv2.Part{Command: m.Command(), Seq: seq, Body: m.Append(nil)}
	}
	right := part(itv2.Octets{Of: itv2.CmdKinds, Start: 5, Values: []byte{1}}, 0)
	for name, c := range map[string]struct {
		part    itv2.Part
		taken   bool // it belongs to the question
		settled bool // it ends the question
	}{
		"the answer":             {right, true, true},
		"another range":          {part(itv2.Octets{Of: itv2.CmdKinds, Start: 6, Values: []byte{1}}, 0), false, false},
		"another table":          {part(itv2.Octets{Of: itv2.CmdFlags, Start: 5, Values: []byte{1}}, 0), false, false},
		"nonsense as the answer": {itv2.Part{Command: itv2.CmdKinds, Body: []byte{1}}, true, true},
		"a good response first":  {part(itv2.Response{Result: itv2.OK}, seq), true, false},
		"a bad response":         {part(itv2.Response{Result: itv2.SystemBusy}, seq), true, true},
		"another's response":     {part(itv2.Response{Result: itv2.SystemBusy}, seq+1), false, false},
		"a refusal":              {part(itv2.Nack{Of: itv2.CmdReadKinds, Result: itv2.NackUnknown}, 0), true, true},
		"another's refusal":      {part(itv2.Nack{Of: itv2.CmdReadCodes, Result: itv2.NackUnknown}, 0), false, false},
		"something else":         {part(itv2.CodeLength{Digits: 4}, 0), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			l := &link{pending: &call{
				command: itv2.CmdReadKinds, seq: seq, expects: itv2.CmdKinds, fits: fits, verdict: make(chan verdict, 1),
			}}
			require.Equal(t, c.taken, l.match(c.part))
			require.Equal(t, c.settled, l.pending == nil)
		})
	}
}
