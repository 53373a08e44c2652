package scim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/notify/notifytest"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/people/scim"
	"github.com/seed-a2d3eaca/keyholder/signin"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

const base = "https://panels.example.com/scim/v2"

// world is an endpoint over real HTTP, with a provider's token.
type world struct {
	t       testing.TB
	store   store.Store
	mail    *notifytest.Capture
	post    *people.Service
	people  *people.Operator
	signin  *signin.Service
	service accounts.ID
	token   signin.Token
	opts    scim.Options
	server  *httptest.Server
	log     bytes.Buffer
	fault   func(storetest.Call) storetest.Fault

	operator accounts.Actor
	keys     *credentials.Ring
	both     *authority
}

// authority is that of the accounts, and of one operator of the host's who may do everything.
type authority struct{ accounts.Authority }

func (a *authority) Grant(ctx context.Context, who accounts.Actor) (accounts.Grant, error) {
	if who.Kind() == audit.HostActor {
		return accounts.Grant{Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}, nil
	}
	return a.Authority.Grant(ctx, who)
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, store: memstore.Open(), mail: &notifytest.Capture{}}
	keys, err := credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
	require.NoError(t, err)
	faulty := storetest.Faulty(w.store, func(c storetest.Call) storetest.Fault {
		if w.fault != nil {
			return w.fault(c)
		}
		return storetest.Pass
	})
	both := &authority{}
	w.keys, w.both = keys, both
	w.post, err = people.New(people.Options{Store: faulty, Keys: keys, Authority: both, Mailer: w.mail, FirstTry: -1})
	require.NoError(t, err)
	policy := signin.PowerManage()
	policy.Hash.Cost = 4
	w.signin, err = signin.New(signin.Options{Store: faulty, Keys: keys, Authority: both, Mailer: w.mail, Policy: &policy})
	require.NoError(t, err)
	both.Authority = w.signin.Authority()
	w.operator = accounts.HostActor("operator", "An operator", "test").Vouched(time.Now())
	w.people = w.post.As(w.operator)
	rights := accounts.RightsOf(accounts.AccountsView, accounts.AccountsAdd, accounts.AccountsSuspend, accounts.AccountsEnable, accounts.AccountsChange)
	w.service = w.add("gateway", w.role("provisioner", rights), func(n *people.NewAccount) { n.Kind = accounts.ServiceKind }).ID
	w.token = w.issue(rights)
	w.opts = scim.Options{People: w.post, Tokens: w.signin, Base: base, Sites: accounts.TheseSites("north"), Log: slog.New(slog.NewTextHandler(&w.log, nil))}
	h, err := scim.New(w.opts)
	require.NoError(t, err)
	w.server = httptest.NewServer(http.StripPrefix("/scim/v2", h))
	t.Cleanup(w.server.Close)
	return w
}

func address(t testing.TB, name string) accounts.Email {
	t.Helper()
	e, err := accounts.ParseEmail(name + "@example.com")
	require.NoError(t, err)
	return e
}

func (w *world) add(name string, edits ...func(*people.NewAccount)) people.Account {
	w.t.Helper()
	n := people.NewAccount{Email: address(w.t, name), First: name, Sites: accounts.TheseSites("north")}
	for _, e := range edits {
		e(&n)
	}
	a, err := w.people.CreateConfirmed(w.t.Context(), n)
	require.NoError(w.t, err)
	return a
}

// do sends a request as the provider does, and returns the status and the body.
func (w *world) do(method, path, body string) (int, map[string]any, http.Header) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.server.URL+"/scim/v2"+path, strings.NewReader(body))
	require.NoError(w.t, err)
	r.Header.Set("Authorization", "Bearer "+w.token.Reveal())
	r.Header.Set("Content-Type", "application/scim+json")
	got, err := http.DefaultClient.Do(r)
	require.NoError(w.t, err)
	text, err := io.ReadAll(got.Body)
	require.NoError(w.t, err)
	require.NoError(w.t, got.Body.Close())
	var out map[string]any
	if len(text) > 0 {
		require.Equal(w.t, "application/scim+json", got.Header.Get("Content-Type"))
		require.NoError(w.t, json.Unmarshal(text, &out), "%s", text)
	}
	return got.StatusCode, out, got.Header
}

// user is what a provider sends for somebody.
func user(name string, more ...string) string {
	return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"%s@example.com",%s"name":{"givenName":"Tower","familyName":"Mill"}}`, name, strings.Join(more, ""))
}

// created is the id of a new user.
func (w *world) created(name string, more ...string) string {
	w.t.Helper()
	status, got, _ := w.do("POST", "/Users", user(name, more...))
	require.Equal(w.t, http.StatusCreated, status, "%v", got)
	return got["id"].(string)
}

func patch(operations string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + operations + `]}`
}

// issue gives the service account a token.
func (w *world) issue(rights accounts.Rights, networks ...netip.Prefix) signin.Token {
	w.t.Helper()
	token, err := w.signin.As(w.operator).IssueToken(w.t.Context(), w.service, signin.NewToken{Rights: rights, Networks: networks})
	require.NoError(w.t, err)
	return token
}

// role is an account's edit that gives it a new role.
func (w *world) role(name string, rights accounts.Rights) func(*people.NewAccount) {
	w.t.Helper()
	require.NoError(w.t, w.people.AddRole(w.t.Context(), accounts.Role{Name: name, Allow: rights}))
	return func(n *people.NewAccount) { n.Roles = []string{name} }
}
