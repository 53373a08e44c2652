package rec

import (
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// Projected says that the service made a panel user from a person's credentials. It stays
// when the user is gone: so a removal by somebody else can be told from one of ours.
type Projected struct {
	Account    string   `json:"account"`
	Generation uint64   `json:"generation"`     // of the PIN that was wished for
	Tags       []uint64 `json:"tags,omitempty"` // generations of the tags that were
	Tenancy    uint64   `json:"tenancy"`
	// Taken: the last wish was ours to take the user away.
	Taken bool `json:"taken,omitempty"`
}

// Projection is what the devices of a person are told. Its id is the account's; it is
// there from the person's first credential on.
type Projection struct {
	// Codes counts the credentials that the person was given: it binds sealed values.
	Codes uint64    `json:"codes"`
	Tags  []uint64  `json:"tags,omitempty"` // generations of the tags that the person has
	Since time.Time `json:"since"`
	Ended *End      `json:"ended,omitempty"`
}

// End is an order to take a person off every device.
type End struct {
	At     time.Time `json:"at"`
	By     Author    `json:"by"`
	Reason string    `json:"reason,omitempty"`
	Sites  []string  `json:"sites,omitempty"` // on which it holds; none: on all
}

// Holds reports whether the order concerns a site.
func (e *End) Holds(site string) bool {
	return e != nil && (len(e.Sites) == 0 || slices.Contains(e.Sites, site))
}

// The kinds of records about what is projected.
var (
	Projections = Kind[Projection]{Name: "projection", Schema: 1, Secure: true}
	Misses      = Kind[Missing]{Name: store.Attempt, Schema: 1}
)

// Missing are the devices that cannot have a person. It is quiet; its id is that of the
// person's line.
type Missing struct {
	Panels map[string]Miss `json:"panels,omitempty"`
}

// Miss is why a device cannot have a person, and since when.
type Miss struct {
	Since time.Time `json:"since"`
	Words string    `json:"words"`
}

// After is what is missing after a pass that found these reasons.
func (m Missing) After(words map[string]string, now time.Time) *Missing {
	next := Missing{Panels: map[string]Miss{}}
	for id, w := range words {
		since := now
		if was, still := m.Panels[id]; still {
			since = was.Since
		}
		next.Panels[id] = Miss{Since: since, Words: w}
	}
	return &next
}
