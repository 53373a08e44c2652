package audit

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// Encode returns the stored body of an entry: JSON with sorted keys and its version as
// "v". Public values are in clear, personal ones sealed. Bodies are written here and not
// by encoding/json, whose escapes may change from one release of Go to the next: a
// stored body has one form for ever.
func Encode(e Entry) ([]byte, error) {
	if err := e.whole(); err != nil {
		return nil, err
	}
	return encode(e)
}

// Stored returns what a store keeps of an entry: [Encode] and [Entry.Hash] in one, for
// about half of their work.
func Stored(e Entry) (body []byte, hash [32]byte, err error) {
	if body, err = Encode(e); err != nil {
		return nil, hash, err
	}
	return body, tlog.RecordHash(e.canonical()), nil
}

// whole reports [ErrWithheld] if only the commitment of a field is there.
func (e Entry) whole() error {
	for _, f := range e.Fields {
		if f.Withheld {
			return fmt.Errorf("%w: field %.64q", ErrWithheld, f.Name)
		}
	}
	return nil
}

// encode also takes withheld fields.
func encode(e Entry) ([]byte, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	b := e.append(make([]byte, 0, 2048))
	if len(b) > MaxBody {
		return nil, fmt.Errorf("%w: body of %d bytes", ErrMalformed, len(b))
	}
	return b, nil
}

// MarshalJSON returns the form of [Encode]; fields may be withheld.
func (e Entry) MarshalJSON() ([]byte, error) { return encode(e) }

func (e Entry) append(b []byte) []byte {
	b = appendQuoted(append(b, `{"action":`...), string(e.Action))
	b = appendQuoted(append(b, `,"at":`...), e.At.UTC().Format(time.RFC3339Nano))
	b = appendList(append(b, `,"fields":`...), e.Fields, func(b []byte, f Field) []byte { return f.append(b) })
	b = appendQuoted(append(b, `,"id":`...), e.ID)
	b = appendQuoted(append(b, `,"outcome":`...), string(e.Outcome))
	b = appendList(append(b, `,"state":`...), e.State, func(b []byte, s State) []byte {
		b = appendBase64(append(b, `{"digest":`...), s.Digest[:])
		b = appendQuoted(append(b, `,"row":`...), s.Row)
		return append(b, '}')
	})
	b = appendList(append(b, `,"targets":`...), e.Targets, appendBase64)
	b = strconv.AppendUint(append(b, `,"v":`...), uint64(e.Version), 10)
	return append(b, '}')
}

func (f Field) append(b []byte) []byte {
	b = appendQuoted(append(b, `{"class":`...), f.Class.String())
	if f.Withheld {
		b = appendBase64(append(b, `,"commitment":`...), f.Commitment[:])
	}
	if f.Class == ClassPersonal {
		b = appendQuoted(append(b, `,"key":`...), f.KeyID)
	}
	b = appendQuoted(append(b, `,"name":`...), f.Name)
	if !f.Withheld && f.Class != ClassSecret {
		b = appendBase64(append(b, `,"salt":`...), f.Salt[:])
		if f.Class == ClassPersonal {
			b = appendBase64(append(b, `,"sealed":`...), f.Sealed)
		} else {
			b = appendQuoted(append(b, `,"value":`...), f.Value)
		}
	}
	return append(b, '}')
}

func appendList[T any](b []byte, list []T, one func([]byte, T) []byte) []byte {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = one(b, v)
	}
	return append(b, ']')
}

func appendBase64(b, v []byte) []byte {
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, v)
	return append(b, '"')
}

// appendQuoted writes valid UTF-8 as JSON, escaping only what JSON demands.
func appendQuoted(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// stored is the shape of a body.
type stored struct {
	Action  string        `json:"action"`
	At      time.Time     `json:"at"`
	Fields  []storedField `json:"fields"`
	ID      string        `json:"id"`
	Outcome string        `json:"outcome"`
	State   []struct {
		Digest []byte `json:"digest"`
		Row    string `json:"row"`
	} `json:"state"`
	Targets [][]byte `json:"targets"`
	V       int      `json:"v"`
}

type storedField struct {
	Class      string `json:"class"`
	Commitment []byte `json:"commitment"`
	Key        string `json:"key"`
	Name       string `json:"name"`
	Salt       []byte `json:"salt"`
	Sealed     []byte `json:"sealed"`
	Value      string `json:"value"`
}

// Decode reads a stored body. It is strict: it takes exactly the bytes that [Encode]
// gives for the entry and nothing else. It fails with [ErrMalformed] or [ErrWithheld];
// for a newer version it returns a [*VersionError] and what it could read.
func Decode(body []byte) (Entry, error) {
	e, err := decode(body)
	if err != nil {
		return e, err
	}
	if err := e.whole(); err != nil {
		return Entry{}, err
	}
	return e, nil
}

// decode also takes withheld fields.
func decode(body []byte) (Entry, error) {
	if len(body) > MaxBody {
		return Entry{}, fmt.Errorf("%w: body of %d bytes", ErrMalformed, len(body))
	}
	var s stored
	err := json.Unmarshal(body, &s)
	if err != nil {
		// Another version may have another shape: ask for the version alone.
		var head struct {
			V int `json:"v"`
		}
		if json.Unmarshal(body, &head) == nil {
			s.V = head.V
		}
	}
	if s.V > Version {
		return s.entry(), &VersionError{Version: s.V}
	}
	if err != nil {
		// The text of a JSON error can quote the body.
		return Entry{}, fmt.Errorf("%w: not the JSON of an entry", ErrMalformed)
	}
	e := s.entry()
	again, err := encode(e)
	if err != nil {
		return Entry{}, err
	}
	if !bytes.Equal(again, body) {
		return Entry{}, fmt.Errorf("%w: not the one form of this entry", ErrMalformed)
	}
	return e, nil
}

func (s stored) entry() Entry {
	e := Entry{Version: uint8(min(s.V, 255)), ID: s.ID, At: s.At.UTC(), Action: Action(s.Action), Outcome: Outcome(s.Outcome), Targets: s.Targets}
	for _, f := range s.Fields {
		g := Field{Name: f.Name, Class: parseClass(f.Class), Value: f.Value, Sealed: f.Sealed, KeyID: f.Key, Withheld: f.Commitment != nil}
		copy(g.Salt[:], f.Salt)
		if g.Withheld {
			copy(g.Commitment[:], f.Commitment)
		} else {
			g = g.committed()
		}
		e.Fields = append(e.Fields, g)
	}
	for _, r := range s.State {
		t := State{Row: r.Row}
		copy(t.Digest[:], r.Digest)
		e.State = append(e.State, t)
	}
	return e
}
