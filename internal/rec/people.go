package rec

import (
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// OneTime is a secret that was sent to the owner of an account and works once. There is
// one for each purpose and account: a newer one takes its place.
type OneTime struct {
	Account string    `json:"account"`
	Asked   bool      `json:"asked,omitempty"` // by somebody who says they are the owner
	Expires time.Time `json:"expires"`
	Issued  time.Time `json:"issued"`
	KeyID   string    `json:"key"`
	Print   []byte    `json:"print"` // keyed fingerprint, all that is kept of the secret
	Purpose string    `json:"purpose"`
	Serial  string    `json:"serial"` // tells it from the one before
}

// Address lists the accounts that have or had an e-mail address. Its id is the address's
// keyed fingerprint, so that a removed account can be found by somebody who knows the
// address, and by nobody else.
type Address struct {
	Accounts []string `json:"accounts"`
}

// Assigned counts how often an account was assigned, where the number of its panel users
// is limited: whoever assigns it writes here, so that nobody does so unseen. Its id is the
// account's.
type Assigned struct {
	Times uint64 `json:"times"`
}

// Registration is a request for an account from somebody who has none. It is quiet: what
// becomes of it is found out later, so that nobody can tell which addresses are known.
type Registration struct {
	At    time.Time          `json:"at"`
	Parts credentials.Sealed `json:"parts"`
	Waits bool               `json:"waits,omitempty"` // for an operator
}

// PostState is what became of a message.
type PostState string

// The states of a message.
const (
	PostQueued      PostState = "queued"
	PostUnavailable PostState = "unavailable" // tried, and will be tried again
	PostAccepted    PostState = "accepted"
	PostRefused     PostState = "refused"
	PostGivenUp     PostState = "given up"
)

// Post is a message to the owner of an account. It is quiet: the entry of the act that
// posts it names it.
type Post struct {
	Account string `json:"account"`
	// Budget is the counter that gets its one back if the message never leaves.
	Budget  string             `json:"budget,omitempty"`
	Channel string             `json:"channel"`
	Expires time.Time          `json:"expires"`
	Message string             `json:"message,omitempty"` // the transport's id
	Notice  bool               `json:"notice,omitempty"`  // about what happened: it has no secret, and a profile that holds it back
	Parts   credentials.Sealed `json:"parts,omitzero"`    // what varies in the text, until it is settled
	PIN     uint64             `json:"pin,omitempty"`     // generation of the PIN that it is about; 0: none
	Posted  time.Time          `json:"posted"`
	Purpose string             `json:"purpose"`
	Reason  string             `json:"reason,omitempty"`
	Secret  string             `json:"secret"` // id and serial of the one-time secret that it carries
	Serial  string             `json:"serial"`
	Settled time.Time          `json:"settled,omitzero"`
	Since   time.Time          `json:"since,omitzero"` // no transport takes it since
	State   PostState          `json:"state"`
	Tries   int                `json:"tries,omitempty"`
	// Trying is when it was handed to the transport, until it is known what came of it.
	Trying time.Time `json:"trying,omitzero"`
	Twice  bool      `json:"twice,omitempty"` // may have been sent twice
}

// The names of terms.
const (
	ByName   = "name"   // of accounts
	ByNewest = "newest" // of posts: the account, then the newest first
	ByNotice = "notice" // the same of notices
	ByWaits  = "waits"  // of registrations that wait for an operator: the oldest first
)

// The kinds of records about accounts and messages to their owners.
var (
	Addresses     = Kind[Address]{known: sync.OnceValue(fields[Address]), Name: "address", Schema: 1}
	Assigneds     = Kind[Assigned]{known: sync.OnceValue(fields[Assigned]), Name: "assigned", Schema: 1}
	OneTimes      = Kind[OneTime]{known: sync.OnceValue(fields[OneTime]), Name: "onetime", Schema: 1, Secure: true}
	Registrations = Kind[Registration]{known: sync.OnceValue(fields[Registration]), Name: store.Sent, Schema: 1, Terms: func(_ string, r *Registration) []store.Term {
		if !r.Waits {
			return nil
		}
		return []store.Term{{Name: ByWaits, Value: store.TermUint(uint64(r.At.UnixNano()))}}
	}}
	Posts = Kind[Post]{known: sync.OnceValue(fields[Post]), Name: store.Sent, Schema: 1, Terms: func(_ string, p *Post) []store.Term {
		name := ByNewest
		if p.Notice {
			name = ByNotice
		}
		return []store.Term{{Name: name, Value: append(PostsOf(p.Account), store.TermUint(^uint64(p.Posted.UnixNano()))...)}}
	}}
)

// PostsOf is what the term [ByNewest] of an account's messages begins with.
func PostsOf(account string) []byte { return append([]byte(account), 0) }

// AccountName is by what an account is listed and looked up: its address, else its
// username, else its id; nil once it is removed.
func AccountName(a *accounts.Account) []byte {
	switch {
	case !a.Removed.IsZero():
		return nil
	case !a.Email.IsZero():
		return cut(a.Email.Canonical())
	case a.Username != "":
		return cut(a.Username)
	}
	return []byte(a.ID)
}
