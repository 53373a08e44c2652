package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/seed-a2d3eaca/keyholder/signin"
)

// Ask is what the provider is asked for beside who it is.
type Ask struct {
	Fresh  bool // prove the person now, even if they are signed in there: for a step-up
	Strong bool // by one of [Options].Strong
}

// Start is a sign-in that begins: answer the browser with the cookie and send it to the URL.
type Start struct {
	URL    string
	Cookie *http.Cookie
}

// The cookie of a sign-in that has begun. By its name browsers let no other host set it.
const (
	cookieName = "__Host-keyholder-oidc"
	cookieFor  = 10 * time.Minute
)

// clock is how far the provider's clock may be from ours, and how old a token may be that
// was just asked for.
const (
	clockSkew = time.Minute
	tokenAge  = 5 * time.Minute
)

// Start begins a sign-in.
func (p *Provider) Start(a Ask) Start {
	state, nonce, verifier := rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	options := []oauth2.AuthCodeOption{oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)}
	if a.Fresh {
		options = append(options, oauth2.SetAuthURLParam("max_age", "0"))
	}
	if a.Strong {
		options = append(options, oauth2.SetAuthURLParam("acr_values", strings.Join(p.o.Strong, " ")))
	}
	return Start{URL: p.oauth.AuthCodeURL(state, options...), Cookie: cookie(state+"."+nonce+"."+verifier, int(cookieFor.Seconds()))}
}

func cookie(value string, age int) *http.Cookie {
	return &http.Cookie{Name: cookieName, Value: value, Path: "/", MaxAge: age, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// Done is the cookie that takes the one of [Start] away: answer with it after
// [Provider.Finish], whatever came of it.
func Done() *http.Cookie { return cookie("", -1) }

// Finish reads the request with which a browser comes back from the provider, and returns
// whom the provider has proven. Give it to [signin.Service.Federate],
// [signin.Owner.Link], [signin.Owner.StepUpExternal] or [signin.Owner.ProveExternal]; it
// counts once. Errors: [ErrState], [ErrRefused], [ErrToken], [ErrUnreachable].
func (p *Provider) Finish(ctx context.Context, r *http.Request) (signin.External, error) {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return signin.External{}, ErrState
	}
	parts, q := strings.Split(c.Value, "."), r.URL.Query()
	if len(parts) != 3 || !equal(parts[0], q.Get("state")) || q.Has("iss") && q.Get("iss") != p.o.Issuer {
		return signin.External{}, ErrState
	}
	if q.Has("error") {
		return signin.External{}, ErrRefused
	}
	answer, err := p.oauth.Exchange(p.with(ctx), q.Get("code"), oauth2.VerifierOption(parts[2]))
	if _, said := errors.AsType[*oauth2.RetrieveError](err); said {
		return signin.External{}, ErrRefused // what it said may hold what was sent
	}
	if err != nil {
		return signin.External{}, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	raw, _ := answer.Extra("id_token").(string)
	token, err := p.tokens.Verify(p.with(ctx), raw)
	if err != nil {
		return signin.External{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	return p.external(token, parts[1])
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// claims are what a token says beside what the library has checked.
type claims struct {
	ACR      string  `json:"acr"`
	AuthTime float64 `json:"auth_time"`
	Party    string  `json:"azp"`
}

// external is whom a verified token proves.
func (p *Provider) external(t *oidc.IDToken, nonce string) (signin.External, error) {
	var c claims
	var all map[string]json.RawMessage
	if errors.Join(t.Claims(&c), t.Claims(&all)) != nil {
		return signin.External{}, ErrToken
	}
	now := p.o.Now()
	switch {
	case !equal(t.Nonce, nonce):
		return signin.External{}, fmt.Errorf("%w: not for this sign-in", ErrToken)
	case c.Party != "" && c.Party != p.o.ClientID, c.Party == "" && len(t.Audience) > 1:
		return signin.External{}, fmt.Errorf("%w: for another client", ErrToken)
	case t.IssuedAt.After(now.Add(clockSkew)), now.Sub(t.IssuedAt) > tokenAge:
		return signin.External{}, fmt.Errorf("%w: not of this moment", ErrToken)
	}
	e := signin.External{Issuer: t.Issuer, Subject: t.Subject, Nonce: nonce, Strong: slices.Contains(p.o.Strong, c.ACR), Governs: p.governs}
	if c.AuthTime > 0 {
		e.At = time.Unix(int64(c.AuthTime), 0)
	}
	groups, err := list(all[p.o.Groups])
	if err != nil {
		return signin.External{}, fmt.Errorf("%w: its groups cannot be read", ErrToken)
	}
	e.Roles = p.roles(groups)
	return e, nil
}

// list reads a claim that holds several texts, or one, or is not there.
func list(raw json.RawMessage) ([]string, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var many []string
	if json.Unmarshal(raw, &many) == nil {
		return many, nil
	}
	var one string
	err := json.Unmarshal(raw, &one)
	return []string{one}, err
}
