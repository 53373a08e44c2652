package door

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// EnrolFor is how long a reader waits for a tag at most.
const EnrolFor = time.Minute

// Errors of enrolling.
var (
	// ErrEnrolment: nobody to be given the tag, or too long a label.
	ErrEnrolment = fault.New(fault.Invalid, "door: not an enrolment").
			Hinted("Give an account, a reader with one of its points, and a label of up to 200 bytes.")
	// ErrTooManyTags: the person has as many tags as a person can have.
	ErrTooManyTags = fault.New(fault.Precondition, "door: the person has too many tags").
			Hinted("Remove a tag that is no longer used first.")
	// ErrNoTag: no tag was presented in time, or the reader was told not to wait any more.
	ErrNoTag = fault.New(fault.NotFound, "door: no tag was presented").
			Hinted("Begin anew, and hold the tag to the reader within a minute.")
	// ErrCollisionBudget: too many codes and tags were not available.
	ErrCollisionBudget = fault.New(fault.Busy, "door: too many codes and tags were not available").
				Hinted("Wait an hour, or let somebody enrol who may see collisions.")
)

// How often somebody without the right to know more may be told that a tag is not
// available.
const (
	refusedInHour     = 5
	refusedInDay      = 20
	refusedInDayOfAll = 200
)

// Enrolment says whom a tag is to be given that somebody is going to present.
type Enrolment struct {
	Account accounts.ID
	Reader  string
	Point   string // one of the reader's
	Label   string // what is written on the tag, if anything
	// For is how long the reader waits; 0 and more than [EnrolFor]: EnrolFor.
	For time.Duration
}

// Enrolled is a tag that was added, without its number.
type Enrolled struct {
	ID   uint64 // under which the person holds it
	Bits int    // of its number
}

// Enrolling is a reader that waits for a tag.
type Enrolling struct {
	op     *Operator
	reader string
	id     string
}

// Enrol lets a reader wait: the next tag that is presented alone at its point and is
// nobody's is given to a person, in the commit of the decision that denies it like any
// unknown tag. Of many who present one, the first gets in the way of the others. A tag that
// is somebody's, or whose number is somebody's code, ends the waiting: that is
// [credentials.ErrNotAvailable] and tells no more, and is paid from the same budget as
// chosen codes.
//
// A reader waits for one tag at a time: the next Enrol at it replaces the one before. It
// waits in the store, so a restart changes nothing, and a reader that asks another node is
// waited for as well; one that is out of the server's reach enrols nothing.
// Errors: [ErrEnrolment], [ErrReaderNotFound], [ErrPoint], [ErrTooManyTags],
// [ErrCollisionBudget], [accounts.ErrAccountNotFound].
func (op *Operator) Enrol(ctx context.Context, n Enrolment) (*Enrolling, error) {
	if n.Account == "" || len(n.Label) > 200 {
		return nil, ErrEnrolment
	}
	if n.For <= 0 || n.For > EnrolFor {
		n.For = EnrolFor
	}
	g, err := op.s.core.Authority.Grant(ctx, op.actor)
	if err != nil {
		return nil, err
	}
	e := &Enrolling{op: op, reader: n.Reader, id: flow.NewID()}
	err = op.change(ctx, "Enrol", n.Reader, func(u *flow.Unit, r rec.Reader) error {
		if !slices.ContainsFunc(r.Points, func(p rec.ReaderPoint) bool { return p.ID == n.Point }) {
			return ErrPoint
		}
		who, err := op.s.someone(u, n.Account)
		if err != nil {
			return err
		}
		if !g.Sites.All() && !g.Sites.Overlaps(who.Sites) {
			return accounts.ErrAccountNotFound
		}
		h, err := flow.HoldingOf(u, string(n.Account))
		if err != nil {
			return err
		}
		if !h.RoomForTag() {
			return ErrTooManyTags
		}
		next := rec.Enrolling{ID: e.id, Account: string(n.Account), Label: n.Label, Point: n.Point, Until: u.Now().Add(n.For),
			By: rec.Author{Kind: op.actor.Kind(), ID: string(op.actor.ID())}}
		if err := op.pay(u, r, &next, n.Reader); err != nil {
			return err
		}
		return errors.Join(flow.Put(u, rec.Enrollings, enrolID(n.Reader), &next), sayReader(u, n.Reader, r, "waits for a tag", flow.F(audit.FieldAccount, string(n.Account))))
	})
	if errors.Is(err, store.ErrLimit) {
		err = ErrCollisionBudget
	}
	if err != nil {
		return nil, err
	}
	return e, nil
}

func enrolID(reader string) string { return "door/enrol/" + reader }

// someone finds a person for a decision; keyholder's own accounts are checked again by the
// commit.
func (s *Service) someone(u *flow.Unit, id accounts.ID) (accounts.Person, error) {
	if s.o.Directory != nil {
		return s.o.Directory.Person(u.Context(), id)
	}
	return s.core.Accounts().Bind(u, id)
}

// pay takes an answer out of the operator's budget before a tag is looked at, and gives
// back what is left of the enrolment that is replaced.
func (op *Operator) pay(u *flow.Unit, r rec.Reader, next *rec.Enrolling, reader string) error {
	before, _, err := flow.Load(u, rec.Enrollings, enrolID(reader))
	if err != nil {
		return err
	}
	if op.s.core.Allowed(u.Context(), op.actor, "roster.Collisions", r.Site) != nil {
		for _, c := range flow.Collisions(op.actor, u.Now(), refusedInHour, refusedInDay, refusedInDayOfAll) {
			if next.Paid = append(next.Paid, c.Counter); !slices.Contains(before.Paid, c.Counter) {
				u.Do(c)
			}
		}
	}
	before.Paid = slices.DeleteFunc(before.Paid, func(c string) bool { return slices.Contains(next.Paid, c) })
	u.Do(before.End()...)
	return nil
}

// enrol gives the tag that is presented to the person for whom its reader waits, or ends
// the waiting because it cannot be theirs. The decision stays what it is without.
func (s *Service) enrol(u *flow.Unit, f frame, q question, holder string) (took bool, err error) {
	if q.entry.Medium != credentials.Reader || len(q.entry.With) > 0 {
		return false, nil
	}
	e, _, err := flow.Peek(u, rec.Enrollings, enrolID(f.id))
	if err != nil || !e.Awaits(q.entry.Point, u.Now()) {
		return false, err
	}
	if e, _, err = flow.Load(u, rec.Enrollings, enrolID(f.id)); err != nil || !e.Awaits(q.entry.Point, u.Now()) {
		return false, err
	}
	if holder == nobody && !q.held {
		if e.Tag, err = s.give(u, e, f.id, q.entry.Tag); err != nil {
			return false, err
		}
		e.Bits = q.entry.Tag.Bits()
	}
	e.Refused = e.Tag == 0
	u.Do(e.End()...)
	return e.Tag != 0, flow.Put(u, rec.Enrollings, enrolID(f.id), &e)
}

// give adds a tag to what a person has; 0: it cannot be theirs, or they are gone.
func (s *Service) give(u *flow.Unit, e rec.Enrolling, reader string, tag credentials.Tag) (uint64, error) {
	switch _, err := s.someone(u, accounts.ID(e.Account)); {
	case errors.Is(err, accounts.ErrAccountNotFound):
		return 0, nil
	case err != nil:
		return 0, err
	}
	h, err := flow.HoldingOf(u, e.Account)
	if err != nil || !h.RoomForTag() {
		return 0, err
	}
	h.Blind = true
	id, err := h.AddTag(tag, e.Label, s.o.CardFormats)
	if err != nil || h.Refused {
		return 0, err
	}
	return id, h.Write("tags", "presented at reader "+reader+" for "+e.By.Kind+" "+e.By.ID)
}

// enrolPoll is how often the result of an enrolment is looked for.
const enrolPoll = 250 * time.Millisecond

// Wait waits until a tag was presented, or until that is over. Errors:
// [credentials.ErrNotAvailable] for a tag that cannot be the person's; [ErrNoTag].
func (e *Enrolling) Wait(ctx context.Context) (Enrolled, error) {
	poll := time.NewTicker(enrolPoll)
	defer poll.Stop()
	for {
		r, err := load(ctx, e.op.s.core.Store, rec.Enrollings, enrolID(e.reader))
		if err == nil && r.ID == e.id && !r.Ended && !e.op.s.core.Time().Before(r.Until) {
			r, err = e.end(ctx)
		}
		switch {
		case err != nil:
			return Enrolled{}, err
		case r.ID == e.id && r.Refused:
			return Enrolled{}, credentials.ErrNotAvailable
		case r.ID == e.id && r.Tag != 0:
			return Enrolled{ID: r.Tag, Bits: r.Bits}, nil
		case r.ID != e.id, r.Ended:
			return Enrolled{}, ErrNoTag
		}
		select {
		case <-ctx.Done():
			return Enrolled{}, ctx.Err()
		case <-poll.C:
		}
	}
}

// Cancel lets the reader wait no more, if it still does: [Enrolling.Wait] says what came of
// it.
func (e *Enrolling) Cancel(ctx context.Context) error {
	_, err := e.end(ctx)
	return err
}

// end ends an enrolment unless something else has, and returns what came of it.
func (e *Enrolling) end(ctx context.Context) (r rec.Enrolling, err error) {
	_, err = e.op.s.core.Act(ctx, e.op.actor, func(u *flow.Unit) error {
		if r, _, err = flow.Load(u, rec.Enrollings, enrolID(e.reader)); err != nil || r.ID != e.id || r.Ended {
			return err
		}
		u.Do(r.End()...)
		return flow.Put(u, rec.Enrollings, enrolID(e.reader), &r)
	})
	return r, err
}
