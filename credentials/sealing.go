package credentials

import (
	"bytes"
	"crypto/subtle"
	"encoding/binary"
	"math/big"
	"slices"
	"strconv"

	"github.com/seed-a2d3eaca/keyholder/internal/hidden"
)

// SealCode seals the digits of a code. Sealed codes of every length have one size.
func SealCode(s Sealer, b Binding, c Code) (Sealed, error) {
	plain := make([]byte, MaxDigits)
	copy(plain, c.digits.Open())
	return s.Seal(b, plain)
}

// OpenCode opens what [SealCode] made and compares its fingerprint, made anew in the
// scope under keyID, with the claimed one: a sealed code that was swapped for another
// valid one is [ErrDecrypt] like one that was changed.
func OpenCode(o Opener, s Sealer, b Binding, sealed Sealed, scope Scope, keyID string, want Fingerprint) (Code, error) {
	c, err := openCode(o, b, sealed)
	if err != nil {
		return Code{}, err
	}
	if err := matches(s, scope, keyID, CodeMaterial(c), want); err != nil {
		return Code{}, err
	}
	return c, nil
}

// OpenNamedCode is [OpenCode] for a code that was claimed under names, as [Names] makes
// them: one of them must be the code's own.
func OpenNamedCode(o Opener, s Sealer, b Binding, sealed Sealed, scope Scope, names []string) (Code, error) {
	c, err := openCode(o, b, sealed)
	if err != nil {
		return Code{}, err
	}
	own, err := Names(s, scope, CodeMaterial(c))
	if err != nil {
		return Code{}, err
	}
	if !slices.ContainsFunc(own, func(n string) bool { return slices.Contains(names, n) }) {
		return Code{}, ErrDecrypt
	}
	return c, nil
}

// Names are what is claimed for a secret in a scope: one name for each key in use.
func Names(s Sealer, scope Scope, m Material) ([]string, error) {
	var names []string
	for _, key := range s.Epoch().Prints {
		f, err := s.Print(key, scope, m)
		if err != nil {
			return nil, err
		}
		names = append(names, Name(scope, key, f))
	}
	return names, nil
}

func openCode(o Opener, b Binding, sealed Sealed) (Code, error) {
	plain, err := o.Open(b, sealed)
	if err != nil {
		return Code{}, err
	}
	c, err := ParseCode(string(bytes.TrimRight(plain, "\x00")))
	if err != nil {
		return Code{}, ErrDecrypt
	}
	return c, nil
}

// SealTag seals the number of a tag.
func SealTag(s Sealer, b Binding, t Tag) (Sealed, error) {
	return s.Seal(b, append(binary.BigEndian.AppendUint16(nil, uint16(t.bits)), t.raw.Open()...))
}

// OpenTag opens what [SealTag] made and compares its fingerprint, as [OpenCode] does;
// the fingerprint is that of the first of [TagMaterials].
func OpenTag(o Opener, s Sealer, b Binding, sealed Sealed, scope Scope, keyID string, want Fingerprint) (Tag, error) {
	t, err := openTag(o, b, sealed)
	if err != nil {
		return Tag{}, err
	}
	if err := matches(s, scope, keyID, TagMaterials(t)[0], want); err != nil {
		return Tag{}, err
	}
	return t, nil
}

// OpenNamedTag is [OpenTag] for a tag that was claimed under names, as [Names] makes them
// of the first of [TagMaterials]: one of them must be the tag's own.
func OpenNamedTag(o Opener, s Sealer, b Binding, sealed Sealed, scope Scope, names []string) (Tag, error) {
	t, err := openTag(o, b, sealed)
	if err != nil {
		return Tag{}, err
	}
	own, err := Names(s, scope, TagMaterials(t)[0])
	if err != nil {
		return Tag{}, err
	}
	if !slices.ContainsFunc(own, func(n string) bool { return slices.Contains(names, n) }) {
		return Tag{}, ErrDecrypt
	}
	return t, nil
}

func openTag(o Opener, b Binding, sealed Sealed) (Tag, error) {
	plain, err := o.Open(b, sealed)
	if err != nil {
		return Tag{}, err
	}
	if len(plain) < 3 {
		return Tag{}, ErrDecrypt
	}
	return Tag{raw: hidden.Of(string(plain[2:])), bits: int(binary.BigEndian.Uint16(plain))}, nil
}

func matches(s Sealer, scope Scope, keyID string, m Material, want Fingerprint) error {
	have, err := s.Print(keyID, scope, m)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(have[:], want[:]) != 1 {
		return ErrDecrypt
	}
	return nil
}

// TagMaterials are the canonical forms of a tag, all of which are claimed: its raw bits
// with their number, then, where it has at most [MaxDigits] digits, its number in
// decimal without leading zeros, so that nobody's code is somebody's card number.
//
// Tags of different length with one number share the decimal form, so the second of
// them is refused.
func TagMaterials(t Tag) []Material {
	out := []Material{{form: "tag/" + strconv.Itoa(t.bits) + "/" + t.raw.Open()}}
	if n := new(big.Int).SetBytes([]byte(t.raw.Open())).String(); len(n) <= MaxDigits {
		out = append(out, Material{form: n})
	}
	return out
}
