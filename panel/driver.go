package panel

import (
	"context"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/hidden"
)

// Code, Tag and Window are re-exported so that a driver imports this package alone.
type (
	Code   = credentials.Code
	Tag    = credentials.Tag
	Window = credentials.Window
)

// ParseCode reads a code's digits; see [credentials.ParseCode].
func ParseCode(digits string) (Code, error) { return credentials.ParseCode(digits) }

// Driver speaks one maker's wire. It is a value that the host makes and hands over; it
// holds no global state and starts no goroutine outside Arrivals and its sessions.
type Driver interface {
	// Model is the widest panel that this driver can meet: plain data, no I/O.
	Model() Model
	// Open gives a session with the target. A driver of panels that call in answers
	// [ErrAbsent] while the panel is not here. Every error wraps one of this package's
	// line errors: [ErrAbsent], [ErrUnreachable], [ErrBusy], [ErrBlocked], [ErrSecret].
	Open(ctx context.Context, t Target) (Session, error)
	// Arrivals yields panels that called in and have proven who they are. It ends with
	// ctx. Drivers that dial out embed [Dials].
	Arrivals(ctx context.Context) iter.Seq2[Arrival, error]
}

// Session is a conversation with one panel. Apply and Read are called one at a time;
// Watch may run beside them. Close may be called at any time and more than once.
type Session interface {
	// Model is this panel as last seen: never wider than the driver's.
	Model() Model
	// Apply carries out edits and yields exactly one Outcome for each that it worked on, in
	// any order. A yielded error is about the line, ends the sequence, and means that the
	// edits without an outcome are unsure if any byte of them may have left: a driver
	// yields their Outcome (with Unsure) before the error. When ctx ends the driver leaves
	// an exclusive mode on a context of its own, within five seconds.
	Apply(ctx context.Context, edits []Edit) iter.Seq2[Outcome, error]
	// Read yields what the panel says. A clean end means that everything in q was said:
	// with q.All, a place that was not reported does not exist.
	Read(ctx context.Context, q Query) iter.Seq2[Event, error]
	// Watch yields what the panel says unasked, until ctx ends or the session dies.
	// Sessions that hear nothing embed [NoWatch].
	Watch(ctx context.Context) iter.Seq2[Event, error]
	// Close gives the panel back and ends the session's reader.
	Close() error
}

// Target is a panel to talk to.
type Target struct {
	Panel  string // the service's id of the panel: random, never reused
	Ident  string // the identity by which the panel names itself (integration id, serial, IMEI)
	Routes map[string]Route
}

// Route is one way to a panel.
type Route struct {
	Addr    string            // host:port; "" for panels that call in
	Secrets map[string]Secret // by the driver's own names: "master", "key", "token"
	State   []byte            // what the session left last time, opaque
}

// MasterSecret is the name under which a route's secrets hold the code of the user at
// Model.Secret: when that code is changed, the secret changes with it.
const MasterSecret = "master"

// Secret is a key, password or code that opens a panel. Like a [Code] it cannot print.
type Secret struct{ b hidden.Text }

// SecretOf wraps secret bytes.
func SecretOf[T ~string | ~[]byte](v T) Secret { return Secret{b: hidden.Of(v)} }

// Reveal returns the bytes; only drivers at the moment of use may call it.
func (s Secret) Reveal() string { return s.b.Open() }

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.b.IsZero() }

// Format keeps the bytes out of every verb of fmt.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, credentials.Redacted) }

// LogValue keeps the bytes out of slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(credentials.Redacted) }

// MarshalText keeps the bytes out of JSON and every other text form.
func (s Secret) MarshalText() ([]byte, error) { return []byte(credentials.Redacted), nil }

// Place is where a panel user lives: a slot number, or an id that the service minted.
// Exactly one is set.
type Place struct {
	Slot int    `json:"slot,omitempty"`
	ID   string `json:"id,omitempty"`
}

// String returns "# 4" for a slot, else the id.
func (p Place) String() string {
	if p.ID != "" {
		return p.ID
	}
	return fmt.Sprintf("# %d", p.Slot)
}

// Do is what an edit does to its place.
type Do uint8

// The edits.
const (
	Change  Do = iota // an existing user's fields
	Create            // a user in an empty place
	Replace           // the place is cleared first, so that nothing of the former holder survives
	Remove            // the user goes: the code is taken away
)

// String returns the lower-case word.
func (d Do) String() string { return [...]string{"change", "create", "replace", "remove"}[d&3] }

// Values are the fields of a panel user. Which of them mean something is said beside.
type Values struct {
	Code Code `json:"-"`
	// Duress is the holder's duress code on a panel with [DuressByEvent], zero: none. It goes
	// with FieldCode: the driver keeps an entry of its own for it, under the holder's own
	// label, beside the one of Code, and removes it with that one. No report tells of it.
	Duress     Code       `json:"-"`
	Label      string     `json:"label,omitempty"`
	Role       Role       `json:"role,omitempty"`
	Partitions Partitions `json:"partitions,omitempty"`
	LegacyTags []Tag      `json:"-"`
	LockTags   []Tag      `json:"-"`
	Keypads    []string   `json:"keypads,omitempty"`
	Locks      []string   `json:"locks,omitempty"`
	Window     Window     `json:"window,omitzero"`
}

// Edit is what a panel user should become.
type Edit struct {
	Place
	Do     Do
	Set    Field  // the fields of Values to write
	Unsure Field  // fields of Set that an earlier edit may already have written
	Ticket []byte // a job that is still running at the far end: follow it, send nothing twice
	Values
}

// Outcome is what came of one edit. Done, Refused and Unsure are disjoint; a field of
// the edit that is in none of them was not sent. For [Remove], FieldCode stands for the
// removal.
type Outcome struct {
	Place
	Done    Field           // confirmed by the panel, as far as the route can see
	Refused map[Field]error // by single field; each wraps [ErrRefused], [ErrOccupied] or [ErrUnsupported]
	Unsure  Field           // bytes may have left and the result is unknown
	Ticket  []byte          // a job to follow in the next edit of this place, nil: none; never empty
	Report  *Report         // the user as read back after the edit, nil if not read
}

// Report is what a panel says about one user.
type Report struct {
	Place
	Exists   bool   // the code is set
	Known    Field  // the fields of Values that were read
	Editable Field  // of those that the model can change, what this user's rights leave; 0 with Exists false
	Sight    Sight  // how much of the code was seen
	Mark     []byte // with Marked: equal while the code is the same
	Tags     int    // number of tags that the panel says are enrolled, when their numbers are hidden
	Values
}

// Facts are what a panel says about itself.
type Facts struct {
	Ident   string    `json:"ident,omitempty"`
	Model   *Model    `json:"model,omitempty"`   // narrower or wider than before
	CodeLen int       `json:"codeLen,omitempty"` // digits of every code, 0 unknown
	Armed   bool      `json:"armed,omitempty"`
	Clock   time.Time `json:"clock,omitzero"`
	Version string    `json:"version,omitempty"`
}

// Query is what to read. The zero value reads the facts only.
type Query struct {
	All    bool    `json:"all,omitempty"`    // every user
	Places []Place `json:"places,omitempty"` // these users
	After  Place   `json:"after,omitzero"`   // with All: resume behind this place
	// Disclose asks for the digits of the codes where the route can read them. Only a
	// host's explicit option sets it.
	Disclose bool `json:"disclose,omitempty"`
}

// Opened is that somebody opened with what a user has, as a device with an event log says.
// A Watch of a panel with [Model.TellsWhoOpened] begins with what opened since Route.State was
// left, from the device's own log, and then tells each opening within seconds.
type Opened struct {
	Place  Place
	At     time.Time // by the device's log
	Duress bool      // by the entry of [Values.Duress]
}

// Event is one thing that a panel said. Exactly one field is set, and Route may stand
// beside State.
type Event struct {
	Opened *Opened // Watch alone yields it
	User   *Report
	Panel  *Facts
	Stale  *Query // what was read of these is no longer true: read it again
	State  []byte // keep this and give it back in Route.State
	Route  string // whose State it is; "" from drivers that know one route only
}

// Arrival is a panel that called in and has proven who it is.
type Arrival struct {
	Ident string
	Addr  string
	Gone  bool // the session ended
}

// Dials is embedded by drivers that dial out: nobody arrives.
type Dials struct{}

// Arrivals yields nothing.
func (Dials) Arrivals(context.Context) iter.Seq2[Arrival, error] {
	return func(func(Arrival, error) bool) {}
}

// NoWatch is embedded by sessions that hear nothing unasked.
type NoWatch struct{}

func (NoWatch) deaf() bool { return true }

// Hears reports whether a session may hear something unasked, so that it is worth keeping
// open: not one that embeds [NoWatch].
func Hears(s Session) bool {
	d, ok := s.(interface{ deaf() bool })
	return !ok || !d.deaf()
}

// Watch yields nothing and ends at once.
func (NoWatch) Watch(context.Context) iter.Seq2[Event, error] {
	return func(func(Event, error) bool) {}
}
