package paneltest_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// frame is the toy wire's only message. Requests have a number that the answer repeats;
// 0 is said unasked.
type frame struct {
	N        int
	Do       string // login, enter, leave, edit, poll, list, get; changed when unasked
	Key      string
	Place    panel.Place
	Disclose bool
	Edit     *wireEdit
	Users    []wireUser
	Error    string // secret, busy, armed, locked
	Done     panel.Field
	Taken    bool
	Job      int
	Digits   int
}

type wireEdit struct {
	panel.Place
	Do               panel.Do
	Set              panel.Field
	Code             string
	Label            string
	Role             panel.Role
	Partitions       panel.Partitions
	LegacyTags, Lock []string
	Keypads, Locks   []string
	From, Until      time.Time
}

type wireUser struct {
	paneltest.User
	Mark string
}

const (
	toyAddr  = "10.0.0.1:9000"
	toyIdent = "TOY-1"
	toyKey   = "toy-integration-key"
)

func encode(f frame) []byte {
	b, err := json.Marshal(f)
	if err != nil {
		panic(err) // the frame is made of plain values
	}
	return fmt.Appendf(b, " %08x\n", crc32.ChecksumIEEE(b))
}

func decode(line string) (f frame, ok bool) {
	line = strings.TrimSuffix(line, "\n")
	at := strings.LastIndexByte(line, ' ')
	if at < 0 || line[at+1:] != fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(line[:at]))) {
		return frame{}, false
	}
	return f, json.Unmarshal([]byte(line[:at]), &f) == nil
}

// toy is a driver for whatever a model says, so that the kit meets every kind of model.
type toy struct {
	model   panel.Model
	network *paneltest.Network
	route   string
	callsIn bool // the panel dials, else the driver does
	deaf    bool // sessions hear nothing unasked
	flaw    flaw

	mu   sync.Mutex
	here *toySession
}

// flaw is a mistake in reading the wire, for mutants.
type flaw uint8

const (
	flawless  flaw = iota
	sloppy         // takes any answer for the answer
	credulous      // takes damaged lines for consent
	greedy         // takes what one Read brings for a line
)

func (d *toy) Model() panel.Model { return d.model }

func (d *toy) Arrivals(ctx context.Context) iter.Seq2[panel.Arrival, error] {
	return func(yield func(panel.Arrival, error) bool) {
		if !d.callsIn {
			return
		}
		l, err := d.network.Listen(toyAddr)
		if err != nil {
			yield(panel.Arrival{}, err)
			return
		}
		defer context.AfterFunc(ctx, func() { _ = l.Close() })()
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s := d.session(conn)
			if err := s.login(ctx, toyKey); err != nil {
				_ = s.Close()
				if !yield(panel.Arrival{}, err) {
					return
				}
				continue
			}
			d.mu.Lock()
			old := d.here
			d.here = s
			d.mu.Unlock()
			if old != nil {
				_ = old.Close()
			}
			defer func() { _ = s.Close() }()
			if !yield(panel.Arrival{Ident: toyIdent, Addr: conn.RemoteAddr().String()}, nil) {
				return
			}
		}
	}
}

func (d *toy) Open(ctx context.Context, t panel.Target) (panel.Session, error) {
	if d.callsIn {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.here == nil || d.here.over() {
			return nil, panel.ErrAbsent
		}
		s := d.here
		d.here = nil
		return s, nil
	}
	conn, err := d.network.DialContext(ctx, "tcp", t.Routes[d.route].Addr)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", panel.ErrUnreachable, err)
	}
	s := d.session(conn)
	if err := s.login(ctx, t.Routes[d.route].Secrets["key"].Reveal()); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func (d *toy) session(conn net.Conn) *toySession {
	s := &toySession{model: d.model, deaf: d.deaf, flaw: d.flaw, conn: conn, waiting: map[int]chan frame{}, ears: map[chan frame]bool{}, dead: make(chan struct{})}
	go s.listen()
	return s
}

// toySession has one reader, which sorts answers from what is said unasked.
type toySession struct {
	model panel.Model
	deaf  bool
	flaw  flaw
	conn  net.Conn
	dead  chan struct{}

	mu      sync.Mutex
	n       int
	waiting map[int]chan frame
	ears    map[chan frame]bool
	digits  int
	stray   []frame // answers that nobody waited for, kept by the sloppy
}

func (s *toySession) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "toy session") }
func (s *toySession) Model() panel.Model         { return s.model }
func (s *toySession) Close() error               { return s.conn.Close() }

func (s *toySession) over() bool {
	select {
	case <-s.dead:
		return true
	default:
		return false
	}
}

func (s *toySession) listen() {
	defer close(s.dead)
	defer func() { _ = s.conn.Close() }()
	for in := bufio.NewReaderSize(s.conn, 64<<10); ; {
		line, err := s.next(in)
		if err != nil {
			return
		}
		f, ok := decode(string(line))
		if s.flaw == credulous && !ok {
			f, ok = frame{Done: panel.AllFields}, true
		}
		if !ok {
			return
		}
		s.mu.Lock()
		for n := range s.waiting {
			if s.flaw == credulous && f.N == 0 {
				f.N = n
			}
		}
		if s.flaw == sloppy && s.waiting[f.N] == nil {
			s.stray = append(s.stray, f)
		}
		if f.N > 0 && s.waiting[f.N] != nil {
			s.waiting[f.N] <- f
			delete(s.waiting, f.N)
		}
		for ear := range s.ears {
			if f.N == 0 && len(ear) < cap(ear) {
				ear <- f
			}
		}
		s.mu.Unlock()
	}
}

func (s *toySession) next(in *bufio.Reader) ([]byte, error) {
	if s.flaw != greedy {
		return in.ReadSlice('\n')
	}
	b := make([]byte, 64<<10)
	n, err := s.conn.Read(b)
	return b[:n], err
}

func (s *toySession) ask(ctx context.Context, f frame) (frame, error) {
	if err := ctx.Err(); err != nil {
		return frame{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, 3*time.Second, panel.ErrTimeout)
	defer cancel()
	answer := make(chan frame, 1)
	s.mu.Lock()
	s.n++
	f.N = s.n
	s.waiting[f.N] = answer
	if len(s.stray) > 0 {
		answer <- s.stray[0]
		s.stray = s.stray[1:]
		delete(s.waiting, f.N)
	}
	s.mu.Unlock()
	if _, err := s.conn.Write(encode(f)); err != nil {
		return frame{}, fmt.Errorf("%w: %w", panel.ErrUnreachable, err)
	}
	select {
	case a := <-answer:
		switch a.Error {
		case "secret":
			return a, panel.ErrSecret
		case "busy":
			return a, panel.ErrBusy
		case "armed":
			return a, panel.ErrArmed
		case "locked":
			return a, panel.ErrBlocked
		}
		return a, nil
	case <-s.dead:
		return frame{}, panel.ErrUnreachable
	case <-ctx.Done():
		_ = s.conn.Close()
		return frame{}, context.Cause(ctx)
	}
}

func (s *toySession) login(ctx context.Context, key string) error {
	a, err := s.ask(ctx, frame{Do: "login", Key: key})
	s.digits = a.Digits
	return err
}

// Apply holds the exclusive mode in blocks where the model has one.
func (s *toySession) Apply(ctx context.Context, edits []panel.Edit) iter.Seq2[panel.Outcome, error] {
	return func(yield func(panel.Outcome, error) bool) {
		var since time.Time
		leave := func() error {
			if since.IsZero() {
				return nil
			}
			since = time.Time{}
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			_, err := s.ask(last, frame{Do: "leave"})
			return err
		}
		defer func() { _ = leave() }()
		for _, e := range edits {
			o, ask := s.plan(e)
			var err error
			if ask != nil && s.model.Hold > 0 {
				if !since.IsZero() && time.Since(since) > s.model.Hold/2 {
					err = leave()
				}
				if err == nil && since.IsZero() {
					if _, err = s.ask(ctx, frame{Do: "enter"}); err == nil {
						since = time.Now()
					}
				}
			}
			if ask != nil && err == nil {
				err = s.edit(ctx, e, *ask, &o)
			}
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

// plan refuses what no byte can do and makes the request for the rest, nil for nothing.
func (s *toySession) plan(e panel.Edit) (panel.Outcome, *frame) {
	o := panel.Outcome{Place: e.Place, Refused: map[panel.Field]error{}}
	can := s.model.Create
	switch e.Do {
	case panel.Change:
		can = s.model.Change
	case panel.Remove:
		e.Set, can = panel.FieldCode, s.model.Writes()
	}
	slots := s.model.Slots
	for f := range e.Set.Each() {
		switch {
		case !can.Has(f):
			o.Refused[f] = panel.ErrUnsupported
		case slots.Len() == 0 && (e.ID == "" || e.Slot != 0), slots.Len() > 0 && (e.Slot < slots.First || e.Slot > slots.Last || e.ID != "" || slices.Contains(s.model.Reserved, e.Slot)):
			o.Refused[f] = fmt.Errorf("%w: %w", panel.ErrRefused, panel.ErrSlotOutOfRange)
		}
		if o.Refused[f] != nil {
			e.Set &^= f
		}
	}
	if e.Set == 0 {
		return o, nil
	}
	w := wireEdit{Place: e.Place, Do: e.Do, Set: e.Set, Code: e.Code.Reveal(), Label: e.Label, Role: e.Role, Partitions: e.Partitions, Keypads: e.Keypads, Locks: e.Locks, From: e.Window.From, Until: e.Window.Until}
	for _, t := range e.LegacyTags {
		w.LegacyTags = append(w.LegacyTags, fmt.Sprintf("%x", t.Reveal()))
	}
	for _, t := range e.LockTags {
		w.Lock = append(w.Lock, fmt.Sprintf("%x", t.Reveal()))
	}
	return o, &frame{Do: "edit", Edit: &w}
}

func (s *toySession) edit(ctx context.Context, e panel.Edit, ask frame, o *panel.Outcome) error {
	set, w := ask.Edit.Set, *ask.Edit
	ours := e.Unsure.Has(panel.FieldCode) // an earlier edit may have created the user
	if len(e.Ticket) > 0 {
		// The edit is unsure because of this very job: what was before it, the ticket says.
		var job int
		_, _ = fmt.Sscanf(string(e.Ticket), "%d %t", &job, &ours)
		ask = frame{Do: "poll", Job: job}
	}
	a, err := s.ask(ctx, ask)
	if err == nil && a.Taken && ours {
		w.Do = panel.Change
		a, err = s.ask(ctx, frame{Do: "edit", Edit: &w})
	}
	if err == nil && a.Job > 0 {
		o.Unsure, o.Ticket = set, fmt.Appendf(nil, "%d %t", a.Job, ours)
		return nil
	}
	for f := range set.Each() {
		switch {
		case errors.Is(err, panel.ErrBusy), errors.Is(err, panel.ErrArmed), errors.Is(err, panel.ErrBlocked):
		case err != nil:
			o.Unsure |= f
		case a.Done.Has(f):
			o.Done |= f
		case a.Taken:
			o.Refused[f] = panel.ErrOccupied
		default:
			o.Refused[f] = panel.ErrRefused
		}
	}
	return err
}
