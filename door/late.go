package door

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Enter takes over what an edge decided during an outage: one entry each, with its own
// time and the mark that it is late, and the alarm that it raised. It returns the number
// of the line that it wants next; what was taken over already is passed by. Lines that do
// not open, leave one out, say what an edge of this reader cannot have decided or were
// written after the reader was ended are [ErrJournal]: nothing from there on is taken over,
// and that is an entry.
func (s *Service) Enter(ctx context.Context, proof Proof, lines []byte) (next uint64, err error) {
	if s.core.Opener == nil {
		return 0, flow.ErrNoOpener
	}
	r, err := load(ctx, s.core.Store, rec.Readers, proof.id())
	if err != nil {
		return 0, err
	}
	if !proof.matches(r.Hash) {
		return 0, s.core.Refused(ctx, asker(proof.id()), "door.Enter", nil, ErrReader)
	}
	key, err := s.core.Opener.Open(journalBinding(proof.id()), r.Journal)
	if err != nil {
		return 0, err
	}
	aead, err := lineAEAD(key)
	if err != nil {
		return 0, err
	}
	taken, err := load(ctx, s.core.Store, rec.Takens, takenID(proof.id()))
	if err != nil {
		return 0, err
	}
	if len(taken.Chain) == 0 {
		taken.Chain = make([]byte, chainLen)
	}
	for len(lines) > 0 {
		line := lines[:min(lineSize, len(lines))]
		lines = lines[len(line):]
		if len(line) == lineSize && lineNumber(line) < taken.Next {
			continue
		}
		l, err := openLine(aead, line, taken.Chain)
		if err != nil || lineNumber(line) != taken.Next || !r.Ended.IsZero() && l.At.After(r.Ended) {
			return taken.Next, s.refuseJournal(ctx, proof.id(), r, taken.Next)
		}
		after := rec.Taken{Next: taken.Next + 1, Chain: chained(line)}
		err = s.enter(ctx, proof.id(), r, l, taken.Next, after, false)
		if errors.Is(err, store.ErrLimit) { // the site's budget is used up by this one
			err = s.enter(ctx, proof.id(), r, l, taken.Next, after, true)
		}
		if errors.Is(err, ErrJournal) {
			err = s.refuseJournal(ctx, proof.id(), r, taken.Next)
		}
		if err != nil {
			return taken.Next, err
		}
		taken = after
	}
	return taken.Next, nil
}

// refuseJournal enters that a journal was not taken over, and returns [ErrJournal].
func (s *Service) refuseJournal(ctx context.Context, id string, r rec.Reader, line uint64) error {
	_, err := s.core.Act(ctx, asker(id), func(u *flow.Unit) error {
		_, err := u.Say(audit.DoorJournalRefused, audit.Failure, []string{flow.Site(r.Site)}, flow.F(audit.FieldReader, id),
			flow.F(audit.FieldSite, r.Site), flow.F(audit.FieldCount, count(int64(line))), flow.F(audit.FieldReason, ErrJournal.Error()))
		return err
	})
	return errors.Join(ErrJournal, err)
}

// enter takes over one line, if nobody has meanwhile. With beyond the site's budget of
// wrong codes is used up.
func (s *Service) enter(ctx context.Context, id string, r rec.Reader, l late, line uint64, after rec.Taken, beyond bool) error {
	var news []Alert
	_, err := s.core.Act(ctx, asker(id), func(u *flow.Unit) error {
		news = nil
		now, _, err := flow.Load(u, rec.Takens, takenID(id))
		if err != nil || now.Next > line {
			return err
		}
		if err := s.believed(u, r, l); err != nil {
			return err
		}
		if err := flow.Put(u, rec.Takens, takenID(id), &after); err != nil {
			return err
		}
		flag, err := s.core.SealDuress(l.ID, l.Duress)
		if err != nil {
			return err
		}
		what := audit.Denied
		if l.Reason == credentials.Granted {
			what = audit.Success
		}
		fields := []flow.Field{flow.F(audit.FieldAccount, l.Account), flow.F(audit.FieldPoint, l.Point), flow.F(audit.FieldReader, id),
			flow.F(audit.FieldMedium, l.Medium.String()), flow.F(audit.FieldReason, string(l.Reason)), flow.F(audit.FieldRule, l.Rule),
			flow.F(audit.FieldSite, r.Site), flow.F(audit.FieldDecision, l.ID), flag,
			flow.F(audit.FieldDecided, l.At.UTC().Format(time.RFC3339Nano)), flow.F(audit.FieldLate, "true")}
		if l.Typed {
			fields = append(fields, flow.F(audit.FieldFields, "tag number typed"))
		}
		if _, err := u.Say(audit.DoorDecided, what, []string{l.Account, l.Point, flow.Site(r.Site), l.ID}, fields...); err != nil {
			return err
		}
		f := frame{id: id, reader: r, now: credentials.Now{T: l.At, Quality: l.Clock}}
		o := outcome{id: l.ID, alarm: l.Alarm, account: l.Account, forced: cmp.Or(l.Forced, l.Account), decision: credentials.Decision{Action: l.Action}}
		if err := s.signal(u, f, question{entry: Entry{Point: l.Point}}, o); err != nil {
			return err
		}
		f.tell = func(a Alert) { news = append(news, a) }
		return errors.Join(s.lateWrong(u, f, l, beyond), lateUse(u, l))
	})
	if err == nil {
		s.bell.tell(news...)
	}
	return err
}

// lateWrong counts a wrong code of an outage as one of now: against the reader's medium and
// against the site. The time that it says counts neither before the last wrong code nor
// after now, so that nobody is locked out by a clock.
func (s *Service) lateWrong(u *flow.Unit, f frame, l late, beyond bool) error {
	if !l.Wrong {
		return nil
	}
	lock, _, err := flow.Load(u, rec.Lockouts, lockID(f.id, place{l.Point, l.Medium}))
	if err != nil {
		return err
	}
	if f.now.T.After(u.Now()) {
		f.now.T = u.Now()
	}
	if f.now.T.Before(lock.Last) && !lock.Last.After(u.Now()) {
		f.now.T = lock.Last
	}
	f.late, f.locks = true, map[credentials.Medium]rec.Lockout{l.Medium: lock}
	f.alert = guessingID(f.reader.Site, f.now.T)
	if _, f.guessing, err = flow.Peek(u, rec.Guessings, f.alert); err != nil {
		return err
	}
	return s.counted(u, f, question{entry: Entry{Point: l.Point}, beyond: beyond}, []credentials.Medium{l.Medium})
}

// lateUse counts a use of an outage.
func lateUse(u *flow.Unit, l late) error {
	if l.Reason != credentials.Granted {
		return nil
	}
	used, _, err := flow.Load(u, rec.Usages, l.Usage)
	if err != nil {
		return err
	}
	used.Count++
	if used.First.IsZero() || l.At.Before(used.First) {
		used.First = l.At
	}
	if l.At.After(used.Last) {
		used.Last = l.At
	}
	c, _, err := flow.Load(u, rec.Credentials, l.Usage)
	if err != nil {
		return err
	}
	if c.Counted() {
		u.Project(c.Account)
	}
	return flow.Put(u, rec.Usages, l.Usage, &used)
}
