// Package rec turns typed values into store records and back.
//
// It is for keyholder's own services. A record's body is JSON with sorted keys and a
// schema number, so that people can read, query and repair their database. Who reads a
// field that it does not know keeps it; who meets a newer schema may read and must not
// write.
package rec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Errors of stored bodies.
var (
	// ErrNewer: the record was written by a newer keyholder. It can be read, not written.
	ErrNewer = fault.New(fault.Precondition, "rec: record has a newer schema").
			Hinted("Update this program: another node already runs a newer keyholder.")
	// ErrBody: the body is not what the kind says.
	ErrBody = fault.New(fault.Internal, "rec: record does not decode").
		Hinted("Somebody has changed the database by hand. Verify the log to see what was changed.")
)

const schemaKey = "schema"

// Kind describes the records of one kind.
type Kind[T any] struct {
	Name   store.Kind
	Schema int
	// Secure kinds are committed to by the log: an entry holds the digest of each body.
	Secure bool
	// Terms are the secondary keys of a value; nil for none.
	Terms func(id string, v *T) []store.Term
	// known are the names of T's fields, worked out once; nil: at each reading.
	known func() map[string]bool
}

// Extra are the fields of a body that this program does not know.
type Extra map[string]json.RawMessage

// Key returns the key of a record of this kind.
func (k Kind[T]) Key(id string) store.Key { return store.Key{Kind: k.Name, ID: id} }

// Encode makes the record of a value, with the unknown fields that were read with it.
func (k Kind[T]) Encode(id string, v *T, extra Extra) (store.Record, error) {
	if _, kept := extra[schemaKey]; kept {
		return store.Record{}, ErrNewer // Decode keeps only that of a newer schema
	}
	b, err := json.Marshal(v)
	if err != nil {
		return store.Record{}, fmt.Errorf("encode %s: %w", k.Name, err)
	}
	body := append(members(b), member{schemaKey, []byte(`"` + schemaKey + `"`), strconv.AppendInt(nil, int64(k.Schema), 10)})
	for name, raw := range extra {
		quoted, err := json.Marshal(name)
		if err != nil {
			return store.Record{}, fmt.Errorf("encode %s: %w", k.Name, err)
		}
		body = append(body, member{name, quoted, raw})
	}
	r := store.Record{Key: k.Key(id), Body: appendObject(make([]byte, 0, len(b)+16), body)}
	if k.Terms != nil {
		for _, t := range k.Terms(id, v) {
			if t.Value != nil {
				r.Terms = append(r.Terms, t)
			}
		}
	}
	return r, nil
}

// Decode reads a record. A record with Version 0 gives the zero value.
func (k Kind[T]) Decode(r store.Record) (T, Extra, error) {
	var v T
	if r.Version == 0 {
		return v, nil, nil
	}
	body := bytes.TrimSpace(r.Body)
	if err := json.Unmarshal(body, &v); err != nil || body[0] != '{' {
		return v, nil, fmt.Errorf("%w: %s", ErrBody, r.Key)
	}
	var extra Extra
	known := fields[T]
	if k.known != nil {
		known = k.known
	}
	ours := known()
	for _, m := range members(body) {
		if ours[m.name] || m.name == schemaKey && !newer(m.val, k.Schema) {
			continue
		}
		if extra == nil {
			extra = Extra{}
		}
		extra[m.name] = bytes.Clone(m.val)
	}
	return v, extra, nil
}

// newer reports whether a body's schema number is beyond what this program knows.
func newer(raw []byte, schema int) bool {
	n := 0
	_ = json.Unmarshal(raw, &n) // not a number: schema 0, the oldest
	return n > schema
}

// fields are the JSON names of a struct's fields.
func fields[T any]() map[string]bool {
	known := map[string]bool{}
	names(reflect.TypeFor[T](), known)
	return known
}

// names collects the JSON names of a struct, embedded structs included.
func names(t reflect.Type, into map[string]bool) {
	for f := range t.Fields() {
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case tag == "-" || !f.IsExported() && !f.Anonymous:
		case f.Anonymous && tag == "" && f.Type.Kind() == reflect.Struct:
			names(f.Type, into)
		case tag != "":
			into[tag] = true
		default:
			into[f.Name] = true
		}
	}
}
