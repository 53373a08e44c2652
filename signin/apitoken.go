package signin

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/mint"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// How long a token lives if nobody says, and how long one that is replaced still works.
const (
	tokenLife    = 90 * 24 * time.Hour
	tokenOverlap = time.Hour
)

// NewToken is what an API token is for.
type NewToken struct {
	Name     string          // what people know it by
	Rights   accounts.Rights // of these, what the account has at each use; [ErrTokenRights] for secrets
	Sites    []string        // of these, the account's; none: all of the account's
	Networks []netip.Prefix  // from which it works; none: any
	Life     time.Duration   // 0: 90 days
	Forever  bool            // it never ends: better let it end, and replace it in time
}

// APIToken is a token without its secret.
type APIToken struct {
	ID           string
	Name         string
	Rights       []string
	Sites        []string
	Networks     []netip.Prefix
	Issued, Ends time.Time // Ends is zero for never
	Seen         time.Time // the last use, give or take a minute; zero for never
}

// IssueToken makes a token for a service account. Its text is shown this once. It never
// counts as a fresh factor. Errors: [ErrTokenRights], [ErrMethod] for an account that is
// not a service's, [accounts.ErrOutranked] for an account that may do more than the operator.
func (op *Operator) IssueToken(ctx context.Context, id accounts.ID, n NewToken) (Token, error) {
	var token Token
	err := op.change(ctx, "IssueToken", id, func(u *flow.Unit, a accounts.Account, l *rec.Login) error {
		secret := accounts.RightsOf(accounts.PanelUsersDisclose, accounts.AttributesReveal, accounts.DuressView)
		switch {
		case a.Kind != accounts.ServiceKind:
			return ErrMethod
		case n.Rights.IsZero(), n.Rights.Without(secret) != n.Rights:
			return ErrTokenRights
		}
		t := rec.APIToken{Account: string(id), Epoch: l.Epoch, Issued: u.Now(), Name: n.Name[:min(len(n.Name), maxDevice)], Networks: slices.Clone(n.Networks),
			Rights: n.Rights.Names(), Sites: slices.Clone(n.Sites)}
		switch {
		case n.Forever:
		case n.Life > 0:
			t.Ends = u.Now().Add(n.Life)
		default:
			t.Ends = u.Now().Add(tokenLife)
		}
		var err error
		token, err = issue(u, t)
		return errors.Join(err, flow.Put(u, rec.Logins, string(id), l)) // from now on there is something to end
	})
	if err != nil {
		return Token{}, err
	}
	return token, nil
}

// issue puts a new token into a decision.
func issue(u *flow.Unit, t rec.APIToken) (Token, error) {
	token := newToken(apiToken, "")
	t.Hash = token.hash()
	if err := flow.Put(u, rec.APITokens, token.id, &t); err != nil {
		return Token{}, err
	}
	expires := "never"
	if !t.Ends.IsZero() {
		expires = t.Ends.Format(time.RFC3339)
	}
	return token, say(u, audit.TokenIssued, t.Account, flow.F(audit.FieldToken, token.id), flow.F(audit.FieldRights, rights(t.Rights).String()), flow.F(audit.FieldExpires, expires))
}

// RotateToken replaces a token by one that may do the same, for as long as the old one was
// given. The old one works for another hour. Errors: [ErrToken].
func (op *Operator) RotateToken(ctx context.Context, id accounts.ID, old string) (Token, error) {
	var token Token
	err := op.change(ctx, "RotateToken", id, func(u *flow.Unit, _ accounts.Account, l *rec.Login) error {
		t, found, err := flow.Load(u, rec.APITokens, old)
		if err != nil {
			return err
		}
		if !found || t.Account != string(id) || op.s.spent(t, *l, u.Now()) {
			return ErrToken
		}
		next := t
		next.Issued = u.Now()
		if !t.Ends.IsZero() {
			next.Ends = u.Now().Add(t.Ends.Sub(t.Issued))
		}
		if last := u.Now().Add(tokenOverlap); t.Ends.IsZero() || last.Before(t.Ends) {
			t.Ends = last
		}
		if err := flow.Put(u, rec.APITokens, old, &t); err != nil {
			return err
		}
		token, err = issue(u, next)
		return err
	})
	if err != nil {
		return Token{}, err
	}
	return token, nil
}

// EndToken ends a token at once. Errors: [ErrToken].
func (op *Operator) EndToken(ctx context.Context, id accounts.ID, token string) error {
	return op.change(ctx, "EndToken", id, func(u *flow.Unit, _ accounts.Account, _ *rec.Login) error {
		t, found, err := flow.Load(u, rec.APITokens, token)
		if err != nil {
			return err
		}
		if !found || t.Account != string(id) {
			return ErrToken
		}
		flow.Drop(u, rec.APITokens, token)
		return say(u, audit.TokenEnded, string(id), flow.F(audit.FieldToken, token))
	})
}

// Tokens lists an account's tokens.
func (op *Operator) Tokens(ctx context.Context, id accounts.ID) ([]APIToken, error) {
	if err := op.see(ctx, "Tokens", id); err != nil {
		return nil, err
	}
	var out []APIToken
	err := each(ctx, op.s.core.Store, rec.APITokens, string(id), func(key string, t rec.APIToken) error {
		rs, err := op.s.core.Store.Load(ctx, rec.Seens.Key(seenID("token/", key)))
		if err != nil {
			return err
		}
		seen, _, err := rec.Seens.Decode(rs[0])
		out = append(out, APIToken{ID: key, Name: t.Name, Rights: t.Rights, Sites: t.Sites, Networks: t.Networks, Issued: t.Issued, Ends: t.Ends, Seen: seen.At})
		return err
	})
	return out, err
}

// CheckToken turns an API token into the actor that the other services ask for, at every
// request. Errors: [ErrToken], whatever the reason: it never was, has ended, was ended,
// comes from another network, its account is suspended, revoked or removed.
func (s *Service) CheckToken(ctx context.Context, token Token, f From) (accounts.Actor, error) {
	id := token.of(apiToken)
	t, a, err := s.valid(ctx, id)
	if err != nil {
		return accounts.Actor{}, err
	}
	if !token.matches(t.Hash) || len(t.Networks) > 0 && !within(t.Networks, f.Addr) {
		return accounts.Actor{}, ErrToken
	}
	scope := accounts.Scope{Rights: rights(t.Rights), Sites: accounts.AllSites()}
	if len(t.Sites) > 0 {
		scope.Sites = accounts.TheseSites(t.Sites...)
	}
	actor := accounts.Scoped(mint.Token{}, accounts.Recorded(mint.Token{}, audit.AccountActor, a.ID, a.Name(), tokenVia+id, time.Time{}), scope)
	if f.Local {
		actor = accounts.Locally(mint.Token{}, actor)
	}
	rs, err := s.core.Store.Load(ctx, rec.Seens.Key(seenID("token/", id)))
	if err != nil {
		return accounts.Actor{}, err
	}
	if seen, _, err := rec.Seens.Decode(rs[0]); err == nil && s.core.Time().Sub(seen.At) >= seenEvery {
		s.touch(ctx, seenID("token/", id))
	}
	return actor, nil
}

// spent reports whether a token has ended by itself, or with the rest of its account's
// sign-ins.
func (s *Service) spent(t rec.APIToken, l rec.Login, now time.Time) bool {
	return !t.Ends.IsZero() && !now.Before(t.Ends) || s.p.EndTokens && t.Epoch != l.Epoch
}

// valid reads a token and judges everything but its secret and where it comes from.
func (s *Service) valid(ctx context.Context, id string) (rec.APIToken, accounts.Account, error) {
	rs, err := s.core.Store.Load(ctx, rec.APITokens.Key(id), rec.Quarantines.Key(rec.QuarantineID))
	if err != nil {
		return rec.APIToken{}, accounts.Account{}, err
	}
	t, _, err := rec.APITokens.Decode(rs[0])
	if err != nil {
		return t, accounts.Account{}, err
	}
	q, _, err := rec.Quarantines.Decode(rs[1])
	if err != nil {
		return t, accounts.Account{}, err
	}
	held, err := s.core.Store.Load(ctx, rec.Accounts.Key(t.Account), rec.Logins.Key(t.Account))
	if err != nil {
		return t, accounts.Account{}, err
	}
	a, _, err := rec.Accounts.Decode(held[0])
	if err != nil {
		return t, a, err
	}
	l, _, err := rec.Logins.Decode(held[1])
	if err != nil {
		return t, a, err
	}
	now := s.core.Time()
	if rs[0].Version == 0 || held[0].Version == 0 || s.spent(t, l, now) || !t.Issued.After(q.Since) || ended(a, now) {
		return t, a, ErrToken
	}
	return t, a, nil
}
