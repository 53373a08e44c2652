package door

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Alarm is a duress alarm: somebody was forced to present a code. It prints without who
// and where.
type Alarm struct {
	ID      string // of the decision
	Account accounts.ID
	Site    string // "" for a sign-in of somebody who is at all sites
	Point   string // "" for a sign-in
	Reader  string // of a sign-in: the enrolled device
	// Action is what the rule about holder and point asks for; "": the host's default;
	// [Blind].
	Action       string
	Raised       time.Time // when the code was presented
	Delivered    time.Time // to Options.Alarm; zero: not yet
	Acknowledged time.Time // by a person; zero: not yet
}

// Blind is the action of an alarm that says that nobody hears any more who opens a device
// (its Reader), on which duress codes are: it names no account.
const Blind = flow.DuressBlind

// String returns the alarm's id alone.
func (a Alarm) String() string { return a.ID }

// Format keeps the rest out of every verb of fmt.
func (a Alarm) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, a.String()) }

// LogValue keeps the rest out of slog.
func (a Alarm) LogValue() slog.Value { return slog.StringValue(a.String()) }

// How alarms are delivered.
const (
	alarmLine    = "alarm/"
	alarmFor     = 2 * time.Minute // the longest that the host's function may take
	alarmBeat    = 2 * alarmFor
	alarmBackoff = 5 * time.Second
	alarmSlowest = time.Minute
	alarmSettle  = 5 * time.Second // for the commit of what came of it
)

// signal leaves the sealed message of a decision, alarm or not.
func (s *Service) signal(u *flow.Unit, f frame, q question, o outcome) error {
	return u.Signal(flow.Signal{Decision: o.id, At: f.now.T, Site: f.reader.Site, Point: q.entry.Point, Reader: f.id,
		Alarm: o.alarm, Account: o.forced, Action: o.decision.Action})
}

// carry takes the alarms out of the signals into the restricted log, the oldest first. A
// signal goes once its alarm is there, so that none is lost; who raises one that is there
// already raises nothing. Those that cannot be opened keep no other, however many they are:
// the error is the first one's.
func (s *Service) carry(ctx context.Context) error {
	q := store.Query{Kind: rec.Signals.Name, Term: rec.ByRaised}
	var first error
	for {
		page, err := s.core.Store.List(ctx, q)
		if err != nil {
			return errors.Join(first, err)
		}
		for _, r := range page {
			if err := s.carryOne(ctx, r); err != nil && first == nil {
				first = err
			}
			q.After = &store.Position{Value: r.Terms[0].Value, ID: r.Key.ID}
		}
		if len(page) < store.MaxPage {
			return first
		}
	}
}

func (s *Service) carryOne(ctx context.Context, r store.Record) error {
	sig, err := s.core.OpenSignal(r)
	if err != nil {
		return err
	}
	if sig.Alarm {
		if err := s.raise(ctx, sig); err != nil {
			return err
		}
	}
	_, err = s.core.Act(ctx, carrier(), func(u *flow.Unit) error {
		if _, found, err := flow.Load(u, rec.Signals, r.Key.ID); err != nil || !found {
			return err
		}
		flow.Drop(u, rec.Signals, r.Key.ID)
		return nil
	})
	return err
}

func carrier() accounts.Actor { return accounts.SystemActor("door") }

// raise enters an alarm into the restricted log and marks it for delivery.
func (s *Service) raise(ctx context.Context, sig flow.Signal) error {
	id := sig.Decision
	_, err := s.vault.Act(ctx, carrier(), func(u *flow.Unit) error {
		a, found, err := flow.Load(u, rec.Alarms, id)
		if err != nil || found {
			return err
		}
		a = rec.Alarm{Account: sig.Account, Action: sig.Action, Point: sig.Point, Raised: sig.At, Reader: sig.Reader, Site: sig.Site}
		u.Do(store.Mark{Line: alarmLine + id})
		what := audit.DuressRaised
		if a.Action == Blind {
			what = audit.DuressBlind
		}
		return errors.Join(flow.Put(u, rec.Alarms, id, &a), sayAlarm(u, what, audit.Success, id, a, flow.F(audit.FieldAct, a.Action)))
	})
	return err
}

func sayAlarm(u *flow.Unit, action audit.Action, how audit.Outcome, id string, a rec.Alarm, fields ...flow.Field) error {
	_, err := u.Say(action, how, []string{id, a.Account, a.Point, flow.Site(a.Site)}, append(fields, flow.F(audit.FieldAccount, a.Account),
		flow.F(audit.FieldPoint, a.Point), flow.F(audit.FieldReader, a.Reader), flow.F(audit.FieldSite, a.Site), flow.F(audit.FieldDecision, id))...)
	return err
}

// deliver hands the alarms that are due to the host.
func (s *Service) deliver(ctx context.Context) error {
	if s.o.Alarm == nil {
		return nil
	}
	due, err := s.o.Restricted.Due(ctx, alarmLine, 100)
	if err != nil || len(due) == 0 {
		return err
	}
	if _, err := s.o.Restricted.Beat(ctx, s.owner(), alarmBeat); err != nil {
		return err
	}
	var all error
	for _, l := range due {
		all = errors.Join(all, s.deliverOne(ctx, l.Name))
	}
	return all
}

func (s *Service) owner() string { return s.o.Node + "/door" }

func (s *Service) deliverOne(ctx context.Context, name string) error {
	line, err := s.o.Restricted.Own(ctx, s.owner(), name)
	if errors.Is(err, store.ErrOwned) {
		return nil
	}
	if err != nil {
		return err
	}
	id := strings.TrimPrefix(name, alarmLine)
	rs, err := s.o.Restricted.Load(ctx, rec.Alarms.Key(id))
	if err != nil {
		return err
	}
	a, _, err := rec.Alarms.Decode(rs[0])
	if err != nil {
		return err
	}
	hand, cancel := context.WithTimeout(ctx, alarmFor)
	failed := s.o.Alarm(hand, alarm(id, a))
	cancel()
	end, stop := context.WithTimeout(context.WithoutCancel(ctx), alarmSettle)
	defer stop()
	return s.settle(end, line, id, failed)
}

// settle records what came of a delivery, and when it is tried again. The words of a
// failure are not kept: they are the host's and may name the person.
func (s *Service) settle(ctx context.Context, line store.Line, id string, failed error) error {
	_, err := s.vault.Act(ctx, carrier(), func(u *flow.Unit) error {
		a, found, err := flow.Load(u, rec.Alarms, id)
		if err != nil || !found {
			return err
		}
		fate := store.Fate{Done: line.Gen}
		a.Tries++
		if failed != nil {
			fate = store.Fate{Again: u.Now().Add(min(alarmBackoff<<min(line.Attempts, 8), alarmSlowest)), Tried: true}
		} else {
			a.Delivered = u.Now()
		}
		u.Do(store.Fence{Line: line.Name, Owner: line.Owner, Token: line.Token, Fate: fate})
		err = flow.Put(u, rec.Alarms, id, &a)
		if failed != nil {
			return errors.Join(err, sayAlarm(u, audit.DuressFailed, audit.Failure, id, a, flow.F(audit.FieldAttempts, count(a.Tries))))
		}
		return errors.Join(err, sayAlarm(u, audit.DuressDelivered, audit.Success, id, a, flow.F(audit.FieldAttempts, count(a.Tries))))
	})
	return err
}

func alarm(id string, a rec.Alarm) Alarm {
	return Alarm{ID: id, Account: accounts.ID(a.Account), Site: a.Site, Point: a.Point, Reader: a.Reader, Action: a.Action,
		Raised: a.Raised, Delivered: a.Delivered, Acknowledged: a.Acknowledged}
}
