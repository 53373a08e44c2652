package scim_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
	"github.com/seed-a2d3eaca/keyholder/credentials/password"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/people/scim"
	"github.com/seed-a2d3eaca/keyholder/signin"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// Rules: G212
func TestAUserIsCreatedReadAndListed(t *testing.T) {
	w := newWorld(t)
	status, got, header := w.do("POST", "/Users", user("tmill", `"externalId":"701984","title":"Tour Guide","emails":[{"value":"other@example.com","primary":"no"}],`))
	require.Equal(t, http.StatusCreated, status)
	id := got["id"].(string)
	assert.Equal(t, base+"/Users/"+id, header.Get("Location"))
	assert.Equal(t, map[string]any{"givenName": "Tower", "familyName": "Mill"}, got["name"])
	assert.Equal(t, []any{"701984", "tmill@example.com", true}, []any{got["externalId"], got["userName"], got["active"]})
	assert.Equal(t, []any{map[string]any{"value": "tmill@example.com", "primary": true}}, got["emails"])
	assert.Equal(t, base+"/Users/"+id, got["meta"].(map[string]any)["location"])
	a, err := w.people.Account(t.Context(), accounts.ID(id))
	require.NoError(t, err)
	assert.Equal(t, []string{"Tower", "Mill", "tmill@example.com"}, []string{a.First, a.Last, a.Email.String()})
	assert.Empty(t, a.Roles)

	status, again, _ := w.do("GET", "/Users/"+id, "")
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, got, again)
	status, refused, _ := w.do("POST", "/Users", user("TMill"))
	assert.Equal(t, http.StatusConflict, status)
	assert.Equal(t, []any{"409", "uniqueness"}, []any{refused["status"], refused["scimType"]})

	for filter, want := range map[string]int{`userName eq "tmill@example.com"`: 1, `USERNAME EQ "TMILL@example.com"`: 1,
		`urn:ietf:params:scim:schemas:core:2.0:User:userName eq "tmill\u0040example.com"`: 1, `userName eq "tmill@example.co"`: 0, `userName eq "nobody"`: 0} {
		status, found, _ := w.do("GET", "/Users?filter="+url.QueryEscape(filter), "")
		require.Equal(t, http.StatusOK, status, filter)
		assert.InDelta(t, want, found["totalResults"], 0, filter)
		assert.Len(t, found["Resources"], want, filter)
	}
	for _, filter := range []string{`userName sw "b"`, `userName eq tmill`, `userName eq "a" or active eq true`, `title eq "x"`, ``} {
		status, got, _ := w.do("GET", "/Users?filter="+url.QueryEscape(filter), "")
		assert.Equal(t, []any{http.StatusBadRequest, "invalidFilter"}, []any{status, got["scimType"]}, filter)
	}
}

// Lists are cut as they are asked for; accounts that are no users are not in them.
func TestListsHaveParts(t *testing.T) {
	w := newWorld(t)
	for i := range 7 {
		w.created(fmt.Sprintf("user%d", i))
	}
	gone := w.created("user_gone")
	status, _, _ := w.do("DELETE", "/Users/"+gone, "")
	require.Equal(t, http.StatusNoContent, status)
	for query, want := range map[string][]string{"": {"user0", "user6"}, "?count=2": {"user0", "user1"}, "?startIndex=3&count=3": {"user2", "user4"},
		"?startIndex=6&count=100000": {"user5", "user6"}, "?startIndex=0&count=1": {"user0", "user0"}, "?count=0": nil, "?count=-1": nil, "?startIndex=9": nil} {
		status, got, _ := w.do("GET", "/Users"+query, "")
		require.Equal(t, http.StatusOK, status)
		assert.InDelta(t, 7, got["totalResults"], 0, query)
		list := got["Resources"].([]any)
		assert.InDelta(t, len(list), got["itemsPerPage"], 0)
		if want == nil {
			assert.Empty(t, list, query)
			continue
		}
		assert.Equal(t, want[0]+"@example.com", list[0].(map[string]any)["userName"], query)
		assert.Equal(t, want[1]+"@example.com", list[len(list)-1].(map[string]any)["userName"], query)
	}
	status, got, _ := w.do("GET", "/Users?count=many", "")
	assert.Equal(t, []any{http.StatusBadRequest, "invalidValue"}, []any{status, got["scimType"]})
}

var codeForm = regexp.MustCompile(`(?m)^    (\S+)$`)

// in has a user set the mailed code's password and sign in.
func (w *world) in(name string) signin.Token {
	w.t.Helper()
	require.NoError(w.t, w.post.Work(w.t.Context()))
	sent := w.mail.Sent()
	code := otp.AnswerOf(codeForm.FindStringSubmatch(sent[len(sent)-1].Text)[1])
	typed := password.Of("Violet-Rivers-9-planted")
	require.NoError(w.t, w.signin.SetPassword(w.t.Context(), signin.NewPassword{Name: name + "@example.com", Code: code, Password: typed}))
	r, err := w.signin.SignIn(w.t.Context(), signin.Attempt{Name: name + "@example.com", Password: typed})
	require.NoError(w.t, err)
	return r.Token
}

// Whoever is deactivated is out at once, in one commit by the service account, by whatever
// words providers say it in; and is in again only if the provider put them out.
//
// Rules: G212
func TestDeactivatingIsImmediate(t *testing.T) {
	for name, off := range map[string]struct{ method, body string }{
		"a path":        {"PATCH", patch(`{"op":"replace","path":"active","value":false}`)},
		"no path":       {"PATCH", patch(`{"op":"Replace","value":{"active":false}}`)},
		"a text":        {"PATCH", patch(`{"op":"Add","path":"active","value":"False"}`)},
		"with a schema": {"PATCH", patch(`{"op":"replace","path":"urn:ietf:params:scim:schemas:core:2.0:User:active","value":false}`)},
		"in full":       {"PUT", user("tower", `"active":false,`)},
		"deleted":       {"DELETE", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			id := w.created("tower")
			token := w.in("tower")
			actor := w.check(token)
			commits := 0
			w.fault = func(c storetest.Call) storetest.Fault {
				if c.Verb == storetest.Commit && len(c.Change.Entries) > 0 {
					if commits++; commits == 1 {
						assert.Equal(t, string(audit.AccountRevoked), c.Change.Entries[0].Action, "access goes first")
					}
				}
				return storetest.Pass
			}
			status, got, _ := w.do(off.method, "/Users/"+id, off.body)
			w.fault = nil
			require.Less(t, status, 300, "%v", got)
			_, err := w.signin.Check(t.Context(), token, signin.From{})
			require.ErrorIs(t, err, signin.ErrSession)
			g, err := w.signin.Authority().Grant(t.Context(), actor)
			require.NoError(t, err)
			assert.False(t, g.Enabled, "who holds on to the actor has nothing")
			assert.Equal(t, w.service, w.last(audit.AccountRevoked))
			if off.method == "DELETE" {
				return
			}
			assert.Equal(t, false, got["active"])
			status, got, _ = w.do("PATCH", "/Users/"+id, patch(`{"op":"replace","path":"active","value":true}`))
			assert.Equal(t, []any{http.StatusOK, true}, []any{status, got["active"]})

			_, err = w.people.Suspend(t.Context(), accounts.ID(id), "by a person")
			require.NoError(t, err)
			status, got, _ = w.do("PUT", "/Users/"+id, user("tower"))
			assert.Equal(t, []any{http.StatusOK, false}, []any{status, got["active"]}, "a person's suspension stands")
			_, err = w.people.Enable(t.Context(), accounts.ID(id))
			require.NoError(t, err)
			_, err = w.people.Revoke(t.Context(), accounts.ID(id), "by a person")
			require.NoError(t, err)
			for _, active := range []string{"false", "true"} {
				status, got, _ = w.do("PATCH", "/Users/"+id, patch(`{"op":"replace","path":"active","value":`+active+`}`))
				assert.Equal(t, []any{http.StatusOK, false}, []any{status, got["active"]}, "a person's revocation stands")
			}
		})
	}
	w := newWorld(t)
	id := w.created("tower", `"active":false,`)
	status, got, _ := w.do("GET", "/Users/"+id, "")
	assert.Equal(t, []any{http.StatusOK, false}, []any{status, got["active"]})
}

func (w *world) check(token signin.Token) accounts.Actor {
	w.t.Helper()
	s, err := w.signin.Check(w.t.Context(), token, signin.From{})
	require.NoError(w.t, err)
	return s.Actor()
}

// last is who did something last.
func (w *world) last(action audit.Action) accounts.ID {
	w.t.Helper()
	es, err := w.store.Entries(w.t.Context(), store.EntryQuery{Actions: []string{string(action)}, OldestLast: true, Limit: 1})
	require.NoError(w.t, err)
	require.NotEmpty(w.t, es)
	e, err := audit.Decode(es[0].Body)
	require.NoError(w.t, err)
	return accounts.ID(e.Value(audit.FieldActorID))
}

// A user that was deleted is nowhere, and comes back, with its access, when it is created
// again.
func TestADeletedUserIsGoneUntilItIsCreatedAgain(t *testing.T) {
	w := newWorld(t)
	id := w.created("tower", `"externalId":"1",`)
	for _, want := range []int{http.StatusNoContent, http.StatusNotFound} {
		status, _, _ := w.do("DELETE", "/Users/"+id, "")
		require.Equal(t, want, status)
	}
	for method, body := range map[string]string{"GET": "", "PUT": user("tower"), "PATCH": patch(`{"op":"replace","path":"active","value":true}`)} {
		status, _, _ := w.do(method, "/Users/"+id, body)
		assert.Equal(t, http.StatusNotFound, status, method)
	}
	_, got, _ := w.do("GET", "/Users?filter="+url.QueryEscape(`userName eq "tower@example.com"`), "")
	assert.Empty(t, got["Resources"])
	status, got, _ := w.do("POST", "/Users", user("tower"))
	assert.Equal(t, []any{http.StatusCreated, id, true, nil}, []any{status, got["id"], got["active"], got["externalId"]})
}

// What a request does not say of active stays as it is: a suspension by a person becomes no
// revocation by the provider, and nobody who was deactivated comes back by an omission.
//
// Rules: G212
func TestActiveStaysWhereItIsLeftOut(t *testing.T) {
	name := patch(`{"op":"replace","path":"name.givenName","value":"North"}`)
	for method, body := range map[string]string{"PATCH": name, "PUT": user("tower")} {
		w := newWorld(t)
		id := w.created("tower")
		w.in("tower")
		_, err := w.people.Suspend(t.Context(), accounts.ID(id), "by a person")
		require.NoError(t, err)
		status, got, _ := w.do(method, "/Users/"+id, body)
		assert.Equal(t, []any{http.StatusOK, false}, []any{status, got["active"]}, method)
		a, err := w.people.Enable(t.Context(), accounts.ID(id))
		require.NoError(t, err)
		assert.False(t, a.Window.Revoked, method)

		w.do("PATCH", "/Users/"+id, patch(`{"op":"replace","path":"active","value":false}`))
		status, got, _ = w.do(method, "/Users/"+id, body)
		assert.Equal(t, []any{http.StatusOK, false}, []any{status, got["active"]}, method)
	}
}

// The provider takes back the revocation that it made itself and no later one by a person.
//
// Rules: G212
func TestALaterRevocationByAPersonStands(t *testing.T) {
	w := newWorld(t)
	id := w.created("tower", `"active":false,`)
	_, err := w.people.Unrevoke(t.Context(), accounts.ID(id))
	require.NoError(t, err)
	_, err = w.people.Revoke(t.Context(), accounts.ID(id), "by a person")
	require.NoError(t, err)
	status, got, _ := w.do("PATCH", "/Users/"+id, patch(`{"op":"replace","path":"active","value":true}`))
	assert.Equal(t, []any{http.StatusOK, false}, []any{status, got["active"]})
}

// An address that an account of another kind has is taken, not a user that comes back.
func TestAnAddressOfAnotherKindIsTaken(t *testing.T) {
	w := newWorld(t)
	status, got, _ := w.do("POST", "/Users", user("gateway"))
	assert.Equal(t, []any{http.StatusConflict, "uniqueness"}, []any{status, got["scimType"]})
}

// Rows of RFC 7644, sections 3.5.1 and 3.5.2, and of how providers write them.
func TestUsersAreChanged(t *testing.T) {
	w := newWorld(t)
	id := w.created("tower", `"externalId":"1",`)
	shown := func(got map[string]any) string {
		n, _ := got["name"].(map[string]any)
		return fmt.Sprint(n["givenName"], " ", n["familyName"], " ", got["externalId"])
	}
	for _, c := range []struct{ operations, want string }{
		{`{"op":"replace","path":"name.givenName","value":"North"}`, "North Mill 1"},
		{`{"op":"add","path":"name","value":{"familyName":"Gate"}}`, "North Gate 1"},
		{`{"op":"replace","value":{"name.givenName":"East","externalId":"2","nickName":"E"}}`, "East Gate 2"},
		{`{"op":"replace","path":"emails[type eq \"work\"].value","value":"east@example.com"}`, "East Gate 2"},
		{`{"op":"replace","path":"userName","value":"TOWER@example.com"}`, "East Gate 2"},
		{`{"op":"remove","path":"externalId"},{"op":"remove","path":"name.familyName"}`, "East <nil> <nil>"},
		{`{"op":"remove","path":"name.givenName"},{"op":"add","path":"externalId","value":"3"}`, "<nil> <nil> 3"},
		{`{"op":"replace","path":"name.familyName","value":"Mill"},{"op":"remove","path":"name"},{"op":"remove","path":"title"}`, "<nil> <nil> 3"},
	} {
		status, got, _ := w.do("PATCH", "/Users/"+id, patch(c.operations))
		require.Equal(t, http.StatusOK, status, "%s: %v", c.operations, got)
		assert.Equal(t, c.want, shown(got), c.operations)
	}
	status, got, _ := w.do("PUT", "/Users/"+id, user("tower"))
	assert.Equal(t, []any{http.StatusOK, "Tower Mill <nil>"}, []any{status, shown(got)})

	before, _, _ := w.do("GET", "/Users/"+id, "")
	require.Equal(t, http.StatusOK, before)
	for _, c := range []struct{ method, body, kind string }{
		{"PATCH", patch(`{"op":"replace","path":"name.givenName","value":"Other"},{"op":"replace","path":"userName","value":"other@example.com"}`), "mutability"},
		{"PUT", user("other"), "mutability"},
		{"PUT", `{"userName":"no address"}`, "invalidValue"},
		{"PUT", `{}`, "invalidValue"},
		{"PUT", `{`, "invalidSyntax"},
		{"PATCH", `[]`, "invalidSyntax"},
		{"PATCH", patch(``), "invalidSyntax"},
		{"PATCH", patch(`{"op":"move","path":"active"}`), "invalidSyntax"},
		{"PATCH", patch(`{"op":"replace","path":"active","value":"perhaps"}`), "invalidValue"},
		{"PATCH", patch(`{"op":"replace","path":"name","value":"Other"}`), "invalidValue"},
		{"PATCH", patch(`{"op":"replace","path":"name.givenName","value":7}`), "invalidValue"},
		{"PATCH", patch(`{"op":"replace","value":7}`), "invalidValue"},
		{"PATCH", patch(`{"op":"replace","value":{"active":7}}`), "invalidValue"},
		{"PATCH", patch(`{"op":"remove"}`), "noTarget"},
		{"PATCH", patch(`{"op":"remove","path":"userName"}`), "mutability"},
	} {
		status, got, _ := w.do(c.method, "/Users/"+id, c.body)
		assert.Equal(t, []any{http.StatusBadRequest, c.kind}, []any{status, got["scimType"]}, c.body)
		assert.Equal(t, []any{"urn:ietf:params:scim:api:messages:2.0:Error"}, got["schemas"])
	}
	_, got, _ = w.do("GET", "/Users/"+id, "")
	assert.Equal(t, "Tower Mill <nil>", shown(got), "what was refused changed nothing")
	status, _, _ = w.do("PUT", "/Users/"+id, `{"userName":"`+strings.Repeat("x", 70<<10)+`"}`)
	assert.Equal(t, http.StatusRequestEntityTooLarge, status)
	for _, body := range []string{`{`, `{"userName":"tower"}`} {
		status, _, _ = w.do("POST", "/Users", body)
		assert.Equal(t, http.StatusBadRequest, status)
	}
}

// Rules: G212
func TestOnlyTheProvidersTokenCounts(t *testing.T) {
	w := newWorld(t)
	id, token := w.created("tower"), w.token
	session := w.in("tower")
	paths := map[string]string{"/Users/" + id: "GET", "/Users": "GET", "/ServiceProviderConfig": "GET", "/nowhere": "GET", "/Users/" + id + "?": "DELETE"}
	for _, other := range []signin.Token{{}, signin.ParseToken("kht_nobody"), session} {
		w.token = other
		for path, method := range paths {
			status, got, header := w.do(method, path, "")
			assert.Equal(t, []any{http.StatusUnauthorized, "401"}, []any{status, got["status"]}, path)
			assert.Equal(t, "Bearer", header.Get("WWW-Authenticate"))
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.server.URL+"/scim/v2/Users", nil)
	require.NoError(t, err)
	r.SetBasicAuth("provisioner", token.Reveal())
	got, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, got.Body.Close())
	assert.Equal(t, http.StatusUnauthorized, got.StatusCode)

	w.token = w.issue(accounts.RightsOf(accounts.AccountsView))
	for path, method := range map[string]string{"/Users/" + id: "DELETE", "/Users": "POST"} {
		status, got, _ := w.do(method, path, user("another"))
		assert.Equal(t, http.StatusForbidden, status, "%v", got)
	}
	w.token = w.issue(accounts.RightsOf(accounts.AccountsView), netip.MustParsePrefix("192.0.2.0/24"))
	status, _, _ := w.do("GET", "/Users", "")
	assert.Equal(t, http.StatusUnauthorized, status, "from another network")

	w.token = token
	_, err = w.people.Suspend(t.Context(), w.service, "left")
	require.NoError(t, err)
	status, _, _ = w.do("GET", "/Users", "")
	assert.Equal(t, http.StatusUnauthorized, status)
}

// Accounts of other sites, of services, and those that may do more are not the provider's.
//
// Rules: G212, R240
func TestWhatIsNotTheProvidersToChange(t *testing.T) {
	w := newWorld(t)
	south := w.add("south", func(n *people.NewAccount) { n.Sites = accounts.TheseSites("south") })
	boss := w.add("boss", w.role("boss", accounts.RightsOf(accounts.PanelsManage)))
	off := patch(`{"op":"replace","path":"active","value":false}`)
	for id, want := range map[accounts.ID]int{south.ID: http.StatusNotFound, w.service: http.StatusNotFound, boss.ID: http.StatusForbidden,
		"nobody": http.StatusNotFound, accounts.ID(strings.Repeat("x", 900)): http.StatusNotFound, accounts.SystemID: http.StatusNotFound} {
		status, got, _ := w.do("PATCH", "/Users/"+string(id), off)
		assert.Equal(t, want, status, "%s: %v", id, got)
	}
	_, got, _ := w.do("GET", "/Users", "")
	assert.InDelta(t, 1, got["totalResults"], 0, "the boss")
}

// What is wrong inside is not told outside.
func TestWhatFailsInsideIsNotTold(t *testing.T) {
	w := newWorld(t)
	id := w.created("tower")
	w.fault = func(c storetest.Call) storetest.Fault {
		if c.Verb == storetest.Commit {
			return storetest.Fail
		}
		return storetest.Pass
	}
	status, got, _ := w.do("DELETE", "/Users/"+id, "")
	w.fault = nil
	assert.GreaterOrEqual(t, status, 500)
	assert.Equal(t, http.StatusText(status), got["detail"])
	assert.Contains(t, w.log.String(), "request failed")
}

func TestTheEndpointSaysWhatItCanDo(t *testing.T) {
	w := newWorld(t)
	status, got, _ := w.do("GET", "/ServiceProviderConfig", "")
	assert.Equal(t, http.StatusOK, status)
	for what, want := range map[string]bool{"patch": true, "filter": true, "bulk": false, "changePassword": false, "sort": false, "etag": false} {
		assert.Equal(t, want, got[what].(map[string]any)["supported"], what)
	}
	status, got, _ = w.do("GET", "/ResourceTypes", "")
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, "/Users", got["Resources"].([]any)[0].(map[string]any)["endpoint"])
	for path, method := range map[string]string{"/": "GET", "/Groups": "GET", "/Users": "DELETE", "/Bulk": "POST"} {
		status, _, _ := w.do(method, path, "")
		assert.Equal(t, http.StatusNotFound, status, path)
	}
}

func TestAnEndpointNeedsItsParts(t *testing.T) {
	w := newWorld(t)
	for _, edit := range []func(*scim.Options){func(o *scim.Options) { o.People = nil }, func(o *scim.Options) { o.Tokens = nil },
		func(o *scim.Options) { o.Base = "" }, func(o *scim.Options) { o.Sites = accounts.Sites{} }} {
		o := w.opts
		edit(&o)
		_, err := scim.New(o)
		require.ErrorIs(t, err, scim.ErrOptions)
	}
}
