package paneltest_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// outcomes breaks each outcome, or each error with the zero Outcome.
func outcomes(change func(e panel.Edit, o *panel.Outcome, err *error) (tell bool)) func(*broken) {
	return func(b *broken) {
		b.apply = func(ctx context.Context, s panel.Session, edits []panel.Edit, yield func(panel.Outcome, error) bool) {
			for o, err := range s.Apply(ctx, edits) {
				var of panel.Edit
				for _, e := range edits {
					if e.Place == o.Place {
						of = e
					}
				}
				if change(of, &o, &err) && !yield(o, err) {
					return
				}
			}
		}
	}
}

// edited breaks the edits on their way in.
func edited(change func(e *panel.Edit)) func(*broken) {
	return func(b *broken) {
		b.apply = func(ctx context.Context, s panel.Session, edits []panel.Edit, yield func(panel.Outcome, error) bool) {
			for i := range edits {
				change(&edits[i])
			}
			s.Apply(ctx, edits)(yield)
		}
	}
}

// events breaks each event of Read.
func events(change func(q panel.Query, e panel.Event, err error, yield func(panel.Event, error) bool) bool) func(*broken) {
	return func(b *broken) {
		b.read = func(ctx context.Context, s panel.Session, q panel.Query, yield func(panel.Event, error) bool) {
			for e, err := range s.Read(ctx, q) {
				if !change(q, e, err, yield) {
					return
				}
			}
		}
	}
}

func remodelled(change func(*panel.Model)) func(*broken) {
	return func(b *broken) {
		b.model = func(m panel.Model) panel.Model { change(&m); return m }
	}
}

func flawed(f flaw) func(*broken) {
	return func(b *broken) { b.Driver.(*toy).flaw = f }
}

// openedWith breaks one error of Open, and the same of Apply.
func openedWith(right, wrong error) func(*broken) {
	swap := func(err error) error {
		if errors.Is(err, right) {
			return wrong
		}
		return err
	}
	return func(b *broken) {
		outcomes(func(_ panel.Edit, _ *panel.Outcome, err *error) bool { *err = swap(*err); return true })(b)
		b.open = func(ctx context.Context, t panel.Target) (panel.Session, error) {
			s, err := b.Driver.Open(ctx, t)
			return s, swap(err)
		}
	}
}

var errUnknown = errors.New("something went wrong")

// mutants are the ways of being wrong. Each names the part of the kit that must see it
// and words of what it must say.
var mutants = map[string]struct {
	shape, part, says string
	breaks            func(*broken)
}{
	"lies about done": {"", "Truncation", "is reported done, and the panel does not show it", outcomes(func(e panel.Edit, o *panel.Outcome, _ *error) bool {
		o.Done, o.Unsure = o.Done|o.Unsure, 0
		return true
	})},
	"calls lost answers refusals": {"", "Fault/cut_before", "reported as refused or not sent, and the panel took it", outcomes(func(e panel.Edit, o *panel.Outcome, _ *error) bool {
		for f := range o.Unsure.Each() {
			o.Refused[f] = panel.ErrRefused
		}
		o.Unsure = 0
		return true
	})},
	"is silent about lost answers": {"", "Fault/cut_before", "reported as refused or not sent, and the panel took it", outcomes(func(e panel.Edit, o *panel.Outcome, err *error) bool {
		return *err != nil || o.Unsure == 0
	})},
	"drops an outcome": {"", "Apply/many", "no outcome of the edit", outcomes(func(e panel.Edit, o *panel.Outcome, err *error) bool {
		return o.Slot != 9
	})},
	"tells an outcome twice": {"", "Apply/all", "a second outcome", func(b *broken) {
		b.apply = func(ctx context.Context, s panel.Session, edits []panel.Edit, yield func(panel.Outcome, error) bool) {
			for o, err := range s.Apply(ctx, edits) {
				for range 2 {
					if !yield(o, err) {
						return
					}
				}
			}
		}
	}},
	"tells of nobody's edit": {"", "Apply/all", "where no edit was", outcomes(func(e panel.Edit, o *panel.Outcome, err *error) bool {
		o.Slot++
		return true
	})},
	"overlaps": {"", "Apply/all", "overlap", outcomes(func(e panel.Edit, o *panel.Outcome, err *error) bool {
		o.Unsure |= o.Done
		return true
	})},
	"gives an empty ticket": {"", "Apply/all", "the ticket is empty", outcomes(func(e panel.Edit, o *panel.Outcome, err *error) bool {
		o.Ticket = []byte{}
		return true
	})},
	"drops a field": {"", "Apply/all", "nothing is said of label", edited(func(e *panel.Edit) { e.Set &^= panel.FieldLabel })},
	"refuses with an error of its own": {"", "Apply/refused", "wraps neither", outcomes(func(e panel.Edit, o *panel.Outcome, err *error) bool {
		for f := range o.Refused {
			o.Refused[f] = errUnknown
		}
		return true
	})},
	"leaks a code in a refusal": {"", "Apply/duplicate", "tells a code or key", outcomes(func(e panel.Edit, o *panel.Outcome, err *error) bool {
		for f := range o.Refused {
			o.Refused[f] = fmt.Errorf("%w: %s is taken", panel.ErrRefused, e.Code.Reveal())
		}
		return true
	})},
	"leaks its key in an error": {"", "Line/away", "tells a code or key", func(b *broken) {
		b.open = func(ctx context.Context, t panel.Target) (panel.Session, error) {
			s, err := b.Driver.Open(ctx, t)
			if err != nil {
				err = fmt.Errorf("%w (key %q)", err, t.Routes["toy"].Secrets["key"].Reveal())
			}
			return s, err
		}
	}},
	"keeps its key in the session": {"", "Session", "the session tells a code or key", func(b *broken) {
		b.open = func(ctx context.Context, t panel.Target) (panel.Session, error) {
			s, err := b.Driver.Open(ctx, t)
			return struct {
				panel.Session
				key string
			}{s, t.Routes["toy"].Secrets["key"].Reveal()}, err
		}
	}},
	"hangs when the line is lost": {"", "Fault/cut", "hangs", outcomes(func(_ panel.Edit, _ *panel.Outcome, err *error) bool {
		if *err != nil {
			time.Sleep(50 * time.Minute)
		}
		return true
	})},
	"ignores ctx": {"", "Deadline", "after its deadline", func(b *broken) {
		b.read = func(_ context.Context, s panel.Session, q panel.Query, yield func(panel.Event, error) bool) {
			if !q.All {
				s.Read(context.Background(), q)(yield)
				return
			}
			for range 3 { // as often as messages are lost
				for e, err := range s.Read(context.Background(), q) {
					if err != nil {
						time.Sleep(3 * time.Second)
						break
					}
					if !yield(e, nil) {
						return
					}
				}
			}
			yield(panel.Event{}, panel.ErrTimeout)
		}
	}},
	"ends a cancelled Apply as if done": {"", "Cancel", "ends without an error", outcomes(func(_ panel.Edit, _ *panel.Outcome, err *error) bool {
		return !errors.Is(*err, context.Canceled)
	})},
	"stores the ctx of Open": {"", "Read/everything", "out of reach", func(b *broken) {
		b.open = func(ctx context.Context, t panel.Target) (panel.Session, error) {
			s, err := b.Driver.Open(ctx, t)
			if err == nil {
				context.AfterFunc(ctx, func() { _ = s.Close() })
			}
			return s, err
		}
	}},
	"leaves a goroutine": {"", "Session", "deadlock", func(b *broken) {
		b.close = func(s panel.Session) error {
			go func() { <-make(chan struct{}) }()
			return s.Close()
		}
	}},
	"writes after Close": {"", "Session", "after Close", func(b *broken) {
		b.close = func(panel.Session) error { return nil }
	}},
	"changes instead of replacing": {"", "Apply/replace", "survive", edited(func(e *panel.Edit) {
		if e.Do == panel.Replace {
			e.Do, e.Unsure = panel.Create, e.Set
		}
	})},
	"overwrites who is there": {"", "Apply/create_spares", "changed the panel", edited(func(e *panel.Edit) { e.Unsure = e.Set })},
	"brings back who has gone": {"", "Apply/change_spares", "changed the panel", edited(func(e *panel.Edit) {
		if e.Do == panel.Change {
			e.Do, e.Unsure = panel.Create, e.Set
		}
	})},
	"fails to repair a creation": {"", "Apply/create_repairs", "place is occupied", edited(func(e *panel.Edit) { e.Unsure = 0 })},
	"speaks before it refuses": {"", "Apply/unsupported", "bytes were sent", func(b *broken) {
		b.apply = func(ctx context.Context, s panel.Session, edits []panel.Edit, yield func(panel.Outcome, error) bool) {
			for range s.Read(ctx, panel.Query{Places: []panel.Place{edits[0].Place}}) {
			}
			s.Apply(ctx, edits)(yield)
		}
	}},
	"promises what it cannot write": {"", "Apply/each", "refused", remodelled(func(m *panel.Model) {
		m.Create |= panel.FieldLegacyTags
		m.Change |= panel.FieldLegacyTags
	})},
	"writes what it denies": {"", "Apply/unsupported", "label: refused with <nil>", remodelled(func(m *panel.Model) {
		m.Create &^= panel.FieldLabel
		m.Change &^= panel.FieldLabel
	})},
	"takes slots that are reserved": {"", "Apply/no_such_place", "refused with <nil>", func(b *broken) {
		b.Driver.(*toy).model.Reserved = nil
		b.model = func(m panel.Model) panel.Model { m.Reserved = []int{7}; return m }
	}},
	"denies that codes are unique": {"", "Apply/duplicate", "did none of code", remodelled(func(m *panel.Model) { m.Code.Unique = false })},
	"is wider than its driver": {"", "Session", "Roles is wider", func(b *broken) {
		b.wider = func(m panel.Model) panel.Model { m.Roles = append(m.Roles, "Janitor"); return m }
	}},
	"contradicts itself": {"", "Model", "MasterSlot 200 is no slot", remodelled(func(m *panel.Model) { m.MasterSlot = 200 })},
	"holds keypads too long": {"calls in and is heard", "Apply/many", "locked out for", func(b *broken) {
		b.Driver.(*toy).model.Hold = time.Minute
		b.model = func(m panel.Model) panel.Model { m.Hold = 2 * time.Second; return m }
	}},
	"presents a refused key again": {"", "Line/wrong_secret", "it may present it once", func(b *broken) {
		b.open = func(ctx context.Context, t panel.Target) (panel.Session, error) {
			s, err := b.Driver.Open(ctx, t)
			if errors.Is(err, panel.ErrSecret) {
				return b.Driver.Open(ctx, t)
			}
			return s, err
		}
	}},
	"calls a busy panel silent": {"", "Line/busy", "the panel is busy", outcomes(func(_ panel.Edit, _ *panel.Outcome, err *error) bool {
		if errors.Is(*err, panel.ErrBusy) {
			*err = panel.ErrTimeout
		}
		return true
	})},
	"has errors of its own": {"", "Fault/cut", "wraps no line error", outcomes(func(_ panel.Edit, _ *panel.Outcome, err *error) bool {
		if *err != nil {
			*err = errUnknown
		}
		return true
	})},
	"goes on after an error": {"", "Fault/cut", "goes on after its error", func(b *broken) {
		b.apply = func(ctx context.Context, s panel.Session, edits []panel.Edit, yield func(panel.Outcome, error) bool) {
			for o, err := range s.Apply(ctx, edits) {
				if !yield(o, err) || err != nil && !yield(o, err) {
					return
				}
			}
		}
	}},
	"forgets a user": {"", "Read/everything", "does not report # 2", events(func(_ panel.Query, e panel.Event, err error, yield func(panel.Event, error) bool) bool {
		return e.User != nil && e.User.Slot == 2 || yield(e, err)
	})},
	"reports a user twice": {"", "Read/everything", "twice", events(func(_ panel.Query, e panel.Event, err error, yield func(panel.Event, error) bool) bool {
		return yield(e, err) && (e.User == nil || yield(e, err))
	})},
	"reports a slot out of range": {"", "Read/everything", "no such slot", events(func(_ panel.Query, e panel.Event, err error, yield func(panel.Event, error) bool) bool {
		if e.User != nil {
			r := *e.User
			r.Slot += 1000
			e.User = &r
		}
		return yield(e, err)
	})},
	"reports what is not there": {"", "Read/everything", "is not what the panel holds", events(func(_ panel.Query, e panel.Event, err error, yield func(panel.Event, error) bool) bool {
		if e.User != nil {
			e.User.Label = "Nobody"
		}
		return yield(e, err)
	})},
	"reads less than it promises": {"", "Read/everything", "the model reads label", events(func(_ panel.Query, e panel.Event, err error, yield func(panel.Event, error) bool) bool {
		if e.User != nil {
			e.User.Known &^= panel.FieldLabel
		}
		return yield(e, err)
	})},
	"has one mark for all": {"", "Read/marks", "one Mark", events(func(_ panel.Query, e panel.Event, err error, yield func(panel.Event, error) bool) bool {
		if e.User != nil && e.User.Exists {
			e.User.Mark = []byte("same")
		}
		return yield(e, err)
	})},
	"says two things in one event": {"", "Read/everything", "says 2 things", events(func(_ panel.Query, e panel.Event, err error, yield func(panel.Event, error) bool) bool {
		if e.User != nil {
			e.Panel = &panel.Facts{}
		}
		return yield(e, err)
	})},
	"ends a lost list cleanly": {"", "Fault/drop", "does not report", events(func(_ panel.Query, e panel.Event, err error, yield func(panel.Event, error) bool) bool {
		return err == nil && yield(e, err)
	})},
	"is silent about empty places": {"", "Read/places", "every place that is asked for", events(func(_ panel.Query, e panel.Event, err error, yield func(panel.Event, error) bool) bool {
		return e.User != nil && !e.User.Exists || yield(e, err)
	})},
	"cannot resume": {"", "Read/resumes", "want the", func(b *broken) {
		b.read = func(ctx context.Context, s panel.Session, q panel.Query, yield func(panel.Event, error) bool) {
			q.After = panel.Place{}
			s.Read(ctx, q)(yield)
		}
	}},
	"panics when it is stopped": {"", "Read/stops", "range function continued iteration", func(b *broken) {
		b.read = func(ctx context.Context, s panel.Session, q panel.Query, yield func(panel.Event, error) bool) {
			for e, err := range s.Read(ctx, q) {
				yield(e, err)
			}
		}
	}},
	"discloses codes unasked": {"directory of ids", "Read/discloses", "discloses the code", func(b *broken) {
		b.read = func(ctx context.Context, s panel.Session, q panel.Query, yield func(panel.Event, error) bool) {
			q.Disclose = true
			s.Read(ctx, q)(yield)
		}
	}},
	"takes any answer for the answer":    {"", "Fault/duplicate", "FAIL: TestMutant/Fault/duplicate", flawed(sloppy)},
	"takes damaged answers for consent":  {"", "Fault/corrupt", "does not report", flawed(credulous)},
	"takes one read for a whole message": {"", "OneByte/Read", "out of reach", flawed(greedy)},
	"calls late answers refusals": {"", "Fault/late", "refused", outcomes(func(_ panel.Edit, o *panel.Outcome, _ *error) bool {
		for f := range o.Unsure.Each() {
			o.Refused[f] = panel.ErrRefused
		}
		o.Unsure = 0
		return true
	})},
	"mistakes one panel for another": {"", "Read/facts", "names itself", events(func(_ panel.Query, e panel.Event, err error, yield func(panel.Event, error) bool) bool {
		if e.Panel != nil {
			e.Panel.Ident = "TOY-2"
		}
		return yield(e, err)
	})},
	"cannot do nothing": {"", "Apply/nothing", "Apply of no edits", func(b *broken) {
		b.apply = func(ctx context.Context, s panel.Session, edits []panel.Edit, yield func(panel.Outcome, error) bool) {
			if len(edits) == 0 {
				yield(panel.Outcome{}, panel.ErrProtocol)
			}
		}
	}},
	"removes but once": {"", "Apply/remove", "did none of code", func(b *broken) {
		b.apply = func(ctx context.Context, s panel.Session, edits []panel.Edit, yield func(panel.Outcome, error) bool) {
			for e := range s.Read(ctx, panel.Query{Places: []panel.Place{edits[0].Place}}) {
				if e.User != nil && !e.User.Exists && edits[0].Do == panel.Remove {
					yield(panel.Outcome{Place: edits[0].Place, Refused: map[panel.Field]error{panel.FieldCode: panel.ErrRefused}}, nil)
					return
				}
			}
			s.Apply(ctx, edits)(yield)
		}
	}},
	"says that the Master is gone": {"", "Apply/master", "is reported done", outcomes(func(e panel.Edit, o *panel.Outcome, _ *error) bool {
		if e.Do == panel.Remove {
			o.Done, o.Refused = panel.FieldCode, nil
		}
		return true
	})},
	"gives up the user to change the code": {"", "Apply/each", "with the code the label has changed", edited(func(e *panel.Edit) {
		if e.Do == panel.Change && e.Set == panel.FieldCode {
			e.Do = panel.Replace
		}
	})},
	"forgets a field of a new user": {"", "Apply/create$", "nothing is said of partitions", edited(func(e *panel.Edit) {
		if e.Do == panel.Create {
			e.Set &^= panel.FieldPartitions
		}
	})},
	"panics when Apply is stopped": {"", "Apply/stops", "range function continued iteration", func(b *broken) {
		b.apply = func(ctx context.Context, s panel.Session, edits []panel.Edit, yield func(panel.Outcome, error) bool) {
			for o, err := range s.Apply(ctx, edits) {
				yield(o, err)
			}
		}
	}},
	"calls an armed panel silent": {"", "Line/armed", "the panel is armed", outcomes(func(_ panel.Edit, _ *panel.Outcome, err *error) bool {
		if errors.Is(*err, panel.ErrArmed) {
			*err = panel.ErrTimeout
		}
		return true
	})},
	"calls a lock-out a wrong key":    {"", "Line/locked_out", "the panel is locked out", openedWith(panel.ErrBlocked, panel.ErrSecret)},
	"calls a panel that is away busy": {"", "Line/away", "the panel is away", openedWith(panel.ErrUnreachable, panel.ErrBusy)},
	"takes noise for a panel": {"", "Garbage", "takes noise for a panel", func(b *broken) {
		b.open = func(ctx context.Context, t panel.Target) (panel.Session, error) {
			if s, err := b.Driver.Open(ctx, t); err == nil {
				return s, nil
			}
			return &brokenSession{
				wider: func(panel.Model) panel.Model { return base() },
				read:  func(context.Context, panel.Session, panel.Query, func(panel.Event, error) bool) {},
				close: func(panel.Session) error { return nil },
			}, nil
		}
	}},
	"trips over what is said twice": {"calls in and is heard", "Quirk", "Watch ends", func(b *broken) {
		b.watch = func(ctx context.Context, s panel.Session, yield func(panel.Event, error) bool) {
			var last panel.Place
			for e, err := range s.Watch(ctx) {
				if e.Stale != nil && e.Stale.Places[0] == last {
					err = panel.ErrProtocol
				}
				if e.Stale != nil {
					last = e.Stale.Places[0]
				}
				if !yield(e, err) || err != nil {
					return
				}
			}
		}
	}},
	"hears nothing": {"calls in and is heard", "Watch", "does not tell of a new user", func(b *broken) {
		b.watch = func(ctx context.Context, _ panel.Session, _ func(panel.Event, error) bool) { <-ctx.Done() }
	}},
	"listens for ever": {"calls in and is heard", "Watch", "goes on when its ctx ends", func(b *broken) {
		b.watch = func(ctx context.Context, s panel.Session, yield func(panel.Event, error) bool) {
			s.Watch(context.WithoutCancel(ctx))(yield)
		}
	}},
}
