package iqremote

import (
	"encoding/json"
	"strconv"
	"strings"
)

// Notice is what a message on [TopicChanges] means for the users. At most one field says
// something.
type Notice struct {
	User    int  // this user was added, changed or removed
	Doubt   bool // anything may have changed: read everything
	Leaving bool // the panel ends the session
}

// DecodeNotice reads a message of the change feed. Both dialects are read: up to firmware
// 4.4.1 arguments are a string like "[2]", in 4.6.1 a list. What is about other tables is
// the zero Notice. Where a message about users or the code length does not say beyond
// doubt whom it is about, Doubt is set: no public capture shows one about users, and
// panels have been seen whose arguments do not match their condition.
func DecodeNotice(b []byte) (Notice, error) {
	var raw struct {
		Event     text                       `json:"eventName"`
		URI       text                       `json:"uri"`
		Selection text                       `json:"selection"`
		Arguments json.RawMessage            `json:"selectionArgs"`
		Values    map[string]json.RawMessage `json:"contentValues"`
	}
	if err := unmarshal(b, &raw); err != nil {
		return Notice{}, err
	}
	switch raw.Event {
	case "primaryDisconnect":
		return Notice{Leaving: true}, nil
	case "dbChanged":
	default:
		return Notice{}, nil
	}
	args, readable := arguments(raw.Arguments)
	named, certain := condition(string(raw.Selection), args)
	value := func(column string) string {
		var t text
		if len(raw.Values[column]) == 0 || t.UnmarshalJSON(raw.Values[column]) != nil {
			return ""
		}
		return string(t)
	}
	switch tableOf(string(raw.URI)) {
	case tableUser:
		return aboutUser(named["userid"], value("userid"), readable && certain), nil
	case tableSettings:
		name := value("name")
		if name == "" && readable && certain {
			name = named["name"]
		}
		return Notice{Doubt: name == "" || name == sixDigits}, nil
	case "":
		return Notice{Doubt: true}, nil
	}
	return Notice{}, nil
}

// aboutUser takes the number from the condition and from the row: where both say one,
// they must agree.
func aboutUser(named, value string, certain bool) Notice {
	if named == "" {
		named = value
	}
	id, err := strconv.Atoi(named)
	if err != nil || id < 1 || id > maxID || !certain || value != "" && value != named {
		return Notice{Doubt: true}
	}
	return Notice{User: id}
}

// arguments reads both dialects. In the older one a value that holds ", " looks like two.
func arguments(raw json.RawMessage) (args []string, ok bool) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, true
	}
	if raw[0] == '[' {
		var list []text
		if json.Unmarshal(raw, &list) != nil {
			return nil, false
		}
		for _, t := range list {
			args = append(args, string(t))
		}
		return args, true
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return nil, false
	}
	inner, ok := strings.CutPrefix(s, "[")
	if ok {
		inner, ok = strings.CutSuffix(inner, "]")
	}
	switch {
	case s == "" || ok && inner == "":
		return nil, true
	case !ok:
		return nil, false
	}
	return strings.Split(inner, ", "), true
}

// condition reads "column=?" or several joined by AND, and gives each column its argument.
// Anything else, and a number of arguments that differs, is uncertain.
func condition(s string, args []string) (named map[string]string, certain bool) {
	if s == "" {
		return nil, len(args) == 0
	}
	parts := strings.Split(strings.ReplaceAll(s, " and ", " AND "), " AND ")
	if len(parts) != len(args) {
		return nil, false
	}
	named = map[string]string{}
	for i, p := range parts {
		column, ok := strings.CutSuffix(strings.ReplaceAll(p, " ", ""), "=?")
		if !ok || column == "" || strings.ContainsAny(column, "=?<>!()") {
			return nil, false
		}
		if _, twice := named[column]; twice {
			return nil, false
		}
		named[column] = args[i]
	}
	return named, true
}
