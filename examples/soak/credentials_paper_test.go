package soak

import (
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// pool are the codes that everybody asks for. The first two are the numbers of tags.
var pool = []string{"7294", "48213", "5093", "6174", "2951", "8460", "93718", "370582"}

// card is a tag with the number that is printed on it.
type card struct{ raw, number string }

var cards = []card{{"1c7e", "7294"}, {"bc55", "48213"}, {"34fb5", "217013"}}

// paper is how somebody with a pad would keep order: lists, looked through one by one.
type paper struct{ people []*sheet }

// sheet is what the pad says of one person.
type sheet struct {
	pin, duress        string
	tags               map[card]*fob
	from, until        time.Time
	suspended, revoked bool
	ruled              bool
	uses, used         int // of the PIN; 0 uses: no limit
}

type fob struct{ lost bool }

// has reports whether the person has these digits, as a code or printed on a tag.
func (s *sheet) has(digits string) bool {
	for t := range s.tags {
		if t.number == digits {
			return true
		}
	}
	return digits == s.pin || digits == s.duress
}

// taken reports whether somebody else has the digits.
func (p *paper) taken(i int, digits string) bool {
	for n, s := range p.people {
		if n != i && s.has(digits) {
			return true
		}
	}
	return false
}

// setPIN is what is said of a new PIN.
func (p *paper) setPIN(i int, digits string) error {
	s := p.people[i]
	switch {
	case s.pin != "" && len(digits) != len(s.pin):
		return credentials.ErrOtherLength
	case s.duress != "" && digits == s.duress:
		return credentials.ErrNear
	case p.taken(i, digits), digits != s.pin && s.has(digits):
		return credentials.ErrCodeTaken
	}
	return nil
}

// setDuress is what is said of a new duress PIN.
func (p *paper) setDuress(i int, digits string) error {
	s := p.people[i]
	switch {
	case s.pin == "":
		return roster.ErrNoPIN
	case len(digits) != len(s.pin):
		return credentials.ErrCodeLength
	case digits == s.pin:
		return credentials.ErrNear
	case p.taken(i, digits), digits != s.duress && s.has(digits):
		return credentials.ErrCodeTaken
	}
	return nil
}

// addTag is what is said of a new tag.
func (p *paper) addTag(i int, t card) error {
	if len(p.people[i].tags) == roster.MaxTags {
		return roster.ErrTooManyTags
	}
	if p.taken(i, t.number) || p.people[i].has(t.number) {
		return credentials.ErrCodeTaken
	}
	return nil
}

// say is what a door answers to digits, or to a tag, and whether somebody is forced.
// Doubt: the clock cannot be trusted.
func (p *paper) say(digits string, t card, now time.Time, doubt bool) (credentials.Reason, bool) {
	for _, s := range p.people {
		f := s.tags[t]
		known := digits != "" && (digits == s.pin || digits == s.duress)
		if !known && (digits != "" || f == nil) {
			continue
		}
		alarm := known && digits == s.duress && !s.revoked
		counted := known && s.uses > 0
		switch {
		case s.revoked:
			return credentials.Revoked, alarm
		case !known && f.lost:
			return credentials.Lost, alarm
		case s.suspended:
			return credentials.Disabled, alarm
		case doubt && (counted || !s.from.IsZero() || !s.until.IsZero()):
			return credentials.NoClock, alarm
		case now.Before(s.from):
			return credentials.NotYet, alarm
		case !s.until.IsZero() && !now.Before(s.until):
			return credentials.Expired, alarm
		case counted && s.used >= s.uses:
			return credentials.UsedUp, alarm
		case !s.ruled:
			return credentials.NoRule, alarm
		}
		return credentials.Granted, alarm
	}
	return credentials.Unknown, false
}

// opened notes that digits opened the door.
func (p *paper) opened(digits string) {
	for _, s := range p.people {
		if digits != "" && (digits == s.pin || digits == s.duress) {
			s.used++
		}
	}
}
