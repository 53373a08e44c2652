package signin

import (
	"context"
	"errors"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
)

// Authority is the authority over accounts that also asks whether the session, or the API
// token, is still alive by which an actor came: give it to the other services, and whoever
// holds on to an actor, such as a stream, loses every right when the session ends.
func (s *Service) Authority() accounts.Authority { return living{s, s.core.Roles()} }

type living struct {
	s    *Service
	base accounts.Authority
}

// Grant implements [accounts.Authority].
func (l living) Grant(ctx context.Context, a accounts.Actor) (accounts.Grant, error) {
	var err error
	if id, ok := strings.CutPrefix(a.Via(), sessionVia); ok && a.Kind() == audit.AccountActor {
		_, err = l.s.alive(ctx, id)
	}
	if id, ok := strings.CutPrefix(a.Via(), tokenVia); ok && a.Kind() == audit.AccountActor {
		_, _, err = l.s.valid(ctx, id)
	}
	if errors.Is(err, ErrSession) || errors.Is(err, ErrToken) {
		return accounts.Grant{}, nil
	}
	if err != nil {
		return accounts.Grant{}, err
	}
	return l.base.Grant(ctx, a)
}
