package accounts

import (
	"slices"
	"time"
)

// Approval is whether an installer may work at a site.
type Approval string

// The approvals. An installer who was given a site is Pending there until somebody
// decides.
const (
	Pending  Approval = "pending"
	Accepted Approval = "accepted"
	Rejected Approval = "rejected"
)

// Decision is what was decided about an installer at a site, last.
type Decision struct {
	Approval Approval  `json:"approval"` // Accepted or Rejected
	At       time.Time `json:"at"`
	By       ID        `json:"by"`
	Site     string    `json:"site"`
}

// Approval is how an installer stands at a site: "" for an account of another kind, and
// at a site that is not the installer's.
func (a *Account) Approval(site string) Approval {
	if a.Kind != InstallerKind || site == "" || !a.Sites.Has(site) {
		return ""
	}
	for _, d := range a.Decided {
		if d.Site == site {
			return d.Approval
		}
	}
	return Pending
}

// Decide accepts or rejects an installer at a site; either can be decided anew. Errors:
// [ErrNotInstaller], [*TransitionError] for a removed account.
func (a Account) Decide(d Decision) (Account, error) {
	if err := a.May(Validate, Policy{}); err != nil {
		return a, err
	}
	if a.Approval(d.Site) == "" {
		return a, ErrNotInstaller
	}
	a.Decided = append(slices.DeleteFunc(slices.Clone(a.Decided), func(was Decision) bool { return was.Site == d.Site }), d)
	return a, nil
}

// Move gives the account other sites. What was decided about an installer at a site that
// goes is forgotten: who comes back is decided about again.
func (a Account) Move(to Sites) Account {
	a.Sites = to
	a.Decided = slices.DeleteFunc(slices.Clone(a.Decided), func(d Decision) bool { return !to.Has(d.Site) })
	return a
}

// worksAt are the sites at which the account may do what its roles say.
func (a *Account) worksAt() Sites {
	if a.Kind != InstallerKind {
		return a.Sites
	}
	var ids []string
	for _, d := range a.Decided {
		if d.Approval == Accepted && a.Sites.Has(d.Site) {
			ids = append(ids, d.Site)
		}
	}
	return TheseSites(ids...)
}

// offSite is why the account has nothing to do at a site, nil if it has.
func (a *Account) offSite(site string) error {
	switch a.Approval(site) {
	case Pending:
		return ErrInstallerPending
	case Rejected:
		return ErrInstallerRejected
	}
	if works := a.worksAt(); !works.Has(site) {
		return ErrSiteMismatch
	}
	return nil
}
