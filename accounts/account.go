package accounts

import (
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

// Account is a person or service that signs in: facts only, from which [Account.State]
// and the products' statuses are derived. It is a value; the methods that change
// something return the changed copy.
//
// The JSON form has sorted keys. It holds no password and no code, but personal data.
type Account struct {
	Confirmed   time.Time          `json:"confirmed,omitzero"`   // when the first password was set with the code from the mail
	Created     time.Time          `json:"created,omitzero"`     // when the account was added, not when it was assigned
	Creator     ID                 `json:"creator,omitempty"`    // of whoever added the account
	Decided     []Decision         `json:"decided,omitempty"`    // of an installer: one for each site
	Email       Email              `json:"email,omitzero"`       // may be absent, see Policy.EmailRequired
	First       string             `json:"first,omitempty"`      // first name, personal
	Host        ID                 `json:"host,omitempty"`       // of a visitor: the account that answers for them, "" for none
	ID          ID                 `json:"id"`                   // random, for ever
	Kind        Kind               `json:"kind,omitempty"`       // what the account is for
	Last        string             `json:"last,omitempty"`       // last name, personal
	LockedUntil time.Time          `json:"lockedUntil,omitzero"` // after failed sign-ins; concerns sign-in only
	Phone       string             `json:"phone,omitempty"`      // see CheckPhone, personal
	Profile     string             `json:"profile,omitempty"`    // id of the notification profile, "" for none
	Removed     time.Time          `json:"removed,omitzero"`
	RevokedAt   time.Time          `json:"revokedAt,omitzero"` // tells one revocation from the next
	Roles       []string           `json:"roles,omitempty"`    // names of roles
	Session     *int               `json:"session,omitempty"`  // minutes until a session ends; nil: the host's default, 0: none
	Sites       Sites              `json:"sites"`
	Suspended   Suspension         `json:"suspended,omitzero"`
	Temporary   []Temporary        `json:"temporary,omitempty"` // rights for a time, beside those of the roles
	Username    string             `json:"username,omitempty"`  // see CheckUsername; never changes
	Window      credentials.Window `json:"window,omitzero"`     // validity, and the hard stop "revoked"
}

// Kind is what an account is for.
type Kind string

// The kinds. A visitor is listed apart, and its validity has an end.
const (
	PersonKind  Kind = ""
	ServiceKind Kind = "service" // an integration
	VisitorKind Kind = "visitor"
	// InstallerKind works only at those of its sites where it was accepted, see Decide.
	InstallerKind Kind = "installer"
)

// Suspension is when and why an account was suspended. A suspended and a disabled
// account are the same; the zero value is an account that is enabled.
type Suspension struct {
	At     time.Time `json:"at,omitzero"`
	Reason string    `json:"reason,omitempty"`
}

// Name is how the person is shown: the first and last name, else the username, else the
// address. It is personal.
func (a Account) Name() string {
	if name := strings.TrimSpace(a.First + " " + a.Last); name != "" {
		return name
	}
	if a.Username != "" {
		return a.Username
	}
	return a.Email.String()
}

// RolesText lists the roles: "admin, user".
func (a Account) RolesText() string { return strings.Join(a.Roles, ", ") }

// State is what an account is at a moment: the first that applies, in the order of the
// constants.
type State string

// The states.
const (
	Removed      State = "removed"
	System       State = "the system's own"
	Locked       State = "locked"
	Revoked      State = "revoked"
	Suspended    State = "suspended"
	NotConfirmed State = "not confirmed"
	NotYetValid  State = "not yet valid"
	Expired      State = "expired"
	Active       State = "active"
)

// State derives the state at now.
func (a Account) State(now time.Time) State {
	switch {
	case !a.Removed.IsZero():
		return Removed
	case a.ID == SystemID:
		return System
	case now.Before(a.LockedUntil):
		return Locked
	case a.Window.Revoked:
		return Revoked
	case !a.Suspended.At.IsZero():
		return Suspended
	case a.Confirmed.IsZero():
		return NotConfirmed
	case now.Before(a.Window.From):
		return NotYetValid
	case !a.Window.Contains(now):
		return Expired
	}
	return Active
}

// Access reports why the owner cannot sign in at now, nil if the account lets them:
// one sentinel for each state. Whether the setup code of an account that is not
// confirmed is pending is for the sign-in to add, see [NotConfirmedError].
func (a Account) Access(now time.Time) error {
	switch a.State(now) {
	case Removed:
		return ErrAccountRemoved
	case System:
		return ErrSystemAccount
	case Locked:
		return ErrAccountLocked
	case Revoked:
		return ErrAccountRevoked
	case Suspended:
		return ErrAccountSuspended
	case NotConfirmed:
		return ErrAccountNotConfirmed
	case NotYetValid:
		return ErrAccountNotYetValid
	case Expired:
		return ErrAccountExpired
	}
	return nil
}
