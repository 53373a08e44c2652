package rec

import (
	"slices"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// Projected says that the service made a panel user from a person's credentials. It stays
// when the user is gone: so a removal by somebody else can be told from one of ours.
type Projected struct {
	Account    string   `json:"account"`
	Generation uint64   `json:"generation"`       // of the PIN that was wished for, 0: tags alone
	Duress     uint64   `json:"duress,omitempty"` // of the duress PIN that was
	Code       uint64   `json:"code,omitempty"`   // id of the code at the device that was
	Tags       []uint64 `json:"tags,omitempty"`   // generations of the tags that were
	Tenancy    uint64   `json:"tenancy"`
	// Taken: the last wish was ours to take the user away.
	Taken bool `json:"taken,omitempty"`
	// Ended is since when that should have been so; zero: not known.
	Ended time.Time `json:"ended,omitzero"`
	// Doors: the user has the rank of who opens doors only.
	Doors bool `json:"doors,omitempty"`
}

// Projection is what the devices of a person are told. Its id is the account's; it is
// there from the person's first credential on.
type Projection struct {
	// Codes counts the credentials that the person was given: it binds sealed values.
	Codes uint64    `json:"codes"`
	Tags  []uint64  `json:"tags,omitempty"` // generations of the tags that the person has
	Since time.Time `json:"since"`
	// Moving: a code was set, and that no device has an older one is still to be said. It
	// is so whether there was an older one or not: that there was none is nobody's affair.
	Moving bool `json:"moving,omitempty"`
	Ended  *End `json:"ended,omitempty"`
	// Resting are the codes and tags that the person gave up last and that may still rest.
	Resting []Resting `json:"resting,omitempty"`
}

// Resting are names that began to rest together.
type Resting struct {
	At    time.Time `json:"at"`
	Names []string  `json:"names"`
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

// Watching is whether somebody listens to a device that reports who opens it, and how far
// its log was read. It is quiet.
type Watching struct {
	Alive bool      `json:"alive,omitempty"` // as devices were last told
	At    time.Time `json:"at"`              // when it was last so
	Panel string    `json:"panel"`
	// Recent are the ids of the last openings that were taken in.
	Recent []string `json:"recent,omitempty"`
}

// ByWatch lists what is listened to.
const ByWatch = "watch"

// The kinds of records about what is projected.
var (
	Watchings = Kind[Watching]{known: sync.OnceValue(fields[Watching]), Name: store.Cursor, Schema: 1, Terms: func(_ string, w *Watching) []store.Term {
		return []store.Term{{Name: ByWatch, Value: []byte(w.Panel)}}
	}}
	Projections = Kind[Projection]{Name: "projection", Schema: 1, Secure: true}
	Misses      = Kind[Missing]{Name: store.Attempt, Schema: 1}
)

// Missing are the devices that cannot have a person. It is quiet; its id is that of the
// person's line.
type Missing struct {
	Panels map[string]Miss `json:"panels,omitempty"`
	// Warned are, by panel, the ends of which somebody was told that they may be late.
	Warned map[string]time.Time `json:"warned,omitempty"`
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
