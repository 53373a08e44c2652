package door

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Operator is the service in the hands of somebody who looks after doors.
type Operator struct {
	s     *Service
	actor accounts.Actor
}

// As gives the service to an actor: everything is done under their rights and in their
// name.
func (s *Service) As(actor accounts.Actor) *Operator { return &Operator{s: s, actor: actor} }

// allowed asks whether the operator may do an operation at a site.
func (op *Operator) allowed(ctx context.Context, name, site string) error {
	err := op.s.core.Allowed(ctx, op.actor, "door."+name, site)
	return op.s.core.Refused(ctx, op.actor, "door."+name, nil, err)
}

// Outage is what a point does while the server is out of reach.
type Outage = rec.Outage

// What a point can do. The zero value is cached.
const (
	OutageCached = rec.OutageCached // an edge decides, for at most its bound
	OutageDeny   = rec.OutageDeny
)

// NewReader is a reader that is to be added.
type NewReader struct {
	Site string
	Name string
	// Points are those for which it speaks, at most 32, all of its site.
	Points map[string]Outage
	// Bounds are for how long an [Edge] decides by itself about a point that is cached, at
	// most a day; about one without it: 15 min.
	Bounds map[string]time.Duration
	// Certificate is the raw certificate of a reader that is authenticated with mutual TLS;
	// nil: it shows its key.
	Certificate []byte
}

// AddReader adds a reader and returns its key, which is shown this once. A reader with a
// certificate needs the key for its [Edge] alone. Errors: [ErrReaderForm].
func (op *Operator) AddReader(ctx context.Context, n NewReader) (ReaderKey, error) {
	points, err := readerPoints(n.Points, n.Bounds)
	if err != nil || n.Site == "" || len(n.Name) > 200 {
		return ReaderKey{}, ErrReaderForm
	}
	if err := op.allowed(ctx, "AddReader", n.Site); err != nil {
		return ReaderKey{}, err
	}
	key := newReaderKey()
	r := rec.Reader{Site: n.Site, Name: n.Name, Points: points, Hash: key.hash()}
	if n.Certificate != nil {
		sum := sha256.Sum256(n.Certificate)
		r.Hash = sum[:]
	}
	if r.Journal, err = op.s.core.Keys.Seal(journalBinding(key.id), key.journal()); err != nil {
		return ReaderKey{}, err
	}
	_, err = op.s.core.Act(ctx, op.actor, func(u *flow.Unit) error {
		if err := atSite(u, n.Site, r.Points); err != nil {
			return err
		}
		r.Added = u.Now()
		return errors.Join(flow.Put(u, rec.Readers, key.id, &r), sayReader(u, key.id, r, "added"))
	})
	if err := op.s.core.Refused(ctx, op.actor, "door.AddReader", nil, err); err != nil {
		return ReaderKey{}, err
	}
	return key, nil
}

func journalBinding(reader string) credentials.Binding {
	return rec.JournalBinding(reader)
}

func sayReader(u *flow.Unit, id string, r rec.Reader, state string, fields ...flow.Field) error {
	_, err := u.Say(audit.DoorReaderChanged, audit.Success, []string{id, flow.Site(r.Site)},
		append(fields, flow.F(audit.FieldReader, id), flow.F(audit.FieldSite, r.Site), flow.F(audit.FieldState, state))...)
	return err
}

// change is an act on a reader that is there.
func (op *Operator) change(ctx context.Context, name, reader string, do func(u *flow.Unit, r rec.Reader) error) error {
	r, err := load(ctx, op.s.core.Store, rec.Readers, reader)
	if err != nil {
		return err
	}
	if r.Site == "" || op.s.core.Allowed(ctx, op.actor, "door.Readers", r.Site) != nil {
		return op.s.core.Refused(ctx, op.actor, "door."+name, nil, ErrReaderNotFound)
	}
	if err := op.allowed(ctx, name, r.Site); err != nil {
		return err
	}
	_, err = op.s.core.Act(ctx, op.actor, func(u *flow.Unit) error {
		r, _, err := flow.Load(u, rec.Readers, reader)
		if err != nil {
			return err
		}
		if !r.Ended.IsZero() {
			return ErrReaderNotFound
		}
		return do(u, r)
	})
	return op.s.core.Refused(ctx, op.actor, "door."+name, []string{reader}, err)
}

// load reads one record, its zero value if there is none.
func load[T any](ctx context.Context, st store.Store, k rec.Kind[T], id string) (T, error) {
	rs, err := st.Load(ctx, k.Key(id))
	if err != nil {
		var none T
		return none, err
	}
	v, _, err := k.Decode(rs[0])
	return v, err
}

// EndReader takes a reader's key away at once. Errors: [ErrReaderNotFound].
func (op *Operator) EndReader(ctx context.Context, reader string) error {
	return op.change(ctx, "EndReader", reader, func(u *flow.Unit, r rec.Reader) error {
		r.Ended = u.Now()
		return errors.Join(flow.Put(u, rec.Readers, reader, &r), sayReader(u, reader, r, "ended"))
	})
}

// Unlock ends the lock-outs of a reader's medium at all its points. Errors: [ErrReaderNotFound].
func (op *Operator) Unlock(ctx context.Context, reader string, m credentials.Medium) error {
	return op.change(ctx, "Unlock", reader, func(u *flow.Unit, r rec.Reader) error {
		for _, at := range places(r, m) {
			if _, _, err := flow.Load(u, rec.Lockouts, lockID(reader, at)); err != nil {
				return err
			}
			if err := flow.Put(u, rec.Lockouts, lockID(reader, at), &rec.Lockout{Last: u.Now()}); err != nil {
				return err
			}
		}
		return sayReader(u, reader, r, "unlocked", flow.F(audit.FieldMedium, m.String()))
	})
}

// Reader is a reader as operators see it.
type Reader struct {
	ID     string
	Site   string
	Name   string
	Points map[string]Outage
	Bounds map[string]time.Duration // of the points that are cached
	Added  time.Time
	Ended  time.Time                        // zero: it may ask
	Locked map[credentials.Medium]time.Time // what is locked at any of its points, and until when
}

// Readers lists the readers of a site, by id.
func (op *Operator) Readers(ctx context.Context, site string) ([]Reader, error) {
	if err := op.allowed(ctx, "Readers", site); err != nil {
		return nil, err
	}
	listed, err := op.s.atSite(ctx, rec.Readers.Name, site)
	if err != nil {
		return nil, err
	}
	now := credentials.Now{T: op.s.core.Time(), Quality: credentials.ClockTrusted}
	var out []Reader
	for _, l := range listed {
		r, _, err := rec.Readers.Decode(l)
		if err != nil {
			return nil, err
		}
		view := Reader{ID: l.Key.ID, Site: r.Site, Name: r.Name, Points: map[string]Outage{}, Bounds: map[string]time.Duration{}, Added: r.Added, Ended: r.Ended, Locked: map[credentials.Medium]time.Time{}}
		for _, p := range r.Points {
			if view.Points[p.ID] = p.OnOutage; p.OnOutage == OutageCached {
				view.Bounds[p.ID] = bounded(p)
			}
		}
		counted, err := op.s.countings(ctx, view.ID, r)
		if err != nil {
			return nil, err
		}
		for _, c := range counted {
			if until := locked(c.Lockout, now); until.After(view.Locked[c.Medium]) {
				view.Locked[c.Medium] = until
			}
		}
		out = append(out, view)
	}
	return out, nil
}

// SiteKey is the key under which the site's edges know codes and tags, while keys are
// rotated the new one. It leads back to no other key. That it was shown is an entry, without which it is not.
func (op *Operator) SiteKey(ctx context.Context, site string) (credentials.SiteKey, error) {
	if err := op.allowed(ctx, "SiteKey", site); err != nil {
		return credentials.SiteKey{}, err
	}
	key, err := credentials.NewSiteKey(op.s.core.Keys, op.s.core.Keys.Epoch().Prints[0], site)
	if err != nil {
		return credentials.SiteKey{}, err
	}
	_, err = op.s.core.Act(ctx, op.actor, func(u *flow.Unit) error {
		_, err := u.Say(audit.DoorSiteKeyShown, audit.Success, []string{flow.Site(site)}, flow.F(audit.FieldSite, site))
		return err
	})
	if err != nil {
		return credentials.SiteKey{}, op.s.core.Refused(ctx, op.actor, "door.SiteKey", nil, err)
	}
	return key, nil
}

// Alarms lists the duress alarms of a site, the newest first. That it was asked is in the
// restricted log.
func (op *Operator) Alarms(ctx context.Context, site string) ([]Alarm, error) {
	if err := op.allowed(ctx, "Alarms", site); err != nil {
		return nil, err
	}
	var out []Alarm
	q := store.Query{Kind: rec.Alarms.Name, Term: rec.BySite, From: []byte(site), To: append([]byte(site), 0), Limit: store.MaxPage}
	for {
		page, err := op.s.o.Restricted.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, r := range page {
			a, _, err := rec.Alarms.Decode(r)
			if err != nil {
				return nil, err
			}
			out = append(out, alarm(r.Key.ID, a))
		}
		if len(page) < q.Limit {
			break
		}
		q.After = &store.Position{Value: []byte(site), ID: page[len(page)-1].Key.ID}
	}
	slices.SortFunc(out, func(a, b Alarm) int { return b.Raised.Compare(a.Raised) })
	_, err := op.s.vault.Act(ctx, op.actor, func(u *flow.Unit) error {
		_, err := u.Say(audit.LogRead, audit.Success, []string{flow.Site(site)}, flow.F(audit.FieldFilter, "alarms"), flow.F(audit.FieldCount, count(int64(len(out)))))
		return err
	})
	return out, err
}

// Acknowledge notes that a person has taken an alarm over. A second one changes nothing.
// Errors: [ErrAlarmNotFound].
func (op *Operator) Acknowledge(ctx context.Context, id string) error {
	a, err := load(ctx, op.s.o.Restricted, rec.Alarms, id)
	if err != nil {
		return err
	}
	if a.Raised.IsZero() || op.s.core.Allowed(ctx, op.actor, "door.Acknowledge", a.Site) != nil {
		return ErrAlarmNotFound
	}
	_, err = op.s.vault.Act(ctx, op.actor, func(u *flow.Unit) error {
		a, _, err := flow.Load(u, rec.Alarms, id)
		if err != nil || !a.Acknowledged.IsZero() {
			return err
		}
		a.Acknowledged, a.By = u.Now(), rec.Author{Kind: op.actor.Kind(), ID: string(op.actor.ID())}
		return errors.Join(flow.Put(u, rec.Alarms, id, &a), sayAlarm(u, audit.DuressAcknowledged, audit.Success, id, a))
	})
	return err
}

// Duress opens the sealed flag of the entry of a decision, or of a sign-in with a PIN:
// whether a duress code was typed. Errors: [ErrNotADecision].
func (op *Operator) Duress(ctx context.Context, e audit.Entry) (bool, error) {
	if _, found := e.Field(audit.FieldDuress); !found {
		return false, ErrNotADecision
	}
	if err := op.allowed(ctx, "Duress", e.Value(audit.FieldSite)); err != nil {
		return false, err
	}
	duress, found, err := op.s.core.OpenDuress(e)
	if !found {
		return false, ErrNotADecision
	}
	return duress, err
}
