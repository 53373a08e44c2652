package credentials

import (
	"slices"
	"time"
)

// Subject is somebody or something that a rule names: an account, a group, a role. What
// its id means is the caller's affair.
type Subject struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
}

// Group is a list of members that rules can name: its own subject is
// Subject{"group", ID}. Members may be groups.
type Group struct {
	Disabled bool      `json:"disabled,omitempty"` // as if it had no members
	ID       string    `json:"id"`
	Members  []Subject `json:"members,omitempty"`
	Name     string    `json:"name,omitempty"`
}

// Subject is what rules and other groups call the group.
func (g Group) Subject() Subject { return Subject{Kind: "group", ID: g.ID} }

// Expand lists as whom somebody acts: the given subjects and every group that has one of
// them, directly or through another group. A disabled group leads nowhere.
func Expand(groups []Group, as ...Subject) []Subject {
	all := slices.Clone(as)
	for i := 0; i < len(all); i++ {
		for _, g := range groups {
			if !g.Disabled && slices.Contains(g.Members, all[i]) && !slices.Contains(all, g.Subject()) {
				all = append(all, g.Subject())
			}
		}
	}
	return all
}

// Point is a place where somebody presents a credential: one reader or keypad.
type Point struct {
	ID    string `json:"id"`
	Name  string `json:"name,omitempty"`
	Panel string `json:"panel,omitempty"` // the panel or device that it belongs to
	Site  string `json:"site"`
}

// Rule lets somebody in somewhere at some times, in the form that [Decide] asks: groups
// expanded, schedules compiled. A rule only ever gives; without one that fits, nobody
// enters.
type Rule struct {
	ID       string
	Disabled bool      // as if it were not there
	Who      []Subject // for whom: one of these must be among Record.As
	Points   []string  // where: ids of points
	On       Mediums   // with what; none: any
	Schedule *Compiled // when; nil: always
	// Cooldown is how long a point that has opened does not open again by this rule.
	Cooldown   time.Duration
	Needs      int    // how many credentials must be shown together; 0 and 1: one
	InLockdown bool   // it lets in during a lockdown too
	Duress     string // what a duress code sets off, in the host's words; "": the host's default
}

// fits reports whether the rule is about this record at this point, whatever the time.
func (r *Rule) fits(rec *Record, p *Presented) bool {
	if r.Disabled || r.On != 0 && !r.On.Has(p.Medium) || !slices.Contains(r.Points, p.Point) {
		return false
	}
	for i := range r.Who {
		if rec.acts(&r.Who[i]) {
			return true
		}
	}
	return false
}

// Medium is how a credential is presented.
type Medium uint8

// The media.
const (
	Keypad Medium = iota + 1 // digits typed at a door or panel
	Reader                   // a tag or card held to a reader
	Mobile                   // an app on an enrolled device
	Phone                    // digits pressed during a call
)

// Known reports whether it is one of the media.
func (m Medium) Known() bool { return m > 0 && int(m) < len(mediums) }

var mediums = [...]string{"unknown", "keypad", "reader", "mobile", "phone"}

// String returns the lower-case word.
func (m Medium) String() string {
	if int(m) < len(mediums) {
		return mediums[m]
	}
	return mediums[0]
}

// Mediums is a set of media.
type Mediums uint8

// MediumsOf makes a set. A medium that is not known makes it a set of something: one of
// nothing else is never any medium.
func MediumsOf(ms ...Medium) Mediums {
	var s Mediums
	for _, m := range ms {
		if !m.Known() {
			m = 0
		}
		s |= 1 << m
	}
	return s
}

// Has reports whether m is in the set.
func (s Mediums) Has(m Medium) bool { return s>>m&1 == 1 }
