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
}

// conclude writes what a decision leaves: one entry of one shape, the signal in which it is
// sealed whether there is an alarm, and what was counted. None of it depends on which of a
// person's codes was typed.
func (s *Service) conclude(u *flow.Unit, f frame, q question, who person, o outcome) (Answer, error) {
	d := o.decision
	wrong := wrongMedia(q, d)
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
	if f.locked.IsZero() {
		err = errors.Join(s.counted(u, f, q, wrong), forgiven(u, f, answer.Granted))
	}
	if err == nil && answer.Granted {
		err = opened(u, q, who)
	}
	return answer, err
}

// wrongMedia are the media on which something was presented that is nobody's, or not the
// same person's.
func wrongMedia(q question, d credentials.Decision) []credentials.Medium {
	var wrong []credentials.Medium
	switch {
	case d.Reason == credentials.Unknown:
		wrong = append(wrong, q.entry.Medium)
	case d.Reason == credentials.Incomplete:
		for _, one := range q.shown[1:] {
			if !slices.Contains(wrong, one.Medium) {
				wrong = append(wrong, one.Medium)
			}
		}
	}
	return wrong
}

// counted counts wrong codes: against the reader's medium, and against the site.
func (s *Service) counted(u *flow.Unit, f frame, q question, wrong []credentials.Medium) error {
	for _, m := range wrong {
		l, locks := s.p.wrong(f.locks[m], f.now.T)
		if err := flow.Put(u, rec.Lockouts, lockID(f.id, m), &l); err != nil {
			return err
		}
		if !locks {
			continue
		}
		if _, err := u.Say(audit.DoorLocked, audit.Success, []string{q.entry.Point, flow.Site(f.reader.Site)},
			flow.F(audit.FieldReader, f.id), flow.F(audit.FieldPoint, q.entry.Point), flow.F(audit.FieldMedium, m.String()),
			flow.F(audit.FieldSite, f.reader.Site), flow.F(audit.FieldUntil, l.Until.UTC().Format(time.RFC3339))); err != nil {
			return err
		}
	}
	if len(wrong) == 0 || f.guessing {
		return nil
	}
	if q.beyond {
		return s.guessed(u, f)
	}
	inUse, err := s.core.Store.Tally(u.Context(), store.Query{Kind: rec.Credentials.Name})
	if err != nil {
		return err
	}
	day := f.now.T.UTC().Truncate(guessDay)
	u.Do(store.Count{Counter: "wrong/" + f.alert, By: 1, Max: s.p.budget(inUse) - 1, Until: day.Add(2 * guessDay)})
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
	_, err = u.Say(audit.DoorGuessing, audit.Success, []string{flow.Site(f.reader.Site)},
		flow.F(audit.FieldSite, f.reader.Site), flow.F(audit.FieldReader, f.id))
	return err
}

// forgiven begins the count anew where everything that was presented was right. How long
// the next lock-out would be is not forgiven: somebody inside could guess for others.
func forgiven(u *flow.Unit, f frame, granted bool) error {
	if !granted {
		return nil
	}
	for m, l := range f.locks {
		if l.Wrong == 0 {
			continue
		}
		l.Wrong = 0
		if err := flow.Put(u, rec.Lockouts, lockID(f.id, m), &l); err != nil {
			return err
		}
	}
	return nil
}

// opened counts a use and keeps when the point opened. Two who use a code that opens once
// cannot both commit.
func opened(u *flow.Unit, q question, who person) error {
	used := who.used
	used.Count++
	used.Last = u.Now()
	if used.First.IsZero() {
		used.First = used.Last
	}
	if who.counted {
		u.Project(who.account)
	}
	o, _, err := flow.Load(u, rec.Openings, openingID(q.entry.Point))
	if err != nil {
		return err
	}
	o.At = u.Now()
	return errors.Join(flow.Put(u, rec.Usages, who.usage, &used), flow.Put(u, rec.Openings, openingID(q.entry.Point), &o))
}

// count writes a number into a field.
func count(n int64) string { return strconv.FormatInt(n, 10) }
