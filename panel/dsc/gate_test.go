package dsc

import (
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// peer is a connection that knows where it is from and whether it was closed.
type peer struct {
	net.Conn
	addr   string
	closed bool
}

func (p *peer) RemoteAddr() net.Addr { return text(p.addr) }
func (p *peer) Close() error         { p.closed = true; return nil }

type text string

func (text) Network() string  { return "tcp" }
func (t text) String() string { return string(t) }

// crowd lets peers enter, one for each address.
func crowd(g *gate, n int, addr func(i int) string) (out []*peer) {
	for i := range n {
		p := &peer{addr: addr(i)}
		g.enter(p)
		out = append(out, p)
	}
	return out
}

func closed(peers []*peer) (n int) {
	for _, p := range peers {
		if p.closed {
			n++
		}
	}
	return n
}

// Rules: R250
func TestGateSendsTheOldestAway(t *testing.T) {
	limits := Options{}.withDefaults().Limits
	one := &gate{limits: limits}
	same := crowd(one, 100, func(i int) string { return fmt.Sprintf("198.51.100.%d:7", i+1) })
	require.Equal(t, limits.PerPrefix, one.unproven())
	require.Equal(t, 100-limits.PerPrefix, closed(same))
	require.True(t, same[0].closed)
	require.False(t, same[99].closed)

	many := &gate{limits: limits}
	wide := crowd(many, 1000, func(i int) string { return fmt.Sprintf("10.%d.%d.1:7", i/200, i%200) })
	require.Equal(t, limits.Unproven, many.unproven())
	require.Equal(t, 1000-limits.Unproven, closed(wide))
	require.False(t, wide[999].closed)
}

// Rules: R250
func TestGateKeepsAPlaceForWhoWasProvenBefore(t *testing.T) {
	g := &gate{limits: Options{}.withDefaults().Limits}
	v := g.enter(&peer{addr: "192.0.2.10:7"})
	g.claim(v, "298765432101")
	require.True(t, g.leave(v))
	g.prove(v)

	home := &peer{addr: "192.0.2.99:7"}
	back := g.enter(home)
	crowd(g, 2000, func(i int) string { return fmt.Sprintf("10.%d.%d.1:7", i/200, i%200) })
	require.False(t, home.closed, "strangers crowd strangers out")

	var claims []*peer
	for i := range 20 {
		p := &peer{addr: fmt.Sprintf("203.0.%d.9:7", i)}
		g.claim(g.enter(p), "298765432101")
		claims = append(claims, p)
	}
	g.claim(back, "298765432101")
	require.False(t, home.closed)
	require.Equal(t, 20-g.limits.PerPanel, closed(claims))

	shared := crowd(g, 1000, func(i int) string { return fmt.Sprintf("192.0.2.%d:7", i%250) })
	require.Positive(t, closed(shared), "a proven prefix is bounded too")
	require.LessOrEqual(t, g.unproven(), 3*g.limits.Unproven)
}

func TestPrefixes(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.77:1":             "192.0.2.0/24",
		"[::ffff:192.0.2.77]:1":    "192.0.2.0/24",
		"[2001:db8:1:2:3:4:5:6]:1": "2001:db8:1:2::/64",
		"[fe80::1%eth0]:1":         "fe80::/64",
		"pipe":                     "pipe",
	} {
		require.Equal(t, want, prefixOf(text(addr)))
	}
}

// Rules: R250
func TestUnknownCallersAreBounded(t *testing.T) {
	var c callers
	now := time.Now()
	for i := range 1000 {
		c.note(fmt.Sprintf("%012d", i), "192.0.2.1:1", now)
	}
	c.note("000000000950", "192.0.2.2:1", now)
	all := c.all()
	require.Len(t, all, 100)
	require.Equal(t, Caller{Ident: "000000000950", Addr: "192.0.2.2:1", Count: 2, Last: now}, all[0])
	require.Equal(t, "000000000999", all[1].Ident)
}

// Rules: R257
func TestNoticesAreCountedAndBounded(t *testing.T) {
	var log strings.Builder
	n := notices{log: slog.New(slog.NewTextHandler(&log, nil))}
	now := time.Now()
	for i := range 1000 {
		n.say(now.Add(time.Duration(i)*time.Second), "kind", "192.0.2.0/24")
	}
	require.Equal(t, 17, strings.Count(log.String(), "what=kind"))
	require.Contains(t, log.String(), "times=60")
	for i := range 100_000 {
		n.say(now, "flood", fmt.Sprint(i))
	}
	require.LessOrEqual(t, len(n.tallies), maxNotices+1)
	require.Less(t, strings.Count(log.String(), "what=flood"), maxNotices+1)
}
