package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/engine"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// fleet measures many panels of mixed makers in one process: whether sick ones hold the
// healthy ones up, and what an idle session costs.
func fleet(m *meter, t *table, panels int) error {
	sick := panels / 20
	var half, all pairs
	for i := range 2 { // who is first alternates
		var took [2]settled
		for n := range took {
			which := (i + n) % 2
			var err error
			if took[which], err = settling(m.ctx, panels-sick, which*sick); err != nil {
				return err
			}
			debug.FreeOSMemory()
		}
		half.reference, half.ours = append(half.reference, took[0].half), append(half.ours, took[1].half)
		all.reference, all.ours = append(all.reference, took[0].all), append(all.ours, took[1].all)
	}
	t.ratio(fmt.Sprintf("half of %d healthy panels settle, 5 %% more sick [8]", panels-sick), half, "without the sick", 1.2)
	t.ratio(fmt.Sprintf("all of %d healthy panels settle, 5 %% more sick [8]", panels-sick), all, "without the sick", 1.2)
	t.note("[8] From the start of a node until the panels have been read in full and, where the wire writes, have one new code: DSC, PowerManage, 2N, Visonic frames, Qolsys IQ Remote and Z-Wave locks, " +
		"simulated in the same process over a network in memory (MQTT with its TLS, HTTP without), over a store in memory. Half of the sick ones never answer, the other half answers with noise. Two runs of each.")
	return idle(m.ctx, t, max(2, panels/40))
}

// settled is when half of the panels were done, and when all were.
type settled struct{ half, all time.Duration }

// settling lets a node begin with panels that it has never seen.
func settling(ctx context.Context, healthy, sick int) (settled, error) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	f, err := newEstate(healthy, sick)
	if err != nil {
		return settled{}, err
	}
	desk, err := f.desk()
	if err != nil {
		return settled{}, err
	}
	op := desk.As(accounts.HostActor("operator", "", "").Vouched(time.Now()))
	type job struct {
		tab     *roster.Tab
		receipt roster.Receipt
	}
	var open []job
	for _, s := range f.panels {
		p, err := op.Register(ctx, roster.Registration{Site: "site", Driver: s.driver, Ident: s.ident, Routes: s.routes})
		if err != nil {
			return settled{}, err
		}
		if s.sick {
			continue
		}
		j := job{tab: op.Panel(p.ID)}
		if s.writes {
			code, err := panel.ParseCode("6137")
			if err != nil {
				return settled{}, err
			}
			w := roster.CodeWish{Code: code}
			if p.Model.Slots.Len() == 0 {
				j.receipt, err = j.tab.Add(ctx, w)
			} else {
				j.receipt, err = j.tab.SetCode(ctx, panel.Place{Slot: 7}, w)
			}
			if err != nil {
				return settled{}, err
			}
		}
		open = append(open, j)
	}
	for _, s := range f.panels {
		if s.serve != nil {
			running.Go(func() { _ = s.serve(ctx) }) // ends with ctx
		}
	}
	begun := time.Now()
	running.Go(func() { engine.Run(ctx, nil, desk.Loops()...) })
	var took settled
	for all := len(open); len(open) > 0; {
		if time.Since(begun) > 5*time.Minute {
			info, err := open[0].tab.Info(ctx)
			return took, fmt.Errorf("%d of %d panels never settle, as %s: %+v, %w", len(open), all, info.Driver, info.Line, errors.Join(errStuck, err))
		}
		wait(ctx, 20*time.Millisecond)
		var left []job
		for _, j := range open {
			done, err := finished(ctx, j.tab, j.receipt)
			if err != nil {
				return took, err
			}
			if !done {
				left = append(left, j)
			}
		}
		if open = left; took.half == 0 && len(open) <= all/2 {
			took.half = time.Since(begun)
		}
	}
	took.all = time.Since(begun)
	return took, nil
}

// wait lets the machine do what it does.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

var errStuck = errors.New("bench: stuck")

func finished(ctx context.Context, tab *roster.Tab, r roster.Receipt) (bool, error) {
	p, err := tab.Receipt(ctx, r)
	if err != nil || !p.Fate.Ended() {
		return false, err
	}
	if r.Revision != 0 && p.Fate != roster.Settled && p.Fate != roster.Unverified {
		return false, fmt.Errorf("%w: %s %s", errStuck, p.Fate, p.Reason)
	}
	info, err := tab.Info(ctx)
	return !info.Baseline.IsZero(), err
}

// desk is a node over the estate's drivers.
func (f *estateOfPanels) desk() (*roster.Desk, error) {
	keys, err := credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
	if err != nil {
		return nil, err
	}
	desk, err := roster.New(roster.Options{
		Store: memstore.Open(), Keys: keys, Drivers: f.drivers,
		Authority: accounts.StaticAuthority{"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}},
	})
	f.secret = desk
	return desk, err
}

// dial reaches a simulated panel, a dead one, or one that lies.
func (f *estateOfPanels) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, _, _ := net.SplitHostPort(addr)
	switch host {
	case "dead":
		<-ctx.Done()
		return nil, ctx.Err()
	case "liar":
		ours, theirs := net.Pipe()
		go func() {
			defer func() { _ = theirs.Close() }()
			noise := make([]byte, 512)
			_, _ = rand.Read(noise)
			for range 64 {
				if _, err := theirs.Write(noise); err != nil {
					return
				}
			}
		}()
		return ours, nil
	}
	return f.network.DialContext(ctx, network, addr)
}
