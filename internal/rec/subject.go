package rec

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"sync"
	"time"
)

// Subject binds who a provider says somebody is to an account. Its id is [SubjectID]: one
// subject has one account.
type Subject struct {
	Account string    `json:"account"`
	Issuer  string    `json:"issuer"`
	Since   time.Time `json:"since"`
}

// SubjectID is the id of a subject's record: a hash, because a provider's own id of a
// person may be as long as it likes, and need not stand here.
func SubjectID(issuer, subject string) string {
	sum := sha256.Sum256([]byte("keyholder/subject/v1\x00" + strconv.Itoa(len(issuer)) + "\x00" + issuer + subject))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Subjects is the kind of these records.
var Subjects = Kind[Subject]{known: sync.OnceValue(fields[Subject]), Name: "subject", Schema: 1, Secure: true}
