package roster

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// listen takes in what panels say unasked, over the sessions that turns leave open. It
// lives until ctx ends; every session is closed by then.
func (d *Desk) listen(ctx context.Context) error {
	var watches sync.WaitGroup
	defer watches.Wait()
	d.local.listen()
	begin := func() {
		for _, k := range d.local.fresh() {
			watches.Go(func() { d.watch(ctx, k) })
		}
	}
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		begin()
		select {
		case <-d.local.news:
		case <-tick.C:
			if err := d.elsewhere(ctx); err != nil && ctx.Err() == nil {
				d.core.Logger().WarnContext(ctx, "kept sessions", slog.Any("error", err))
			}
		case <-ctx.Done():
			for _, k := range d.local.deafen() {
				d.shut(ctx, k.id, k.session)
			}
			begin() // each sees that it is over, and closes its session
			return ctx.Err()
		}
	}
}

// elsewhere closes the sessions whose panels another node has worked since: it keeps one
// of its own, and a panel has one.
func (d *Desk) elsewhere(ctx context.Context) error {
	idle := d.local.idle()
	for after := ""; len(idle) > 0; {
		lines, err := d.core.Store.Lines(ctx, linePanel(""), after, store.MaxPage)
		if err != nil {
			return err
		}
		for _, l := range lines {
			if s, ok := idle[l.Name]; ok && l.Token != s.token {
				d.local.dismiss(s.kept)
				d.local.steady(s.kept.id)
			}
			after = l.Name
		}
		if len(lines) < store.MaxPage {
			break
		}
	}
	return nil
}

// watch listens to one session until it ends, and closes it unless a turn uses it: then
// that does. What was missed since is read again, the later the oftener this happens.
func (d *Desk) watch(ctx context.Context, k *kept) {
	life, cancel := context.WithCancel(ctx)
	defer cancel()
	begun := time.Now()
	var err error
	if d.local.hears(k, cancel) {
		err = d.hear(life, k)
	}
	closes, news := d.local.silent(k)
	if closes {
		d.shut(ctx, k.id, k.session)
	}
	if news && d.tells(k) && ctx.Err() == nil {
		d.deafen(ctx, k.id)
	}
	if err == nil || !news || ctx.Err() != nil || k.callsIn && !d.local.connected(k.id) {
		return
	}
	d.core.Logger().DebugContext(ctx, "watch ended", slog.String("panel", k.id), slog.Any("error", err))
	wait := backoff(d.local.fell(k.id, time.Since(begun) < backoffLast))
	if err := d.mark(ctx, k.id, &panel.Query{All: true}, wait); err != nil && ctx.Err() == nil {
		d.core.Logger().WarnContext(ctx, "watch ended", slog.String("panel", k.id), slog.Any("error", err))
	}
}

// hears notes how to end a Watch that begins; false: it is over already.
func (l *local) hears(k *kept, stop context.CancelFunc) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	k.stop = stop
	return !k.over
}

// hear only notes what has to be read again: the turn that owns the line reads it.
func (d *Desk) hear(ctx context.Context, k *kept) error {
	for ev, err := range k.session.Watch(ctx) {
		switch {
		case err != nil:
			return err
		case ev.Opened != nil:
			err = d.opened(ctx, k.id, *ev.Opened)
		case ev.Stale != nil:
			err = d.mark(ctx, k.id, ev.Stale, 0)
		case ev.User != nil:
			err = d.mark(ctx, k.id, &panel.Query{Places: []panel.Place{ev.User.Place}}, 0)
		case ev.Panel != nil:
			err = d.mark(ctx, k.id, nil, 0)
		case ev.State != nil:
			err = d.keepStates(ctx, k.id, d.local.opened(k), ev)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// maxWants is how many places are named before everything is read again.
const maxWants = 64

// mark makes a panel's line due after a while, and notes what has to be read again. A
// flood of notices becomes one note.
func (d *Desk) mark(ctx context.Context, id string, stale *panel.Query, after time.Duration) error {
	_, err := d.core.Act(ctx, accounts.SystemActor("watch"), func(u *flow.Unit) error {
		m := store.Mark{Line: linePanel(id)}
		if after > 0 {
			m.Due = d.local.now().Add(after)
		}
		u.Do(m)
		if stale == nil {
			return nil
		}
		want, _, err := flow.Load(u, rec.Wanted, wantsID(id))
		if err != nil {
			return err
		}
		for _, p := range stale.Places {
			if !slices.Contains(want.Places, p) {
				want.Places = append(want.Places, p)
			}
		}
		if want.All = want.All || stale.All || len(want.Places) > maxWants; want.All {
			want.Places = nil
		}
		return flow.Put(u, rec.Wanted, wantsID(id), &want)
	})
	return err
}

func wantsID(panelID string) string { return "wants/" + panelID }
