package visonic_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic/internal/powerlink"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic/visonicsim"
)

// publishedAck is the one envelope that is public.
const publishedAck = "\n2C2F0022\"VIS-ACK\"5564L001234#2A4CC3[\r\x02C\xba\n]\r"

// listening is a driver that listens, and a panel that calls.
type listening struct {
	*testing.T
	network  *paneltest.Network
	driver   *visonic.PowerLink
	sim      *visonicsim.Panel
	arrivals chan panel.Arrival
}

func called(t *testing.T, f func(l *listening)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := calling(visonic.Options{}, visonicsim.Options{})(t)
		l := &listening{t, b.Network, b.Driver.(*visonic.PowerLink), b.Sim.(*visonicsim.Panel), make(chan panel.Arrival, 100)}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{}, 2)
		go func() {
			for a, err := range l.driver.Arrivals(ctx) {
				assert.NoError(t, err)
				l.arrivals <- a
			}
			ended <- struct{}{}
		}()
		synctest.Wait()
		go func() { _ = l.sim.Serve(ctx); ended <- struct{}{} }()
		defer func() { cancel(); <-ended; <-ended }()
		synctest.Wait()
		f(l)
	})
}

func (l *listening) read() []panel.Report {
	l.Helper()
	s, err := l.driver.Open(l.Context(), panel.Target{Ident: "2A4CC3"})
	require.NoError(l, err)
	defer func() { _ = s.Close() }()
	got, _, err := read(l.Context(), s, panel.Query{All: true})
	require.NoError(l, err)
	return got
}

func (l *listening) dial() net.Conn {
	l.Helper()
	conn, err := l.network.DialContext(l.Context(), "tcp", "10.0.0.1:5001")
	require.NoError(l, err)
	l.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestPanelsArriveAndLeave(t *testing.T) {
	called(t, func(l *listening) {
		first := <-l.arrivals
		assert.Equal(t, "2A4CC3", first.Ident)
		assert.Len(t, l.read(), 1)
		assert.Len(t, l.read(), 1, "a closed session leaves the panel's line alone")
		require.Empty(t, l.arrivals)

		l.network.Cut()
		assert.True(t, (<-l.arrivals).Gone)
		_, err := l.driver.Open(l.Context(), panel.Target{Ident: "2A4CC3"})
		require.ErrorIs(t, err, panel.ErrAbsent)
		assert.False(t, (<-l.arrivals).Gone, "it calls again")

		for _, err := range l.driver.Arrivals(l.Context()) {
			require.ErrorIs(t, err, visonic.ErrListening)
		}
	})
}

// A newer connection of the same panel takes the place of the older one: the panel knows
// best when it has lost one.
func TestNewerConnectionDisplaces(t *testing.T) {
	called(t, func(l *listening) {
		<-l.arrivals
		s, err := l.driver.Open(l.Context(), panel.Target{Ident: "2A4CC3"})
		require.NoError(t, err)
		_, err = io.WriteString(l.dial(), publishedAck)
		require.NoError(t, err)
		synctest.Wait()
		_, _, err = read(l.Context(), s, panel.Query{All: true})
		require.ErrorIs(t, err, visonic.ErrDisplaced)
		require.ErrorIs(t, err, panel.ErrUnreachable)
	})
}

// Callers that are no panel, or none of ours, are sent away and keep nobody out.
func TestHostileCallersAreContained(t *testing.T) {
	for name, said := range map[string]string{
		"another panel":     string(powerlink.Envelope{Type: powerlink.EnvelopeAck, ID: 1, Account: "1", Panel: "2A4CC4"}.Bytes()),
		"noise":             strings.Repeat("\nno envelope\r", 1<<12),
		"endless envelope":  "\n00000100" + strings.Repeat("a", 1<<16),
		"oversize envelope": "\n0000ffff" + strings.Repeat("a", 1<<16),
		"silence":           "",
	} {
		t.Run(name, func(t *testing.T) {
			called(t, func(l *listening) {
				<-l.arrivals
				before := heap()
				for range 40 {
					conn := l.dial()
					go func() { _, _ = io.WriteString(conn, said); _, _ = io.Copy(io.Discard, conn) }()
				}
				require.Len(t, l.read(), 1)
				time.Sleep(time.Minute)
				require.Len(t, l.read(), 1)
				require.Less(t, heap(), before+16<<20)
				require.Empty(t, l.arrivals)
				_, err := l.driver.Open(l.Context(), panel.Target{Ident: "2A4CC4"})
				require.ErrorIs(t, err, panel.ErrAbsent)
			})
		})
	}
}

// A thousand callers that say nothing do not add up.
func TestCallersThatSayNothingAreFew(t *testing.T) {
	called(t, func(l *listening) {
		<-l.arrivals
		var shut int
		for range 1000 {
			conn := l.dial()
			synctest.Wait()
			_ = conn.SetReadDeadline(time.Now().Add(time.Millisecond))
			if _, err := conn.Read(make([]byte, 1)); errors.Is(err, io.EOF) {
				shut++
			}
		}
		assert.Equal(t, 1000-64, shut)
		require.Len(t, l.read(), 1, "who was here stays")
	})
}

// A report for the central station is not acknowledged: the panel keeps it for whom it is.
func TestReportsAreLeftToTheCentralStation(t *testing.T) {
	called(t, func(l *listening) {
		<-l.arrivals
		conn := l.dial()
		e := powerlink.Envelope{Type: powerlink.EnvelopeAck, ID: 6, Account: "001234", Panel: "2A4CC3"}
		report, hello := e, e
		report.Type, report.ID, report.Body = powerlink.EnvelopeCID, 7, append([]byte("#001234|1602 00"), powerlink.Frame([]byte{powerlink.OpTimeout})...)
		hello.Type, hello.ID, hello.Body = powerlink.EnvelopeData, 8, powerlink.Frame([]byte{powerlink.OpTimeout})
		for _, x := range []powerlink.Envelope{e, report, hello} {
			_, err := conn.Write(x.Bytes())
			require.NoError(t, err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
		got, _ := io.ReadAll(conn)
		assert.True(t, bytes.Contains(got, []byte("0008L")), "a frame is acknowledged: %q", got)
		assert.False(t, bytes.Contains(got, []byte("0007L")), "a report is not: %q", got)
	})
}
