package dsc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
)

// heap is what lives after a collection.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

const heapRoom = 32 << 20

// Each hostile peer is sent away with a reason in the log, costs no memory, and another
// panel's code is set meanwhile.
//
// Rules: R250, R257
func TestHostilePeersAreContained(t *testing.T) {
	header := ident
	open := "\x15\x01\x00\x06\x0a\x01\x02\x00\x01\x05\x61\x03\x01\x04\x00\x04\x00\x00\x00\x02\x67\x29"
	for name, c := range map[string]struct{ bytes, log string }{
		"http":             {"POST /absip HTTP/1.1\r\nHost: x\r\n\r\n", "spoke HTTP"},
		"endless header":   {strings.Repeat("1", 1<<20), "not ITv2 frames"},
		"oversize frame":   {header + "\x7E" + strings.Repeat("a", 1<<20), "not ITv2 frames"},
		"short header":     {"12345\x7E" + open + "\x7F", "not the integration id"},
		"letters":          {"ABCDEFGHIJKL\x7E" + open + "\x7F", "not the integration id"},
		"bad check":        {header + "\x7E" + open[:len(open)-1] + "\x28\x7F", "not ITv2 frames"},
		"bad escape":       {header + "\x7E\x7D\x55\x7F", "not ITv2 frames"},
		"command too soon": {header + "\x7E\x08\x01\x00\x05\x02\x91\x00\xde\x3c\x7F", "out of order"},
		"silence":          {"", "took too long"},
		"half an open":     {header + "\x7E" + open[:9], "took too long"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := listen(t, dsc.Options{})
				r.allow(ident, dsc.Key{Encryption: dsc.Type2, Secret: panel.SecretOf(dscsim.DefaultType2)})
				sim := r.call(dscsim.Options{Ident: "100000000002", Dial: r.dial("198.51.100.7:99")})
				s := r.open("100000000002")
				before := heap()
				for range 8 {
					conn, err := r.dial("203.0.113.9:99")(t.Context())
					require.NoError(t, err)
					go func() {
						_, _ = io.WriteString(conn, c.bytes)
						_, _ = io.Copy(io.Discard, conn)
						_ = conn.Close()
					}()
				}
				out, err := apply(t, s, create(t, 5, "8264"))
				require.NoError(t, err)
				require.Equal(t, everything, out.Done)
				require.True(t, sim.Accepts("8264"))
				time.Sleep(time.Minute)
				require.Contains(t, r.log.String(), c.log)
				require.Less(t, strings.Count(r.log.String(), c.log), 3, "one line for many")
				require.Less(t, heap(), before+heapRoom)
				require.Empty(t, r.driver.Unknown())
			})
		})
	}
}

// A thousand connections that say nothing, from many addresses, neither keep a panel
// out that was here before nor one that was not, and hold little.
//
// Rules: R250
func TestThousandHalfOpenConnections(t *testing.T) {
	r := listenTCP(t, dsc.Options{})
	sim := r.call(dscsim.Options{})
	s := r.open(ident)
	before := heap()
	var conns []net.Conn
	for i := range 1000 {
		from := fmt.Sprintf("127.0.%d.%d", 1+i/100, 1+i%100)
		c, err := r.dial(from)(t.Context())
		require.NoError(t, err)
		_, _ = io.WriteString(c, ident+"\x7E")
		conns = append(conns, c)
	}
	t.Cleanup(func() {
		for _, c := range conns {
			_ = c.Close()
		}
	})
	out, err := apply(t, s, create(t, 5, "8264"))
	require.NoError(t, err)
	require.Equal(t, everything, out.Done)
	require.True(t, sim.Accepts("8264"))

	fresh := r.call(dscsim.Options{Ident: "100000000002", Dial: r.dial("127.0.200.1")})
	other := r.open("100000000002")
	out, err = apply(t, other, create(t, 6, "8265"))
	require.NoError(t, err)
	require.Equal(t, everything, out.Done)
	require.True(t, fresh.Accepts("8265"))

	require.Less(t, heap(), before+heapRoom)
	require.Contains(t, r.log.String(), "too many unproven connections")
	sentAway := 0
	for _, c := range conns {
		_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
		if _, err := c.Read(make([]byte, 1)); err != nil && !isTimeout(err) {
			sentAway++
		}
	}
	require.GreaterOrEqual(t, sentAway, 1000-256)
}

func isTimeout(err error) bool {
	n, ok := errors.AsType[net.Error](err)
	return ok && n.Timeout()
}

// A panel that has proven its key may still lie.
func TestLyingPanelIsContained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := listen(t, dsc.Options{})
		liar := r.call(dscsim.Options{})
		honest := r.call(dscsim.Options{Ident: "100000000002", Dial: r.dial("198.51.100.7:99")})
		s := r.open(ident)
		other := r.open("100000000002")

		require.NoError(t, liar.Keypad(create(t, 5, "8264")))
		require.NoError(t, liar.Keypad(panel.Edit{
			Place: panel.Place{Slot: 5}, Set: panel.FieldLabel, Values: panel.Values{Label: "A\x1b[31m\x00\u202eB\r\n"},
		}))
		got, err := read(t, s, panel.Query{All: true})
		require.NoError(t, err)
		require.Equal(t, "A[31mB", got[1].Label)

		stop, events := watch(t, s)
		before := heap()
		slots := []byte{1, 1, 1, 5, 1, 5}                             // the code of slot 5
		beyond := []byte{1, 2, 0xFF, 0xFF, 1, 1, 3, 0xFF, 0xFF, 0xFF} // slots that nobody has
		for i := range 100_000 {
			body := slots
			if i%1000 == 0 {
				body = beyond
			}
			liar.Notify(0x0250, body)
		}
		out, err := apply(t, other, create(t, 6, "8265"))
		require.NoError(t, err)
		require.Equal(t, everything, out.Done)
		require.True(t, honest.Accepts("8265"))

		time.Sleep(time.Hour) // worn sessions are renewed on the way
		require.Zero(t, liar.Waiting())
		require.Less(t, heap(), before+heapRoom)
		stop()
		all := 0
		for _, e := range *events {
			require.NotNil(t, e.Stale)
			if e.Stale.All {
				all++
			}
			for _, p := range e.Stale.Places {
				require.Equal(t, 5, p.Slot)
			}
		}
		require.Positive(t, all, "what cannot be understood makes everything stale")
		require.Less(t, len(*events), 100_000)
		_, err = read(t, r.open(ident), panel.Query{Places: []panel.Place{{Slot: 5}}})
		require.NoError(t, err)
	})
}

// watch collects what a session says until stop.
func watch(t *testing.T, s panel.Session) (stop func(), events *[]panel.Event) {
	events = new([]panel.Event)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for e, err := range s.Watch(ctx) {
			if err != nil {
				return
			}
			*events = append(*events, e)
		}
	}()
	synctest.Wait()
	return func() { cancel(); <-ended }, events
}

// Answers that nobody asked for, or that do not fit the question, are never taken.
func TestAnswersThatDoNotFitAreNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := listen(t, dsc.Options{})
		sim := r.call(dscsim.Options{})
		s := r.open(ident)
		for _, lie := range [][]byte{
			{1, 5, 1, 1, 1, 1},                                  // a PIN in slot 5
			{1, 5, 1, 200, 1, 1},                                // two hundred users in one byte
			bytes.Repeat([]byte{0xFF}, 40),                      // nonsense
			append([]byte{1, 1, 1, 32, 1}, make([]byte, 32)...), // everybody is gone
		} {
			sim.Notify(0x473C, lie)
			sim.Notify(0x0502, append([]byte{9}, lie...))
			sim.Notify(0x0623, lie[:1])
		}
		require.NoError(t, sim.Keypad(create(t, 7, "8264")))
		time.Sleep(10 * time.Second)
		got, err := read(t, r.open(ident), panel.Query{All: true})
		require.NoError(t, err)
		require.Len(t, got, 2)
		require.Equal(t, 7, got[1].Slot)
		_ = s
	})
}

// Nothing that the driver logs or reports shows a code or a key, with panels that refuse,
// cut and lie.
//
// Rules: R39
func TestLogShowsNoSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := listen(t, dsc.Options{DiscloseCodes: true})
		sim := r.call(dscsim.Options{})
		s := r.open(ident)
		_, err := apply(t, s, create(t, 5, "8264"))
		require.NoError(t, err)
		_, err = read(t, s, panel.Query{All: true, Disclose: true})
		require.NoError(t, err)
		out, err := apply(t, s, create(t, 6, "8264"))
		require.NoError(t, err)
		text := fmt.Sprintf("%v %+v %#v %v", s, s, s, out)
		sim.Notify(0x0250, []byte{1})
		time.Sleep(time.Hour)
		text += r.log.String()
		for _, secret := range []string{"8264", masterCode, dscsim.DefaultType2, "8F1E2D3C"} {
			require.NotContains(t, text, secret)
		}
	})
}
