package twon

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// Paths of the HTTP API (2N HTTP API manual, chapters 5.1 and 5.14).
const (
	pathInfo     = "/api/system/info"
	pathTime     = "/api/system/time"
	pathTemplate = "/api/dir/template"
	pathCreate   = "/api/dir/create"
	pathUpdate   = "/api/dir/update"
	pathDelete   = "/api/dir/delete"
	pathGet      = "/api/dir/get"
	pathQuery    = "/api/dir/query"
)

// Codes of a request that was refused as a whole (manual, chapter 2.3).
const (
	codeUnsupported = 1  // function is not supported
	codeDisabled    = 8  // the service is switched off
	codeForbidden   = 9  // authorisation required
	codePrivileges  = 10 // insufficient user privileges
)

// Codes of one entry that was refused (manual, chapter 5.14).
const (
	codeExists       = "EDIR_UUID_ALREADY_EXISTS"
	codeMissing      = "EDIR_UUID_DOES_NOT_EXIST"
	codeForm         = "EDIR_UUID_INVALID_FORMAT"
	codeUnknownField = "EDIR_FIELD_NAME_UNKNOWN"
	codeNoField      = "EDIR_FIELD_NOT_AVAILABLE"
	codeValue        = "EDIR_FIELD_VALUE_ERROR"
)

// maxEntries is how many entries of a directory are read; devices hold 10,000.
const maxEntries = 20000

// fields are what is read of an entry; uuid and timestamp always come with them.
var fields = [...]string{"deleted", "owner", "name", "access"}

// envelope is every JSON answer.
type envelope struct {
	Success bool            `json:"success"`
	Result  json.RawMessage `json:"result"`
	Error   struct {
		Code int `json:"code"`
	} `json:"error"`
}

// directory is the result of everything below /api/dir.
type directory struct {
	Series    text    `json:"series"`
	Timestamp int64   `json:"timestamp"` // the highest, where it is told
	Users     []entry `json:"users"`
}

// entry is what a device says of one entry. Left out means default.
type entry struct {
	UUID      string `json:"uuid"`
	Timestamp int64  `json:"timestamp"`
	Deleted   bool   `json:"deleted"`
	Owner     string `json:"owner"`
	Name      string `json:"name"`
	Access    access `json:"access"`
	Errors    []struct {
		Code  string `json:"code"`
		Field string `json:"field"`
	} `json:"errors"`
}

// access is the part of an entry that opens doors.
type access struct {
	ValidFrom text `json:"validFrom"`
	ValidTo   text `json:"validTo"`
	Points    []struct {
		Enabled *bool `json:"enabled"` // left out means enabled
	} `json:"accessPoints"`
	PIN   string   `json:"pin"`
	Cards []string `json:"card"`
	Codes []string `json:"code"`
	// Credentials that are seen and not written; their form differs.
	VirtualCard json.RawMessage `json:"virtCard"`
	MobileKey   json.RawMessage `json:"mobkey"`
	Fingerprint json.RawMessage `json:"fpt"`
	Plates      json.RawMessage `json:"licensePlates"`
}

// exists reports whether there is something that opens.
func (a access) exists() bool {
	if a.PIN != "" || a.cards() > 0 || count(a.Codes) > 0 {
		return true
	}
	for _, raw := range []json.RawMessage{a.VirtualCard, a.MobileKey, a.Fingerprint, a.Plates} {
		var v any
		if len(raw) > 0 && (json.Unmarshal(raw, &v) != nil || !blank(v)) {
			return true
		}
	}
	return false
}

func (a access) cards() int { return count(a.Cards) }

// shut reports whether the entry is kept out at every access point.
func (a access) shut() bool {
	for _, p := range a.Points {
		if p.Enabled == nil || *p.Enabled {
			return false
		}
	}
	return len(a.Points) > 0
}

func count(list []string) (n int) {
	for _, s := range list {
		if s != "" {
			n++
		}
	}
	return n
}

// blank reports whether a value says nothing at any depth.
func blank(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == "" || v == "0"
	case float64:
		return v == 0
	case []any:
		for _, x := range v {
			if !blank(x) {
				return false
			}
		}
		return true
	case map[string]any:
		for _, x := range v {
			if !blank(x) {
				return false
			}
		}
		return true
	}
	return false
}

// text is a number that the manual writes as a string; a bare number is read as well.
type text string

// UnmarshalJSON reads a string or a number.
func (t *text) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, (*string)(t))
	}
	var n json.Number
	err := json.Unmarshal(b, &n)
	*t = text(n)
	return err
}

// seconds is a validity's end; false: open.
func (t text) seconds() (int64, bool, error) {
	if t == "" || t == "0" {
		return 0, false, nil
	}
	n, err := strconv.ParseInt(string(t), 10, 64)
	if err != nil || n < 0 || n > 1<<40 {
		return 0, false, fmt.Errorf("%w: a validity is not in seconds", panel.ErrProtocol)
	}
	return n, n != 0, nil
}

// id is a uuid as places have it, or false: not 32 hexadecimal digits in five groups, or
// the empty uuid.
func id(s string) (string, bool) {
	s = strings.ToLower(s)
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return "", false
	}
	bare := strings.ReplaceAll(s, "-", "")
	if _, err := hex.DecodeString(bare); err != nil || len(bare) != 32 || strings.Trim(bare, "0") == "" {
		return "", false
	}
	return s, true
}

// decode reads the result of a call below /api/dir and looks at its uuids. A refused
// entry may come without one.
func decode(raw []byte) (directory, error) {
	var d directory
	if err := json.Unmarshal(raw, &d); err != nil {
		return directory{}, fmt.Errorf("%w: no directory", panel.ErrProtocol)
	}
	if len(d.Users) > maxEntries {
		return directory{}, fmt.Errorf("%w: more than %d entries", panel.ErrProtocol, maxEntries)
	}
	for i := range d.Users {
		e := &d.Users[i]
		uuid, ok := id(e.UUID)
		if !ok && len(e.Errors) == 0 {
			return directory{}, fmt.Errorf("%w: an entry without a uuid", panel.ErrProtocol)
		}
		e.UUID = uuid
	}
	return d, nil
}

// align puts answers in the order of the uuids that were asked for. Each must be answered
// once; answers without a uuid stand where they came.
func align(asked []string, got []entry) ([]entry, error) {
	if len(got) != len(asked) {
		return nil, fmt.Errorf("%w: %d entries are answered by %d", panel.ErrProtocol, len(asked), len(got))
	}
	at := make(map[string]int, len(asked))
	for i, uuid := range asked {
		at[uuid] = i
	}
	out, taken := make([]entry, len(asked)), make([]bool, len(asked))
	for i, e := range got {
		if e.UUID != "" {
			var ok bool
			if i, ok = at[e.UUID]; !ok {
				return nil, fmt.Errorf("%w: an entry that nobody asked for", panel.ErrProtocol)
			}
		}
		if taken[i] {
			return nil, fmt.Errorf("%w: an entry is answered twice", panel.ErrProtocol)
		}
		e.UUID = asked[i]
		out[i], taken[i] = e, true
	}
	return out, nil
}
