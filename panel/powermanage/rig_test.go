package powermanage_test

import (
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/panel/powermanage"
	"github.com/seed-a2d3eaca/keyholder/panel/powermanage/powermanagesim"
)

// rig is a simulated server, over which something else may stand, and a driver.
type rig struct {
	t       *testing.T
	network *paneltest.Network
	sim     *powermanagesim.Server
	driver  *powermanage.Driver
	said    []string // every request that came: method and path
	live    atomic.Int64

	// over answers in the simulator's place if it returns true.
	over func(w http.ResponseWriter, r *http.Request) bool
}

// in runs a test in a bubble of its own.
func in(t *testing.T, f func(*rig)) {
	t.Helper()
	run(t, powermanagesim.Options{}, powermanage.Options{}, f)
}

func run(t *testing.T, so powermanagesim.Options, o powermanage.Options, f func(*rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		k := &rig{t: t, network: new(paneltest.Network), sim: powermanagesim.New(so)}
		o.Transport = plain(k.network)
		k.driver = powermanage.New(o)
		l, err := k.network.Listen(addr)
		require.NoError(t, err)
		server := &http.Server{Handler: http.HandlerFunc(k.serve), ConnState: k.count}
		ended := make(chan error, 1)
		go func() { ended <- server.Serve(l) }()
		defer func() {
			assert.NoError(t, server.Close())
			assert.ErrorIs(t, <-ended, http.ErrServerClosed)
			synctest.Wait()
		}()
		f(k)
	})
}

func (k *rig) serve(w http.ResponseWriter, r *http.Request) {
	k.said = append(k.said, r.Method+" "+r.URL.Path)
	if k.over == nil || !k.over(w, r) {
		k.sim.ServeHTTP(w, r)
	}
}

// count keeps the number of connections.
func (k *rig) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		k.live.Add(1)
	case http.StateClosed, http.StateHijacked:
		k.live.Add(-1)
	case http.StateActive, http.StateIdle:
	}
}

// calls is how often a path was called.
func (k *rig) calls(path string) (n int) {
	for _, s := range k.said {
		if strings.HasSuffix(s, path) {
			n++
		}
	}
	return n
}

// at lets the server answer one call with a status and a body.
func (k *rig) at(path string, status int, body string) {
	k.over = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/"+path) {
			return false
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
		return true
	}
}

func (k *rig) open() panel.Session {
	k.t.Helper()
	s, err := k.driver.Open(k.t.Context(), target())
	require.NoError(k.t, err)
	return s
}

// apply applies one edit.
func (k *rig) apply(s panel.Session, e panel.Edit) (out panel.Outcome, err error) {
	k.t.Helper()
	for o, line := range s.Apply(k.t.Context(), []panel.Edit{e}) {
		if line != nil {
			return out, line
		}
		out = o
	}
	return out, nil
}

func (k *rig) read(s panel.Session) (out []panel.Report, err error) {
	k.t.Helper()
	for e, line := range s.Read(k.t.Context(), panel.Query{All: true}) {
		if line != nil {
			return out, line
		}
		if e.User != nil {
			out = append(out, *e.User)
		}
	}
	return out, nil
}

// seat makes a user at the keypad.
func (k *rig) seat(slot int, digits, label string) {
	k.t.Helper()
	require.NoError(k.t, k.sim.Keypad(create(k.t, slot, digits, label)))
}

func create(t *testing.T, slot int, digits, label string) panel.Edit {
	t.Helper()
	code, err := panel.ParseCode(digits)
	require.NoError(t, err)
	e := panel.Edit{Place: panel.Place{Slot: slot}, Do: panel.Create, Set: panel.FieldCode, Values: panel.Values{Code: code}}
	if label != "" {
		e.Set |= panel.FieldLabel
		e.Label = label
	}
	return e
}

func change(t *testing.T, slot int, digits string) panel.Edit {
	t.Helper()
	e := create(t, slot, digits, "")
	e.Do = panel.Change
	return e
}

// code is the code that a slot of the simulated panel has, "" for none.
func (k *rig) code(slot int) string {
	for _, u := range k.sim.Users() {
		if u.Slot == slot {
			return u.Code
		}
	}
	return ""
}

// planted are all secrets of the tests.
func planted() []string {
	return []string{powermanagesim.DefaultEmail, powermanagesim.DefaultPassword, powermanagesim.DefaultMaster, "8675", "6180"}
}

// silent fails if a value tells a secret, however it is printed.
func silent(t *testing.T, v any) {
	t.Helper()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		for _, secret := range planted() {
			assert.NotRegexp(t, `\b`+regexp.QuoteMeta(secret)+`\b`, fmt.Sprintf(verb, v))
		}
	}
}

// pass lets time pass in the bubble of a test, and what it set off come to rest.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// Whoever asks waits no longer than an answer may take, and a little.
func soon(t *testing.T, f func()) {
	t.Helper()
	start := time.Now()
	f()
	assert.Less(t, time.Since(start), time.Minute)
}
