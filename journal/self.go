package journal

import (
	"context"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Self is the log in the hands of somebody whom it is about: the entries about them or of
// what they did, and proofs that these are in the log. It asks for no right, because there
// is nothing else in it, and for a person who is active where the policy lets people help
// themselves ([accounts.Policy.SelfService]). What is personal of others stays a pseudonym.
// It is cheap and safe for concurrent use.
//
// Every method fails with [accounts.ErrSelfService] where there is no such policy, and for
// an actor that is no person's: a service, a panel, keyholder itself.
type Self struct {
	reader *Reader
}

// Self gives the journal to the owner of an account; with a Directory, also to whom the
// host has identified by an id that the Directory knows.
func (j *Journal) Self(actor accounts.Actor) *Self { return &Self{reader: j.As(actor)} }

// Query returns a page of the owner's entries, as [Reader.Query] does. A filter narrows
// it; none finds by e-mail, [ErrNoEmails].
func (s *Self) Query(ctx context.Context, q Query) (Page, error) {
	at, err := q.check()
	if err != nil {
		return Page{}, err
	}
	if err := s.may(ctx); err != nil {
		return Page{}, err
	}
	if !q.Email.IsZero() {
		return Page{}, ErrNoEmails
	}
	q.About = append([]string{s.id()}, q.About...)
	found, err := s.reader.journal.search(ctx, q.Filter, accounts.AllSites())
	if err != nil {
		return Page{}, err
	}
	if err := s.reader.note(ctx, q.Filter); err != nil {
		return Page{}, err
	}
	return s.reader.journal.page(ctx, found, q, at, s.own)
}

// Prove returns the proof of one of the owner's entries, as [Reader.Prove] does: it holds
// whoever checks it, without keyholder. Errors: those of [Reader.Prove]; an entry that is
// not the owner's is not there.
func (s *Self) Prove(ctx context.Context, entryID string, fields ...string) ([]byte, error) {
	if err := s.may(ctx); err != nil {
		return nil, err
	}
	found, err := s.reader.journal.find(ctx, entryID, store.EntryQuery{Target: []byte(s.id())})
	if err != nil {
		return nil, err
	}
	return s.reader.prove(ctx, found, fields)
}

func (s *Self) id() string { return string(s.reader.actor.ID()) }

// own reports whether a key opens what is personal of the owner.
func (s *Self) own(keyID string) bool {
	return keyID == audit.AccountActor+"/"+s.id() || keyID == s.reader.actor.Kind()+"/"+s.id()
}

// may reports why the actor has no entries to see.
func (s *Self) may(ctx context.Context) error {
	return s.reader.refused(ctx, "Self", s.person(ctx))
}

func (s *Self) person(ctx context.Context) error {
	j, kind := s.reader.journal, s.reader.actor.Kind()
	if !j.o.Policy.SelfService {
		return accounts.ErrSelfService
	}
	if j.o.Directory != nil && (kind == audit.HostActor || kind == audit.AccountActor) {
		p, err := j.o.Directory.Person(ctx, s.reader.actor.ID())
		if err == nil && p.Status != accounts.StatusActive {
			err = accounts.ErrNotEnabled
		}
		return err
	}
	if kind != audit.AccountActor {
		return accounts.ErrSelfService
	}
	rs, err := j.core.Store.Load(ctx, rec.Accounts.Key(s.id()))
	if err != nil {
		return err
	}
	a, _, err := rec.Accounts.Decode(rs[0])
	switch {
	case err != nil:
		return err
	case rs[0].Version == 0:
		return accounts.ErrAccountNotFound
	case a.Kind == accounts.ServiceKind:
		return accounts.ErrSelfService
	}
	return a.Access(j.core.Time())
}
