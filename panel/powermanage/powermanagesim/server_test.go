package powermanagesim

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// client calls a server without any driver.
type client struct {
	t             *testing.T
	s             *Server
	user, session string
}

func (c *client) call(method, path, body string) (int, map[string]any) {
	c.t.Helper()
	q := call{method: method, path: "/rest_api/14.0/" + path, user: c.user, session: c.session}
	if body != "" {
		require.NoError(c.t, json.Unmarshal([]byte(body), &q.body))
	}
	r := c.s.answer(q)
	got := map[string]any{}
	_ = json.Unmarshal(r.encode(), &got) // lists are looked at elsewhere
	return r.status, got
}

// login signs in as the owner with the master code.
func login(t *testing.T, s *Server) *client {
	t.Helper()
	c := &client{t: t, s: s}
	_, got := c.call("POST", "auth", `{"email":"owner@example.com","password":"correct horse","app_id":"a"}`)
	c.user, _ = got["user_token"].(string)
	_, got = c.call("POST", "panel/login", `{"user_code":"4729","app_type":"x","app_id":"a","panel_serial":"1D0B0A"}`)
	c.session, _ = got["session_token"].(string)
	require.NotEmpty(t, c.session)
	return c
}

// job starts a write and tells how its job is after a time.
func (c *client) job(path, body string, after time.Duration) any {
	c.t.Helper()
	status, got := c.call("POST", path, body)
	if status != 200 {
		return got["error"]
	}
	time.Sleep(after)
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.advance()
	token, _ := got["process_token"].(string)
	require.Contains(c.t, c.s.jobs, token)
	return c.s.say(c.s.jobs[token])["status"]
}

func TestJobsGoThroughTheirStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		c := login(t, s)
		const body = `{"user_id":4,"user_code":"8675"}`
		assert.Equal(t, "start", c.job("set_user_code", body, 0))
		assert.Len(t, s.Users(), 1, "nothing has happened yet")
		assert.Equal(t, "handled", c.job("set_user_code", body, 500*time.Millisecond))
		assert.Equal(t, "succeeded", c.job("set_user_code", body, time.Second))
		assert.Len(t, s.Users(), 2)
	})
}

// Rules: D6, D23, D24
func TestPanelsKeepTheirRules(t *testing.T) {
	for _, c := range []struct {
		name, path, body string
		quirk            string
		want             any
	}{
		{"the Master cannot be removed", "set_user_code", `{"user_id":1,"user_code":"0000"}`, "", "failed"},
		{"a code that the Master has", "set_user_code", `{"user_id":4,"user_code":"4729"}`, "", "failed"},
		{"the same, at once", "set_user_code", `{"user_id":4,"user_code":"4729"}`, ChecksAtOnce, 10001.0},
		{"a code of six digits", "set_user_code", `{"user_id":4,"user_code":"867530"}`, "", "failed"},
		{"letters", "set_user_code", `{"user_id":4,"user_code":"ABCD"}`, "", "failed"},
		{"no such slot", "set_user_code", `{"user_id":49,"user_code":"8675"}`, "", 10001.0},
		{"nobody is removed", "set_user_code", `{"user_id":4,"user_code":"0000"}`, "", "succeeded"},
		{"nobody is removed, which fails", "set_user_code", `{"user_id":4,"user_code":"0000"}`, RemovesNobody, "failed"},
		{"nobody is named", "set_name", `{"class":"USER","id":4,"name":"Side"}`, "", "failed"},
		{"something else is named", "set_name", `{"class":"ZONE","id":1,"name":"Side"}`, "", 10001.0},
		{"the Master is named", "set_name", `{"class":"USER","id":1,"name":"Side"}`, "", "succeeded"},
		{"finished is ok", "set_name", `{"class":"USER","id":1,"name":"Side"}`, FinishedIsOK, "ok"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := New(Options{})
				if c.quirk != "" {
					require.True(t, s.Quirk(c.quirk, true))
				}
				assert.Equal(t, c.want, login(t, s).job(c.path, c.body, time.Second))
			})
		})
	}
}

func TestSessionsAreAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{SessionLife: time.Minute})
		c := login(t, s)
		status, _ := c.call("GET", "users", "")
		assert.Equal(t, 200, status)
		time.Sleep(2 * time.Minute)
		_, got := c.call("GET", "users", "")
		assert.Equal(t, "InvalidRequestFormat", got["error_reason_code"])
		status, _ = (&client{t: t, s: s}).call("GET", "users", "")
		assert.Equal(t, 401, status)
		status, _ = c.call("GET", "walk_test", "")
		assert.Equal(t, 400, status, "first the session, then the call")
		status, _ = login(t, s).call("GET", "walk_test", "")
		assert.Equal(t, 404, status)
	})
}

// Several panels report to one server, and do not mix.
func TestPanelsAreApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Panels: []PanelOptions{{}, {Serial: "2", Kind: panel.NeoR, Master: "123456", CodeLen: 6, Users: 10}}})
		c := login(t, s)
		assert.Equal(t, "succeeded", c.job("set_user_code", `{"user_id":4,"user_code":"8675"}`, time.Second))
		assert.Len(t, s.Users(), 2)
		assert.Equal(t, []paneltest.User{{Place: panel.Place{Slot: 1}, Code: "123456", Label: "Owner", Role: panel.Master, Partitions: 1}}, s.UsersOf("2"))
		assert.Nil(t, s.UsersOf("3"))
		assert.False(t, s.Quirk("no such quirk", true))
	})
}
