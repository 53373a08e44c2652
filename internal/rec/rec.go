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
	"maps"
	"reflect"
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
}

// Extra are the fields of a body that this program does not know.
type Extra map[string]json.RawMessage

// Key returns the key of a record of this kind.
func (k Kind[T]) Key(id string) store.Key { return store.Key{Kind: k.Name, ID: id} }

// Encode makes the record of a value, with the unknown fields that were read with it.
func (k Kind[T]) Encode(id string, v *T, extra Extra) (store.Record, error) {
	if schemaOf(extra) > k.Schema {
		return store.Record{}, ErrNewer
	}
	b, err := json.Marshal(v)
	if err != nil {
		return store.Record{}, fmt.Errorf("encode %s: %w", k.Name, err)
	}
	var body map[string]any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&body); err != nil {
		return store.Record{}, fmt.Errorf("encode %s: %w", k.Name, err)
	}
	for name, raw := range extra {
		body[name] = raw
	}
	body[schemaKey] = k.Schema
	if b, err = json.Marshal(body); err != nil {
		return store.Record{}, fmt.Errorf("encode %s: %w", k.Name, err)
	}
	r := store.Record{Key: k.Key(id), Body: b}
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
	if err := json.Unmarshal(r.Body, &v); err != nil {
		return v, nil, fmt.Errorf("%w: %s", ErrBody, r.Key)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(r.Body, &all); err != nil {
		return v, nil, fmt.Errorf("%w: %s", ErrBody, r.Key)
	}
	extra := Extra(all)
	schema := schemaOf(extra)
	known := map[string]bool{}
	names(reflect.TypeFor[T](), known)
	maps.DeleteFunc(extra, func(name string, _ json.RawMessage) bool {
		return known[name] || name == schemaKey && schema <= k.Schema
	})
	return v, extra, nil
}

func schemaOf(extra Extra) int {
	n := 0
	if raw, ok := extra[schemaKey]; ok {
		_ = json.Unmarshal(raw, &n) // not a number: schema 0, the oldest
	}
	return n
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
