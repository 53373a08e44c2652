package door

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// outcome is a decision with what it leaves.
type outcome struct {
	id       string
	decision credentials.Decision
	alarm    bool
	account  string // "" where nobody was meant
	forced   string // whom the alarm names
}

// conclude writes what a decision leaves: one entry of one shape, the signal in which it is
// sealed whether there is an alarm, and what was counted. None of it depends on which of a
// person's codes was typed.
func (s *Service) conclude(u *flow.Unit, f frame, q question, t together, o outcome) (Answer, error) {
	d := o.decision
	wrong := wrongMedia(q, t, d)
	if !f.locked.IsZero() && d.Reason == credentials.Unknown {
		d.Reason, d.Next = credentials.LockedOut, time.Time{} // nobody learns during a lock-out what is a code
	}
	answer := Answer{Granted: d.Granted(), Reason: d.Reason, Next: d.Next, Decision: o.id}
	if !f.locked.IsZero() {
		answer.Next = time.Time{}
	}
	flag, err := s.core.SealDuress(o.id, d.Duress)
	if err != nil {
		return Answer{}, err
	}
	fields := []flow.Field{flow.F(audit.FieldAccount, o.account), flow.F(audit.FieldPoint, q.entry.Point), flow.F(audit.FieldReader, f.id),
		flow.F(audit.FieldMedium, q.entry.Medium.String()), flow.F(audit.FieldReason, string(d.Reason)), flow.F(audit.FieldRule, d.Rule),
		flow.F(audit.FieldSite, f.reader.Site), flow.F(audit.FieldDecision, o.id), flag}
	if d.TagTyped {
		fields = append(fields, flow.F(audit.FieldFields, "tag number typed"))
	}
	what := audit.Denied
	if answer.Granted {
		what = audit.Success
	}
	targets := []string{o.account, q.entry.Point, flow.Site(f.reader.Site), o.id}
	if _, err := u.Say(audit.DoorDecided, what, targets, fields...); err != nil {
		return Answer{}, err
	}
	if err := s.signal(u, f, q, o); err != nil {
		return Answer{}, err
	}
	if f.locked.IsZero() && !f.enrolled {
		err = errors.Join(s.counted(u, f, q, wrong), forgiven(u, f, q, t, answer.Granted))
	}
	if err == nil && answer.Granted {
		err = opened(u, q, t)
	}
	return answer, err
}

// wrongMedia are the media on which a wrong code counts: where nobody's was presented, and
// where something was shown that completes nothing, though more is asked for.
func wrongMedia(q question, t together, d credentials.Decision) []credentials.Medium {
	switch d.Reason {
	case credentials.Unknown:
		return []credentials.Medium{q.entry.Medium}
	case credentials.Incomplete:
		return t.wrong
	}
	return nil
}

// counted counts wrong codes: against the reader's medium, and against the site.
func (s *Service) counted(u *flow.Unit, f frame, q question, wrong []credentials.Medium) error {
	for _, m := range wrong {
		l, locks := s.p.wrong(f.locks[m], f.now.T)
		if err := flow.Put(u, rec.Lockouts, lockID(f.id, place{q.entry.Point, m}), &l); err != nil {
			return err
		}
		if !locks {
			continue
		}
		fields := []flow.Field{flow.F(audit.FieldReader, f.id), flow.F(audit.FieldPoint, q.entry.Point), flow.F(audit.FieldMedium, m.String()),
			flow.F(audit.FieldSite, f.reader.Site), flow.F(audit.FieldUntil, l.Until.UTC().Format(time.RFC3339))}
		if _, err := u.Say(audit.DoorLocked, audit.Success, []string{q.entry.Point, flow.Site(f.reader.Site)}, append(fields, f.lateness()...)...); err != nil {
			return err
		}
		f.tell(Alert{At: f.now.T, Kind: Locked, Site: f.reader.Site, Reader: f.id, Point: q.entry.Point, Medium: m, Until: l.Until, Late: f.late})
	}
	if len(wrong) == 0 || f.guessing {
		return nil
	}
	if q.beyond {
		return s.guessed(u, f)
	}
	budget, err := s.budget(u.Context(), f.reader.Site, u.Now())
	if err != nil {
		return err
	}
	day := f.now.T.UTC().Truncate(guessDay)
	u.Do(store.Count{Counter: "wrong/" + f.alert, By: 1, Max: budget - 1, Until: day.Add(2 * guessDay)})
	return nil
}

// guessed raises the site's alarm, once in its stretch of time.
func (s *Service) guessed(u *flow.Unit, f frame) error {
	g, found, err := flow.Load(u, rec.Guessings, f.alert)
	if err != nil || found {
		return err
	}
	g.At = f.now.T
	if err := flow.Put(u, rec.Guessings, f.alert, &g); err != nil {
		return err
	}
	f.tell(Alert{At: f.now.T, Kind: Guessing, Site: f.reader.Site, Reader: f.id, Late: f.late})
	fields := []flow.Field{flow.F(audit.FieldSite, f.reader.Site), flow.F(audit.FieldReader, f.id)}
	_, err = u.Say(audit.DoorGuessing, audit.Success, []string{flow.Site(f.reader.Site)}, append(fields, f.lateness()...)...)
	return err
}

// lateness marks an entry of what happened in an outage.
func (f frame) lateness() []flow.Field {
	if !f.late {
		return nil
	}
	return []flow.Field{flow.F(audit.FieldLate, "true")}
}

// forgiven begins the count anew where everything that was presented was right, and ends
// for good the lock-out that was over by then. How long the next lock-out would be is not
// forgiven: somebody inside could guess for others.
func forgiven(u *flow.Unit, f frame, q question, t together, granted bool) error {
	if !granted {
		return nil
	}
	for m, l := range f.locks {
		if l.Wrong == 0 && l.Until.IsZero() || slices.Contains(t.wrong, m) {
			continue
		}
		l.Wrong, l.Until = 0, time.Time{}
		if err := flow.Put(u, rec.Lockouts, lockID(f.id, place{q.entry.Point, m}), &l); err != nil {
			return err
		}
	}
	return nil
}

// opened counts a use of each credential and keeps when the point opened. Two who use a code that opens once
// cannot both commit.
func opened(u *flow.Unit, q question, t together) error {
	ends := false
	for _, one := range t.uses {
		used := one.used
		used.Count++
		used.Last = u.Now()
		if used.First.IsZero() {
			used.First = used.Last
		}
		ends = ends || one.counted
		if err := flow.Put(u, rec.Usages, one.usage, &used); err != nil {
			return err
		}
	}
	if ends {
		u.Project(t.account)
	}
	o, _, err := flow.Load(u, rec.Openings, openingID(q.entry.Point))
	if err != nil {
		return err
	}
	o.At = u.Now()
	return flow.Put(u, rec.Openings, openingID(q.entry.Point), &o)
}

// count writes a number into a field.
func count(n int64) string { return strconv.FormatInt(n, 10) }
