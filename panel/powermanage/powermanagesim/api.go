package powermanagesim

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// reply is what a call gives.
type reply struct {
	status int
	body   any
	wrote  bool // it answers a write that was taken
}

func ok(body any) reply { return reply{status: http.StatusOK, body: body} }

func started(token string) reply {
	return reply{status: http.StatusOK, body: map[string]any{"process_token": token}, wrote: true}
}

func refusal(status, number int, reason string, extras ...map[string]any) reply {
	return reply{status: status, body: map[string]any{
		"error": number, "error_message": reason, "error_reason_code": reason, "extras": extras,
	}}
}

func extra(key string, value any) map[string]any { return map[string]any{"key": key, "value": value} }

// call is a request, read.
type call struct {
	method, path, query string
	user, session       string
	body                map[string]any
}

func (c call) text(key string) string { v, _ := c.body[key].(string); return v }
func (c call) number(key string) int  { v, _ := c.body[key].(float64); return int(v) }

// answer is the whole interface.
func (s *Server) answer(c call) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance()
	versions := []string{"8.0", "9.0", "10.0", "13.0", "14.0"}
	if s.quirks[OldVersion] {
		versions = versions[:3]
	}
	path := strings.TrimPrefix(c.path, "/rest_api/")
	if path == "version" && c.method == http.MethodGet {
		return ok(map[string]any{"rest_versions": versions, "installer_versions": []string{"8.0"}, "push_format_versions": []string{"7"}, "dls_versions": []string{"1.0"}})
	}
	version, name, _ := strings.Cut(path, "/")
	if !slices.Contains(versions, version) {
		return reply{status: http.StatusNotFound}
	}
	switch what := c.method + " " + name; what {
	case "POST auth":
		return s.auth(c)
	case "GET panels", "POST panel/login":
		if s.tokens[c.user] == "" {
			return reply{status: http.StatusUnauthorized}
		}
		if name == "panels" {
			return ok(s.list(version))
		}
		return s.login(c)
	default:
		return s.inside(what, version, c)
	}
}

func (s *Server) auth(c call) reply {
	s.logins.Accounts++
	email := c.text("email")
	if password, known := s.accounts[email]; !known || password != c.text("password") || c.text("app_id") == "" {
		return refusal(400, 10004, "WrongCombination", extra("email", "wrong_combination"))
	}
	token := s.mint("user")
	s.tokens[token] = email
	return ok(map[string]any{"user_token": token, "customization": map[string]any{}})
}

func (s *Server) list(version string) any {
	out := []map[string]any{}
	for _, p := range s.panels {
		one := map[string]any{"panel_serial": p.opts.Serial, "alias": "House", "role": "MASTER_USER"}
		if version == "14.0" && p.opts.Kind == panel.Visonic {
			one["panel_model"], one["type"] = "PowerMaster 360R", "POWER_MASTER"
		}
		out = append(out, one)
	}
	return out
}

// blockedFor is how long three wrong codes shut a panel's login.
const blockedFor = 5 * time.Minute

func (s *Server) login(c call) reply {
	s.logins.Panels++
	p := s.panel(c.text("panel_serial"))
	if p == nil || c.text("app_type") == "" || c.text("app_id") == "" {
		return refusal(400, 10004, "WrongCombination", extra("panel_serial", "wrong_combination"))
	}
	left := time.Until(p.shut)
	if s.faults.Strikes(paneltest.Lockout) {
		left = max(left, s.faults.Left(paneltest.Lockout))
	}
	switch {
	case left > 0 && s.quirks[BlockedIs442]:
		return reply{status: 442}
	case left > 0 && s.quirks[BlockedIsVague]:
		return refusal(420, 10020, "LoginTemporaryBlocked")
	case left > 0:
		return refusal(420, 10020, "LoginTemporaryBlocked", extra("timeout", int(left.Seconds())))
	case !s.faults.Strikes(paneltest.WrongSecret) && p.opens(c.text("user_code")):
		p.wrong = 0
		token := s.mint("session")
		s.sessions[token] = &visit{panel: p, since: time.Now()}
		return ok(map[string]any{"session_token": token})
	}
	if p.wrong++; p.wrong == 3 {
		p.wrong, p.shut = 0, time.Now().Add(blockedFor)
	}
	if s.quirks[WrongIs444] {
		return reply{status: 444}
	}
	return refusal(400, 10021, "WrongUserCode", extra("user_code", "incorrect"))
}

// inside are the calls that need a panel login.
func (s *Server) inside(what, version string, c call) reply {
	if s.tokens[c.user] == "" {
		return reply{status: http.StatusUnauthorized}
	}
	v := s.sessions[c.session]
	if v == nil || s.life > 0 && time.Since(v.since) > s.life {
		return s.stale()
	}
	away := s.faults.Strikes(paneltest.Away) || s.quirks[ConnectsLate] && time.Since(v.since) < 3*time.Second
	switch what {
	case "GET status":
		return ok(s.status(v, !away))
	case "GET feature_set":
		if s.quirks[NoSet] {
			return reply{status: http.StatusNotFound}
		}
		return ok(s.features(v))
	case "GET process_status":
		return s.processes(c.query)
	case "POST access/grant", "POST access/revoke":
		return s.access(what == "POST access/grant", v, c)
	}
	if away {
		return refusal(400, 400, "PanelNotConnected")
	}
	switch what {
	case "GET users":
		return ok(s.users(v, version))
	case "POST set_user_code":
		return s.setCode(v, c.number("user_id"), c.text("user_code"))
	case "POST set_name":
		return s.setName(v, c.text("class"), c.number("id"), c.text("name"))
	}
	return reply{status: http.StatusNotFound}
}

func (s *Server) stale() reply {
	switch {
	case s.quirks[StaleIs440]:
		return reply{status: 440}
	case s.quirks[StaleIs403]:
		return refusal(403, 10002, "UserAuthRequired")
	}
	r := refusal(400, 400, "InvalidRequestFormat")
	r.body.(map[string]any)["error_message"] = "Unable to recognize session token"
	return r
}

func (s *Server) status(v *visit, connected bool) any {
	state := "DISARM"
	if s.faults.Strikes(paneltest.Armed) {
		state = "AWAY"
	}
	if s.faults.Strikes(paneltest.Busy) {
		state = "PROGRAMMING"
	}
	partitions := []map[string]any{{"id": -1, "state": state, "status": "", "ready": true, "options": []string{}}}
	if v.panel.opts.Partitions > 0 {
		partitions = partitions[:0]
		for n := range v.panel.opts.Partitions {
			partitions = append(partitions, map[string]any{"id": n + 1, "state": state, "status": "", "ready": true, "options": []string{}})
		}
	}
	return map[string]any{"connected": connected, "partitions": partitions}
}

func (s *Server) features(v *visit) any {
	o := v.panel.opts
	set := map[string]any{
		"events":     map[string]any{"is_enabled": true},
		"partitions": map[string]any{"is_enabled": o.Partitions > 0, "is_labels_enabled": false, "is_labels_editable": true, "max_partitions": max(3, o.Partitions)},
	}
	if !s.quirks[NoFeatures] {
		set["user"] = map[string]any{"editable_features": o.Features, "code_length": []int{o.CodeLen}}
	}
	return set
}

func (s *Server) users(v *visit, version string) any {
	o := v.panel.opts
	list := v.panel.list()
	if s.quirks[ListLags] {
		list = v.panel.listed(10 * time.Second)
	}
	out := []map[string]any{}
	for _, u := range list {
		partitions := u.Partitions.Numbers()
		if s.quirks[WholePanel] && u.Partitions.Len() == max(1, o.Partitions) {
			partitions = []int{-1}
		}
		one := map[string]any{"id": u.Slot, "name": u.Label, "partitions": partitions, "email": ""}
		if version == "14.0" {
			one["role"], one["last_name"], one["expiration_date"], one["editable_features"] = "USER", "", nil, o.Features
			if u.Role == panel.Master {
				one["role"] = "MASTER_USER"
			}
		}
		out = append(out, one)
	}
	all := map[string]any{"max_users_count": o.Users, "users": out}
	if version == "14.0" {
		all["reserved_ids"] = append([]int{}, o.Reserved...)
	}
	return all
}

func (s *Server) processes(query string) reply {
	out := []map[string]any{}
	for token := range strings.SplitSeq(query, ",") {
		if j := s.jobs[token]; j != nil && !(j.told && s.quirks[ForgetsJobs]) {
			out = append(out, s.say(j))
		}
	}
	return ok(out)
}

// access grants a panel user to an account, or takes it back.
func (s *Server) access(grant bool, v *visit, c call) reply {
	slot, email := c.number("user"), c.text("email")
	key := fmt.Sprint(v.panel.opts.Serial, " ", slot)
	switch {
	case !v.panel.has(slot):
		return refusal(400, 10001, "BadRequestParams", extra("user", "incorrect"))
	case !grant:
		delete(s.granted, key)
	case email == "":
		return refusal(400, 10001, "BadRequestParams", extra("email", "required"))
	case slices.Contains(s.granted[key], email):
		return refusal(400, 10001, "BadRequestParams", extra("email", "already_granted"))
	default:
		s.granted[key] = append(s.granted[key], email)
	}
	return ok(map[string]any{})
}

// mint makes a token that nobody guesses. The caller holds s.mu.
func (s *Server) mint(kind string) string {
	s.minted++
	return fmt.Sprintf("%s-%d-%s", kind, s.minted, rand.Text())
}

// encode is a body as it goes over the wire.
func (r reply) encode() []byte {
	if r.body == nil {
		return nil
	}
	raw, err := json.Marshal(r.body)
	if err != nil {
		panic(err) // bodies are made of plain values
	}
	return raw
}
