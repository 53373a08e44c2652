package door

import (
	"context"
	"errors"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/mint"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// asker is the reader as the log knows it.
func asker(reader string) accounts.Actor {
	return accounts.Recorded(mint.Token{}, audit.PanelActor, accounts.ID(reader), "", "door", time.Time{})
}

// Decide says whether somebody may enter, from what is stored now. The answer is given
// once it is committed with its entry: whoever gets an error has not been let in, and
// nothing was counted as used.
//
// However many guess at once, no more are looked at than the policy allows: each wrong
// code is counted in the commit that precedes its answer. Errors: [ErrReader],
// [ErrPoint], [ErrEntry], flow's and the store's.
func (s *Service) Decide(ctx context.Context, proof Proof, e Entry) (Answer, error) {
	shown, err := e.all()
	if err != nil {
		return Answer{}, err
	}
	asked := question{entry: e, shown: shown}
	for _, one := range shown {
		prints, names, err := s.prints(one)
		if err != nil {
			return Answer{}, err
		}
		asked.prints, asked.names = append(asked.prints, prints), append(asked.names, names)
	}
	var a Answer
	var news []Alert
	asked.tell = func(one Alert) { news = append(news, one) }
	act := func() error {
		_, err := s.core.Act(ctx, asker(proof.id()), func(u *flow.Unit) (err error) {
			news = nil
			a, err = s.decide(u, proof, asked)
			return err
		})
		return err
	}
	err = act()
	if errors.Is(err, store.ErrTaken) { // a tag for which the reader waits is somebody's
		asked.held = true
		err = act()
	}
	if errors.Is(err, store.ErrLimit) { // the site's budget is used up by this one
		asked.beyond = true
		err = act()
	}
	switch {
	case errors.Is(err, ErrReader), errors.Is(err, ErrPoint):
		return Answer{}, s.core.Refused(ctx, asker(proof.id()), "door.Decide", nil, err)
	case err != nil:
		return Answer{}, err
	}
	s.bell.tell(news...)
	return a, nil
}

// question is an entry with the fingerprints of what was shown.
type question struct {
	entry  Entry
	shown  []Shown
	prints [][]credentials.Fingerprint
	names  [][]store.Name
	beyond bool // the site's budget of wrong codes is used up
	held   bool // a tag that is nobody's cannot be claimed
	tell   func(Alert)
}

// reader judges who asks, and about which point.
func reader(u *flow.Unit, proof Proof, point string) (rec.Reader, error) {
	r, found, err := flow.Load(u, rec.Readers, proof.id())
	if err != nil {
		return r, err
	}
	if !proof.matches(r.Hash) || !found || !r.Ended.IsZero() {
		return r, ErrReader
	}
	for _, own := range r.Points {
		if own.ID != point {
			continue
		}
		p, found, err := flow.Load(u, rec.Points, point)
		if err == nil && (!found || p.Site != r.Site) {
			err = ErrPoint
		}
		return r, err
	}
	return r, ErrPoint
}

func (s *Service) decide(u *flow.Unit, proof Proof, q question) (Answer, error) {
	r, err := reader(u, proof, q.entry.Point)
	if err != nil {
		return Answer{}, err
	}
	now, err := s.now(u.Context(), u.Now())
	if err != nil {
		return Answer{}, err
	}
	f, err := s.frame(u, proof.id(), r, q, now)
	if err != nil {
		return Answer{}, err
	}
	who, err := s.shownBy(u, r.Site, q)
	if err != nil {
		return Answer{}, err
	}
	if f.enrolled, err = s.enrol(u, f, q, who[0].account); err != nil {
		return Answer{}, err
	}
	access, err := s.rules(u.Context(), r.Site)
	if err != nil {
		return Answer{}, err
	}
	for i := range who {
		who[i].record.As = access.As(who[i].record.As...)
	}
	t := f.completed(q, who)
	return s.conclude(u, f, q, t, s.judge(f, q, who, t, access.At(q.entry.Point)))
}

// frame is what a decision finds beside the person: who asks, and what is locked.
type frame struct {
	id       string // of the reader
	reader   rec.Reader
	now      credentials.Now
	locks    map[credentials.Medium]rec.Lockout
	locked   time.Time
	opening  rec.Opening
	guessing bool   // the site's alarm was raised in this stretch of time
	alert    string // the id under which that is kept
	late     bool   // it was of an outage
	enrolled bool   // the tag that was presented has become somebody's
	tell     func(Alert)
}

func (s *Service) frame(u *flow.Unit, id string, r rec.Reader, q question, now credentials.Now) (frame, error) {
	f := frame{id: id, reader: r, now: now, locks: map[credentials.Medium]rec.Lockout{}, tell: q.tell}
	for _, one := range q.shown {
		l, _, err := flow.Load(u, rec.Lockouts, lockID(id, place{q.entry.Point, one.Medium}))
		if err != nil {
			return f, err
		}
		f.locks[one.Medium] = l
		if until := locked(l, now); until.After(f.locked) {
			f.locked = until
		}
	}
	var err error
	if f.opening, _, err = flow.Peek(u, rec.Openings, openingID(q.entry.Point)); err != nil {
		return f, err
	}
	f.alert = guessingID(r.Site, now.T)
	_, f.guessing, err = flow.Peek(u, rec.Guessings, f.alert)
	return f, err
}

// The ids of quiet records, which share their kinds with others.
func openingID(point string) string { return "door/opened/" + point }
func guessingID(site string, now time.Time) string {
	return "door/guessing/" + site + "/" + now.UTC().Truncate(guessDay).Format(time.DateOnly)
}
