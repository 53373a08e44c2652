package rec

import (
	"sync"
	"time"
)

// Consent lets others set the codes of an account's owner until a time.
type Consent struct {
	Approver string    `json:"approver,omitempty"` // the second person, where an operator opened it
	At       time.Time `json:"at"`
	By       Author    `json:"by"`
	ID       string    `json:"id"`
	Reason   string    `json:"reason"`
	To       string    `json:"to,omitempty"` // the one operator; "": whoever has the right
	Until    time.Time `json:"until"`
}

// Consents are those of an account that have not ended, and perhaps some that have. Its id
// is the account's.
type Consents struct {
	Given []Consent `json:"given"`
}

// ConsentLists are the records of consents.
var ConsentLists = Kind[Consents]{known: sync.OnceValue(fields[Consents]), Name: "consent", Schema: 1, Secure: true}
