package accounts

import (
	"slices"
	"time"
)

// Grant is what the account may do at now under these roles: what they add up to, and
// the rights that it has for a time. local says whether its owner is on the local
// network; who does not know says false. Errors: those of [Roles.Rights].
//
// It allocates nothing when it succeeds, whatever the number of roles, but for installers.
func (a *Account) Grant(rs Roles, p Policy, now time.Time, local bool) (Grant, error) {
	rights, err := rs.rights(p.GlobalDeny, local, a.Roles)
	if err != nil {
		return Grant{}, err
	}
	for i := range a.Temporary {
		if a.Temporary[i].In(now) {
			rights = rights.With(a.Temporary[i].Rights)
		}
	}
	return Grant{Enabled: a.Access(now) == nil, Rights: rights, Sites: a.worksAt()}, nil
}

// Reach is all that the account could come to do: under any of its roles from any
// network, and with rights for a time that begin later. Who changes the account needs
// all of it, see [Grant.Covers].
func (a *Account) Reach(rs Roles, now time.Time) (Grant, error) {
	rights, err := rs.rights(false, true, a.Roles)
	if err != nil {
		return Grant{}, err
	}
	for _, t := range a.lent(now) {
		rights = rights.With(t.Rights)
	}
	return Grant{Enabled: true, Rights: rights, Sites: a.Sites}, nil
}

// Loses reports whether a change of the account to next takes something from its owner that
// a session may hold: a role, a site, rights for a time that have not ended, access itself,
// or the address or number to which codes go.
func (a *Account) Loses(next Account, now time.Time) bool {
	for _, role := range a.Roles {
		if !slices.Contains(next.Roles, role) {
			return true
		}
	}
	for _, t := range a.lent(now) {
		if !slices.ContainsFunc(next.Temporary, func(n Temporary) bool { return n.ID == t.ID }) {
			return true
		}
	}
	return !next.Sites.Covers(a.Sites) || !a.Email.IsZero() && next.Email != a.Email || a.Phone != "" && next.Phone != a.Phone ||
		a.Access(now) == nil && next.Access(now) != nil
}

// Administers reports whether the account is an administrator that can sign in now: it
// has [AdminRole] at all sites, and its validity has no end.
func (a *Account) Administers(now time.Time) bool {
	b := *a
	b.LockedUntil = time.Time{} // a lock passes by itself
	return slices.Contains(a.Roles, AdminRole) && a.Sites.All() && a.Window.Until.IsZero() && b.State(now) == Active
}

// Arrival is where somebody wants to sign in.
type Arrival struct {
	Site  string // "" where the program has no site of its own
	Local bool   // from the local network; who does not know says false
}

// MayEnter reports why the owner of an account cannot sign in there at now, nil if the
// account lets them. The causes are judged in one order: those of [Account.Access], the
// site ([ErrSiteMismatch], of an installer [ErrInstallerPending] or
// [ErrInstallerRejected]), a role that may sign in where the policy asks for one
// ([ErrNoLoginRole]), and the network ([ErrNetworkBlocked]).
func (a *Account) MayEnter(rs Roles, p Policy, at Arrival, now time.Time) error {
	if err := a.Access(now); err != nil {
		return err
	}
	if a.Sites.None() {
		return ErrSiteMismatch
	}
	if at.Site != "" {
		if err := a.offSite(at.Site); err != nil {
			return err
		}
	}
	if !p.LoginRight {
		return nil
	}
	g, err := a.Grant(rs, p, now, at.Local)
	if err != nil || g.Rights.Has(SignIn) {
		return err
	}
	if g, err = a.Grant(rs, p, now, true); err == nil && g.Rights.Has(SignIn) {
		return ErrNetworkBlocked
	}
	return ErrNoLoginRole
}
