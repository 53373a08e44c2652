package twonsim

import (
	"strconv"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// record is one entry of the directory.
type record struct {
	uuid, owner, name string
	stamp             int64
	deleted           bool
	pin               string
	cards             [2]string
	codes             [4]string
	from, to          int64
	shut              bool
}

func (r *record) opens() bool {
	return r.pin != "" || r.cards != [2]string{} || r.codes != [4]string{}
}

func (r *record) code(uni bool) string {
	if uni {
		return r.codes[0]
	}
	return r.pin
}

func (r *record) setCode(digits string, uni bool) {
	if uni {
		r.codes[0] = digits
	} else {
		r.pin = digits
	}
}

func (r *record) user(uni bool) paneltest.User {
	u := paneltest.User{Place: panel.Place{ID: r.uuid}, Code: r.code(uni), Label: r.name, Role: panel.User}
	for _, c := range r.cards {
		if c != "" {
			u.Tags++
		}
	}
	if r.from > 0 {
		u.Window.From = time.Unix(r.from, 0).UTC()
	}
	if r.to > 0 {
		u.Window.Until = time.Unix(r.to+1, 0).UTC()
	}
	return u
}

// tell writes an entry as the API does. all keeps what has its default.
func (r *record) tell(uni, all, numbers, mask bool) map[string]any {
	access := map[string]any{}
	put := func(to map[string]any, key string, v any, isDefault bool) {
		if all || !isDefault {
			to[key] = v
		}
	}
	points := []any{map[string]any{"enabled": !r.shut, "profiles": []any{}}, map[string]any{"enabled": !r.shut, "profiles": []any{}}}
	put(access, "accessPoints", points, !r.shut)
	if uni {
		put(access, "code", []string{r.codes[0]}, r.codes[0] == "")
	} else {
		when := func(sec int64) any {
			if numbers {
				return sec
			}
			return strconv.FormatInt(sec, 10)
		}
		pin := r.pin
		if mask && pin != "" {
			pin = strings.Repeat("*", len(pin))
		}
		put(access, "validFrom", when(r.from), r.from == 0)
		put(access, "validTo", when(r.to), r.to == 0)
		put(access, "pin", pin, r.pin == "")
		put(access, "card", r.cards[:], r.cards == [2]string{})
		put(access, "code", r.codes[:], r.codes == [4]string{})
		put(access, "virtCard", "", true)
		put(access, "mobkey", "", true)
		put(access, "fpt", []string{"", ""}, true)
		put(access, "licensePlates", "", true)
	}
	out := map[string]any{}
	put(out, "deleted", r.deleted, !r.deleted)
	put(out, "owner", r.owner, r.owner == "")
	put(out, "name", r.name, r.name == "")
	put(out, "access", access, len(access) == 0)
	return out
}

// wellFormed is the manual's rule for a uuid.
func wellFormed(uuid string) bool {
	groups := strings.Split(uuid, "-")
	if len(groups) != 5 {
		return false
	}
	for i, n := range []int{8, 4, 4, 4, 12} {
		if len(groups[i]) != n || strings.Trim(groups[i], "0123456789abcdefABCDEF") != "" {
			return false
		}
	}
	return strings.Trim(uuid, "0-") != ""
}

// set writes one field as the API names it. It returns the code of a refusal.
func (r *record) set(key string, v any, uni bool) string {
	const unknown, absent, bad = "EDIR_FIELD_NAME_UNKNOWN", "EDIR_FIELD_NOT_AVAILABLE", "EDIR_FIELD_VALUE_ERROR"
	s, isText := v.(string)
	switch key {
	case "owner", "name":
		if !isText || len([]rune(s)) > 63 {
			return bad
		}
		if key == "name" {
			r.name = s
		} else {
			r.owner = s
		}
		return ""
	case "access.code":
		room := 4
		if uni {
			room = 1
		}
		return fill(r.codes[:room], v, digitsOf)
	case "access.pin", "access.card", "access.validFrom", "access.validTo":
		if uni {
			return absent
		}
	default:
		return unknown
	}
	switch key {
	case "access.pin":
		if !isText || !digitsOf(s) {
			return bad
		}
		r.pin = s
	case "access.card":
		return fill(r.cards[:], v, func(s string) bool {
			return s == "" || len(s) >= 6 && len(s) <= 32 && strings.Trim(s, "0123456789ABCDEF") == ""
		})
	case "access.validFrom", "access.validTo":
		sec, err := strconv.ParseInt(s, 10, 32)
		if !isText || err != nil || sec < 0 {
			return bad
		}
		if key == "access.validFrom" {
			r.from = sec
		} else {
			r.to = sec
		}
	}
	return ""
}

// fill writes a list into one of fixed length.
func fill(to []string, v any, good func(string) bool) string {
	list, ok := v.([]any)
	if !ok || len(list) > len(to) {
		return "EDIR_FIELD_VALUE_ERROR"
	}
	for i, x := range list {
		s, ok := x.(string)
		if !ok || !good(s) {
			return "EDIR_FIELD_VALUE_ERROR"
		}
		to[i] = s
	}
	return ""
}

// digitsOf is the rule for PINs and switch codes: none, or 2 to 15 digits.
func digitsOf(s string) bool {
	return s == "" || len(s) >= 2 && len(s) <= 15 && strings.Trim(s, "0123456789") == ""
}
