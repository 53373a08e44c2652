package accounts

import (
	"encoding/json"
	"fmt"
	"iter"
	"math/bits"
	"strings"
)

// Right is one thing that a person may be allowed to do. The zero value is no right and
// nobody has it. The numbers are not stable; the names are.
type Right uint8

// The rights.
const (
	_                         Right = iota
	EquipmentView                   // see panels and their details
	PanelUsersView                  // see panel users
	PanelUsersManage                // set codes, labels, partitions and the like; includes PanelUsersEnd
	PanelUsersManageProtected       // the same for masters, supervisors, installers, dealers and duress users
	PanelUsersEnd                   // take panel users' access away, and nothing else
	PanelUsersAdopt                 // take over users that nobody here set
	PanelUsersDisclose              // see the digits of a code
	PanelsManage                    // register, change, move and retire panels
	PanelsSecrets                   // give a panel's own codes and keys
	PanelsResume                    // resume a parked panel
	PanelsRelease                   // release a panel from quarantine
	AccountsView                    // see accounts
	AccountsAdd                     // add accounts
	AccountsAssign                  // assign an account to a panel user
	AccountsUnassign                // take that link away
	AccountsSuspend                 // suspend accounts, and nothing else
	AccountsEnable                  // enable suspended accounts
	AccountsReset                   // reset passwords
	AccountsRemove                  // remove accounts
	MailCheck                       // check the mail server
	CollisionsView                  // see why a code is refused, and whose it is
	CapacityView                    // see how many codes are left, and the risk of guessing
	AuditView                       // read the log
	AuditVerify                     // verify the log and make proofs
	AuditExport                     // export the log
	RolesManage                     // change roles and who has them
	SitesManage                     // change sites
	ImportRun                       // import
	DuressView                      // see duress alarms
	SignIn                          // sign in, where the policy asks for a role that may
	AccountsChange                  // change names, session time-out, notification profile, photo and attributes of accounts
	AccountsContact                 // change addresses and phone numbers of accounts
	AccountsErase                   // erase what is personal about a removed account
	AttributesReveal                // see secret attributes
	VisitorsManage                  // see and issue visitors
	ProfilesManage                  // change notification profiles
	ApprovalsGive                   // approve what another person asked for
	InstallersApprove               // accept and reject installers at one's sites
	rightsEnd
)

// rightNames are stored, shown and named in refusals: they never change.
var rightNames = [rightsEnd]string{
	EquipmentView:             "equipment.view",
	PanelUsersView:            "panelusers.view",
	PanelUsersManage:          "panelusers.manage",
	PanelUsersManageProtected: "panelusers.manage.protected",
	PanelUsersEnd:             "panelusers.end",
	PanelUsersAdopt:           "panelusers.adopt",
	PanelUsersDisclose:        "panelusers.disclose",
	PanelsManage:              "panels.manage",
	PanelsSecrets:             "panels.secrets",
	PanelsResume:              "panels.resume",
	PanelsRelease:             "panels.release",
	AccountsView:              "accounts.view",
	AccountsAdd:               "accounts.add",
	AccountsAssign:            "accounts.assign",
	AccountsUnassign:          "accounts.unassign",
	AccountsSuspend:           "accounts.suspend",
	AccountsEnable:            "accounts.enable",
	AccountsReset:             "accounts.reset",
	AccountsRemove:            "accounts.remove",
	MailCheck:                 "mail.check",
	CollisionsView:            "credentials.collisions.view",
	CapacityView:              "credentials.capacity.view",
	AuditView:                 "audit.view",
	AuditVerify:               "audit.verify",
	AuditExport:               "audit.export",
	RolesManage:               "roles.manage",
	SitesManage:               "sites.manage",
	ImportRun:                 "import.run",
	DuressView:                "duress.view",
	SignIn:                    "signin.use",
	AccountsChange:            "accounts.change",
	AccountsContact:           "accounts.contact",
	AccountsErase:             "accounts.erase",
	AttributesReveal:          "attributes.reveal",
	VisitorsManage:            "visitors.manage",
	ProfilesManage:            "profiles.manage",
	ApprovalsGive:             "approvals.give",
	InstallersApprove:         "installers.approve",
}

// String returns the stable name: "panelusers.view".
func (r Right) String() string {
	if r > 0 && r < rightsEnd {
		return rightNames[r]
	}
	return "none"
}

// ParseRight reads the stable name, or fails with [ErrUnknownRight].
func ParseRight(name string) (Right, error) {
	for r := EquipmentView; r < rightsEnd; r++ {
		if rightNames[r] == name {
			return r, nil
		}
	}
	return 0, fmt.Errorf("%w: %q", ErrUnknownRight, name)
}

// Rights is a set of rights. The zero value is the empty set. Its JSON form is the list
// of the names, in the order of the constants.
type Rights struct{ bits uint64 }

// RightsOf makes a set, with what the rights include: who manages panel users may end
// them too. Leave such a right out again with [Rights.Without].
func RightsOf(rights ...Right) Rights {
	var s Rights
	for _, r := range rights {
		if r < rightsEnd {
			s.bits |= 1 << r
		}
		if r == PanelUsersManage {
			s.bits |= 1 << PanelUsersEnd
		}
	}
	s.bits &^= 1
	return s
}

// AllRights is every right there is.
func AllRights() Rights { return Rights{bits: 1<<rightsEnd - 2} }

// Has reports whether r is in the set.
func (s Rights) Has(r Right) bool { return r > 0 && r < rightsEnd && s.bits>>r&1 == 1 }

// With is the union of two sets.
func (s Rights) With(t Rights) Rights { return Rights{bits: s.bits | t.bits} }

// Without is the set without those of t.
func (s Rights) Without(t Rights) Rights { return Rights{bits: s.bits &^ t.bits} }

// Within is the part of the set that is in t too.
func (s Rights) Within(t Rights) Rights { return Rights{bits: s.bits & t.bits} }

// IsZero reports whether the set is empty.
func (s Rights) IsZero() bool { return s.bits == 0 }

// Each yields the rights in the order of the constants.
func (s Rights) Each() iter.Seq[Right] {
	return func(yield func(Right) bool) {
		for rest := s.bits; rest != 0; rest &= rest - 1 {
			if !yield(Right(bits.TrailingZeros64(rest))) {
				return
			}
		}
	}
}

// Names lists the stable names.
func (s Rights) Names() []string {
	names := make([]string, 0, bits.OnesCount64(s.bits))
	for r := range s.Each() {
		names = append(names, r.String())
	}
	return names
}

// String lists the names: "equipment.view, panelusers.view"; "none" for the empty set.
func (s Rights) String() string {
	if s.IsZero() {
		return "none"
	}
	return strings.Join(s.Names(), ", ")
}

// MarshalJSON implements [json.Marshaler].
func (s Rights) MarshalJSON() ([]byte, error) { return json.Marshal(s.Names()) }

// UnmarshalJSON reads exactly the rights that are named, without what they include. A
// name that this version does not know is [ErrUnknownRight].
func (s *Rights) UnmarshalJSON(b []byte) error {
	var names []string
	if err := json.Unmarshal(b, &names); err != nil {
		return err
	}
	var t Rights
	for _, name := range names {
		r, err := ParseRight(name)
		if err != nil {
			return err
		}
		t.bits |= 1 << r
	}
	*s = t
	return nil
}
