package oidc_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/signin"
	"github.com/seed-a2d3eaca/keyholder/signin/oidc"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// world is a provider, a host on loopback TLS, and a browser between them.
type world struct {
	t        testing.TB
	provider *provider
	host     *httptest.Server
	browser  *http.Client
	opts     oidc.Options
	oidc     *oidc.Provider
	people   *people.Operator
	signin   *signin.Service
	op       *signin.Operator

	ask      oidc.Ask
	finish   func(r *http.Request) error // what the host does when the browser is back
	result   signin.Result
	external signin.External
	err      error
}

func newWorld(t testing.TB, edits ...func(*oidc.Options)) *world {
	t.Helper()
	w := &world{t: t, provider: newProvider()}
	t.Cleanup(w.provider.Close)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /in", func(rw http.ResponseWriter, _ *http.Request) {
		s := w.oidc.Start(w.ask)
		http.SetCookie(rw, s.Cookie)
		rw.Header().Set("Location", s.URL)
		rw.WriteHeader(http.StatusFound)
	})
	mux.HandleFunc("GET /back", func(rw http.ResponseWriter, r *http.Request) {
		http.SetCookie(rw, oidc.Done())
		w.external, w.err = w.oidc.Finish(r.Context(), r)
		if w.err == nil && w.finish != nil {
			w.err = w.finish(r)
		}
		_, _ = fmt.Fprint(rw, w.err)
	})
	w.host = httptest.NewTLSServer(mux)
	t.Cleanup(w.host.Close)
	roots := x509.NewCertPool()
	roots.AddCert(w.provider.Certificate())
	roots.AddCert(w.host.Certificate())
	client := func() *http.Client {
		return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
	}
	w.browser = client()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	w.browser.Jar = jar
	w.opts = oidc.Options{Issuer: w.provider.URL, ClientID: clientID, Secret: panel.SecretOf(clientSecret), Redirect: w.host.URL + "/back", Client: client()}
	for _, e := range edits {
		e(&w.opts)
	}
	w.oidc, err = oidc.Open(t.Context(), w.opts)
	require.NoError(t, err)

	st := memstore.Open()
	keys, err := credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
	require.NoError(t, err)
	authority := accounts.StaticAuthority{"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}}
	operator := accounts.HostActor("operator", "An operator", "test").Vouched(time.Now())
	policy := accounts.PowerManage()
	policy.MaxRoles = 0
	all, err := people.New(people.Options{Store: st, Keys: keys, Authority: authority, Policy: policy})
	require.NoError(t, err)
	w.people = all.As(operator)
	own := signin.PowerManage()
	own.Hash.Cost = 4
	w.signin, err = signin.New(signin.Options{Store: st, Keys: keys, Authority: authority, Accounts: policy, Policy: &own})
	require.NoError(t, err)
	w.op = w.signin.As(operator)
	w.finish = func(r *http.Request) error {
		w.result, w.err = w.signin.Federate(r.Context(), w.external, signin.From{})
		return w.err
	}
	return w
}

// account is one that is bound to a subject of the provider; "": to none.
func (w *world) account(name, subject string) people.Account {
	w.t.Helper()
	email, err := accounts.ParseEmail(name + "@example.com")
	require.NoError(w.t, err)
	a, err := w.people.CreateConfirmed(w.t.Context(), people.NewAccount{Email: email, First: name, Roles: []string{"user"}, Sites: accounts.TheseSites("north")})
	require.NoError(w.t, err)
	if subject != "" {
		require.NoError(w.t, w.op.Bind(w.t.Context(), a.ID, w.provider.URL, subject))
	}
	return a
}

// fetch has the browser fetch a page, and follow where it is sent.
func (w *world) fetch(url string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, url, nil)
	require.NoError(w.t, err)
	got, err := w.browser.Do(r)
	require.NoError(w.t, err)
	_, err = io.Copy(io.Discard, got.Body)
	require.NoError(w.t, errors.Join(err, got.Body.Close()))
}

// signs goes the whole way and returns what came of it.
func (w *world) signs() error {
	w.t.Helper()
	w.result, w.external, w.err = signin.Result{}, signin.External{}, flow.ErrContended
	w.fetch(w.host.URL + "/in")
	return w.err
}
