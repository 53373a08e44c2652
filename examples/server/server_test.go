package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

// browser is a browser that looks at a running demo.
type browser struct {
	*testing.T
	app  *app
	base string
	user string // path of the users of the panel
}

func quiet(dir string) options {
	return options{Addr: "127.0.0.1:0", Dir: dir, Demo: true, Out: io.Discard, Log: slog.New(slog.DiscardHandler)}
}

// visit runs a test against the whole program, panel included.
func visit(t *testing.T, test func(b *browser)) {
	t.Helper()
	err := run(t.Context(), quiet(t.TempDir()), func(_ context.Context, a *app) error {
		server := httptest.NewServer(handler(a))
		defer server.Close()
		b := &browser{T: t, app: a, base: server.URL}
		res, _ := b.get("/")
		b.user = res.Path
		test(b)
		return nil
	})
	require.NoError(t, err)
}

// reply is what a browser sees beside the page.
type reply struct {
	StatusCode int
	Header     http.Header
	Path       string
}

func (b *browser) send(req *http.Request) (reply, string) {
	b.Helper()
	res, err := http.DefaultClient.Do(req)
	require.NoError(b, err)
	body, err := io.ReadAll(res.Body)
	require.NoError(b, errors.Join(err, res.Body.Close()))
	return reply{res.StatusCode, res.Header, res.Request.URL.Path}, string(body)
}

func (b *browser) request(method, path, body string) *http.Request {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), method, b.base+path, strings.NewReader(body))
	require.NoError(b, err)
	return req
}

func (b *browser) get(path string) (reply, string) {
	return b.send(b.request("GET", path, ""))
}

// post fills in the form that a page shows, with its revision, as a browser does.
func (b *browser) post(slot, act string, form url.Values) (reply, string) {
	b.Helper()
	_, page := b.get(b.user + "/" + slot + "?edit=" + act + "&confirm=" + act)
	m := regexp.MustCompile(`action="` + b.user + "/" + slot + "/" + act + `"><input type="hidden" name="revision" value="(\d+)"`).FindStringSubmatch(page)
	require.NotNil(b, m, "there is no form for %s", act)
	form.Set("revision", m[1])
	return b.submit(b.user+"/"+slot+"/"+act, form)
}

func (b *browser) submit(path string, form url.Values) (reply, string) {
	b.Helper()
	req := b.request("POST", path, form.Encode())
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", b.base)
	return b.send(req)
}

// row is the grid's row of a slot.
func (b *browser) row(slot string) string {
	b.Helper()
	_, page := b.get(b.user + "?size=200")
	m := regexp.MustCompile(`(?s)<td class="num">` + slot + `</td>.*?</tr>`).FindString(page)
	require.NotEmpty(b, m)
	return m
}

// until looks at the row of slot 9 again and again.
func (b *browser) until(holds string) {
	b.Helper()
	require.Eventually(b, func() bool { return strings.Contains(b.row("9"), holds) }, 10*time.Second, 20*time.Millisecond, holds)
}

// shows looks at a page again and again.
func (b *browser) shows(path, holds string) {
	b.Helper()
	require.Eventually(b, func() bool {
		_, page := b.get(path)
		return strings.Contains(page, holds)
	}, 10*time.Second, 20*time.Millisecond, holds)
}

const (
	isSet    = `aria-label="set"`
	isNotSet = `aria-label="not set"`
)

// Rules: R40, R42, R69, R205, R237
func TestACodeIsSetByTheForm(t *testing.T) {
	visit(t, func(b *browser) {
		b.app.panel.Fault(paneltest.Fault{Do: paneltest.Away})
		require.Eventually(t, func() bool { _, page := b.get(b.user); return strings.Contains(page, "not connected") }, 10*time.Second, 20*time.Millisecond)
		res, page := b.post("9", "code", url.Values{"code": {"6137"}})
		require.Equal(t, http.StatusOK, res.StatusCode)
		require.Contains(t, page, "set · pending", "the details are shown again")
		require.NotRegexp(t, `\b6137\b`, page) // not as a part of a random id
		require.Contains(t, b.row("9"), isNotSet, "a view shows what the panel said")
		require.Contains(t, b.row("9"), "set · pending")

		b.app.panel.Fault(paneltest.Fault{Do: paneltest.Back})
		b.until(isSet)
		require.True(t, b.app.panel.Accepts("6137"))
		require.NotContains(t, b.row("9"), "pending")

		b.post("9", "label", url.Values{"label": {"Guest"}})
		b.until(">Guest<")
		b.post("9", "partitions", url.Values{"partition": {"1", "4"}})
		b.until("1, 4")
		b.post("9", "role", url.Values{"role": {"Supervisor"}})
		b.until(">Supervisor<")

		b.post("9", "disable", url.Values{})
		b.until(isNotSet)
		require.False(t, b.app.panel.Accepts("6137"))
	})
}

func TestAccountsAreAssignedAndTakenOff(t *testing.T) {
	visit(t, func(b *browser) {
		_, page := b.get(strings.TrimSuffix(b.user, "users") + "assign?email=OWN&slot=4")
		require.Contains(t, page, "Assign account to panel "+ident)
		account := regexp.MustCompile(`name="account" value="([^"]+)"`).FindStringSubmatch(page)
		require.NotNil(t, account)

		assign := strings.TrimSuffix(b.user, "users") + "assign"
		res, page := b.submit(assign, url.Values{"email": {"own"}, "slot": {"4"}})
		require.Equal(t, http.StatusBadRequest, res.StatusCode, "typed and not selected")
		require.Contains(t, page, `role="alert"`)
		res, page = b.submit(assign, url.Values{"email": {"own"}, "account": account[1:], "slot": {"4"}})
		require.Equal(t, http.StatusConflict, res.StatusCode, "the owner has a user on this panel")
		require.Contains(t, page, `role="alert"`)

		b.post("2", "unassign", url.Values{})
		require.NotContains(t, b.row("2"), ownerMail)
		res, _ = b.submit(assign, url.Values{"email": {"own"}, "account": account[1:], "slot": {"4"}})
		require.Equal(t, http.StatusOK, res.StatusCode)
		require.Contains(t, b.row("4"), ownerMail)

		_, page = b.post("4", "reset", url.Values{})
		require.Contains(t, page, "one-time code is on its way")
		res, _ = b.post("4", "remove", url.Values{"email": {tenantMail}})
		require.Equal(t, http.StatusConflict, res.StatusCode, "another account was confirmed")
		b.post("4", "remove", url.Values{"email": {ownerMail}})
		require.NotContains(t, b.row("4"), ownerMail)
	})
}

func TestStrangersAreTurnedAway(t *testing.T) {
	visit(t, func(b *browser) {
		for _, host := range []string{"rebound.example", "rebound.example:80", "127.0.0.1", "127.0.0.1:1"} {
			req := b.request("GET", b.user, "")
			req.Host = host
			res, page := b.send(req)
			require.Equal(t, http.StatusMisdirectedRequest, res.StatusCode, host)
			require.NotContains(t, page, "keyholder")
		}
		for header, value := range map[string]string{"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"} {
			req := b.request("POST", b.user+"/4/disable", "revision=0")
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set(header, value)
			res, _ := b.send(req)
			require.Equal(t, http.StatusForbidden, res.StatusCode, header)
		}
		require.NotContains(t, b.row("4"), "pending", "nothing was asked for")
		res, _ := b.get(b.user)
		require.Contains(t, res.Header.Get("Content-Security-Policy"), "default-src 'none'")
	})
}

// Rules: R265
func TestOnlyThisMachineIsListenedOn(t *testing.T) {
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0", "localhost:0", "example.com:0"} {
		_, err := listen(t.Context(), addr)
		require.ErrorIs(t, err, ErrNotLoopback, addr)
	}
	l, err := listen(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
}

func TestAnswersCarryNoCode(t *testing.T) {
	const planted = "60718293"
	visit(t, func(b *browser) {
		api := "/api" + b.user
		for _, c := range []struct {
			path, body string
			status     int
		}{
			{"/9/code", `{"code": "` + planted + `"}`, http.StatusBadRequest}, // too long here
			{"/9/code", `{"code": "` + planted + `x"}`, http.StatusBadRequest},
			{"/9/code", `{"code": ` + planted + `}`, http.StatusBadRequest},
			{"/9/code", `{"` + planted + `": 1}`, http.StatusBadRequest},
			{"/9/code", planted, http.StatusBadRequest},
			{"/9/label", `{"label": "x", "code": "` + planted + `"}`, http.StatusUnprocessableEntity},
			{"/999/code", `{"code": "` + planted + `"}`, http.StatusBadRequest},
			{"/9/nothing", `{"code": "` + planted + `"}`, http.StatusBadRequest},
		} {
			res, body := b.send(b.request("PUT", api+c.path, c.body))
			assert.Equal(t, c.status, res.StatusCode, "%s %s", c.path, body)
			assert.Contains(t, body, `"kind":`)
			assert.NotContains(t, body, planted)
		}
		res, body := b.submit(b.user+"/9/code", url.Values{"revision": {"0"}, "code": {planted}})
		assert.Equal(t, http.StatusBadRequest, res.StatusCode)
		assert.NotContains(t, body, planted)
		assert.Contains(t, body, `name="code"`, "the form is there again")

		res, body = b.send(b.request("PUT", api+"/9/code", `{"code": "6137", "label": "Guest", "partitions": "2"}`))
		require.Equal(t, http.StatusAccepted, res.StatusCode, body)
		require.Eventually(t, func() bool {
			_, body := b.get(api + "/9/wishes/1")
			return strings.Contains(body, `"fate":"settled"`)
		}, 10*time.Second, 20*time.Millisecond)
		_, body = b.get(api + "/9")
		require.Contains(t, body, `"partitions":[2]`)
		require.NotRegexp(t, `\b6137\b`, body)
		req := b.request("PUT", api+"/9/label", `{"label": "Other"}`)
		req.Header.Set("If-Match", "7")
		res, _ = b.send(req)
		require.Equal(t, http.StatusConflict, res.StatusCode)

		res, body = b.send(b.request("PUT", api+"/10/code", `{"code": "6137"}`))
		require.Equal(t, http.StatusConflict, res.StatusCode)
		require.Contains(t, body, "not available")
		require.NotContains(t, body, "taken")
		_, body = b.get("/api/log/verify")
		require.Contains(t, body, `"integrity":true,"completeness":true,"state":true`)
	})
}

func TestALyingPanelCannotWriteHTML(t *testing.T) {
	const label = `<b>'"&amp;`
	visit(t, func(b *browser) {
		code, err := panel.ParseCode("8604")
		require.NoError(t, err)
		require.NoError(t, b.app.panel.Keypad(panel.Edit{Place: panel.Place{Slot: 9}, Do: panel.Create, Set: panel.FieldCode | panel.FieldLabel,
			Values: panel.Values{Code: code, Label: label}}))
		b.until(isSet)
		require.Contains(t, b.row("9"), "unmanaged")
		for _, path := range []string{b.user, b.user + "/9", b.user + "/9?confirm=disable", strings.TrimSuffix(b.user, "users") + "assign", "/log"} {
			_, page := b.get(path)
			require.NotContains(t, page, "<b>", path)
		}
		require.Contains(t, b.row("9"), "&lt;b&gt;&#39;&#34;&amp;amp;")
	})
}

// Rules: R265
func TestPagesAndTheirSizes(t *testing.T) {
	visit(t, func(b *browser) {
		_, page := b.get(b.user)
		require.Contains(t, page, "1-15 of 48")
		require.Contains(t, page, "48 users")
		_, page = b.get(b.user + "?page=5&size=10")
		require.Contains(t, page, "41-48 of 48")
		for path, status := range map[string]int{
			b.user + "?size=11": http.StatusBadRequest, b.user + "?size=x": http.StatusBadRequest, b.user + "?page=9": http.StatusNotFound,
			b.user + "/99": http.StatusBadRequest, b.user + "/x": http.StatusNotFound, "/panels/none/users": http.StatusNotFound, "/log?at=x": http.StatusBadRequest,
			"/nothing": http.StatusNotFound,
		} {
			res, page := b.get(path)
			require.Equal(t, status, res.StatusCode, path)
			require.Contains(t, page, `role="alert"`)
		}
		_, page = b.get("/log?verify=1")
		for _, verdict := range []string{"Integrity", "Completeness", "State"} {
			require.Contains(t, page, "<strong>"+verdict+"</strong>")
		}
		require.Equal(t, 3, strings.Count(page, isSet))

		// Every page says what it is.
		for _, path := range []string{b.user, b.user + "/2", strings.TrimSuffix(b.user, "users") + "assign", "/log", "/panels/none/users"} {
			_, page := b.get(path)
			require.Contains(t, page, `<span class="demo"`, path)
			require.Contains(t, page, "Nobody signs in here", path)
		}
	})
}

// Who tries the API finds what there is, also at an address where nothing is.
func TestTheAPITellsWhatThereIs(t *testing.T) {
	visit(t, func(b *browser) {
		_, list := b.get("/api")
		require.Contains(t, list, "PUT /api/panels/{panel}/users/{slot}/{field}")
		res, wrong := b.get("/api/nothing")
		require.Equal(t, http.StatusNotFound, res.StatusCode)
		require.Contains(t, wrong, `"hint":"Begin with the users, or with /api`)
		res, _ = b.send(b.request(http.MethodPut, "/api"+b.user+"/4/role", `{"role": "Supervisor"}`))
		require.Equal(t, http.StatusAccepted, res.StatusCode)
		b.shows(b.user+"/4", "<span >Supervisor</span>")
	})
}

// While the panel is away nothing changes soon: the page says so, and does not pull itself
// away from under whoever reads or types every second.
func TestAPageOfAPanelThatIsAwayIsLeftInPeace(t *testing.T) {
	visit(t, func(b *browser) {
		b.app.panel.Fault(paneltest.Fault{Do: paneltest.Away})
		b.shows(b.user, "not connected")
		_, page := b.get(b.user)
		require.NotContains(t, page, `http-equiv="refresh"`, "nothing is on its way")
		b.post("4", "label", url.Values{"label": {"Night cleaner"}})
		for _, path := range []string{b.user, b.user + "/4"} {
			_, page = b.get(path)
			require.Contains(t, page, `http-equiv="refresh" content="10"`, path)
			require.Contains(t, page, "The panel is not connected. What is pending is sent when it calls in.", path)
		}
		b.app.panel.Fault(paneltest.Fault{Do: paneltest.Back})
		b.shows(b.user+"/4", "<span >Night cleaner</span>")
	})
}

// Rules: R265
func TestADemoStaysADemo(t *testing.T) {
	dir := t.TempDir()
	strict := quiet(dir)
	strict.Demo = false
	use := func(context.Context, *app) error { return nil }
	require.ErrorIs(t, run(t.Context(), strict, use), ErrNoSignIn, "an empty folder")
	require.NoError(t, run(t.Context(), quiet(dir), use))
	require.ErrorIs(t, run(t.Context(), strict, use), ErrDemo)
	require.NoError(t, run(t.Context(), quiet(dir), use), "a demo can be opened again")

	foreign := t.TempDir()
	db, err := sqlite.Open(t.Context(), filepath.Join(foreign, "keyholder.db"), sqlite.Options{})
	require.NoError(t, err)
	_, err = db.SQL().Exec("INSERT INTO kh_tenants (tenant) VALUES ('main')")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	require.ErrorIs(t, run(t.Context(), quiet(foreign), use), ErrNotDemo)
}

func TestOneURLIsPrintedAndServed(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	o := quiet(t.TempDir())
	o.Out = in
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, o) }()
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSpace(line), nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusOK, res.StatusCode)
	http.DefaultClient.CloseIdleConnections()
	cancel()
	require.NoError(t, <-ended)
}

func TestEveryKindHasItsStatus(t *testing.T) {
	for kind, want := range map[fault.Kind]int{
		fault.Unknown: 500, fault.Invalid: 400, fault.NotFound: 404, fault.Conflict: 409, fault.Denied: 403,
		fault.Precondition: 422, fault.Unsupported: 422, fault.Unavailable: 503, fault.Busy: 429, fault.Internal: 500,
	} {
		require.Equal(t, want, status(kind), kind)
	}
}
