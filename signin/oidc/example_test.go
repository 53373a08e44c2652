package oidc_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/signin"
	"github.com/seed-a2d3eaca/keyholder/signin/oidc"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// A host has two pages: one that sends the browser to the provider, and one to which it
// comes back. An operator has bound the account before, by the provider's id of the person.
func Example() {
	ctx := context.Background()
	st := memstore.Open()
	keys := must(credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{}))
	authority := accounts.StaticAuthority{"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}}
	operator := accounts.HostActor("operator", "An operator", "cli").Vouched(time.Now())
	service := must(signin.New(signin.Options{Store: st, Keys: keys, Authority: authority}))
	all := must(people.New(people.Options{Store: st, Keys: keys, Authority: authority}))

	idp, pages := newProvider(), http.NewServeMux() // the provider lives in this test
	defer idp.Close()
	host := httptest.NewTLSServer(pages)
	defer host.Close()
	roots := x509.NewCertPool()
	roots.AddCert(idp.Certificate())
	roots.AddCert(host.Certificate())
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}

	provider := must(oidc.Open(ctx, oidc.Options{Issuer: idp.URL, ClientID: "keyholder", Secret: panel.SecretOf(clientSecret), Redirect: host.URL + "/back", Client: &client}))
	pages.HandleFunc("GET /in", func(w http.ResponseWriter, r *http.Request) {
		s := provider.Start(oidc.Ask{})
		http.SetCookie(w, s.Cookie)
		http.Redirect(w, r, s.URL, http.StatusFound)
	})
	pages.HandleFunc("GET /back", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, oidc.Done())
		external, err := provider.Finish(r.Context(), r)
		if err != nil {
			http.Error(w, "Sign in again.", http.StatusForbidden)
			return
		}
		in, err := service.Federate(r.Context(), external, signin.From{})
		if err != nil {
			http.Error(w, "Sign in again.", http.StatusForbidden)
			return
		}
		_, _ = fmt.Fprintln(w, in.Session.Name, "is signed in")
	})

	browser := client
	browser.Jar = must(cookiejar.New(nil))
	visit := func() {
		page, err := browser.Do(must(http.NewRequestWithContext(ctx, http.MethodGet, host.URL+"/in", nil)))
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Print(page.StatusCode, " ", string(must(io.ReadAll(page.Body))))
		_ = page.Body.Close()
	}
	visit()
	a := must(all.As(operator).CreateConfirmed(ctx, people.NewAccount{Email: must(accounts.ParseEmail("owner@example.com")), First: "Tower", Sites: accounts.TheseSites("north")}))
	fmt.Println(service.As(operator).Bind(ctx, a.ID, idp.URL, "subject-1"))
	visit()
	// Output:
	// 403 Sign in again.
	// <nil>
	// 200 Tower is signed in
}
