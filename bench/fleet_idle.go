package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// idle measures what an open session costs by maker, while nothing is asked of it and its
// Watch runs. What the simulators hold is told from ours by who allocated it and by who
// made the goroutine.
func idle(ctx context.Context, t *table, sessions int) error {
	for _, k := range []struct {
		name       string
		add        func(f *estateOfPanels, n int) error
		kib        float64
		goroutines float64
	}{
		{"DSC", func(f *estateOfPanels, n int) error { f.addDSC(n); return nil }, 48, 3},
		{"2N", func(f *estateOfPanels, n int) error { f.add2N(n); return nil }, 48, 3},
		{"lock", func(f *estateOfPanels, n int) error { f.addLock(n); return nil }, 48, 3},
		{"Visonic frames", func(f *estateOfPanels, n int) error { f.addVisonic(n); return nil }, 48, 3},
		{"Qolsys (MQTT, TLS)", func(f *estateOfPanels, n int) error { return f.addQolsys(n) }, 96, 12},
	} {
		used, err := idling(ctx, sessions, k.add)
		if err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
		t.limit("idle "+k.name+" session: memory [9]", fmt.Sprintf("%.1f KiB", used.kib), fmt.Sprintf("≤ %g KiB", k.kib), used.kib <= k.kib)
		t.limit("idle "+k.name+" session: goroutines", fmt.Sprintf("%.1f", used.goroutines), fmt.Sprintf("≤ %g", k.goroutines), used.goroutines <= k.goroutines)
	}
	t.note("[9] %d sessions of each, with their Watch, a while after they were opened: what keyholder and the libraries under it have allocated and keep, and a stack's share for each of their goroutines. "+
		"The simulators, in the same process, are left out by the functions that allocated. A session with PowerManage keeps no connection and no goroutine, and is closed after its turn.", sessions)
	return nil
}

// usage is what one session takes.
type usage struct{ kib, goroutines float64 }

func idling(ctx context.Context, sessions int, add func(f *estateOfPanels, n int) error) (usage, error) {
	rate := runtime.MemProfileRate
	runtime.MemProfileRate = 1
	defer func() { runtime.MemProfileRate = rate }()
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	f, err := newEstate(0, 0)
	if err != nil {
		return usage{}, err
	}
	for n := range sessions {
		if err := add(f, n); err != nil {
			return usage{}, err
		}
	}
	before := ours()
	arrived := make(chan struct{}, sessions)
	drv := f.drivers[f.panels[0].driver]
	running.Go(func() {
		for a, err := range drv.Arrivals(ctx) {
			if err == nil && !a.Gone {
				arrived <- struct{}{}
			}
		}
	})
	for _, p := range f.panels {
		running.Go(func() { _ = p.serve(ctx) }) // ends with ctx
	}
	if drv.Model().CallsIn {
		for range sessions {
			<-arrived
		}
	}
	wait(ctx, time.Second) // the simulators listen
	var open []panel.Session
	defer func() {
		for _, s := range open {
			_ = s.Close() // the simulators go as well
		}
	}()
	for n, p := range f.panels {
		s, err := f.drivers[p.driver].Open(ctx, p.target(n))
		if err != nil {
			return usage{}, err
		}
		open = append(open, s)
		running.Go(func() {
			for _, err := range s.Watch(ctx) {
				if err != nil {
					return // the session dies with its simulator
				}
			}
		})
	}
	wait(ctx, time.Second) // what opening took is let go
	after := ours()
	n := float64(sessions)
	u := usage{goroutines: float64(after.goroutines-before.goroutines) / n}
	u.kib = (float64(after.bytes-before.bytes)/n + u.goroutines*after.stack) / 1024
	return u, nil
}

// target is a panel as the roster would open it.
func (p aPanel) target(n int) panel.Target {
	t := panel.Target{Panel: fmt.Sprint("p-", n), Ident: p.ident, Routes: map[string]panel.Route{}}
	for name, r := range p.routes {
		t.Routes[name] = panel.Route{Addr: r.Addr, Secrets: r.Secrets}
	}
	return t
}

// footprint is what keyholder and the libraries under it hold.
type footprint struct {
	bytes      int64
	goroutines int
	stack      float64 // bytes of one goroutine's stack, on average
}

// foreign are parts of the names of functions that only simulators run: their packages,
// their MQTT broker, their HTTP server, and the network in memory.
var foreign = []string{"sim.", "mochi-mqtt", "paneltest.", "net/http.(*Server)", "net/http.(*conn)"}

func isForeign(names string) bool {
	return slices.ContainsFunc(foreign, func(f string) bool { return strings.Contains(names, f) })
}

// ours takes stock.
func ours() footprint {
	var f footprint
	runtime.GC()
	runtime.GC() // the profile is that of the collection before
	records := make([]runtime.MemProfileRecord, 64<<10)
	n, ok := runtime.MemProfile(records, false)
	for !ok {
		records = make([]runtime.MemProfileRecord, 2*n)
		n, ok = runtime.MemProfile(records, false)
	}
	for _, r := range records[:n] {
		var names strings.Builder
		frames := runtime.CallersFrames(r.Stack())
		for more := true; more; {
			var at runtime.Frame
			at, more = frames.Next()
			names.WriteString(at.Function + "\n")
		}
		if !isForeign(names.String()) {
			f.bytes += r.InUseBytes()
		}
	}
	stacks := make([]byte, 64<<20)
	for one := range strings.SplitSeq(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
		if !isForeign(one) {
			f.goroutines++
		}
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	f.stack = float64(stats.StackInuse) / float64(runtime.NumGoroutine())
	return f
}
