package rec

import (
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// Enrolment is a device on which the owner of an account has signed in completely and may
// sign in with their PIN since.
type Enrolment struct {
	Account string    `json:"account"`
	Ends    time.Time `json:"ends"`
	Epoch   uint64    `json:"epoch"` // of the [Login]
	Key     []byte    `json:"key"`   // public, PKIX
	Name    string    `json:"name,omitempty"`
	Since   time.Time `json:"since"`
}

// Enrolments is the kind of these records.
var Enrolments = Kind[Enrolment]{known: sync.OnceValue(fields[Enrolment]), Name: "enrolment", Schema: 1, Secure: true, Terms: func(_ string, e *Enrolment) []store.Term {
	return []store.Term{{Name: ByAccount, Value: []byte(e.Account)}}
}}
