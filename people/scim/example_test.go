package scim_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/notify/notifytest"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/people/scim"
	"github.com/seed-a2d3eaca/keyholder/signin"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A service account stands for the provider: it has a role with what the provider may do,
// and a token that the provider shows.
func Example() {
	ctx := context.Background()
	st, both, mail := memstore.Open(), &authority{}, &notifytest.Capture{}
	keys := must(credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{}))
	all := must(people.New(people.Options{Store: st, Keys: keys, Authority: both, Mailer: mail, FirstTry: -1}))
	service := must(signin.New(signin.Options{Store: st, Keys: keys, Authority: both, Mailer: mail}))
	both.Authority = service.Authority()
	operator := accounts.HostActor("operator", "An operator", "cli").Vouched(time.Now())
	rights := accounts.RightsOf(accounts.AccountsView, accounts.AccountsAdd, accounts.AccountsSuspend, accounts.AccountsEnable, accounts.AccountsChange)
	if err := all.As(operator).AddRole(ctx, accounts.Role{Name: "provisioner", Allow: rights}); err != nil {
		fmt.Println(err)
	}
	north := accounts.TheseSites("north")
	provider := must(all.As(operator).CreateConfirmed(ctx, people.NewAccount{Email: must(accounts.ParseEmail("scim@example.com")), Kind: accounts.ServiceKind, Roles: []string{"provisioner"}, Sites: north}))
	token := must(service.As(operator).IssueToken(ctx, provider.ID, signin.NewToken{Name: "SCIM", Rights: rights}))

	endpoint := must(scim.New(scim.Options{People: all, Tokens: service, Base: "https://panels.example.com/scim/v2", Sites: north}))
	server := httptest.NewServer(http.StripPrefix("/scim/v2", endpoint))
	defer server.Close()

	send := func(method, path, body string) string {
		r := must(http.NewRequestWithContext(ctx, method, server.URL+"/scim/v2"+path, strings.NewReader(body)))
		r.Header.Set("Authorization", "Bearer "+token.Reveal())
		got, err := http.DefaultClient.Do(r)
		if err != nil {
			return err.Error()
		}
		defer func() { _ = got.Body.Close() }()
		return got.Status + " " + string(must(io.ReadAll(got.Body)))
	}
	created := send("POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"owner@example.com","name":{"givenName":"Tower"}}`)
	fmt.Println(strings.Contains(created, `201 Created`), strings.Contains(created, `"active":true`))

	page := must(all.As(operator).Accounts(ctx, people.Search{Prefix: "owner@"}))
	left := send("PATCH", "/Users/"+string(page.Accounts[0].ID), `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}`)
	fmt.Println(strings.Contains(left, "200 OK"), strings.Contains(left, `"active":false`))
	fmt.Println(must(all.As(operator).Account(ctx, page.Accounts[0].ID)).Window.Revoked)
	// Output:
	// true true
	// true true
	// true
}
