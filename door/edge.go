package door

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/engine"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// Outaged is the reason of an edge that may not decide: the point denies while the server
// is out of reach, what it was told is too old, the credential must be decided at the
// server, or the journal cannot be written.
const Outaged credentials.Reason = "outage"

// Center is the server as an edge calls it: a [Service], or the host's client of one.
type Center interface {
	Decide(ctx context.Context, proof Proof, e Entry) (Answer, error)
	Changes(ctx context.Context, proof Proof, known Known) ([]byte, error)
	Enter(ctx context.Context, proof Proof, lines []byte) (next uint64, err error)
}

// EdgeOptions say how an edge works. Key, SiteKeys and Journal are required.
type EdgeOptions struct {
	// Key is the reader's; Certificate is its raw certificate where it is authenticated
	// with mutual TLS.
	Key         ReaderKey
	Certificate []byte
	// SiteKeys are the key of the reader's site, see [Operator.SiteKey], and while the keys
	// are rotated the new one beside it, in any order: so that it changes without a gap.
	SiteKeys []credentials.SiteKey
	// Journal is the file that keeps what was decided during an outage.
	Journal string
	// Most is how many decisions it keeps; 0: 10,000. Then everything is denied.
	Most int
	// Bound shortens for how long after it was last told everything an edge decides by
	// itself, see [NewReader]; 0: not. A revocation counts at the latest so long after its
	// commit.
	Bound time.Duration
	// Every is how often an edge asks for changes; 0: 10 s. Try is how long it waits for an
	// answer; 0: 2 s.
	Every, Try time.Duration
	// Policy is the server's.
	Policy Policy
	// Alarm is called for every duress alarm during an outage, at least once; nil: it is
	// raised when the server is back. It must tell nothing to the person concerned.
	Alarm func(context.Context, Alarm) error
	// Clock is as in [Options]. A time that is not the server's, give or take the policy's
	// Skew, is in doubt whatever it says.
	Clock func() credentials.Now
	// Log gets diagnostics; nil: none.
	Log *slog.Logger
}

// Edge decides beside a reader: by the server while that can be reached, else by what it
// was told last. It keeps fingerprints under the site's key, and no code. It is safe for
// concurrent use.
type Edge struct {
	c     Center
	o     EdgeOptions
	p     Policy
	proof Proof
	file  *file
	line  func(next rec.Taken, l late) ([]byte, error)

	mu      sync.Mutex
	told    time.Time // when the last answer with all changes was asked for
	down    time.Time // until when the server is not asked
	served  served
	failed  error     // of the last refresh
	keys    []siteKey // of the site, the one that is used first
	due     bool      // the site has a newer one
	cursor  int64
	site    string
	points  map[string]rec.ReaderPoint
	index   *credentials.Index
	holders map[string]fedHolder
	left    map[string]error // holders that could not be kept, and why
	access  *credentials.Access
	out     []string // accounts that the host keeps out, sorted
	locks   map[place]rec.Lockout
	both    time.Time // until then a second credential is asked for
	opened  map[string]time.Time
	signals []signalled
	busy    bool // a refresh is on
}

// signalled is what every decision leaves for the loop, alarm or not.
type signalled struct {
	alarm bool
	Alarm
}

const mostSignals = 1000

// OpenEdge opens the journal and reads from it which wrong codes were counted. The edge
// decides by itself only after its first [Edge.Refresh].
func OpenEdge(c Center, o EdgeOptions) (*Edge, error) {
	if c == nil || o.Key.id == "" || len(o.SiteKeys) == 0 || o.Journal == "" {
		return nil, fault.New(fault.Invalid, "door: an edge needs a center, a key, its site's key and a journal")
	}
	set(&o.Most, 10_000)
	set(&o.Bound, longestBound)
	set(&o.Every, 10*time.Second)
	set(&o.Try, 2*time.Second)
	if o.Clock == nil {
		o.Clock = func() credentials.Now { return credentials.Now{T: time.Now(), Quality: credentials.ClockTrusted} }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	e := &Edge{c: c, o: o, p: o.Policy.filled(), proof: ByKey(o.Key), cursor: -1, index: credentials.NewIndex(credentials.IndexOptions{}),
		holders: map[string]fedHolder{}, left: map[string]error{}, access: credentials.NewAccess(nil, nil), locks: map[place]rec.Lockout{}, opened: map[string]time.Time{}}
	for _, key := range o.SiteKeys {
		e.keys = append(e.keys, newSiteKey(key))
	}
	if o.Certificate != nil {
		e.proof = ByCertificate(o.Key.id, o.Certificate)
	}
	aead, err := lineAEAD(o.Key.journal())
	if err != nil {
		return nil, err
	}
	e.line = func(next rec.Taken, l late) ([]byte, error) { return sealLine(aead, next.Next, next.Chain, l) }
	if e.file, err = openFile(o.Journal, o.Most, rec.Taken{}); err != nil {
		return nil, err
	}
	chain := e.file.base.Chain
	for lines := e.file.pending(); len(lines) > 0; lines = lines[lineSize:] {
		if l, err := openLine(aead, lines[:lineSize], chain); err == nil && l.Wrong { // the server judges what does not open
			at := place{l.Point, l.Medium}
			e.locks[at], _ = e.p.wrong(e.locks[at], l.At)
		}
		chain = chained(lines[:lineSize])
	}
	return e, nil
}

// Close closes the journal.
func (e *Edge) Close() error { return e.file.close() }

// Loops are what has to run beside the reader.
func (e *Edge) Loops() []engine.Loop {
	return []engine.Loop{
		{Name: "door/refresh", Every: e.o.Every, Pass: e.Refresh},
		{Name: "door/local alarms", Every: time.Second, Pass: e.Work},
	}
}

// Refresh hands over the journal and asks what changed. While another call does, it does
// nothing.
func (e *Edge) Refresh(ctx context.Context) (err error) {
	e.mu.Lock()
	busy, known := e.busy, Known{Cursor: e.cursor}
	for _, k := range e.keys {
		known.Keys = append(known.Keys, k.check)
	}
	e.busy = true
	e.mu.Unlock()
	if busy {
		return nil
	}
	defer func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.busy, e.failed = false, err
	}()
	if err := e.handOver(ctx); err != nil {
		return err
	}
	asked := time.Now()
	body, err := e.c.Changes(ctx, e.proof, known)
	if err != nil {
		return err
	}
	got := time.Now()
	var f feed
	if err := json.Unmarshal(body, &f); err != nil || f.V != feedVersion {
		return fmt.Errorf("%w: version %d", ErrFeed, f.V)
	}
	use := slices.Index(known.Keys, f.Check)
	if use < 0 {
		return ErrSiteKey
	}
	access, err := f.access()
	if err != nil {
		return err
	}
	e.take(f, access, use)
	if err := e.file.begin(f.Taken); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.told, e.down = asked, time.Time{}
	e.served = served{at: f.Now, last: f.Last, asked: asked, got: got}
	return nil
}

func (e *Edge) handOver(ctx context.Context) error {
	lines := e.file.pending()
	if len(lines) == 0 {
		return nil
	}
	next, err := e.c.Enter(ctx, e.proof, lines)
	if errors.Is(err, ErrJournal) {
		e.o.Log.ErrorContext(ctx, "the server does not take the journal; it was put aside", slog.String("file", e.o.Journal+".refused"))
		return e.file.aside(".refused")
	}
	if err != nil {
		return err
	}
	return e.file.taken(next)
}

// take takes all changes over; their fingerprints are of one of the site's keys.
func (e *Edge) take(f feed, access *credentials.Access, use int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.keys[0], e.keys[use] = e.keys[use], e.keys[0]
	if f.Due && !e.due {
		e.o.Log.Warn("another key is due", slog.Any("error", ErrSiteKeyDue), slog.String("hint", fault.Hint(ErrSiteKeyDue)))
	}
	e.due = f.Due
	if f.All {
		e.index, e.holders, e.left = credentials.NewIndex(credentials.IndexOptions{}), map[string]fedHolder{}, map[string]error{}
	}
	for id, h := range e.holders {
		if slices.Contains(f.Changed, h.Account) {
			e.index.Remove(id)
			delete(e.holders, id)
			delete(e.left, id)
		}
	}
	fresh := append(f.Holders, e.turned(f.Out)...)
	e.out = f.Out
	if access != nil {
		e.access = access
		for _, h := range e.holders { // who is in which group
			fresh = append(fresh, h)
		}
	}
	for _, h := range fresh {
		e.keep(h)
	}
	e.points = map[string]rec.ReaderPoint{}
	for _, p := range f.Points {
		e.points[p.ID] = p
	}
	for _, c := range f.Locks {
		if !c.Last.Before(e.locks[c.place].Last) {
			e.locks[c.place] = c.Lockout
		}
	}
	e.both = f.Both
	e.cursor, e.site = f.Cursor, f.Site
}

// keep takes one holder over. One that cannot be kept is left out and tried again with
// the next rules: it must keep nobody else out.
func (e *Edge) keep(h fedHolder) {
	id := h.Record.Holder
	e.holders[id] = h
	err := e.put(h)
	if err == nil {
		delete(e.left, id)
		return
	}
	err = fmt.Errorf("%w: account %s: %w", ErrLeftOut, h.Account, err)
	if e.left[id] == nil {
		e.o.Log.Error("a holder is left out", slog.Any("error", err))
	}
	e.left[id] = err
}

func (e *Edge) put(h fedHolder) (err error) {
	if h.Broken {
		return credentials.ErrDecrypt
	}
	r := h.Record
	r.Disabled = r.Disabled || among(e.out, h.Account)
	r.As = e.access.As(r.As...)
	if h.Schedule != nil {
		if r.Hours, err = hours(r.Type, *h.Schedule); err != nil {
			return err
		}
	}
	return e.index.Put(r)
}

// Decide asks the server, and decides by itself where that cannot be reached. Errors that
// are not about the line are the server's.
func (e *Edge) Decide(ctx context.Context, entry Entry) (Answer, error) {
	shown, err := entry.all()
	if err != nil {
		return Answer{}, err
	}
	var materials []credentials.Material
	for _, one := range shown {
		m, err := one.material()
		if err != nil {
			return Answer{}, err
		}
		materials = append(materials, m)
	}
	e.mu.Lock()
	ask := !time.Now().Before(e.down)
	e.mu.Unlock()
	if ask {
		call, cancel := context.WithTimeout(ctx, e.o.Try)
		a, err := e.c.Decide(call, e.proof, entry)
		cancel()
		if err == nil || !outOfReach(err) {
			return a, err
		}
		e.mu.Lock()
		e.down = time.Now().Add(e.o.Every)
		e.mu.Unlock()
	}
	if ctx.Err() != nil {
		return Answer{}, ctx.Err()
	}
	return e.decide(entry, materials)
}

// outOfReach reports whether an error is about the line or the server, and not about what
// was asked.
func outOfReach(err error) bool {
	switch fault.Of(err) {
	case fault.Invalid, fault.Denied, fault.NotFound:
		return false
	}
	return true
}

// decide is the answer from what the edge was told. What cannot be written down is denied.
func (e *Edge) decide(entry Entry, shown []credentials.Material) (Answer, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	point, own := e.points[entry.Point]
	if !own && !e.told.IsZero() {
		return Answer{}, ErrPoint
	}
	now := e.now()
	at := place{entry.Point, entry.Medium}
	until := locked(e.locks[at], now)
	h, d := e.look(entry, entry.Medium, shown[0], until, now)
	l := late{Account: h.Account, Action: d.Action, Alarm: e.p.alarms(d), At: now.T, Clock: now.Quality, Duress: d.Duress,
		ID: flow.NewID(), Medium: entry.Medium, Point: entry.Point, Reason: d.Reason, Rule: d.Rule, Typed: d.TagTyped, Usage: h.Record.Holder}
	for i, one := range entry.With { // a duress code raises its alarm wherever it is shown
		other, also := e.look(entry, one.Medium, shown[i+1], time.Time{}, now)
		l.Duress = l.Duress || also.Duress
		if !l.Alarm && e.p.alarms(also) {
			l.Alarm, l.Action, l.Forced = true, also.Action, other.Account
		}
	}
	bound := min(e.o.Bound, bounded(point))
	stale := e.told.IsZero() || time.Since(e.told) >= bound
	lock := e.locks[at]
	if until.IsZero() && d.Reason == credentials.Unknown && !e.told.IsZero() { // else it knows no code
		l.Wrong = true
		lock, _ = e.p.wrong(lock, now.T)
	}
	switch {
	case !until.IsZero(): // first: nobody learns during a lock-out what is a code
		l.Reason, l.Rule = credentials.LockedOut, ""
	case point.OnOutage == OutageDeny, stale, len(entry.With) > 0 && (d.Granted() || d.Reason == credentials.Incomplete), d.Granted() && atServer(h, e.served.now(), bound):
		l.Reason, l.Rule = Outaged, ""
	case d.Granted():
		lock.Wrong, lock.Until = 0, time.Time{}
	}
	if err := e.file.add(func(next rec.Taken) ([]byte, error) { return e.line(next, l) }); err != nil {
		e.o.Log.Error("a decision cannot be written down", slog.Any("error", err))
		l.Reason = Outaged
	}
	e.locks[at] = lock
	if len(e.signals) < mostSignals {
		e.signals = append(e.signals, signalled{alarm: l.Alarm, Alarm: Alarm{ID: l.ID, Account: accounts.ID(cmp.Or(l.Forced, l.Account)), Site: e.site, Point: l.Point, Reader: e.o.Key.id, Action: l.Action, Raised: l.At}})
	}
	a := Answer{Granted: l.Reason == credentials.Granted, Reason: l.Reason, Decision: l.ID}
	if a.Granted {
		e.opened[entry.Point] = now.T
	} else if l.Reason == d.Reason && until.IsZero() {
		a.Next = d.Next
	}
	return a, nil
}

// look asks what was told about one credential that was shown, as if it were all: only the
// server decides about several together.
func (e *Edge) look(entry Entry, on credentials.Medium, m credentials.Material, until time.Time, now credentials.Now) (fedHolder, credentials.Decision) {
	p := credentials.Presented{Point: entry.Point, Medium: on, Prints: []credentials.Fingerprint{e.keys[0].Print(m)}, Locked: until,
		Opened: e.opened[entry.Point], Lockdown: entry.Lockdown}
	if now.T.Before(e.both) {
		p.Needs = 2
	}
	holder, d := e.index.Decide(e.access.At(entry.Point), p, now)
	return e.holders[holder], d
}

// atServer reports whether a credential is one that only the server decides about: what
// opens a number of times, or begins with its first use, and what was changed so lately
// that another change may be on its way.
func atServer(h fedHolder, now time.Time, bound time.Duration) bool {
	r := h.Record
	return r.Max > 0 || r.Life.For > 0 || r.Life.Idle > 0 || r.Type == credentials.Disposable || r.Type == credentials.Expiring || now.Sub(h.Changed) < bound
}

// Work hands the alarms of an outage to the host, and returns. What fails is tried again
// at the next call; the server raises every alarm once more when it is back.
func (e *Edge) Work(ctx context.Context) error {
	e.mu.Lock()
	todo := e.signals
	e.signals = nil
	e.mu.Unlock()
	var left []signalled
	var all error
	for _, s := range todo {
		if !s.alarm || e.o.Alarm == nil {
			continue
		}
		if err := e.o.Alarm(ctx, s.Alarm); err != nil {
			left, all = append(left, s), errors.Join(all, err)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.signals = append(left, e.signals...)
	return all
}
