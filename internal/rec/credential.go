package rec

import (
	"strconv"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// CredentialKind is what a credential is.
type CredentialKind string

// The kinds of credentials. An account has at most one PIN and one duress PIN.
const (
	PIN       CredentialKind = "pin"
	DuressPIN CredentialKind = "duress"
	TagNumber CredentialKind = "tag"
)

// Credential is one thing with which a person is let in. It is kept with the account, is
// claimed over all accounts, and is written to devices from here. Its id is
// [CredentialID]. When its holder may enter at all is the account's affair.
type Credential struct {
	Account string         `json:"account"`
	Kind    CredentialKind `json:"kind"`
	// Names are claimed in the tenant's scope: its own under each key of the epoch, and, of
	// a tag, the numbers that are printed on it. The sealed value has one of them.
	Names []string `json:"names"`
	// Reserves are the neighbours that nobody else may have.
	Reserves []string `json:"reserves,omitempty"`
	// Formats are the layouts by which a tag's printed numbers were read when it was given:
	// with them its names can be made again, whatever a service is told since.
	Formats []credentials.CardFormat `json:"formats,omitempty"`
	// Generation binds the sealed value: a new code of the same kind has the next one.
	Generation uint64             `json:"generation"`
	Len        int                `json:"len"` // digits of a code, bits of a tag
	Sealed     credentials.Sealed `json:"sealed,omitzero"`
	Label      string             `json:"label,omitempty"` // of a tag: what is written on it
	State      TagState           `json:"state,omitempty"` // of a tag
	StateSince time.Time          `json:"stateSince,omitzero"`

	// Restrictions of this credential beside those of the account. Zero: none.
	Window   credentials.Window    `json:"window,omitzero"`
	Schedule *credentials.Schedule `json:"schedule,omitempty"`
	Type     credentials.UserType  `json:"type,omitempty"`
	Uses     int                   `json:"uses,omitempty"`  // how often it opens; 0: no limit
	Needs    int                   `json:"needs,omitempty"` // how many must be shown together, it and others of its holder; 0: it alone
	// For ends it that long after its first use, Idle when it was not used for that long;
	// 0: neither.
	For      time.Duration `json:"for,omitempty"`
	Idle     time.Duration `json:"idle,omitempty"`
	Disabled bool          `json:"disabled,omitempty"`

	// Leaving are the names of values before, claimed until no device has them.
	Leaving []string `json:"leaving,omitempty"`

	Created time.Time `json:"created"`
	Changed time.Time `json:"changed"`
}

// Claims are the names that the credential takes, and whether each is held or only kept
// from others.
func (c Credential) Claims() map[string]bool {
	held := map[string]bool{}
	for _, n := range c.Reserves {
		held[n] = false
	}
	for _, n := range append(append([]string{}, c.Names...), c.Leaving...) {
		held[n] = true
	}
	return held
}

// TagState is what became of a tag. The zero value is a tag that works.
type TagState string

// The states of a tag.
const (
	TagActive   TagState = ""
	TagLost     TagState = "lost"
	TagStolen   TagState = "stolen"
	TagDamaged  TagState = "damaged"
	TagDisabled TagState = "disabled"
)

// Works reports whether the credential itself is not out of use.
func (c Credential) Works() bool {
	return !c.Disabled && !c.Window.Revoked && c.State == TagActive && !c.Sealed.IsZero()
}

// Hours are the credential's own, nil: always.
func (c Credential) Hours() (*credentials.Compiled, error) {
	if c.Schedule == nil {
		return c.Type.Own(credentials.Schedule{})
	}
	if h, err := c.Type.Own(*c.Schedule); h != nil || err != nil {
		return h, err
	}
	return c.Schedule.Compile()
}

// Counted reports whether it ends by being used, or by not being used: whoever keeps it
// has to know when it is.
func (c Credential) Counted() bool {
	return c.Uses > 0 || c.For > 0 || c.Idle > 0 || c.Type == credentials.Disposable || c.Type == credentials.Expiring
}

// Life is what the credential's uses so far leave of it.
func (c Credential) Life(u Usage) credentials.Life {
	return credentials.Life{For: c.For, Idle: c.Idle, Since: c.Created, First: u.First, Last: u.Last}
}

// Lasts reports whether it opens anything after what it was used for so far, and until
// when, zero: no use ends it.
func (c Credential) Lasts(u Usage) (until time.Time, ok bool) {
	return credentials.Record{Type: c.Type, Max: c.Uses, Used: u.Count, Life: c.Life(u)}.Lasts()
}

// Usage is how often a credential was used, and when. It is quiet; its id is the
// credential's.
type Usage struct {
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`
	Count int       `json:"count,omitempty"`
}

// CredentialID is the id of an account's credential; n tells tags from each other and is
// the tag's generation, 0 of the others.
func CredentialID(account string, kind CredentialKind, n uint64) string {
	id := account + "." + string(kind)
	if n > 0 {
		id += "." + strconv.FormatUint(n, 10)
	}
	return id
}

// CredentialBinding is what a credential's sealed value is bound to.
func CredentialBinding(account string, kind CredentialKind, generation uint64) credentials.Binding {
	return credentials.Binding{Owner: "account/" + account, Kind: string(kind), Generation: generation}
}

// The kinds of records about a person's credentials.
var (
	Credentials = Kind[Credential]{known: sync.OnceValue(fields[Credential]), Name: "credential", Schema: 1, Secure: true, Terms: func(_ string, c *Credential) []store.Term {
		return []store.Term{{Name: ByAccount, Value: []byte(c.Account)}}
	}}
	Usages = Kind[Usage]{known: sync.OnceValue(fields[Usage]), Name: store.Touch, Schema: 1}
)
