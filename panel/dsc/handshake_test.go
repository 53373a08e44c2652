package dsc_test

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
)

func TestHandshakeAndEditOverTCP(t *testing.T) {
	for name, type1 := range map[string]bool{"type 1": true, "type 2": false} {
		t.Run(name, func(t *testing.T) {
			r := listenTCP(t, dsc.Options{AllowWeak: true})
			sim := r.call(dscsim.Options{Type1: type1})
			s := r.open(ident)
			out, err := apply(t, s, create(t, 5, "8264"))
			require.NoError(t, err)
			require.Equal(t, everything, out.Done, "%v", out.Refused)
			require.True(t, sim.Accepts("8264"))
			got, err := read(t, s, panel.Query{All: true})
			require.NoError(t, err)
			require.Len(t, got, 2)
			require.Equal(t, "Cleaner", got[1].Label)
			require.Equal(t, panel.PartitionsOf(1, 3), got[1].Partitions)
		})
	}
}

// Type 1 panels whose key is right are met, listed, and not programmed: every 0704 would
// show the master code to whoever listens. The same holds for the published key.
func TestWeakLinesDoNotCarryTheMasterCode(t *testing.T) {
	published := strings.Repeat("12345678", 4)
	for name, c := range map[string]struct {
		sim dscsim.Options
		key dsc.Key
	}{
		"type 1":           {dscsim.Options{Type1: true}, dsc.Key{Encryption: dsc.Type1, Secret: panel.SecretOf(dscsim.DefaultType1)}},
		"published type 2": {dscsim.Options{Key: published}, dsc.Key{Encryption: dsc.Type2, Secret: panel.SecretOf(published)}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := listen(t, dsc.Options{})
				r.allow(ident, c.key)
				sim := r.stranger(c.sim)
				s := r.open(ident)
				require.Zero(t, s.Model().Writes())
				out, err := apply(t, s, create(t, 5, "8264"))
				require.NoError(t, err)
				for f := range everything.Each() {
					require.ErrorIs(t, out.Refused[f], dsc.ErrWeak)
					require.ErrorIs(t, out.Refused[f], panel.ErrUnsupported)
				}
				_, err = read(t, s, panel.Query{All: true})
				require.ErrorIs(t, err, dsc.ErrWeak)
				require.Zero(t, sim.Entered(), "the master code has left")
				require.Contains(t, r.log.String(), "too weak")
			})
		})
	}
}

// A listed id with another encryption than the host has set is refused: nobody is talked
// down from Type 2.
func TestEncryptionIsNotNegotiatedDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := listen(t, dsc.Options{AllowWeak: true})
		r.allow(ident, dsc.Key{Encryption: dsc.Type2, Secret: panel.SecretOf(dscsim.DefaultType2)})
		r.stranger(dscsim.Options{Type1: true})
		time.Sleep(time.Minute)
		require.Empty(t, r.arrived())
		require.Contains(t, r.log.String(), "encryption differs")
	})
}

// Rules: R250, R257
func TestUnknownPanelsAreListedAndLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := listen(t, dsc.Options{})
		r.stranger(dscsim.Options{Ident: "111122223333"})
		time.Sleep(10 * time.Second)
		unknown := r.driver.Unknown()
		require.Len(t, unknown, 1)
		require.Equal(t, "111122223333", unknown[0].Ident)
		require.Greater(t, unknown[0].Count, 5)
		require.Contains(t, unknown[0].Addr, "192.0.2.10")
		require.Equal(t, 1, strings.Count(r.log.String(), "not listed"))
		time.Sleep(5 * time.Minute)
		require.InDelta(t, 6, strings.Count(r.log.String(), "not listed"), 1)

		_, err := r.driver.Open(t.Context(), target("111122223333"))
		require.ErrorIs(t, err, panel.ErrAbsent)
	})
}

// Rules: R250
func TestWrongKeyProvesNothing(t *testing.T) {
	for name, type1 := range map[string]bool{"type 1": true, "type 2": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := listen(t, dsc.Options{AllowWeak: true})
				o := dscsim.Options{Type1: type1, Key: strings.Repeat("e", 32)}
				if type1 {
					o.Key = "eeeeeeee"
				}
				r.call(o)
				time.Sleep(time.Minute)
				require.Empty(t, r.arrived())
				require.Contains(t, r.log.String(), "did not prove its key")
				_, err := r.driver.Open(t.Context(), target(ident))
				require.ErrorIs(t, err, panel.ErrAbsent)
			})
		})
	}
}

// An impostor that knows the id, which is public, changes nothing for the panel.
//
// Rules: R250
func TestImpostorDoesNotDisturbAProvenSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := listen(t, dsc.Options{KeepSession: true})
		sim := r.call(dscsim.Options{})
		s := r.open(ident)
		for i := range 20 {
			from := []string{"198.51.100.7:99", "203.0.113.9:99", "192.0.2.77:99"}[i%3]
			r.stranger(dscsim.Options{Key: strings.Repeat("e", 32), Dial: r.dial(from)})
		}
		time.Sleep(time.Minute)
		out, err := apply(t, s, create(t, 5, "8264"))
		require.NoError(t, err)
		require.Equal(t, everything, out.Done)
		require.Equal(t, 1, sim.Connected())
		require.Len(t, r.arrived(), 1)
		require.NotContains(t, r.log.String(), "replaced by a newer")
	})
}

// Rules: R250
func TestProvenConnectionDisplacesAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := listen(t, dsc.Options{})
		first := r.call(dscsim.Options{Redial: time.Hour})
		r.open(ident)
		second := r.stranger(dscsim.Options{Redial: time.Hour, Dial: r.dial("198.51.100.7:99")})
		time.Sleep(time.Second)
		require.Equal(t, 1, first.Connected())
		require.Equal(t, 1, second.Connected())
		require.Contains(t, r.log.String(), "replaced by a newer connection")
		seen := r.arrived()
		require.Len(t, seen, 2, "no Gone between: the panel never was")
		require.False(t, seen[0].Gone || seen[1].Gone)
		require.Contains(t, seen[1].Addr, "198.51.100.7")
	})
}

// tap is a connection that keeps what the panel sends.
type tap struct {
	net.Conn
	mu   *sync.Mutex
	sent *[]byte
}

func (c tap) Write(p []byte) (int, error) {
	c.mu.Lock()
	*c.sent = append(*c.sent, p...)
	c.mu.Unlock()
	return c.Conn.Write(p)
}

// Everything that a panel ever said, said again by somebody in the middle, does not
// prove anything: the key is made from what the driver sends.
//
// Rules: R250, R251
func TestReplayedSessionIsRefused(t *testing.T) {
	for name, type1 := range map[string]bool{"type 1": true, "type 2": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := listen(t, dsc.Options{AllowWeak: true, KeepSession: true})
				var mu sync.Mutex
				var sent []byte
				plain := r.dial("192.0.2.10:1025")
				sim := r.call(dscsim.Options{Type1: type1, Dial: func(ctx context.Context) (net.Conn, error) {
					c, err := plain(ctx)
					return tap{c, &mu, &sent}, err
				}})
				s := r.open(ident)
				_, err := apply(t, s, create(t, 5, "8264"))
				require.NoError(t, err)

				mu.Lock()
				replay := append([]byte(nil), sent...)
				mu.Unlock()
				for _, frames := range [][]byte{replay, replay[:200]} {
					c, err := r.dial("192.0.2.10:5000")(t.Context())
					require.NoError(t, err)
					for frame := range strings.SplitAfterSeq(string(frames), "\x7F") {
						_, _ = io.WriteString(c, frame)
						time.Sleep(100 * time.Millisecond)
					}
					time.Sleep(time.Minute)
					_ = c.Close()
				}
				require.Contains(t, r.log.String(), "did not prove its key")
				require.Len(t, r.arrived(), 1)
				require.Equal(t, 1, sim.Connected(), "the panel's own session lives on")
				out, err := apply(t, s, panel.Edit{Place: panel.Place{Slot: 5}, Do: panel.Remove})
				require.NoError(t, err)
				require.Equal(t, panel.FieldCode, out.Done)
			})
		})
	}
}

func TestAbsentPanelAndSecondListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := listen(t, dsc.Options{})
		_, err := r.driver.Open(t.Context(), target(ident))
		require.ErrorIs(t, err, panel.ErrAbsent)
		synctest.Wait()
		for _, err := range r.driver.Arrivals(t.Context()) {
			require.ErrorIs(t, err, dsc.ErrListening)
		}
	})
}

// Rules: R251
func TestPanelThatComesBackInTimeIsNotGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := listen(t, dsc.Options{Return: 20 * time.Second})
		sim := r.call(dscsim.Options{})
		s := r.open(ident)
		_, err := apply(t, s, create(t, 5, "8264"))
		require.NoError(t, err)
		time.Sleep(10 * time.Second)
		require.Equal(t, 2, sim.Connected(), "new keys after programming")
		for _, a := range r.arrived() {
			require.False(t, a.Gone)
		}

		away := r.call(dscsim.Options{Ident: "100000000002", Redial: time.Hour, Dial: r.dial("198.51.100.7:99")})
		s = r.open("100000000002")
		_, err = apply(t, s, create(t, 5, "8264"))
		require.NoError(t, err)
		require.Equal(t, 1, away.Connected())
		time.Sleep(15 * time.Second)
		require.False(t, gone(r, "100000000002"))
		time.Sleep(15 * time.Second)
		require.True(t, gone(r, "100000000002"))
	})
}

func gone(r *rig, id string) bool {
	for _, a := range r.arrived() {
		if a.Ident == id && a.Gone {
			return true
		}
	}
	return false
}
