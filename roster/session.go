package roster

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"reflect"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// kept is a session that stays open after the turn that opened it, because it hears what
// its panel says unasked. It serves the panel's turns and one Watch, on this node.
type kept struct {
	id      string
	session panel.Session
	since   time.Time // it was opened
	callsIn bool      // no other node can reach the panel

	// What follows is guarded by the mutex of local.
	target panel.Target       // it was opened with
	token  uint64             // of the line in the last turn that used it
	busy   bool               // a turn uses it
	over   bool               // nothing more is heard, or nobody listens any more
	heard  bool               // a Watch was asked for, which closes the session in the end
	stop   context.CancelFunc // ends that; nil: it has not begun
	timer  *time.Timer        // closes it when it was not used for Model.Linger
}

// fits reports whether a session that was opened with one target serves another. What a
// session left for the next says nothing about that.
func fits(a, b panel.Target) bool {
	return reflect.DeepEqual(stateless(a), stateless(b))
}

func stateless(t panel.Target) panel.Target {
	t.Routes = maps.Clone(t.Routes)
	for name, r := range t.Routes {
		r.State = nil
		t.Routes[name] = r
	}
	return t
}

// take gives a turn the session that is kept for its panel, if there is one.
func (l *local) take(id string) *kept {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.sessions[id]
	if k == nil || k.over {
		return nil
	}
	k.busy = true
	if k.timer != nil {
		k.timer.Stop()
	}
	return k
}

// opened is what a session was opened with.
func (l *local) opened(k *kept) panel.Target {
	l.mu.Lock()
	defer l.mu.Unlock()
	return k.target
}

// keep keeps a session after a turn, if somebody listens to sessions here and there is
// room. False: the caller closes it.
func (l *local) keep(k *kept, opened panel.Target, token uint64, most int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.sessions[k.id]
	if !l.listening || k.over || old != k && (old != nil || len(l.sessions) >= most) {
		return false
	}
	k.busy, k.target, k.token = false, opened, token
	l.sessions[k.id] = k
	return true
}

// announce asks for a Watch of the session that a turn has left. The turn is over by then,
// so that a Watch that fails at once makes the line wait as long as it should. The caller
// holds the mutex.
func (l *local) announce(line string) {
	k := l.sessions[line[len("panel/"):]]
	if k == nil {
		return
	}
	if linger := k.session.Model().Linger; linger > 0 {
		k.timer = time.AfterFunc(linger, func() { l.dismiss(k) })
	}
	if k.heard {
		return
	}
	k.heard = true
	l.unheard = append(l.unheard, k)
	select {
	case l.news <- struct{}{}:
	default:
	}
}

// drop forgets a session that its turn is about to close, and ends its Watch.
func (l *local) drop(k *kept) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.remove(k)
}

// dismiss lets a session end that no turn uses.
func (l *local) dismiss(k *kept) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !k.busy && k.heard {
		l.remove(k)
	}
}

// remove forgets a session and ends its Watch. The caller holds the mutex.
func (l *local) remove(k *kept) {
	k.over = true
	if l.sessions[k.id] == k {
		delete(l.sessions, k.id)
	}
	if k.timer != nil {
		k.timer.Stop()
	}
	if k.stop != nil {
		k.stop()
	}
}

// silent notes that a Watch has ended. It reports whether the session has to be closed
// here, and whether its end is news.
func (l *local) silent(k *kept) (closes, news bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	news = !k.over
	l.remove(k)
	return !k.busy, news
}

// fresh are the sessions that nobody listens to yet.
func (l *local) fresh() []*kept {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.unheard
	l.unheard = nil
	return out
}

// unused is a session that no turn uses, with the token of the last one that did.
type unused struct {
	kept  *kept
	token uint64
}

// idle lists, by their lines, the unused sessions with panels that other nodes can reach.
func (l *local) idle() map[string]unused {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[string]unused{}
	for id, k := range l.sessions {
		if !k.busy && !k.callsIn {
			out[linePanel(id)] = unused{k, k.token}
		}
	}
	return out
}

// listen says that sessions can be kept.
func (l *local) listen() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.listening = true
}

// deafen says that they cannot be kept any more, and returns those that nobody closes.
func (l *local) deafen() (unheard []*kept) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.listening = false
	for _, k := range l.sessions {
		if !k.busy && !k.heard {
			l.remove(k)
			unheard = append(unheard, k)
		}
	}
	return unheard
}

// fell counts how often in a row a Watch ended early, and returns how often it was before.
func (l *local) fell(id string, early bool) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !early {
		delete(l.falls, id)
	}
	n := l.falls[id]
	l.falls[id]++
	return n
}

// steady forgets how often a Watch fell.
func (l *local) steady(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.falls, id)
}

// open gets a new session with the panel, after giving back one that there was.
func (w *turn) open(ctx context.Context, t panel.Target) error {
	drv, ok := w.desk.o.Drivers[w.panel.Driver]
	if !ok {
		return ErrNoDriver
	}
	w.close(ctx)
	session, err := drv.Open(ctx, t)
	w.opened = t
	if err == nil {
		w.session, w.since, w.reused = session, time.Now(), false
	}
	return err
}

// join gets a session with the panel: the one that is kept for it, as long as that one
// was opened with the same address and secrets and is not too old to be believed about
// the panel itself; else a new one.
func (w *turn) join(ctx context.Context, t panel.Target) error {
	if w.session == nil && w.kept != nil && fits(w.desk.local.opened(w.kept), t) && time.Since(w.kept.since) < w.desk.o.ReadEvery {
		w.session, w.opened, w.reused = w.kept.session, t, true
	}
	if w.session != nil && fits(w.opened, t) {
		return nil
	}
	return w.open(ctx, t)
}

// leave keeps the session for what the panel says next and for the next turn, or closes it.
func (w *turn) leave(ctx context.Context, failed error) {
	alive := failed == nil || errors.Is(failed, errUnfinished) || errors.Is(failed, panel.ErrBusy) || errors.Is(failed, panel.ErrArmed)
	if !alive || w.session == nil {
		w.close(ctx)
		return
	}
	k := w.kept
	if k == nil {
		k = &kept{id: w.id, session: w.session, since: w.since, callsIn: w.panel.Model.CallsIn, busy: true}
	}
	w.attempt.Keeper = ""
	if !panel.Hears(k.session) || !w.desk.local.keep(k, w.opened, w.line.Token, w.desk.o.Watches) {
		w.close(ctx)
		return
	}
	w.session, w.kept = nil, nil
	w.attempt.Keeper = w.desk.o.Node
}

// gap reports whether the panel was listened to until a while ago, and not since: what
// happened there meanwhile is not known.
func (w *turn) gap() bool { return w.attempt.Keeper != "" && !w.reused }

// close gives back the session, and one that was kept and is not wanted any more.
func (w *turn) close(ctx context.Context) {
	session := w.session
	if w.kept != nil {
		session = w.kept.session
		w.desk.local.drop(w.kept)
	}
	w.session, w.kept = nil, nil
	if session != nil {
		w.desk.shut(ctx, w.id, session)
	}
}

func (d *Desk) shut(ctx context.Context, id string, s panel.Session) {
	if err := s.Close(); err != nil {
		d.core.Logger().DebugContext(ctx, "close", slog.String("panel", id), slog.Any("error", err))
	}
}
