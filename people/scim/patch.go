package scim

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/accounts"
)

// patches are changes of a user: RFC 7644, section 3.5.2.
type patches struct {
	Operations []struct {
		Op    string          `json:"op"`
		Path  string          `json:"path"`
		Value json.RawMessage `json:"value"`
	} `json:"Operations"`
}

// patch changes parts of a user, all or none.
func (s *session) patch(r *http.Request) (answer, error) {
	var p patches
	if err := read(r, &p); err != nil {
		return answer{}, err
	}
	k, err := s.find(r.Context(), accounts.ID(r.PathValue("id")))
	if err != nil {
		return answer{}, err
	}
	want := s.shown(k)
	want.Active = nil // unless an operation says it
	for _, o := range p.Operations {
		switch op := strings.ToLower(o.Op); {
		case op == "remove":
			err = want.take(o.Path)
		case (op == "add" || op == "replace") && o.Path == "":
			err = want.setAll(o.Value)
		case op == "add" || op == "replace":
			err = want.set(o.Path, o.Value)
		default:
			err = invalid("invalidSyntax", "op has to be add, replace or remove.")
		}
		if err != nil {
			return answer{}, err
		}
	}
	if len(p.Operations) == 0 {
		return answer{}, invalid("invalidSyntax", "There are no Operations.")
	}
	return s.changed(r.Context(), k, want)
}

// The paths of what is kept, in lower case: names are compared without regard to it.
const (
	pathActive   = "active"
	pathExternal = "externalid"
	pathFamily   = "name.familyname"
	pathGiven    = "name.givenname"
	pathName     = "name"
	pathUser     = "username"
)

// path is a path without the schema that it may begin with.
func path(text string) string {
	low := strings.ToLower(strings.TrimSpace(text))
	return strings.TrimPrefix(low, strings.ToLower(userSchema)+":")
}

// setAll sets every attribute of an object.
func (u *user) setAll(value json.RawMessage) error {
	var all map[string]json.RawMessage
	if json.Unmarshal(value, &all) != nil {
		return invalid("invalidValue", "Without a path the value has to be an object.")
	}
	for name, v := range all {
		if err := u.set(name, v); err != nil {
			return err
		}
	}
	return nil
}

// set sets one attribute; what is not kept is passed by.
func (u *user) set(at string, value json.RawMessage) error {
	var text *string
	switch path(at) {
	case pathActive:
		active, err := truth(value)
		u.Active = &active
		return err
	case pathName:
		if json.Unmarshal(value, &u.Name) != nil {
			return invalid("invalidValue", "name has to be an object.")
		}
		return nil
	case pathExternal:
		text = &u.ExternalID
	case pathFamily:
		text = &u.Name.Family
	case pathGiven:
		text = &u.Name.Given
	case pathUser:
		text = &u.UserName
	default:
		return nil
	}
	if json.Unmarshal(value, text) != nil {
		return invalid("invalidValue", "The value has to be a text.")
	}
	return nil
}

// take takes one attribute away.
func (u *user) take(at string) error {
	switch path(at) {
	case "":
		return invalid("noTarget", "There is no path.")
	case pathActive, pathUser:
		return invalid("mutability", "This is required.")
	case pathExternal:
		u.ExternalID = ""
	case pathFamily:
		u.Name.Family = ""
	case pathGiven:
		u.Name.Given = ""
	case pathName:
		u.Name = name{}
	}
	return nil
}

// truth reads a truth value; some providers write it as a text.
func truth(value json.RawMessage) (bool, error) {
	b, err := strconv.ParseBool(strings.ToLower(strings.Trim(string(value), `"`)))
	if err != nil {
		return false, invalid("invalidValue", "active has to be true or false.")
	}
	return b, nil
}

// nothing answers what is not here.
func (s *session) nothing(*http.Request) (answer, error) {
	return answer{}, &failure{status: http.StatusNotFound, detail: "There is nothing here."}
}
