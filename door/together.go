package door

import (
	"slices"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
)

// together is what of an entry counts: what was presented first, with what completes it.
type together struct {
	person                      // who has what was presented first, with the secrets of all that counts
	with   []credentials.Shown  // what completes it
	uses   []person             // each credential once
	wrong  []credentials.Medium // on which something was shown that completes nothing
}

// shownBy reads who has what was shown, one for each, also where it is nobody's or the same
// person's again.
func (s *Service) shownBy(u *flow.Unit, site string, q question) ([]person, error) {
	var who []person
	for i := range q.shown {
		holder, err := s.holder(u.Context(), q.names[i])
		if err != nil {
			return nil, err
		}
		p, err := s.person(u, site, holder, q.prints[i])
		if err != nil {
			return nil, err
		}
		who = append(who, p)
	}
	return who, nil
}

// alone is what was shown in a place of an entry, as if it were all.
func (f frame) alone(q question, place int) credentials.Presented {
	return credentials.Presented{Point: q.entry.Point, Medium: q.shown[place].Medium, Prints: q.prints[place], Opened: f.opening.At, Lockdown: q.entry.Lockdown}
}

// completed finds what completes what was presented first: what else the same person has
// shown, if it opens by itself now. Anything else is wrong on its medium.
func (f frame) completed(q question, who []person) together {
	t := together{person: who[0], uses: who[:1:1]}
	t.record.Secrets = slices.Clone(t.record.Secrets)
	for i, other := range who[1:] {
		p := f.alone(q, i+1)
		again := slices.ContainsFunc(t.uses, func(u person) bool { return u.usage == other.usage })
		if other.account != t.account || !again && !other.opens(p, f.now) {
			if !slices.Contains(t.wrong, p.Medium) {
				t.wrong = append(t.wrong, p.Medium)
			}
			continue
		}
		t.with = append(t.with, credentials.Shown{Medium: p.Medium, Prints: p.Prints})
		if !again {
			t.uses = append(t.uses, other)
			t.record.Secrets = append(t.record.Secrets, other.record.Secrets...)
		}
	}
	return t
}

// opens reports whether a person's credential opens anything by itself now, whatever rules
// say and however many are asked for.
func (p person) opens(shown credentials.Presented, now credentials.Now) bool {
	p.record.Needs = 0
	anywhere := credentials.Rule{Who: p.record.As, Points: []string{shown.Point}, InLockdown: true}
	return credentials.Decide(p.record, []credentials.Rule{anywhere}, shown, now).Granted()
}

// judge decides, and finds a duress code wherever it was shown: it raises its alarm whoever
// has it, and whatever the decision. There is one alarm, in the name of one of them.
func (s *Service) judge(f frame, q question, who []person, t together, rules []credentials.Rule) outcome {
	p := f.alone(q, 0)
	p.With, p.Locked = t.with, f.locked
	if s.p.Both && f.guessing {
		p.Needs = 2
	}
	o := outcome{id: flow.NewID(), decision: credentials.Decide(t.record, rules, p, f.now), forced: t.account}
	if o.decision.Reason != credentials.Unknown || o.decision.TagTyped {
		o.account = t.account
	}
	o.alarm = s.p.alarms(o.decision)
	for i, other := range who[1:] {
		d := credentials.Decide(other.record, rules, f.alone(q, i+1), f.now)
		o.decision.Duress = o.decision.Duress || d.Duress
		if !o.alarm && s.p.alarms(d) {
			o.alarm, o.forced, o.decision.Action = true, other.account, d.Action
		}
	}
	return o
}

// alarms reports whether a decision raises an alarm.
func (p Policy) alarms(d credentials.Decision) bool { return d.Alarm || p.AlarmAlways && d.Duress }
