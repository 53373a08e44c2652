package credentials

import "time"

// ClockQuality says how far the time can be relied on. The zero value is not at all.
type ClockQuality uint8

// The qualities.
const (
	ClockUnknown  ClockQuality = iota // nobody has looked
	ClockDoubtful                     // it contradicts something: the build, the log, another clock
	ClockTrusted                      // synchronised
)

// Now is a time with its quality.
type Now struct {
	T       time.Time
	Quality ClockQuality
}

// Decide says whether rec's holder may enter by what was presented. It is pure, it looks
// at every secret of the record before anything else, and then asks in the order of the
// reasons. Without a trusted clock nothing that depends on the time is granted: no
// window, no limited use or life, no schedule; a lock-out holds.
func Decide(rec Record, rules []Rule, p Presented, now Now) Decision {
	return decide(&rec, match(rec.Secrets, &p), rules, &p, now)
}

// decide goes on from what matched, and does not look at the record's secrets.
func decide(rec *Record, m matched, rules []Rule, p *Presented, now Now) Decision {
	if m.found == nil {
		return Decision{Reason: Unknown, TagTyped: m.tagTyped}
	}
	duress, trusted := m.duress || rec.Type == Forced, now.Quality == ClockTrusted
	d := Decision{Duress: duress, Alarm: duress && !rec.Window.Revoked && !m.found.Lost}
	first, by := firstRule(rec, rules, p), -1
	usedUp := rec.usedUp()
	m.needs = max(rec.Needs, p.Needs)
	switch {
	case !p.Locked.IsZero() && (!trusted || now.T.Before(p.Locked)):
		d.Reason = LockedOut
	case rec.Window.Revoked:
		d.Reason = Revoked
	case m.found.Lost:
		d.Reason = Lost
	case rec.Disabled:
		d.Reason = Disabled
	case !rec.Type.on(p.Medium):
		d.Reason = NoAccess
	case rec.timed() && !trusted:
		d.Reason = NoClock
	case now.T.Before(rec.Window.From):
		d.Reason = NotYet
	case !before(now.T, rec.Window.Until), !before(now.T, rec.end()):
		d.Reason = Expired
	case !before(now.T, rec.idleEnd()):
		d.Reason = Unused
	case usedUp:
		d.Reason = UsedUp
	case !rec.open(now.T):
		d.Reason = OutOfHours
	default:
		d.Reason, by = byRules(rec, rules, first, m, p, now)
	}
	if d.Granted() {
		d.Rule = rules[by].ID
	}
	if action := duressAction(rec, rules, first, by, p); d.Alarm { // looked for with every secret alike
		d.Action = action
	}
	hopeless := rec.Window.Revoked || m.found.Lost || rec.Disabled || usedUp || !rec.Type.on(p.Medium)
	if trusted && !hopeless && !d.Granted() {
		d.Next = soonest(rec, rules, m, p, now.T)
	}
	return d
}

// before reports whether t lies before an end; a zero end never comes.
func before(t, end time.Time) bool { return end.IsZero() || t.Before(end) }

// firstRule is the first of the rules that are about this record at this point, or -1.
func firstRule(rec *Record, rules []Rule, p *Presented) int {
	for i := range rules {
		if rules[i].fits(rec, p) {
			return i
		}
	}
	return -1
}

// duressAction is what a duress code sets off: what the rule says that grants, else the first
// that is about the record at this point and says anything.
func duressAction(rec *Record, rules []Rule, first, by int, p *Presented) string {
	if by >= 0 {
		return rules[by].Duress
	}
	for i := max(first, 0); i < len(rules); i++ {
		if rules[i].Duress != "" && rules[i].fits(rec, p) {
			return rules[i].Duress
		}
	}
	return ""
}

// byRules asks the rules alone, from the first that fits, and says which one grants, or
// would with another credential; -1: none.
func byRules(rec *Record, rules []Rule, first int, m matched, p *Presented, now Now) (why Reason, by int) {
	by = -1
	if first < 0 {
		return NoRule, by
	}
	for i := first; i < len(rules); i++ {
		if i > first && !rules[i].fits(rec, p) {
			continue
		}
		switch says := rules[i].says(p, now); {
		case says == Granted && !m.lacks(&rules[i]):
			return Granted, i
		case why == Incomplete:
		case says == Granted:
			why, by = Incomplete, i
		default:
			why = says
		}
	}
	return why, by
}

// says is the rule's own answer to somebody whom it is about.
func (r *Rule) says(p *Presented, now Now) Reason {
	cools := r.Cooldown > 0 && !p.Opened.IsZero()
	switch {
	case p.Lockdown && !r.InLockdown:
		return Lockdown
	case now.Quality != ClockTrusted && (r.Schedule != nil || cools):
		return NoClock
	case !r.Schedule.Open(now.T):
		return OutOfHours
	case cools && now.T.Before(p.Opened.Add(r.Cooldown)):
		return Cooldown
	}
	return Granted
}

// soonest is the first instant from t on at which lock-out, window, the record's hours
// and some rule would let the record in, zero if there is none.
func soonest(rec *Record, rules []Rule, m matched, p *Presented, t time.Time) time.Time {
	if rec.Hours == nil && rec.Type.restricted() {
		return time.Time{}
	}
	t = later(later(t, p.Locked), rec.Window.From)
	var first time.Time
	for i := range rules {
		r := &rules[i]
		if !r.fits(rec, p) || p.Lockdown && !r.InLockdown || m.lacks(r) {
			continue
		}
		from := t
		if r.Cooldown > 0 && !p.Opened.IsZero() {
			from = later(t, p.Opened.Add(r.Cooldown))
		}
		at := bothOpen(rec.Hours, r.Schedule, from)
		alive := rec.Window.Contains(at) && before(at, rec.end()) && before(at, rec.idleEnd())
		if !at.IsZero() && alive && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// bothOpen is the first instant from t on at which both schedules are open, zero if there
// is none.
func bothOpen(a, b *Compiled, t time.Time) time.Time {
	last := later(a.horizon(t), b.horizon(t))
	for !t.IsZero() && !t.After(last) {
		switch {
		case !a.Open(t):
			t = a.Next(t)
		case !b.Open(t):
			t = b.Next(t)
		default:
			return t
		}
	}
	return time.Time{}
}
