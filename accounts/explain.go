package accounts

import (
	"fmt"
	"time"
)

// RoleDisabledError is the cause that a role, or the parent of one, is disabled.
type RoleDisabledError struct{ Role string }

// Error names the role.
func (e *RoleDisabledError) Error() string {
	return fmt.Sprintf("accounts: the role %q is disabled", e.Role)
}

// RoleSays is what one role of an account contributes to a decision.
type RoleSays struct {
	Role string
	// Gives: the role gives the right.
	Gives bool
	// Denies: the role, or a parent, denies the right.
	Denies bool
	// By is the role that keeps the right away: the role itself, or the parent that
	// lacks it; "" if it gives it.
	By string
	// Cause is why that role gives nothing at all: [ErrRoleNotFound], [ErrNetworkBlocked]
	// or a [*RoleDisabledError]; nil if it is only that the right is not allowed.
	Cause error
}

// Explanation says why an account may or may not do something.
type Explanation struct {
	Allowed bool
	// Causes are all that refuse it, in the order in which they are judged.
	Causes []error
	// Roles are the account's roles and what each says.
	Roles []RoleSays
	// Temporary are the ids of rights for a time that give the right now.
	Temporary []string
}

// Explain says why the account may or may not use r at site, clause by clause: the
// account's state, the site, the roles one by one, and rights for a time.
func (a *Account) Explain(rs Roles, p Policy, r Right, site string, now time.Time, local bool) Explanation {
	var x Explanation
	if err := a.Access(now); err != nil {
		x.Causes = append(x.Causes, err)
	}
	if err := a.offSite(site); err != nil {
		x.Causes = append(x.Causes, err)
	}
	given, denied := false, false
	for _, name := range a.Roles {
		s := rs.says(name, r, local)
		given, denied = given || s.Gives, denied || s.Denies
		x.Roles = append(x.Roles, s)
	}
	if denied && p.GlobalDeny {
		given = false
	}
	for _, t := range a.Temporary {
		if t.In(now) && t.Rights.Has(r) {
			x.Temporary = append(x.Temporary, t.ID)
			given = true
		}
	}
	if !given {
		x.Causes = append(x.Causes, &PermissionError{Right: r})
	}
	x.Allowed = len(x.Causes) == 0
	return x
}

// says follows a role to the one that decides about a right.
func (rs Roles) says(name string, r Right, local bool) RoleSays {
	s := RoleSays{Role: name}
	for range len(rs) + 1 {
		role, ok := rs[name]
		s.Denies = s.Denies || role.Deny.Has(r)
		switch {
		case !ok:
			s.By, s.Cause = name, ErrRoleNotFound
		case role.Disabled:
			s.By, s.Cause = name, &RoleDisabledError{Role: name}
		case role.LocalOnly && !local:
			s.By, s.Cause = name, ErrNetworkBlocked
		case role.Deny.Has(r), !role.Allow.Has(r):
			s.By = name
		case role.Parent == "":
			s.Gives = true
		default:
			name = role.Parent
			continue
		}
		return s
	}
	s.By, s.Cause = name, ErrRoleForm
	return s
}
