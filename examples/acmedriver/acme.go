// Package acmedriver is a whole driver, with the simulator that proves it, for a maker
// that does not exist. It is for vendor integrators: copy it, change the wire, and keep
// the test.
//
// The driver is acme.go and imports package panel alone. The simulator is panel.go; in a
// product it is a package of its own, so that it is never linked into a program. What to
// keep in mind:
//
//   - [Model] is data: keep it, Apply and the maker's manual in step.
//   - An answer settles a field as done or refused. No answer leaves it unsure: the
//     panel may have done it. What was not sent is not mentioned.
//   - Errors about the line wrap one of package panel's: keyholder reacts to nothing else.
//   - Codes and keys are revealed at the moment of sending and are kept nowhere.
//
// The wire is one line of JSON for each request and one for its answer, over TCP. Each
// ends in the CRC-32 of the JSON; an answer repeats its request's number.
//
//	{"n":1,"do":"login","key":"…"}                                {"n":1,"ident":"ACME-0001","digits":4}
//	{"n":2,"do":"create","slot":4,"set":{"code":"…","label":"…"}}  {"n":2,"done":["code"]}
//	{"n":3,"do":"next","slot":4}                                  {"n":3,"slot":5,"user":{"label":"…","mark":"…"}}
//
// An edit is named by its own word (change, create, replace, remove); "get" reads a slot,
// "next" the first user behind it. An "error" about the whole panel takes the place of
// any answer: key, busy, armed, locked (with "seconds"); taken is about one edit.
package acmedriver

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"iter"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// Route is the name of the only way to an Acme panel, and Key that of its secret.
const (
	Route = "lan"
	Key   = "key"
)

// patience is how long one answer may take.
const patience = 5 * time.Second

// Model is what an Acme panel can do.
func Model() panel.Model {
	writes := panel.FieldCode | panel.FieldLabel | panel.FieldRole | panel.FieldPartitions
	return panel.Model{
		Kind: "acme", Vendor: "Acme", Name: "Acme 64",
		Create: writes, Change: writes, Read: writes | panel.FieldLegacyTags, Hands: panel.FieldLegacyTags,
		Sight: panel.Marked, Slots: panel.Slots{First: 1, Last: 64}, MasterSlot: 1,
		Roles: []panel.Role{panel.Master, panel.User, panel.Guest}, DefaultRole: panel.User, Partitions: 4,
		Code:  panel.CodeRule{Lens: []int{4, 6}, Unique: true},
		Label: panel.LabelRule{Max: 24, Default: "User %d"},
		Guides: []panel.Guide{{
			Set: panel.FieldLegacyTags, Language: "en", Evidence: "Invented.",
			Steps: []string{"Press Menu, then Tags.", "Choose the user.", "Hold the tag to the keypad until it beeps."},
		}},
		Evidence: "Invented: there is no such panel.",
	}
}

// Dialer makes connections: a *net.Dialer, or a *paneltest.Network.
type Dialer interface {
	DialContext(ctx context.Context, network, addr string) (net.Conn, error)
}

// Driver speaks to Acme panels. It dials out.
type Driver struct {
	panel.Dials
	dialer Dialer
}

// New makes a driver that dials with d.
func New(d Dialer) *Driver { return &Driver{dialer: d} }

// Model returns [Model].
func (*Driver) Model() panel.Model { return Model() }

// Open connects and logs in, once: a refused key is never tried again.
func (d *Driver) Open(ctx context.Context, t panel.Target) (panel.Session, error) {
	r := t.Routes[Route]
	conn, err := d.dialer.DialContext(ctx, "tcp", r.Addr)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", panel.ErrUnreachable, err)
	}
	s := &session{conn: conn, in: bufio.NewReader(conn)}
	a, err := s.ask(ctx, request{Do: "login", Key: r.Secrets[Key].Reveal()})
	if err == nil && t.Ident != "" && a.Ident != t.Ident {
		err = panel.ErrIdentity
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	s.facts = panel.Facts{Ident: a.Ident, CodeLen: a.Digits}
	return s, nil
}

// session is one connection. It ends with the first answer that fails to come: what
// would be read after that could belong to anything.
type session struct {
	panel.NoWatch
	conn  net.Conn
	in    *bufio.Reader
	n     int // number of the last request
	facts panel.Facts
}

func (*session) Model() panel.Model { return Model() }
func (s *session) Close() error     { return s.conn.Close() }

// Apply sends one request for each edit.
func (s *session) Apply(ctx context.Context, edits []panel.Edit) iter.Seq2[panel.Outcome, error] {
	return func(yield func(panel.Outcome, error) bool) {
		for _, e := range edits {
			o, err := s.edit(ctx, e)
			if (err == nil || o.Unsure != 0) && !yield(o, nil) {
				return
			}
			if err != nil {
				yield(panel.Outcome{}, err)
				return
			}
		}
	}
}

func (s *session) edit(ctx context.Context, e panel.Edit) (panel.Outcome, error) {
	o := panel.Outcome{Place: e.Place, Refused: map[panel.Field]error{}}
	if e.Do == panel.Remove {
		e.Set = panel.FieldCode
	}
	ask := request{Do: e.Do.String(), Slot: e.Slot, Set: map[string]string{}}
	for f := range e.Set.Each() {
		if slots := Model().Slots; e.Slot < slots.First || e.Slot > slots.Last {
			o.Refused[f] = fmt.Errorf("%w: %w", panel.ErrRefused, &panel.SlotError{Slot: e.Slot, Slots: slots})
		} else if !Model().Create.Has(f) {
			o.Refused[f] = panel.ErrUnsupported
		} else {
			ask.Set[f.String()] = text(f, e.Values)
		}
	}
	if len(ask.Set) == 0 {
		return o, nil
	}
	a, err := s.ask(ctx, ask)
	if err == nil && a.Error == "taken" && e.Unsure.Has(panel.FieldCode) {
		ask.Do = panel.Change.String() // what the unsure edit created is there already, and is ours
		a, err = s.ask(ctx, ask)
	}
	for f := range e.Set.Each() {
		switch {
		case o.Refused[f] != nil || refusesAll(err): // and so did nothing
		case err != nil:
			o.Unsure |= f
		case slices.Contains(a.Done, f.String()):
			o.Done |= f
		case a.Error == "taken":
			o.Refused[f] = panel.ErrOccupied
		default:
			o.Refused[f] = panel.ErrRefused
		}
	}
	return o, err
}

// text is a field's value as the wire writes it.
func text(f panel.Field, v panel.Values) string {
	switch f {
	case panel.FieldCode:
		return v.Code.Reveal()
	case panel.FieldLabel:
		return v.Label
	case panel.FieldRole:
		return string(v.Role)
	}
	return v.Partitions.String()
}

// Read asks for one user after the other.
func (s *session) Read(ctx context.Context, q panel.Query) iter.Seq2[panel.Event, error] {
	return func(yield func(panel.Event, error) bool) {
		if !yield(panel.Event{Panel: &s.facts}, nil) {
			return
		}
		for at := q.After.Slot; q.All; {
			r, err := s.user(ctx, "next", at)
			if err == nil && !r.Exists {
				break
			}
			if !yield(panel.Event{User: r}, err) || err != nil {
				return
			}
			at = r.Slot
		}
		for _, p := range q.Places {
			if r, err := s.user(ctx, "get", p.Slot); !yield(panel.Event{User: r}, err) || err != nil {
				return
			}
		}
	}
}

func (s *session) user(ctx context.Context, do string, slot int) (*panel.Report, error) {
	a, err := s.ask(ctx, request{Do: do, Slot: slot})
	if err != nil {
		return nil, err
	}
	r := &panel.Report{Place: panel.Place{Slot: slot}, Sight: panel.Marked}
	if a.User == nil {
		return r, nil
	}
	r.Slot, r.Exists, r.Mark = a.Slot, true, []byte(a.User["mark"])
	r.Known = panel.FieldLabel | panel.FieldRole | panel.FieldPartitions
	r.Label, r.Role, r.Editable = a.User["label"], panel.Role(a.User["role"]), Model().Change
	if r.Role == panel.Master {
		r.Editable &^= panel.FieldRole | panel.FieldPartitions
	}
	var bad, worse error
	r.Partitions, bad = panel.ParsePartitions(a.User["partitions"])
	r.Tags, worse = strconv.Atoi(a.User["tags"])
	if err := errors.Join(bad, worse); err != nil {
		return nil, fmt.Errorf("%w: %w", panel.ErrProtocol, err)
	}
	return r, nil
}

type request struct {
	N    int               `json:"n"`
	Do   string            `json:"do"`
	Key  string            `json:"key,omitempty"`
	Slot int               `json:"slot,omitempty"`
	Set  map[string]string `json:"set,omitempty"`
}

type answer struct {
	N, Digits, Slot, Seconds int
	Ident, Error             string
	Done                     []string
	User                     map[string]string
}

// ask sends a request and waits for its own answer; an answer to something else is
// passed over. An error that is not about the whole panel closes the connection.
func (s *session) ask(ctx context.Context, q request) (answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, panel.ErrTimeout)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = s.conn.Close() })()

	s.n++
	q.N = s.n
	raw, err := json.Marshal(q)
	if err == nil {
		_, err = fmt.Fprintf(s.conn, "%s %08x\n", raw, crc32.ChecksumIEEE(raw))
	}
	for err == nil {
		var a answer
		if raw, err = s.in.ReadSlice('\n'); err == nil {
			err = parse(raw, &a)
		}
		if err == nil && a.N == q.N {
			return a, a.err()
		}
	}
	_ = s.conn.Close()
	switch cause := context.Cause(ctx); {
	case cause != nil:
		return answer{}, cause
	case errors.Is(err, panel.ErrProtocol):
		return answer{}, err
	}
	return answer{}, fmt.Errorf("%w: %w", panel.ErrUnreachable, err)
}

// parse reads a line whose checksum is right.
func parse(raw []byte, a *answer) error {
	body, sum, ok := split(raw)
	if !ok || sum != crc32.ChecksumIEEE(body) || json.Unmarshal(body, a) != nil {
		return panel.ErrProtocol
	}
	return nil
}

// split parts a line into its body and the checksum behind the last space.
func split(raw []byte) (body []byte, sum uint32, ok bool) {
	raw = bytes.TrimSuffix(raw, []byte("\n"))
	at := bytes.LastIndexByte(raw, ' ')
	if at < 0 {
		return nil, 0, false
	}
	n, err := strconv.ParseUint(string(raw[at+1:]), 16, 32)
	return raw[:at], uint32(n), err == nil
}

// err is the error of an answer that is about the whole panel.
func (a answer) err() error {
	switch a.Error {
	case "key":
		return panel.ErrSecret
	case "busy":
		return panel.ErrBusy
	case "armed":
		return panel.ErrArmed
	case "locked":
		return &panel.Later{After: time.Duration(a.Seconds) * time.Second, Err: panel.ErrBlocked}
	}
	return nil
}

// refusesAll reports whether the panel answered that it takes no edits now.
func refusesAll(err error) bool {
	return errors.Is(err, panel.ErrBusy) || errors.Is(err, panel.ErrArmed) || errors.Is(err, panel.ErrBlocked)
}
