package powermanagesim

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// job is a change on its way to a panel.
type job struct {
	number  int
	token   string
	handled time.Time
	ends    time.Time
	run     func() bool // nil when it has run
	ok      bool
	told    bool // that it has run
}

// begin makes a job of a change. What keeps the panel from doing it is decided now. The
// caller holds s.mu.
func (s *Server) begin(run func() bool) string {
	now := time.Now()
	if s.faults.Strikes(paneltest.Busy) || s.faults.Strikes(paneltest.Armed) {
		run = func() bool { return false }
	}
	j := &job{number: len(s.jobs), token: s.mint("job"), handled: now.Add(s.latency / 2), ends: now.Add(s.latency), run: run}
	s.jobs[j.token] = j
	s.logins.Writes++
	return j.token
}

// advance runs every job whose time has come, in order. Nothing else happens by itself,
// so that whoever looks calls this first. The caller holds s.mu.
func (s *Server) advance() {
	now := time.Now()
	for _, j := range slices.SortedFunc(maps.Values(s.jobs), func(a, b *job) int { return cmp.Compare(a.number, b.number) }) {
		if j.run != nil && !j.ends.After(now) {
			j.ok = j.run()
			j.run = nil
		}
	}
}

// say is a job as process_status tells it.
func (s *Server) say(j *job) map[string]any {
	status, message := "start", ""
	now := time.Now()
	switch {
	case j.run == nil && j.ok && s.quirks[FinishedIsOK]:
		status = "ok"
	case j.run == nil && j.ok:
		status = "succeeded"
	case j.run == nil:
		status, message = "failed", "the panel did not do it"
	case s.quirks[OddStatus]:
		status = "in_queue"
	case !j.handled.After(now):
		status = "handled"
	}
	j.told = j.run == nil
	return map[string]any{"token": j.token, "status": status, "message": message, "error": nil}
}

// setCode is the change of a code, as a job or refused at once.
func (s *Server) setCode(v *visit, slot int, code string) reply {
	m := v.panel
	if !m.has(slot) {
		return refusal(400, 10001, "BadRequestParams", extra("user_id", "incorrect"))
	}
	removes := code == "0000"
	_, exists := m.users[slot]
	switch {
	case removes && !m.may("UEF_REMOVE_USER"), !removes && exists && !m.may("UEF_CODE"), !removes && !exists && !m.may("UEF_CREATE_USER"):
		return refusal(403, 10010, "NotAllowed")
	}
	if s.quirks[ChecksAtOnce] && !removes && (!m.fits(code) || m.taken(slot, code)) {
		return refusal(400, 10001, "BadRequestParams", extra("user_code", "incorrect"))
	}
	refuses := s.faults.Refuses(panel.FieldCode, slot)
	return started(s.begin(func() bool {
		if refuses || !m.setCode(slot, code, s.quirks) {
			return false
		}
		if slot == 1 && s.quirks[MasterEnds] {
			clear(s.sessions)
		}
		return true
	}))
}

// setName is the change of a name.
func (s *Server) setName(v *visit, class string, slot int, name string) reply {
	m := v.panel
	switch {
	case class != "USER":
		return refusal(400, 10001, "BadRequestParams", extra("class", "incorrect"))
	case !m.has(slot):
		return refusal(400, 10001, "BadRequestParams", extra("id", "incorrect"))
	case name == "" || len([]rune(name)) > 32:
		return refusal(400, 10001, "BadRequestParams", extra("name", "incorrect"))
	case !m.may("UEF_LABEL"):
		return refusal(403, 10010, "NotAllowed")
	}
	refuses := s.faults.Refuses(panel.FieldLabel, slot)
	return started(s.begin(func() bool { return !refuses && m.setName(slot, name) }))
}
