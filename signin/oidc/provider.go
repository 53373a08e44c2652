package oidc

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// Errors.
var (
	// ErrOptions: something in the options is missing or not right.
	ErrOptions = fault.New(fault.Invalid, "oidc: the options are not right").
			Hinted("Give the provider's https issuer, the client's id, an https page to come back to, and no role of administrators.")
	// ErrUnreachable: the provider did not answer, or not as a provider of that name does.
	ErrUnreachable = fault.New(fault.Unavailable, "oidc: the provider does not answer").
			Hinted("Look whether the issuer is written as the provider writes it, and whether it can be reached from here.")
	// ErrState: the browser that came back is not the one that began, or began too long ago.
	ErrState = fault.New(fault.Denied, "oidc: not a sign-in that began in this browser").
			Hinted("Begin again.")
	// ErrRefused: the provider let nobody in.
	ErrRefused = fault.New(fault.Denied, "oidc: the provider refused the sign-in").
			Hinted("Begin again, or ask whoever runs the provider.")
	// ErrToken: the provider's token is not one that this client may believe.
	ErrToken = fault.New(fault.Denied, "oidc: the provider's token does not hold").
			Hinted("Look at issuer, audience, keys and clocks of provider and client.")
)

// Options are what a provider is used by. Issuer, ClientID and Redirect are required.
type Options struct {
	// Issuer is the provider, exactly as it names itself: an https URL. No other is believed.
	Issuer string
	// ClientID and Secret are this client, as it is registered there. Zero Secret: a client
	// without one.
	ClientID string
	Secret   panel.Secret
	// Redirect is the https URL of the host's page that calls [Provider.Finish].
	Redirect string
	// Scopes are asked for beside "openid".
	Scopes []string
	// Groups is the claim that lists a person's groups; "": roles do not follow the provider.
	// A person without the claim is in no group.
	Groups string
	// Roles are the roles that a group gives. [accounts.AdminRole] is never one of them.
	Roles map[string][]string
	// Strong are the values of acr by which the provider says that more than a password was
	// asked for. They are asked for where [Ask].Strong says so.
	Strong []string
	// Client carries the requests; nil: one that waits ten seconds.
	Client *http.Client
	// Now is the time; nil: the clock.
	Now func() time.Time
}

// Provider signs people in. It is safe for concurrent use.
type Provider struct {
	o       Options
	oauth   oauth2.Config
	tokens  *oidc.IDTokenVerifier
	governs []string
}

// Format writes the issuer alone: fmt looks into fields where types that redact themselves
// are not asked.
func (p *Provider) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, p.o.Issuer) }

// signed are the algorithms by which a token may be signed: by a key that only the provider
// has.
var signed = [...]string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA}

// Open reads what the provider says of itself. Errors: [ErrOptions], [ErrUnreachable].
func Open(ctx context.Context, o Options) (*Provider, error) {
	p := &Provider{o: o}
	for _, roles := range o.Roles {
		p.governs = append(p.governs, roles...)
	}
	slices.Sort(p.governs)
	p.governs = slices.Compact(p.governs)
	if !secure(o.Issuer) || !secure(o.Redirect) || o.ClientID == "" || slices.Contains(p.governs, accounts.AdminRole) || len(o.Roles) > 0 && o.Groups == "" {
		return nil, ErrOptions
	}
	if p.o.Client == nil {
		p.o.Client = &http.Client{Timeout: 10 * time.Second}
	}
	if p.o.Now == nil {
		p.o.Now = time.Now
	}
	found, err := oidc.NewProvider(p.with(ctx), o.Issuer)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	p.oauth = oauth2.Config{ClientID: o.ClientID, ClientSecret: o.Secret.Reveal(), Endpoint: found.Endpoint(), RedirectURL: o.Redirect,
		Scopes: append([]string{oidc.ScopeOpenID}, o.Scopes...)}
	p.tokens = found.Verifier(&oidc.Config{ClientID: o.ClientID, SupportedSigningAlgs: signed[:], Now: p.o.Now})
	return p, nil
}

// secure reports whether a URL is one of https.
func secure(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "https" && u.Host != ""
}

// with carries the client to the libraries.
func (p *Provider) with(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, p.o.Client)
}

// roles are those that groups give.
func (p *Provider) roles(groups []string) []string {
	var out []string
	for _, g := range groups {
		for _, r := range p.o.Roles[g] {
			if !slices.Contains(out, r) {
				out = append(out, r)
			}
		}
	}
	return out
}
