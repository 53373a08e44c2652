package powermanage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// appType is what apps for users call themselves.
const appType = "com.visonic.powermaxapp"

// connecting is how long the server may take to reach the panel after a login.
const connecting = 15 * time.Second

// appID is the UUID under which the server knows this client: the same for every session
// with a panel, and not to be guessed from outside.
func appID(id string) string {
	sum := sha256.Sum256([]byte("keyholder powermanage " + id))
	sum[6], sum[8] = sum[6]&0x0f|0x40, sum[8]&0x3f|0x80
	h := hex.EncodeToString(sum[:16])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

// negotiate takes the best version that both sides know.
func (s *session) negotiate(ctx context.Context) error {
	raw, err := s.client.do(ctx, request{method: http.MethodGet, url: s.base.JoinPath("version")})
	if err != nil {
		return err
	}
	v, err := decode[versions](raw)
	if err != nil {
		return err
	}
	s.version, err = v.best()
	return err
}

// signIn presents every secret once: the account's, and the master code if the account
// has the panel. It returns when the server has reached the panel.
func (s *session) signIn(ctx context.Context) error {
	s.tokens = tokens{}
	got, err := s.present(ctx, "auth", nil, signIn{Email: s.email.Reveal(), Password: s.password.Reveal(), App: s.app})
	if err == nil {
		err = whole(got.User)
	}
	if err != nil {
		return err
	}
	s.tokens.user = panel.SecretOf(got.User)
	if err := s.find(ctx); err != nil {
		return lineError(err)
	}
	got, err = s.present(ctx, "panel/login", &s.tokens, panelLogin{Code: s.master.Reveal(), AppType: appType, App: s.app, Serial: s.serial})
	if err == nil {
		err = whole(got.Session)
	}
	if err != nil {
		return err
	}
	s.tokens.session = panel.SecretOf(got.Session)
	return lineError(s.connected(ctx))
}

// present is a call that carries a secret: its refusals are those of a login.
func (s *session) present(ctx context.Context, path string, t *tokens, body any) (opened, error) {
	raw, err := s.client.do(ctx, request{method: http.MethodPost, url: s.base.JoinPath(s.version, path), body: body, tokens: t})
	if r, ok := errors.AsType[*refusalError](err); ok {
		return opened{}, r.ofLogin()
	}
	if err != nil {
		return opened{}, err
	}
	return decode[opened](raw)
}

// whole reports a token that is missing or cannot stand in a header.
func whole(token string) error {
	bad := func(r rune) bool { return r <= ' ' || r > '~' }
	if token == "" || len(token) > 4096 || strings.ContainsFunc(token, bad) {
		return errAnswer()
	}
	return nil
}

// find looks for the panel among the account's.
func (s *session) find(ctx context.Context) error {
	raw, err := s.ask(ctx, http.MethodGet, "panels", nil)
	if err != nil {
		return err
	}
	panels, err := decode[[]panelInfo](raw)
	if err != nil {
		return err
	}
	for _, p := range panels {
		if !strings.EqualFold(p.Serial, s.serial) {
			continue
		}
		if k := familyOf(p.Type); k != "" && k != s.family.Kind {
			return fmt.Errorf("%w: %w", panel.ErrIdentity, ErrFamily)
		}
		return nil
	}
	return fmt.Errorf("%w: %w", panel.ErrIdentity, ErrPanelNotListed)
}

// connected waits until the server has reached the panel, which takes moments after a
// login.
func (s *session) connected(ctx context.Context) error {
	until := time.Now().Add(connecting)
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		st, err := s.status(ctx, s.ask)
		switch {
		case err != nil:
			return err
		case st.Connected:
			return nil
		case time.Now().Add(pause).After(until):
			return fmt.Errorf("%w: %w", panel.ErrUnreachable, ErrNotConnected)
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}
