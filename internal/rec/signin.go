package rec

import (
	"net/netip"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/credentials/password"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Login is how the owner of an account signs in. Its id is the account's.
type Login struct {
	// Epoch grows when everything ends by which the owner is signed in: sessions,
	// remembered devices and challenges carry the one under which they began.
	Epoch    uint64         `json:"epoch,omitempty"`
	Password password.Hash  `json:"password,omitempty"` // "": none
	Set      time.Time      `json:"set,omitzero"`       // when the password was
	Mailed   bool           `json:"mailed,omitempty"`   // it was set with a code from a mail; no code from the same mailbox is a second factor
	Second   bool           `json:"second,omitempty"`   // a second factor is asked for
	App      *Authenticator `json:"app,omitempty"`
	Pending  *Authenticator `json:"pending,omitempty"` // shown to the owner, not proven yet
	Phone    Print          `json:"phone,omitzero"`    // of the number that the owner has proven
	Recovery []Print        `json:"recovery,omitempty"`
	Subject  string         `json:"subject,omitempty"` // id of the [Subject] as whom a provider proves the owner, who has no password then
}

// End ends everything by which the owner is signed in, and an app that waits to be proven.
func (l *Login) End() { l.Epoch, l.Pending = l.Epoch+1, nil }

// Authenticator is an app that shares a secret with keyholder.
type Authenticator struct {
	Generation uint64             `json:"generation"` // binds the sealed secret
	Since      time.Time          `json:"since"`
	Secret     credentials.Sealed `json:"secret"`
	Step       int64              `json:"step,omitempty"` // the newest that was accepted
}

// Print is the keyed fingerprint of a recovery code or a phone number.
type Print struct {
	KeyID string `json:"key"`
	Print []byte `json:"print"`
}

// Session is a sign-in that goes on. Its id is in the token, of which the hash is kept.
type Session struct {
	Account string    `json:"account"`
	Began   time.Time `json:"began"`
	Device  string    `json:"device,omitempty"` // what the owner knows it by: the browser, the app
	Ends    time.Time `json:"ends,omitzero"`    // zero: when somebody ends it
	// Enrolment is the device on which a PIN began it: it steps up to nothing, and ends with
	// the enrolment.
	Enrolment string    `json:"enrolment,omitempty"`
	Epoch     uint64    `json:"epoch"`
	Factor    time.Time `json:"factor,omitzero"` // when a factor was proven last
	Hash      []byte    `json:"hash"`            // SHA-256 of the token's secret
	Idle      int64     `json:"idle,omitempty"`  // seconds without a request after which it ends; 0: none
	Local     bool      `json:"local,omitempty"`
	Methods   []string  `json:"methods"`          // by which the owner was proven
	PINs      uint64    `json:"pins,omitempty"`   // the newest generation of the owner's PIN and duress PIN, where one of them began it
	Proof     *Proof    `json:"proof,omitempty"`  // of a factor for one act, until it is spent
	Over      string    `json:"over,omitempty"`   // why it was ended, for who still shows its token; "" while it goes on
	Rights    []string  `json:"rights,omitempty"` // that its owner had then, where rights added later wait
	Scoped    bool      `json:"scoped,omitempty"` // Rights count
	Serial    uint64    `json:"serial,omitempty"` // counts its tokens: a proven factor gives a new one
	Taken     uint64    `json:"taken,omitempty"`  // the last [Taking] when it began
}

// Proof is of a factor for one act on one target.
type Proof struct {
	At     time.Time `json:"at"`
	ID     string    `json:"id"`
	Op     string    `json:"op"`
	Target string    `json:"target,omitempty"`
}

// Device is a device from which an owner has signed in completely and that is remembered.
type Device struct {
	Account string    `json:"account"`
	Ends    time.Time `json:"ends"`
	Epoch   uint64    `json:"epoch"`
	Hash    []byte    `json:"hash"`
	Name    string    `json:"name,omitempty"`
	Since   time.Time `json:"since"`
}

// Challenge is a sign-in between the password and the second factor.
type Challenge struct {
	Account  string    `json:"account"`
	Began    time.Time `json:"began"`
	Channel  string    `json:"channel,omitempty"` // by which a code was sent
	Device   string    `json:"device,omitempty"`
	Ends     time.Time `json:"ends"`
	Epoch    uint64    `json:"epoch"`
	Hash     []byte    `json:"hash"`
	Local    bool      `json:"local,omitempty"`
	Message  string    `json:"message,omitempty"` // id of the message with the newest code
	Remember bool      `json:"remember,omitempty"`
	Sent     time.Time `json:"sent,omitzero"`
}

// APIToken lets an integration act for a service account. Its id is in the token.
type APIToken struct {
	Account  string         `json:"account"`
	Ends     time.Time      `json:"ends,omitzero"`   // zero: never
	Epoch    uint64         `json:"epoch,omitempty"` // of the account when it was issued
	Hash     []byte         `json:"hash"`
	Issued   time.Time      `json:"issued"`
	Name     string         `json:"name"`
	Networks []netip.Prefix `json:"networks,omitempty"` // from which it works; none: any
	Rights   []string       `json:"rights"`
	Sites    []string       `json:"sites,omitempty"` // none: those of the account
}

// Seen is when something was used last. It is quiet.
type Seen struct {
	At time.Time `json:"at"`
}

// SignedIn is the id of the [Seen] of an account: when its owner signed in last.
func SignedIn(account string) string { return "signin/login/" + account }

// Ask is a request for a new password from somebody who says who they are. It is quiet:
// whether there is such an account is found out later, so that nobody can tell.
type Ask struct {
	At   time.Time          `json:"at"`
	Name credentials.Sealed `json:"name"`
}

// The kinds of records about signing in.
var (
	Logins   = Kind[Login]{known: sync.OnceValue(fields[Login]), Name: "login", Schema: 1, Secure: true}
	Sessions = Kind[Session]{known: sync.OnceValue(fields[Session]), Name: "signin", Schema: 1, Secure: true, Terms: func(_ string, s *Session) []store.Term {
		return []store.Term{{Name: ByAccount, Value: []byte(s.Account)}}
	}}
	Devices = Kind[Device]{known: sync.OnceValue(fields[Device]), Name: "device", Schema: 1, Secure: true, Terms: func(_ string, d *Device) []store.Term {
		return []store.Term{{Name: ByAccount, Value: []byte(d.Account)}}
	}}
	Challenges = Kind[Challenge]{known: sync.OnceValue(fields[Challenge]), Name: "challenge", Schema: 1, Secure: true, Terms: func(_ string, c *Challenge) []store.Term {
		return []store.Term{{Name: ByAccount, Value: []byte(c.Account)}}
	}}
	APITokens = Kind[APIToken]{known: sync.OnceValue(fields[APIToken]), Name: "apitoken", Schema: 1, Secure: true, Terms: func(_ string, t *APIToken) []store.Term {
		return []store.Term{{Name: ByAccount, Value: []byte(t.Account)}}
	}}
	Seens = Kind[Seen]{known: sync.OnceValue(fields[Seen]), Name: store.Touch, Schema: 1}
	Asks  = Kind[Ask]{known: sync.OnceValue(fields[Ask]), Name: store.Sent, Schema: 1}
)
