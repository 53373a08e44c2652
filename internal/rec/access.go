package rec

import (
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Point is a stored [credentials.Point]. Its id is the point's.
type Point struct {
	credentials.Point
	// Projects: whoever may enter here becomes a user of the panel. A point without it is
	// decided here alone.
	Projects bool `json:"projects,omitempty"`
}

// Group is a stored [credentials.Group]. Its id is the group's.
type Group struct {
	credentials.Group
	Site string `json:"site,omitempty"` // "": of all sites
}

// Rule is a [credentials.Rule] as people write it. Its id is the rule's.
type Rule struct {
	Disabled bool                  `json:"disabled,omitempty"`
	ID       string                `json:"id"`
	Name     string                `json:"name,omitempty"`
	Site     string                `json:"site"` // of its points
	Who      []credentials.Subject `json:"who"`
	Points   []string              `json:"points"`
	On       []credentials.Medium  `json:"on,omitempty"` // none: any
	Schedule *credentials.Schedule `json:"schedule,omitempty"`
	Cooldown time.Duration         `json:"cooldown,omitempty"`
	Needs    int                   `json:"needs,omitempty"` // how many credentials must be shown together; 0: one
	// InLockdown: it lets in during a lockdown too.
	InLockdown bool   `json:"inLockdown,omitempty"`
	Duress     string `json:"duress,omitempty"` // what a duress code sets off
	// DoorsOnly: whom it lets in may not operate the alarm of the panel.
	DoorsOnly bool `json:"doorsOnly,omitempty"`
}

// The kinds of subjects that rules and groups name, beside "group".
const (
	AccountSubject = "account" // by the account's id
	RoleSubject    = "role"    // everybody with that role
)

// Compile makes the form that is asked.
func (r Rule) Compile() (credentials.Rule, error) {
	c := credentials.Rule{ID: r.ID, Disabled: r.Disabled, Who: r.Who, Points: r.Points, On: credentials.MediumsOf(r.On...),
		Cooldown: r.Cooldown, Needs: r.Needs, InLockdown: r.InLockdown, Duress: r.Duress}
	var err error
	if r.Schedule != nil {
		c.Schedule, err = r.Schedule.Compile()
	}
	return c, err
}

// The kinds of records about who may enter where.
var (
	Points = Kind[Point]{known: sync.OnceValue(fields[Point]), Name: "point", Schema: 1, Secure: true, Terms: func(_ string, p *Point) []store.Term {
		return []store.Term{{Name: BySite, Value: []byte(p.Site)}, {Name: ByPanel, Value: []byte(p.Panel)}}
	}}
	Groups = Kind[Group]{known: sync.OnceValue(fields[Group]), Name: "group", Schema: 1, Secure: true, Terms: func(_ string, g *Group) []store.Term {
		return []store.Term{{Name: BySite, Value: []byte(g.Site)}}
	}}
	Rules = Kind[Rule]{known: sync.OnceValue(fields[Rule]), Name: "rule", Schema: 1, Secure: true, Terms: func(_ string, r *Rule) []store.Term {
		return []store.Term{{Name: BySite, Value: []byte(r.Site)}}
	}}
)
