package accounts

import (
	"fmt"
	"time"
)

// Policy holds what products decide differently. Start from [PowerManage] or [GEM] and
// change what must differ; the zero value asks for nothing that can be left out.
type Policy struct {
	Deletion           Deletion      // what removing an account does
	LoginBy            LoginBy       // by what an owner signs in
	EmailRequired      bool          // every account has an address
	EmailUnique        bool          // no two accounts share one
	SuspendUnconfirmed bool          // an account that is not confirmed can be suspended
	AssignRequiresCode bool          // an account goes only to a panel user that has a code
	UnassignOnDisable  bool          // disabling a panel user takes its account off
	KeepOldUntilOTP    bool          // after a reset the old password works until a new one is set
	RequireConfirm     bool          // unassign and reset ask for a confirmation; removal always does
	ResetByMail        bool          // a reset mails a code to the owner
	SetByOperator      bool          // an operator may type an account's password
	OTPLife            time.Duration // how long such a code can be used; 0: DefaultOTPLife
	MaxRoles           int           // roles of an account, 0: any number
	MaxLinks           int           // panel users to which an account is assigned, 0: any number
	GlobalDeny         bool          // a right that one role denies is denied, whatever others allow
	RoleRefresh        RoleRefresh   // when added rights begin; rights taken away end at once
	CodeConsent        bool          // whoever sets another's code needs that person's consent, see people.Consent
	SelfService        bool          // people change their own codes and labels, and see what the log says about them
	OwnChanges         int           // codes that people draw for themselves in a day (UTC), 0: DefaultOwnChanges
	LoginRight         bool          // signing in needs a role with the right SignIn
	Approve            Rights        // acts that need one of these need a second person; see Approvable
	Sites              SiteKeeping   // who keeps the sites
	Kiosk              bool          // screens are shared: short sessions are recommended, see Policy.Advise
	EraseAfter         time.Duration // between asking for an erasure and carrying it out; 0: DefaultEraseAfter
}

// DefaultOTPLife is how long a code that was sent by mail can be used.
const DefaultOTPLife = 10 * time.Minute

// DefaultOwnChanges is how many codes people draw for themselves in a day: each keeps the one
// before from others for a while, and the codes there are must do for everybody.
const DefaultOwnChanges = 5

// DefaultEraseAfter is how long an erasure can be taken back.
const DefaultEraseAfter = 72 * time.Hour

// Approvable are the rights that [Policy.Approve] may name. Their acts are: changing roles,
// giving roles and rights for a time (RolesManage), giving sites (SitesManage), removing
// (AccountsRemove) and erasing accounts (AccountsErase). What is imported needs nobody.
func Approvable() Rights { return RightsOf(RolesManage, SitesManage, AccountsRemove, AccountsErase) }

// maxRoles is how many roles an account has at most, whatever the policy says.
const maxRoles = 16

// maxSession is the longest session time-out, in minutes: a year.
const maxSession = 366 * 24 * 60

// Deletion is what removing an account does.
type Deletion uint8

// The ways of removing.
const (
	Tombstone Deletion = iota // nobody can use or assign it, its address is free again, its id still resolves
	Purge                     // the same, and the record goes too: only the log knows the id
	Forbid                    // accounts are never removed, only disabled or revoked
)

// LoginBy is by what an owner signs in.
type LoginBy uint8

// The ways of naming oneself.
const (
	ByEmail LoginBy = iota
	ByUsername
	ByEither
)

// RoleRefresh is when added rights begin.
type RoleRefresh uint8

// The moments.
const (
	Immediate RoleRefresh = iota
	NextLogin
)

// PowerManage is the policy under which PowerManage's documentation holds as written.
func PowerManage() Policy {
	return Policy{
		Deletion:           Tombstone,
		LoginBy:            ByEmail,
		EmailRequired:      true,
		EmailUnique:        true,
		AssignRequiresCode: true,
		KeepOldUntilOTP:    true,
		ResetByMail:        true,
		OTPLife:            DefaultOTPLife,
		MaxRoles:           1,
		RoleRefresh:        Immediate,
		Approve:            RightsOf(AccountsErase),
		EraseAfter:         DefaultEraseAfter,
	}
}

// GEM is the policy under which GEM's documentation holds as written.
func GEM() Policy {
	return Policy{
		Deletion:           Forbid,
		LoginBy:            ByUsername,
		SuspendUnconfirmed: true,
		AssignRequiresCode: true,
		KeepOldUntilOTP:    true,
		SetByOperator:      true,
		OTPLife:            DefaultOTPLife,
		RoleRefresh:        NextLogin,
		LoginRight:         true,
		Approve:            RightsOf(AccountsErase),
		EraseAfter:         DefaultEraseAfter,
	}
}

// Check reports what is wrong with an account that is to be stored: no address where
// one is required ([ErrEmailRequired]), no or no right username ([ErrUsernameFormat]), a
// phone number in another form ([ErrPhoneFormat]), too many roles ([ErrRoleLimit]: 16, or
// fewer under the policy), a session time-out that is none ([ErrTokenDuration]), a
// visitor without a first name ([ErrFirstNameRequired]) or an end ([ErrVisitor]), or a
// validity that ends before it begins.
func (p Policy) Check(a Account) error {
	if p.EmailRequired && a.Email.IsZero() {
		return ErrEmailRequired
	}
	if a.Username != "" || p.LoginBy == ByUsername {
		if err := CheckUsername(a.Username); err != nil {
			return err
		}
	}
	if a.Phone != "" {
		if err := CheckPhone(a.Phone); err != nil {
			return err
		}
	}
	most := maxRoles
	if p.MaxRoles > 0 {
		most = min(most, p.MaxRoles)
	}
	if len(a.Roles) > most {
		return fmt.Errorf("%w: at most %d", ErrRoleLimit, most)
	}
	if a.Session != nil && (*a.Session < 0 || *a.Session > maxSession) {
		return ErrTokenDuration
	}
	if a.Kind == VisitorKind && a.First == "" {
		return ErrFirstNameRequired
	}
	if a.Kind == VisitorKind && a.Window.Until.IsZero() {
		return ErrVisitor
	}
	return a.Window.Validate()
}
