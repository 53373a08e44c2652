package rec

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

// member is one member of a JSON object: its name, unquoted, and the text of both.
type member struct {
	name        string
	quoted, val []byte
}

// members cuts the text of a valid JSON object into its members; they share its bytes.
func members(object []byte) []member {
	var list []member
	for i := next(object, 1); object[i] != '}'; i = next(object, i) {
		at := i
		i = end(object, i)
		m := member{quoted: object[at:i]}
		m.name = unquote(m.quoted)
		i = next(object, i)
		at, i = i, end(object, i)
		m.val = object[at:i]
		list = append(list, m)
	}
	return list
}

// unquote returns what a valid JSON string says.
func unquote(quoted []byte) string {
	if !bytes.ContainsRune(quoted, '\\') {
		return string(quoted[1 : len(quoted)-1])
	}
	var s string
	_ = json.Unmarshal(quoted, &s) // valid, so it cannot fail
	return s
}

// next returns where what follows begins: past space, commas and colons.
func next(text []byte, i int) int {
	for strings.IndexByte(" \t\r\n,:", text[i]) >= 0 {
		i++
	}
	return i
}

// end returns where the value ends that begins at i.
func end(text []byte, i int) int {
	for depth := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			for i++; text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			switch depth {
			case 0: // of what the value stands in
				return i
			case 1:
				return i + 1
			}
			depth--
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
		}
	}
	return i
}

// appendSorted appends a valid JSON value without space and with sorted keys, also in
// what it holds.
func appendSorted(b, value []byte) []byte {
	switch value[0] {
	case '{':
		return appendObject(b, members(value))
	case '[':
		b = append(b, '[')
		for i := next(value, 1); value[i] != ']'; i = next(value, i) {
			if b[len(b)-1] != '[' {
				b = append(b, ',')
			}
			at := i
			i = end(value, i)
			b = appendSorted(b, value[at:i])
		}
		return append(b, ']')
	}
	return append(b, value...)
}

// appendObject appends the object of members, which it sorts.
func appendObject(b []byte, list []member) []byte {
	slices.SortFunc(list, func(x, y member) int { return cmp.Compare(x.name, y.name) })
	b = append(b, '{')
	for i, m := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, m.quoted...), ':')
		b = appendSorted(b, m.val)
	}
	return append(b, '}')
}
