package people

import (
	"context"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// Installer is an installer and how they stand at one site.
type Installer struct {
	Account
	Approval accounts.Approval
}

// Installers lists the installers of one of the operator's sites, those who wait among
// them, by their addresses. Errors: [accounts.ErrSiteMismatch].
func (op *Operator) Installers(ctx context.Context, site string) ([]Installer, error) {
	g, err := op.allowed(ctx, "Installers")
	if err != nil {
		return nil, err
	}
	if site == "" || !g.Sites.Has(site) {
		return nil, op.refused(ctx, "Installers", nil, accounts.ErrSiteMismatch)
	}
	var out []Installer
	err = op.people.walk(ctx, listing{sites: accounts.TheseSites(site)}, func(a accounts.Account) bool {
		if how := a.Approval(site); how != "" {
			out = append(out, Installer{Account: op.people.view(a), Approval: how})
		}
		return true
	})
	return out, err
}

// AcceptInstaller lets an installer work at a site: an account of that kind does nothing at
// a site before. An operator decides, or the owner, who needs the one right and the site,
// and none of the installer's own rights: what is accepted is that somebody comes.
// Errors: [accounts.ErrNotInstaller], [accounts.ErrSiteMismatch], [accounts.ErrOwnAccount].
func (op *Operator) AcceptInstaller(ctx context.Context, id accounts.ID, site string) error {
	return op.decide(ctx, "AcceptInstaller", id, site, accounts.Accepted)
}

// RejectInstaller keeps an installer from a site, also one who was accepted: their sessions
// end at once. Errors: as [Operator.AcceptInstaller].
func (op *Operator) RejectInstaller(ctx context.Context, id accounts.ID, site string) error {
	return op.decide(ctx, "RejectInstaller", id, site, accounts.Rejected)
}

func (op *Operator) decide(ctx context.Context, name string, id accounts.ID, site string, how accounts.Approval) error {
	g, err := op.allowed(ctx, name)
	if err != nil {
		return err
	}
	var targets []string
	_, err = op.people.core.Act(ctx, op.actor, func(u *flow.Unit) error {
		a, err := load(u, g.Sites, id)
		if err != nil {
			return err
		}
		targets = []string{string(id)}
		was := a.Approval(site)
		switch {
		case op.own(id):
			return accounts.ErrOwnAccount
		case !g.Sites.Has(site):
			return accounts.ErrSiteMismatch
		case was == how:
			return nil
		}
		b, err := a.Decide(accounts.Decision{Approval: how, At: u.Now(), By: op.actor.ID(), Site: site})
		if err != nil {
			return err
		}
		if was == accounts.Accepted {
			if err := u.EndSessions(string(id)); err != nil {
				return err
			}
		}
		u.Project(string(id)) // devices of the site follow
		if err := say(u, audit.AccountInstallerDecided, b, flow.F(audit.FieldSites, site),
			flow.F(audit.FieldStatusBefore, string(was)), flow.F(audit.FieldStatus, string(how))); err != nil {
			return err
		}
		return flow.Put(u, rec.Accounts, string(id), &b)
	})
	return op.refused(ctx, name, targets, err)
}
