package flow

import (
	"crypto/subtle"
	"slices"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// KeyOf returns the id of the key under which a name was made, "" of names that no key
// makes, such as a panel's ident.
func KeyOf(name string) string {
	parts := strings.Split(name, "|")
	if len(parts) != 3 || len(parts[2]) != 22 || !strings.Contains(parts[0], "/") {
		return ""
	}
	return parts[1]
}

// current refuses claims whose names were made before the epoch: one under a key that is
// only read, or one that lacks the current key. Names may be made long before the change
// in which they are claimed.
func current(ops []store.Op, e credentials.Epoch) error {
	made := map[string]int{}
	for _, o := range ops {
		claim, ok := o.(store.Claim)
		if !ok || claim.From != "" {
			continue // what is handed over is claimed already
		}
		if key := KeyOf(string(claim.Name)); key != "" {
			made[key]++
		}
	}
	for key, n := range made {
		if !slices.Contains(e.Prints, key) || n > made[e.Prints[0]] {
			return ErrKeyEpoch
		}
	}
	return nil
}

// personKey is the key of what the log says of a person.
func personKey(keys credentials.Sealer, subject string, s rec.Salt) ([32]byte, error) {
	key, err := credentials.PersonKey(keys, s.KeyID, subject, [16]byte(s.Salt))
	if err == nil && len(s.Mask) == len(key) {
		subtle.XORBytes(key[:], key[:], s.Mask)
	}
	return key, err
}

// Remade is the salt under the keyring's current key, with a mask by which the person's
// key stays what it was: the log is sealed with it. The mask is used once, under a new
// salt, and says nothing to who has not the current key. An erased salt stays erased.
func Remade(keys credentials.Sealer, subject string, s rec.Salt) (rec.Salt, error) {
	to := keys.Epoch().Prints[0]
	if len(s.Salt) != 16 {
		return rec.Salt{KeyID: to}, nil
	}
	key, err := personKey(keys, subject, s)
	if err != nil {
		return s, err
	}
	next := rec.Salt{KeyID: to, Salt: make([]byte, 16)}
	random(next.Salt)
	pad, err := personKey(keys, subject, next)
	if err != nil {
		return s, err
	}
	next.Mask = make([]byte, len(key))
	subtle.XORBytes(next.Mask, key[:], pad[:])
	return next, nil
}
