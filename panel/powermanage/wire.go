package powermanage

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// wholePanel is the number of the partition that stands for all of them.
const wholePanel = -1

// known are the versions that this driver speaks, the best first. The calls are the same
// in all of them; later ones say more about users. 4.0 has another login.
var known = []string{"14.0", "13.0", "10.0", "9.0", "8.0"}

type versions struct {
	REST []string `json:"rest_versions"`
}

// best is the highest version that both sides know.
func (v versions) best() (string, error) {
	for _, k := range known {
		if slices.Contains(v.REST, k) {
			return k, nil
		}
	}
	return "", fmt.Errorf("%w: %w", panel.ErrProtocol, ErrVersion)
}

type signIn struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	App      string `json:"app_id"`
}

// opened is what a login gives: the one token or the other.
type opened struct {
	User    string `json:"user_token"`
	Session string `json:"session_token"`
}

type panelInfo struct {
	Serial string `json:"panel_serial"`
	Type   string `json:"type"`
}

type panelLogin struct {
	Code    string `json:"user_code"`
	AppType string `json:"app_type"`
	App     string `json:"app_id"`
	Serial  string `json:"panel_serial"`
}

type status struct {
	Connected  bool `json:"connected"`
	Partitions []struct {
		State string `json:"state"`
	} `json:"partitions"`
}

// in reports whether some partition is in a state that the function names.
func (s status) in(is func(state string) bool) bool {
	for _, p := range s.Partitions {
		if is(strings.ToUpper(p.State)) {
			return true
		}
	}
	return false
}

// programming: somebody is in the panel's menus.
func (s status) programming() bool {
	return s.in(func(state string) bool { return state == "PROGRAMMING" })
}

// armed: some partition is in neither of the states in which nobody is away.
func (s status) armed() bool {
	return s.in(func(state string) bool { return state != "" && state != "DISARM" && state != "PROGRAMMING" })
}

type featureSet struct {
	User *struct {
		Features []string `json:"editable_features"`
		CodeLens []int    `json:"code_length"`
	} `json:"user"`
	Partitions *struct {
		Enabled bool `json:"is_enabled"`
		Max     int  `json:"max_partitions"`
	} `json:"partitions"`
}

type user struct {
	ID         int      `json:"id"`
	Role       string   `json:"role"`
	Name       string   `json:"name"`
	Partitions []int    `json:"partitions"`
	Features   []string `json:"editable_features"`
}

type userList struct {
	Max      int    `json:"max_users_count"`
	Users    []user `json:"users"`
	Reserved []int  `json:"reserved_ids"`
}

// at finds the user of a slot, nil if the list has none. The list has the users that
// exist and leaves empty slots out.
func (l userList) at(slot int) *user {
	i := slices.IndexFunc(l.Users, func(u user) bool { return u.ID == slot })
	if i < 0 {
		return nil
	}
	return &l.Users[i]
}

// roles reports whether the role of every user is known.
func (l userList) roles(m panel.Model) bool {
	return !slices.ContainsFunc(l.Users, func(u user) bool { return roleOf(m, u) == "" })
}

// usersOf reads a list of users: in order of slot, each once, names without what cannot
// be shown.
func usersOf(raw []byte) (userList, error) {
	l, err := decode[userList](raw)
	if err != nil {
		return userList{}, err
	}
	slices.SortFunc(l.Users, func(a, b user) int { return a.ID - b.ID })
	for i := range l.Users {
		if l.Users[i].ID < 1 || i > 0 && l.Users[i].ID == l.Users[i-1].ID {
			return userList{}, errAnswer()
		}
		l.Users[i].Name = shown(l.Users[i].Name)
	}
	return l, nil
}

// shown is a name as it can be shown: what is not printable is left out.
func shown(name string) string {
	printable := func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}
	return panel.CleanLabel(strings.Map(printable, name))
}

type setCode struct {
	Code string `json:"user_code"`
	Slot int    `json:"user_id"`
}

type setName struct {
	Class string `json:"class"`
	Slot  int    `json:"id"`
	Name  string `json:"name"`
}

type grant struct {
	Slot  int    `json:"user"`
	Email string `json:"email,omitempty"`
}

type processToken struct {
	Token string `json:"process_token"`
}

type process struct {
	Token  string `json:"token"`
	Status string `json:"status"`
}

// verdict is how far a job is.
type verdict uint8

const (
	running   verdict = iota
	succeeded         // the panel has done it
	failed            // the panel has not
	forgotten         // the server does not know the job
)

// verdictOf looks for a job among those that the server told of. A status that nobody
// has published is one of a job that goes on.
func verdictOf(raw []byte, token string) (verdict, error) {
	jobs, err := decode[[]process](raw)
	if err != nil {
		return running, err
	}
	i := slices.IndexFunc(jobs, func(p process) bool { return p.Token == token })
	if i < 0 {
		return forgotten, nil
	}
	switch strings.ToLower(jobs[i].Status) {
	case "succeeded", "ok":
		return succeeded, nil
	case "failed":
		return failed, nil
	}
	return running, nil
}

// decode reads an answer. What was wrong with it is not told, because an answer may hold
// anything, even what we sent.
func decode[T any](raw []byte) (T, error) {
	var v T
	if json.Unmarshal(raw, &v) != nil {
		var zero T
		return zero, errAnswer()
	}
	return v, nil
}

func errAnswer() error { return fmt.Errorf("%w: %w", panel.ErrProtocol, ErrAnswer) }
