package oidc_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/signin"
	"github.com/seed-a2d3eaca/keyholder/signin/oidc"
)

// Rules: G212
func TestAPersonSignsInAtTheProvider(t *testing.T) {
	w := newWorld(t)
	a := w.account("tower", "subject-1")
	require.NoError(t, w.signs())
	require.NotNil(t, w.result.Session)
	assert.Equal(t, a.ID, w.result.Session.Account)
	assert.WithinDuration(t, time.Now(), w.result.Session.Factor, time.Minute)
	_, err := w.signin.Check(t.Context(), w.result.Token, signin.From{})
	require.NoError(t, err)
	assert.Equal(t, "openid", w.provider.asked.Get("scope"))
	assert.Equal(t, "S256", w.provider.asked.Get("code_challenge_method"))
	host, err := url.Parse(w.host.URL)
	require.NoError(t, err)
	assert.Empty(t, w.browser.Jar.Cookies(host), "the cookie is gone")

	_, err = w.people.Suspend(t.Context(), a.ID, "left")
	require.NoError(t, err)
	_, err = w.signin.Check(t.Context(), w.result.Token, signin.From{})
	require.ErrorIs(t, err, signin.ErrSession, "the session is keyholder's own")
	require.ErrorIs(t, w.signs(), accounts.ErrSignIn)
	refused, ok := errors.AsType[*signin.RefusedError](w.err)
	require.True(t, ok)
	require.ErrorIs(t, refused.Cause(), accounts.ErrAccountSuspended)
}

// An address at the provider that is an account's binds nothing.
//
// Rules: G212
func TestAnAddressAloneBindsNothing(t *testing.T) {
	w := newWorld(t)
	w.account("tower", "")
	w.provider.user = map[string]any{"sub": "stranger", "email": "tower@example.com", "email_verified": true, "preferred_username": "tower"}
	require.ErrorIs(t, w.signs(), accounts.ErrSignIn)
	refused, ok := errors.AsType[*signin.RefusedError](w.err)
	require.True(t, ok)
	require.ErrorIs(t, refused.Cause(), signin.ErrNotBound)

	w.account("other", "subject-1")
	require.ErrorIs(t, w.op.Bind(t.Context(), w.account("third", "").ID, w.provider.URL, "subject-1"), signin.ErrBound)
}

// What a token must not be: each of these a provider, or somebody in its place, has said.
//
// Rules: G212
func TestATokenThatDoesNotHoldLetsNobodyIn(t *testing.T) {
	for name, spoil := range map[string]func(p *provider){
		"another issuer":    func(p *provider) { p.edit = func(c map[string]any) { c["iss"] = "https://elsewhere.example.com" } },
		"another audience":  func(p *provider) { p.edit = func(c map[string]any) { c["aud"] = "another" } },
		"for several":       func(p *provider) { p.edit = func(c map[string]any) { c["aud"] = []string{clientID, "another"} } },
		"for another party": func(p *provider) { p.edit = func(c map[string]any) { c["azp"] = "another" } },
		"expired":           func(p *provider) { p.edit = func(c map[string]any) { c["exp"] = time.Now().Add(-time.Minute).Unix() } },
		"not yet":           func(p *provider) { p.edit = func(c map[string]any) { c["nbf"] = time.Now().Add(time.Hour).Unix() } },
		"of the past":       func(p *provider) { p.edit = func(c map[string]any) { c["iat"] = time.Now().Add(-time.Hour).Unix() } },
		"of the future":     func(p *provider) { p.edit = func(c map[string]any) { c["iat"] = time.Now().Add(time.Hour).Unix() } },
		"another nonce":     func(p *provider) { p.edit = func(c map[string]any) { c["nonce"] = "of another sign-in" } },
		"no nonce":          func(p *provider) { p.edit = func(c map[string]any) { delete(c, "nonce") } },
		"a number as acr":   func(p *provider) { p.edit = func(c map[string]any) { c["acr"] = 2 } },
		"alg none":          func(p *provider) { p.token = func(c map[string]any) string { return unsigned(c) } },
		"another key": func(p *provider) {
			p.token = func(c map[string]any) string { return signed(jose.ES256, otherKey(), c) }
		},
		"the client's secret as a key": func(p *provider) {
			p.token = func(c map[string]any) string { return signed(jose.HS256, []byte(strings.Repeat(clientSecret, 2)), c) }
		},
		"no token": func(p *provider) { p.token = func(map[string]any) string { return "" } },
		"changed": func(p *provider) {
			p.token = func(c map[string]any) string {
				parts := strings.Split(signed(jose.ES256, p.key, c), ".")
				c["sub"] = "subject-2"
				other := strings.Split(signed(jose.ES256, p.key, c), ".")
				return parts[0] + "." + other[1] + "." + parts[2]
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.account("tower", "subject-1")
			w.account("other", "subject-2")
			require.NoError(t, w.signs(), "unspoiled")
			spoil(w.provider)
			require.ErrorIs(t, w.signs(), oidc.ErrToken)
			assert.Nil(t, w.result.Session)
			for _, secret := range []string{clientSecret, "eyJ"} {
				assert.NotContains(t, w.err.Error(), secret)
			}
		})
	}
}

// The way back counts in the browser that began, once, and with what that browser began
// with.
//
// Rules: G212
func TestTheWayBackBelongsToTheBrowserThatBegan(t *testing.T) {
	w := newWorld(t)
	w.account("tower", "subject-1")
	var back []*http.Request
	finish := w.finish
	w.finish = func(r *http.Request) error {
		back = append(back, r.Clone(t.Context()))
		return finish(r)
	}
	w.provider.again = true
	require.NoError(t, w.signs())
	require.Len(t, back, 1)

	// The same request once more, cookie and all: a provider that takes a code twice does not
	// make the proof count twice.
	again, err := w.oidc.Finish(t.Context(), back[0])
	require.NoError(t, err)
	_, err = w.signin.Federate(t.Context(), again, signin.From{})
	require.ErrorIs(t, err, signin.ErrReplayed)
	// And where codes work once, as they must, it does not come so far.
	w.provider.again = false
	_, err = w.oidc.Finish(t.Context(), back[0])
	require.NoError(t, err, "the code of the first time is still there")
	_, err = w.oidc.Finish(t.Context(), back[0])
	require.ErrorIs(t, err, oidc.ErrRefused)

	// Another browser that is sent to the same address.
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	w.browser.Jar = jar
	w.fetch(w.host.URL + back[0].URL.RequestURI())
	require.ErrorIs(t, w.err, oidc.ErrState)

	began := func() (*http.Cookie, url.Values) {
		s := w.oidc.Start(oidc.Ask{})
		u, err := url.Parse(s.URL)
		require.NoError(t, err)
		return s.Cookie, url.Values{"state": {u.Query().Get("state")}, "code": {"made up"}}
	}
	for name, c := range map[string]struct {
		edit func(c *http.Cookie, q url.Values)
		want error
	}{
		"a code of nobody":        {func(*http.Cookie, url.Values) {}, oidc.ErrRefused},
		"no state":                {func(_ *http.Cookie, q url.Values) { q.Del("state") }, oidc.ErrState},
		"another state":           {func(_ *http.Cookie, q url.Values) { q.Set("state", "another") }, oidc.ErrState},
		"another issuer":          {func(_ *http.Cookie, q url.Values) { q.Set("iss", "https://elsewhere.example.com") }, oidc.ErrState},
		"a cookie of nothing":     {func(c *http.Cookie, _ url.Values) { c.Value = "." }, oidc.ErrState},
		"refused at the provider": {func(_ *http.Cookie, q url.Values) { q.Set("error", "access_denied") }, oidc.ErrRefused},
	} {
		cookie, q := began()
		c.edit(cookie, q)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/back?"+q.Encode(), nil)
		r.AddCookie(cookie)
		_, err := w.oidc.Finish(t.Context(), r)
		require.ErrorIs(t, err, c.want, name)
	}

	// A code that another browser was given: it lacks the key of PKCE.
	cookie, q := began()
	w.provider.codes["stolen"] = url.Values{"code_challenge": {"of another"}, "code_challenge_method": {"S256"}, "redirect_uri": {w.opts.Redirect}}
	q.Set("code", "stolen")
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/back?"+q.Encode(), nil)
	r.AddCookie(cookie)
	_, err = w.oidc.Finish(t.Context(), r)
	require.ErrorIs(t, err, oidc.ErrRefused)
}

// Rules: G212
func TestGroupsGiveAndTakeRoles(t *testing.T) {
	w := newWorld(t, func(o *oidc.Options) {
		o.Groups, o.Roles = "groups", map[string][]string{"guards": {"guard"}, "everybody": {"guard", "cleaner"}}
	})
	for _, name := range []string{"guard", "cleaner"} {
		require.NoError(t, w.people.AddRole(t.Context(), accounts.Role{Name: name, Allow: accounts.RightsOf(accounts.EquipmentView)}))
	}
	a := w.account("tower", "subject-1")
	var last signin.Token
	for _, c := range []struct {
		groups any
		want   []string
		ends   bool // the session before
	}{
		{[]string{"guards", "unknown"}, []string{"user", "guard"}, false},
		{[]string{"everybody", "guards"}, []string{"user", "guard", "cleaner"}, false},
		{"guards", []string{"user", "guard"}, true},
		{nil, []string{"user"}, true},
	} {
		w.provider.user["groups"] = c.groups
		if c.groups == nil {
			delete(w.provider.user, "groups")
		}
		require.NoError(t, w.signs())
		v, err := w.people.Account(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, c.want, v.Roles)
		if !last.IsZero() {
			_, err = w.signin.Check(t.Context(), last, signin.From{})
			assert.Equal(t, c.ends, errors.Is(err, signin.ErrSession), "%v", c.groups)
		}
		last = w.result.Token
	}
	w.provider.user["groups"] = map[string]bool{"guards": true}
	require.ErrorIs(t, w.signs(), oidc.ErrToken)
}

// A fresh proof of the right strength steps up.
//
// Rules: G212
func TestAStepUpAsksTheProviderAgain(t *testing.T) {
	w := newWorld(t, func(o *oidc.Options) { o.Strong = []string{"mfa"} })
	a := w.account("tower", "subject-1")
	require.NoError(t, w.op.RequireFactor(t.Context(), a.ID, true))
	require.ErrorIs(t, w.signs(), signin.ErrWeak)
	w.provider.user["acr"], w.provider.user["auth_time"] = "mfa", time.Now().Add(-time.Hour).Unix()
	w.ask = oidc.Ask{Strong: true}
	require.NoError(t, w.signs())
	assert.Equal(t, "mfa", w.provider.asked.Get("acr_values"))
	assert.False(t, w.provider.asked.Has("max_age"))

	token := w.result.Token
	w.ask.Fresh = true
	w.finish = func(r *http.Request) error {
		o, err := w.signin.Owner(r.Context(), token, signin.From{})
		if err == nil {
			token, err = o.StepUpExternal(r.Context(), w.external)
		}
		return err
	}
	before := token
	require.ErrorIs(t, w.signs(), signin.ErrWeak, "the provider has not asked again")
	assert.Equal(t, "0", w.provider.asked.Get("max_age"))
	token = before
	w.provider.user["auth_time"] = float64(time.Now().Unix())
	require.NoError(t, w.signs())
	s, err := w.signin.Check(t.Context(), token, signin.From{})
	require.NoError(t, err)
	assert.WithinDuration(t, time.Now(), s.Factor, time.Minute)
}

func TestAProviderThatRefusesOrIsAway(t *testing.T) {
	w := newWorld(t)
	w.account("tower", "subject-1")
	w.provider.deny = "access_denied"
	require.ErrorIs(t, w.signs(), oidc.ErrRefused)
	s := w.oidc.Start(oidc.Ask{})
	u, err := url.Parse(s.URL)
	require.NoError(t, err)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/back?code=x&state="+u.Query().Get("state"), nil)
	r.AddCookie(s.Cookie)
	w.provider.Close()
	_, err = w.oidc.Finish(t.Context(), r)
	require.ErrorIs(t, err, oidc.ErrUnreachable)
	_, err = oidc.Open(t.Context(), w.opts)
	require.ErrorIs(t, err, oidc.ErrUnreachable)
}

// A provider of another name is not believed, whatever its address.
//
// Rules: G212
func TestTheIssuerIsPinned(t *testing.T) {
	w := newWorld(t)
	o := w.opts
	o.Issuer += "/"
	_, err := oidc.Open(t.Context(), o)
	require.ErrorIs(t, err, oidc.ErrUnreachable)
	for name, edit := range map[string]func(*oidc.Options){
		"no issuer":         func(o *oidc.Options) { o.Issuer = "" },
		"in the clear":      func(o *oidc.Options) { o.Issuer = "http://id.example.com" },
		"no client":         func(o *oidc.Options) { o.ClientID = "" },
		"nowhere to return": func(o *oidc.Options) { o.Redirect = "/back" },
		"no claim":          func(o *oidc.Options) { o.Roles = map[string][]string{"guards": {"guard"}} },
		"administrators": func(o *oidc.Options) {
			o.Groups, o.Roles = "groups", map[string][]string{"admins": {accounts.AdminRole}}
		},
	} {
		o := w.opts
		edit(&o)
		_, err := oidc.Open(t.Context(), o)
		require.ErrorIs(t, err, oidc.ErrOptions, name)
	}
}

func TestTheClientsSecretDoesNotPrint(t *testing.T) {
	o := oidc.Options{Secret: panel.SecretOf(clientSecret)}
	text, err := json.Marshal(o.Secret)
	require.NoError(t, err)
	assert.NotContains(t, fmt.Sprintf("%v %+v %s", o, o, text), clientSecret)
	w := newWorld(t)
	assert.NotContains(t, fmt.Sprintf("%+v %#v", w.oidc, w.oidc), clientSecret, "the provider")
}
