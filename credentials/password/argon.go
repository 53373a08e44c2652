package password

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Argon is the cost of argon2id (RFC 9106).
type Argon struct {
	Memory uint32 // KiB, at least 12 MiB and at most 256 MiB
	Passes uint32 // 1 to 10
	Lanes  uint8  // 1 to 16
}

const (
	argonPrefix = "$argon2id$"
	saltSize    = 16
	digestSize  = 32
)

// bounded keeps a hash that comes from elsewhere from asking for more than a sign-in may
// cost. The least memory is only asked of what is made here.
func (a Argon) bounded() bool { return a.Memory >= 12*1024 && a.payable() }

func (a Argon) payable() bool {
	return a.Memory >= 8 && a.Memory <= 256*1024 && a.Passes >= 1 && a.Passes <= 10 && a.Lanes >= 1 && a.Lanes <= 16
}

func (a Argon) digest(text string, salt []byte, size int) []byte {
	return argon2.IDKey([]byte(text), salt, a.Passes, a.Memory, a.Lanes, uint32(size))
}

func (a Argon) equal(text string, salt, digest []byte) bool {
	return subtle.ConstantTimeCompare(a.digest(text, salt, len(digest)), digest) == 1
}

// encode writes the PHC string.
func (a Argon) encode(salt, digest []byte) Hash {
	b64 := base64.RawStdEncoding.EncodeToString
	return Hash(fmt.Sprintf("%sv=%d$m=%d,t=%d,p=%d$%s$%s", argonPrefix, argon2.Version, a.Memory, a.Passes, a.Lanes, b64(salt), b64(digest)))
}

// parseArgon reads the PHC string, strictly: what does not come out as it went in is not one.
func parseArgon(h Hash) (a Argon, salt, digest []byte, err error) {
	parts := strings.Split(string(h), "$")
	if len(parts) != 6 || len(h) > 256 {
		return a, nil, nil, ErrHash
	}
	_, _ = fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &a.Memory, &a.Passes, &a.Lanes) // what is left out is out of bounds
	salt, serr := base64.RawStdEncoding.DecodeString(parts[4])
	digest, derr := base64.RawStdEncoding.DecodeString(parts[5])
	if serr != nil || derr != nil || !a.payable() || len(salt) < 8 || len(salt) > 64 || len(digest) < 16 || len(digest) > 64 || a.encode(salt, digest) != h {
		return a, nil, nil, ErrHash
	}
	return a, salt, digest, nil
}
