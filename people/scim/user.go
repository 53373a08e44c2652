package scim

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/people"
)

const userSchema = "urn:ietf:params:scim:schemas:core:2.0:User"

// user is an account in SCIM's words: RFC 7643, section 4.1.
type user struct {
	Schemas    []string `json:"schemas"`
	ID         string   `json:"id,omitempty"`
	ExternalID string   `json:"externalId,omitempty"`
	UserName   string   `json:"userName"`
	Name       name     `json:"name"`
	Emails     emails   `json:"emails,omitempty"`
	Active     *bool    `json:"active,omitempty"` // as it comes in: nil says nothing about it
	Meta       *meta    `json:"meta,omitempty"`
}

type name struct {
	Given  string `json:"givenName,omitempty"`
	Family string `json:"familyName,omitempty"`
}

type address struct {
	Value   string `json:"value"`
	Primary bool   `json:"primary"`
}

// emails are the userName once more. Some providers send others; none are kept.
type emails []address

// UnmarshalJSON passes by what is sent.
func (*emails) UnmarshalJSON([]byte) error { return nil }

type meta struct {
	Type     string    `json:"resourceType"`
	Created  time.Time `json:"created"`
	Location string    `json:"location"`
}

// The attributes in which accounts keep what SCIM has beside their fields. The last two are
// there or not.
const (
	externalID = "scim_external_id"
	ended      = "scim_ended"   // which revocation the provider has made: only that one it may take back
	deleted    = "scim_deleted" // it is no user any more
)

// reason is why an account was revoked, as the log has it.
const reason = "inactive at the identity provider"

// known is an account that is a user, as it stands.
type known struct {
	people.Account
	external string
	ended    bool // the provider has revoked it
	deleted  bool
}

// active reports whether nobody has taken the account's access away.
func (k known) active() bool { return k.Suspended.At.IsZero() && !k.Window.Revoked }

// find reads a user. An account that was deleted here is none.
func (s *session) find(ctx context.Context, id accounts.ID) (known, error) {
	a, err := s.Account(ctx, id)
	if err != nil {
		return known{}, err
	}
	k, is, err := s.user(ctx, a)
	if err == nil && (!is || !a.Removed.IsZero()) {
		err = accounts.ErrAccountNotFound
	}
	return k, err
}

// user tells whether an account is a user, and adds what is kept beside it. Services,
// visitors and who has no address are none.
func (s *session) user(ctx context.Context, a people.Account) (known, bool, error) {
	beside, err := s.Attributes(ctx, a.ID)
	k := known{Account: a, external: beside.Plain[externalID], ended: a.Window.Revoked && beside.Plain[ended] == revocation(a), deleted: beside.Plain[deleted] != ""}
	return k, a.Kind == accounts.PersonKind && !k.deleted && !a.Email.IsZero(), err
}

// revocation tells an account's revocation from every other.
func revocation(a people.Account) string { return a.RevokedAt.UTC().Format(time.RFC3339Nano) }

// shown is a user as it is answered.
func (s *session) shown(k known) user {
	active := k.active()
	return user{Schemas: []string{userSchema}, ID: string(k.ID), ExternalID: k.external, UserName: k.Email.String(), Name: name{Given: k.First, Family: k.Last},
		Emails: emails{{Value: k.Email.String(), Primary: true}}, Active: &active,
		Meta: &meta{Type: "User", Created: k.Created, Location: s.location(k.ID)}}
}

func (s *session) location(id accounts.ID) string { return s.o.Base + "/Users/" + string(id) }

// email reads a userName.
func email(userName string) (accounts.Email, error) {
	e, err := accounts.ParseEmail(strings.TrimSpace(userName))
	if err != nil {
		return e, invalid("invalidValue", "userName has to be an e-mail address.")
	}
	return e, nil
}

// create adds an account. One that was deleted here comes back.
func (s *session) create(r *http.Request) (answer, error) {
	ctx := r.Context()
	var want user
	if err := read(r, &want); err != nil {
		return answer{}, err
	}
	to, err := email(want.UserName)
	if err != nil {
		return answer{}, err
	}
	a, _, err := s.Create(ctx, people.NewAccount{Email: to, First: want.Name.Given, Last: want.Name.Family, Sites: s.o.Sites})
	if errors.Is(err, accounts.ErrEmailInUse) {
		a, err = s.back(ctx, to, err)
	}
	if err != nil {
		return answer{}, err
	}
	k, err := s.find(ctx, a.ID)
	if err != nil {
		return answer{}, err
	}
	if want.Active == nil {
		want.Active = new(true) // who is created has access, also who comes back
	}
	k, err = s.become(ctx, k, want)
	return answer{status: http.StatusCreated, location: s.location(a.ID), body: s.shown(k)}, err
}

// back makes a user again of an account that was deleted here.
func (s *session) back(ctx context.Context, of accounts.Email, taken error) (people.Account, error) {
	all, err := s.named(ctx, of)
	if err != nil {
		return people.Account{}, err
	}
	for _, a := range all {
		k, _, err := s.user(ctx, a)
		if err != nil {
			return a, err
		}
		if k.deleted {
			return a, s.RemoveAttribute(ctx, a.ID, deleted)
		}
	}
	return people.Account{}, taken
}

// become changes a user to what is wanted: what takes access away first, what gives it
// last. Access of which nothing is said stays as it is.
func (s *session) become(ctx context.Context, k known, want user) (known, error) {
	if want.Active != nil && !*want.Active {
		if err := s.end(ctx, k); err != nil {
			return k, err
		}
	}
	if k.First != want.Name.Given || k.Last != want.Name.Family {
		d := people.Details{First: want.Name.Given, Last: want.Name.Family, Session: k.Session, Profile: k.Profile}
		if _, err := s.SetDetails(ctx, k.ID, d); err != nil {
			return k, err
		}
	}
	if k.external != want.ExternalID {
		set := func() error { return s.SetAttribute(ctx, k.ID, externalID, want.ExternalID) }
		if want.ExternalID == "" {
			set = func() error { return s.RemoveAttribute(ctx, k.ID, externalID) }
		}
		if err := set(); err != nil {
			return k, err
		}
	}
	if want.Active != nil && *want.Active && k.ended {
		if _, err := s.Unrevoke(ctx, k.ID); err != nil && !errors.Is(err, accounts.ErrInvalidTransition) {
			return k, err
		}
	}
	return s.find(ctx, k.ID)
}

// end takes a user's access away, and keeps that the provider did it.
func (s *session) end(ctx context.Context, k known) error {
	if k.Window.Revoked {
		return nil
	}
	a, err := s.Revoke(ctx, k.ID, reason)
	if err != nil {
		return err
	}
	return s.SetAttribute(ctx, k.ID, ended, revocation(a))
}

func (s *session) get(r *http.Request) (answer, error) {
	k, err := s.find(r.Context(), accounts.ID(r.PathValue("id")))
	return answer{status: http.StatusOK, body: s.shown(k)}, err
}

// replace makes a user what it is said to be; what is left out is taken away, but for
// active.
func (s *session) replace(r *http.Request) (answer, error) {
	var want user
	if err := read(r, &want); err != nil {
		return answer{}, err
	}
	k, err := s.find(r.Context(), accounts.ID(r.PathValue("id")))
	if err != nil {
		return answer{}, err
	}
	return s.changed(r.Context(), k, want)
}

// changed changes a user, but not who it is.
func (s *session) changed(ctx context.Context, k known, want user) (answer, error) {
	to, err := email(want.UserName)
	if err != nil {
		return answer{}, err
	}
	if to.Canonical() != k.Email.Canonical() {
		return answer{}, invalid("mutability", "An address is changed by a person, who has to prove a factor.")
	}
	k, err = s.become(ctx, k, want)
	return answer{status: http.StatusOK, body: s.shown(k)}, err
}

// remove takes an account's access away, and keeps that it is no user any more.
func (s *session) remove(r *http.Request) (answer, error) {
	ctx := r.Context()
	k, err := s.find(ctx, accounts.ID(r.PathValue("id")))
	if err != nil {
		return answer{}, err
	}
	if err := s.end(ctx, k); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusNoContent}, s.SetAttribute(ctx, k.ID, deleted, "true")
}
