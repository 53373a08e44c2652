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
	first := firstRule(rec, rules, p) // for every secret alike
	if d.Alarm && first >= 0 {
		d.Action = rules[first].Duress
	}
	usedUp, enough := rec.usedUp(), m.shown >= max(rec.Needs, 1)
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
		d.Reason, d.Rule = byRules(rec, rules, first, p, now)
	}
	if d.Granted() && !enough {
		d.Reason, d.Rule = Incomplete, ""
	}
	hopeless := rec.Window.Revoked || m.found.Lost || rec.Disabled || usedUp || !enough || !rec.Type.on(p.Medium)
	if trusted && !hopeless && !d.Granted() {
		d.Next = soonest(rec, rules, p, now.T)
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

// byRules asks the rules alone, from the first that fits, and names the one that grants.
func byRules(rec *Record, rules []Rule, first int, p *Presented, now Now) (why Reason, rule string) {
	if first < 0 {
		return NoRule, ""
	}
	for i := first; i < len(rules); i++ {
		if i > first && !rules[i].fits(rec, p) {
			continue
		}
		if why = rules[i].says(p, now); why == Granted {
			return why, rules[i].ID
		}
	}
	return why, ""
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
func soonest(rec *Record, rules []Rule, p *Presented, t time.Time) time.Time {
	if rec.Hours == nil && rec.Type.restricted() {
		return time.Time{}
	}
	t = later(later(t, p.Locked), rec.Window.From)
	var first time.Time
	for i := range rules {
		r := &rules[i]
		if !r.fits(rec, p) || p.Lockdown && !r.InLockdown {
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
