package credentials

import "encoding/hex"

// PersonScope is the scope of a person's audit key; nothing is claimed in it.
const PersonScope ScopeKind = "person"

// PersonKey derives the key under which personal fields about a subject are sealed in
// the log: from a key of the keyring and a random salt that is kept beside the subject.
// Destroying the salt erases every such field, and every proof stays valid. Only the
// [Sealer] face is needed.
func PersonKey(s Sealer, keyID, subject string, salt [16]byte) ([32]byte, error) {
	var key [32]byte
	scope := Scope{Kind: PersonScope, ID: subject}
	for i, half := range []string{"person-key/1/", "person-key/2/"} {
		f, err := s.Print(keyID, scope, Material{form: half + hex.EncodeToString(salt[:])})
		if err != nil {
			return key, err
		}
		copy(key[16*i:], f[:])
	}
	return key, nil
}
