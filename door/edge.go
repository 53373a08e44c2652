package door

import (
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
	Changes(ctx context.Context, proof Proof, cursor int64) ([]byte, error)
	Enter(ctx context.Context, proof Proof, lines []byte) (next uint64, err error)
}

// EdgeOptions say how an edge works. Key, Site and Journal are required.
type EdgeOptions struct {
	// Key is the reader's; Certificate is its raw certificate where it is authenticated
	// with mutual TLS.
	Key         ReaderKey
	Certificate []byte
	// Site is the key of the reader's site, see [Operator.SiteKey].
	Site credentials.SiteKey
	// Journal is the file that keeps what was decided during an outage.
	Journal string
	// Most is how many decisions it keeps; 0: 10,000. Then everything is denied.
	Most int
	// Bound is for how long after it was last told everything an edge decides by itself;
	// 0: 15 min. A revocation counts at the latest so long after its commit.
	Bound time.Duration
	// Every is how often an edge asks for changes; 0: 10 s. Try is how long it waits for an
	// answer; 0: 2 s.
	Every, Try time.Duration
	// Policy is the server's.
	Policy Policy
	// Alarm is called for every duress alarm during an outage, at least once; nil: it is
	// raised when the server is back. It must tell nothing to the person concerned.
	Alarm func(context.Context, Alarm) error
	// Clock is as in [Options].
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
	probe *credentials.Probe
	file  *file
	line  func(next rec.Taken, l late) ([]byte, error)

	mu      sync.Mutex
	told    time.Time // when the last answer with all changes was asked for
	down    time.Time // until when the server is not asked
	seen    time.Time // the latest time of the clock
	cursor  int64
	site    string
	points  map[string]Outage
	index   *credentials.Index
	holders map[string]fedHolder
	access  *credentials.Access
	locks   map[credentials.Medium]rec.Lockout
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
	if c == nil || o.Key.id == "" || o.Journal == "" {
		return nil, fault.New(fault.Invalid, "door: an edge needs a center, a key and a journal")
	}
	set(&o.Most, 10_000)
	set(&o.Bound, 15*time.Minute)
	set(&o.Every, 10*time.Second)
	set(&o.Try, 2*time.Second)
	if o.Clock == nil {
		o.Clock = func() credentials.Now { return credentials.Now{T: time.Now(), Quality: credentials.ClockTrusted} }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	e := &Edge{c: c, o: o, p: o.Policy.filled(), proof: ByKey(o.Key), probe: credentials.NewProbe(o.Site), cursor: -1, index: credentials.NewIndex(credentials.IndexOptions{}),
		holders: map[string]fedHolder{}, access: credentials.NewAccess(nil, nil), locks: map[credentials.Medium]rec.Lockout{}, opened: map[string]time.Time{}}
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
			e.locks[l.Medium], _ = e.p.wrong(e.locks[l.Medium], l.At)
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
func (e *Edge) Refresh(ctx context.Context) error {
	e.mu.Lock()
	busy, cursor := e.busy, e.cursor
	e.busy = true
	e.mu.Unlock()
	if busy {
		return nil
	}
	defer func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.busy = false
	}()
	if err := e.handOver(ctx); err != nil {
		return err
	}
	asked := time.Now()
	body, err := e.c.Changes(ctx, e.proof, cursor)
	if err != nil {
		return err
	}
	var f feed
	if err := json.Unmarshal(body, &f); err != nil || f.V != feedVersion {
		return fmt.Errorf("%w: version %d", ErrFeed, f.V)
	}
	if e.probe.Print(siteCheck()) != f.Check {
		return ErrSiteKey
	}
	if err := e.take(f); err != nil {
		return err
	}
	if err := e.file.begin(f.Taken); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.told, e.down = asked, time.Time{}
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

// take takes changes over: all of them, or none counts as told.
func (e *Edge) take(f feed) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if f.All {
		e.index, e.holders = credentials.NewIndex(credentials.IndexOptions{}), map[string]fedHolder{}
	}
	for id, h := range e.holders {
		if slices.Contains(f.Changed, h.Account) {
			e.index.Remove(id)
			delete(e.holders, id)
		}
	}
	fresh := f.Holders
	if f.Relation {
		var rules []credentials.Rule
		for _, r := range f.Rules {
			c, err := r.Compile()
			if err != nil {
				return err
			}
			rules = append(rules, c)
		}
		e.access = credentials.NewAccess(f.Groups, rules)
		for _, h := range e.holders { // who is in which group
			fresh = append(fresh, h)
		}
	}
	for _, h := range fresh {
		r := h.Record
		r.As = e.access.As(r.As...)
		if h.Schedule != nil {
			var err error
			if r.Hours, err = hours(r.Type, *h.Schedule); err != nil {
				return err
			}
		}
		if err := e.index.Put(r); err != nil {
			return err
		}
		e.holders[r.Holder] = h
	}
	e.points = map[string]Outage{}
	for _, p := range f.Points {
		e.points[p.ID] = p.OnOutage
	}
	for m, l := range f.Locks {
		if !l.Last.Before(e.locks[m].Last) {
			e.locks[m] = l
		}
	}
	e.cursor, e.site = f.Cursor, f.Site
	return nil
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
	return e.decide(entry, materials[0])
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
func (e *Edge) decide(entry Entry, m credentials.Material) (Answer, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	on, own := e.points[entry.Point]
	if !own && !e.told.IsZero() {
		return Answer{}, ErrPoint
	}
	now := e.now()
	until := locked(e.locks[entry.Medium], now)
	holder, d := e.index.Decide(e.access.At(entry.Point), credentials.Presented{Point: entry.Point, Medium: entry.Medium,
		Prints: []credentials.Fingerprint{e.probe.Print(m)}, Locked: until, Opened: e.opened[entry.Point], Lockdown: entry.Lockdown}, now)
	h := e.holders[holder]
	l := late{Account: h.Account, Action: d.Action, Alarm: d.Alarm || e.p.AlarmAlways && d.Duress, At: now.T, Clock: now.Quality, Duress: d.Duress,
		ID: flow.NewID(), Medium: entry.Medium, Point: entry.Point, Reason: d.Reason, Rule: d.Rule, Typed: d.TagTyped, Usage: holder}
	stale := e.told.IsZero() || time.Since(e.told) >= e.o.Bound
	lock := e.locks[entry.Medium]
	switch {
	case d.Reason == credentials.Unknown && !until.IsZero():
		l.Reason = credentials.LockedOut
	case on == OutageDeny, stale, d.Granted() && (len(entry.With) > 0 || e.atServer(h, now.T)):
		l.Reason, l.Rule = Outaged, ""
	case d.Reason == credentials.Unknown:
		l.Wrong = true
		lock, _ = e.p.wrong(lock, now.T)
	case d.Granted():
		lock.Wrong = 0
	}
	if err := e.file.add(func(next rec.Taken) ([]byte, error) { return e.line(next, l) }); err != nil {
		e.o.Log.Error("a decision cannot be written down", slog.Any("error", err))
		l.Reason = Outaged
	}
	e.locks[entry.Medium] = lock
	if len(e.signals) < mostSignals {
		e.signals = append(e.signals, signalled{alarm: l.Alarm, Alarm: Alarm{ID: l.ID, Account: accounts.ID(l.Account), Site: e.site, Point: l.Point, Reader: e.o.Key.id, Action: l.Action, Raised: l.At}})
	}
	a := Answer{Granted: l.Reason == credentials.Granted, Reason: l.Reason, Decision: l.ID}
	if a.Granted {
		e.opened[entry.Point] = now.T
	} else if l.Reason == d.Reason && until.IsZero() {
		a.Next = d.Next
	}
	return a, nil
}

// atServer reports whether a credential is one that only the server decides about: what
// opens a number of times, or begins with its first use, and what was changed so lately
// that another change may be on its way.
func (e *Edge) atServer(h fedHolder, now time.Time) bool {
	r := h.Record
	return r.Max > 0 || r.Life.For > 0 || r.Life.Idle > 0 || r.Type == credentials.Disposable || r.Type == credentials.Expiring || now.Sub(h.Changed) < e.o.Bound
}

// now reads the clock. One that went back is in doubt.
func (e *Edge) now() credentials.Now {
	now := e.o.Clock()
	if now.T.Before(e.seen.Add(-e.p.Skew)) {
		now.Quality = min(now.Quality, credentials.ClockDoubtful)
	}
	if now.T.After(e.seen) {
		e.seen = now.T
	}
	return now
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
