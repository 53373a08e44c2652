package twon_test

import (
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/panel/twon"
	"github.com/seed-a2d3eaca/keyholder/panel/twon/twonsim"
)

// forger answers as a device until a path is asked for, and then with something else.
type forger struct {
	sim   *twonsim.Device
	path  string
	bytes func(io.Writer)
}

// stand puts a forger between the driver and the simulator.
func stand(t *testing.T, f forger) *twon.Driver {
	t.Helper()
	front, back := new(paneltest.Network), new(paneltest.Network)
	f.sim = twonsim.New(twonsim.Options{Listen: func() (net.Listener, error) { return back.Listen(addr) }})
	serve(t, f.sim)
	l, err := front.Listen(addr)
	require.NoError(t, err)
	var talks sync.WaitGroup
	talks.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			talks.Go(func() { f.talk(t, conn, back) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); talks.Wait() })
	synctest.Wait()
	return twon.New(twon.Options{Plain: true, Dial: front.DialContext})
}

func (f forger) talk(t *testing.T, conn net.Conn, back *paneltest.Network) {
	defer func() { _ = conn.Close() }()
	buf := make([]byte, 64<<10)
	n, err := conn.Read(buf)
	if err != nil {
		return
	}
	if strings.Contains(string(buf[:n]), f.path) {
		f.bytes(conn)
		return
	}
	through, err := back.DialContext(t.Context(), "tcp", addr)
	if err != nil {
		return
	}
	_, _ = through.Write(buf[:n])
	_, _ = io.Copy(conn, through)
}

func says(body string) func(io.Writer) {
	return func(w io.Writer) {
		_, _ = io.WriteString(w, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"success\":true,\"result\":"+body+"}")
	}
}

// endlessly repeats until the driver has had enough.
func endlessly(head, more string) func(io.Writer) {
	return func(w io.Writer) {
		_, err := io.WriteString(w, head)
		for err == nil {
			_, err = io.WriteString(w, more)
		}
	}
}

// A device that lies is sent away with an error about the line: it costs no memory, holds
// nobody up, and nothing that it says is taken for a user or for a success.
func TestHostileDevicesAreContained(t *testing.T) {
	long := strings.Repeat("a", 4096)
	for name, c := range map[string]forger{
		"endless head":          {path: "info", bytes: endlessly("HTTP/1.1 200 OK\r\n", "X: "+long+"\r\n")},
		"endless line":          {path: "info", bytes: endlessly("HTTP/1.1 200 ", long)},
		"endless body":          {path: "query", bytes: endlessly("HTTP/1.1 200 OK\r\n\r\n", long)},
		"deep":                  {path: "query", bytes: says(strings.Repeat("[", 20000))},
		"entries without end":   {path: "query", bytes: says(`{"series":"1","users":[{}` + strings.Repeat(",{}", 30000) + `]}`)},
		"an entry twice":        {path: "query", bytes: says(`{"series":"1","users":[{"uuid":"` + uuid(1) + `","access":{"pin":"1"}},{"uuid":"` + uuid(1) + `","access":{"pin":"1"}}]}`)},
		"no uuid":               {path: "query", bytes: says(`{"series":"1","users":[{"access":{"pin":"4871"}}]}`)},
		"an odd uuid":           {path: "query", bytes: says(`{"series":"1","users":[{"uuid":"../../etc/passwd-and-some-more-text-x","access":{"pin":"4871"}}]}`)},
		"the empty uuid":        {path: "query", bytes: says(`{"series":"1","users":[{"uuid":"00000000-0000-0000-0000-000000000000","access":{"pin":"4871"}}]}`)},
		"no series":             {path: "query", bytes: says(`{"users":[]}`)},
		"odd validity":          {path: "query", bytes: says(`{"series":"1","users":[{"uuid":"` + uuid(1) + `","access":{"pin":"4871","validTo":"tomorrow"}}]}`)},
		"validity beyond":       {path: "query", bytes: says(`{"series":"1","users":[{"uuid":"` + uuid(1) + `","access":{"pin":"4871","validTo":"99999999999999999999"}}]}`)},
		"template with nothing": {path: "template", bytes: says(`{"users":[{"access":{}}]}`)},
		"template too wide":     {path: "template", bytes: says(`{"users":[{"access":{"pin":"","card":[` + strings.Repeat(`"",`, 99) + `""]}}]}`)},
		"two templates":         {path: "template", bytes: says(`{"users":[{},{}]}`)},
		"answers too few":       {path: "create", bytes: says(`{"series":"1","users":[]}`)},
		"answers another":       {path: "create", bytes: says(`{"series":"1","users":[{"uuid":"` + uuid(7) + `","timestamp":1}]}`)},
		"answers nothing":       {path: "create", bytes: says(`null`)},
		"gets another":          {path: "dir/get", bytes: says(`{"series":"1","users":[{"uuid":"` + uuid(7) + `"}]}`)},
		"silence":               {path: "query", bytes: func(w io.Writer) { _, _ = io.Copy(io.Discard, w.(io.Reader)) }},
		"drop by drop": {path: "query", bytes: func(w io.Writer) {
			for err := error(nil); err == nil; time.Sleep(time.Second) {
				_, err = io.WriteString(w, "HTTP/1.1 200 OK\r\nX: y"[:1])
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := stand(t, c)
				before := heap()
				start := time.Now()
				s, err := d.Open(t.Context(), target())
				if err == nil {
					defer func() { _ = s.Close() }()
					users := 0
					for e, bad := range s.Read(t.Context(), panel.Query{All: true}) {
						if e.User != nil {
							users++
						}
						err = bad
					}
					require.Zero(t, users)
				}
				if err == nil {
					outs, bad := apply(t, s, edit(t, panel.Create, 1, "4871"))
					err = bad
					require.Zero(t, outs[uuid(1)].Done)
					require.Empty(t, outs[uuid(1)].Refused)
					if strings.Contains(c.path, "create") {
						require.Equal(t, both, outs[uuid(1)].Unsure)
					}
				}
				require.Error(t, err)
				require.True(t, isLine(err), "%v", err)
				require.Less(t, len(err.Error()), 200, "the peer's words are not repeated")
				require.NotContains(t, err.Error(), "4871")
				require.Less(t, time.Since(start), time.Minute)
				require.Less(t, heap(), before+(64<<20))
			})
		})
	}
}

// What is deleted is no user, whatever it still says.
func TestTombstonesAreNoUsers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := stand(t, forger{path: "query", bytes: says(`{"series":"1","users":[{"uuid":"` + uuid(1) + `","deleted":true,"access":{"pin":"4871"}}]}`)})
		s, err := d.Open(t.Context(), target())
		require.NoError(t, err)
		users, _, _ := list(t, s, panel.Query{All: true})
		require.Empty(t, users)
		require.NoError(t, s.Close())
	})
}

func isLine(err error) bool {
	for _, target := range []error{panel.ErrUnreachable, panel.ErrTimeout, panel.ErrProtocol} {
		if strings.Contains(err.Error(), target.Error()) {
			return true
		}
	}
	return false
}

// heap is what lives after a collection.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
