package roster

import (
	"context"
	"errors"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Self is the panel users of one account in its owner's hands: what customers do for
// themselves. It asks for no right, because nothing here is about anybody else, and for an
// account that can sign in and still is the panel user's. It is cheap and safe for
// concurrent use.
type Self struct {
	op *Operator
}

// Self gives the roster to the owner of an account. An actor that is no account's may do
// nothing with it.
func (d *Desk) Self(actor accounts.Actor) *Self {
	own := &Desk{core: d.core.On(d.core.Store), o: d.o, opener: d.opener, people: d.people, local: d.local}
	own.core.Authority = owner{d.people}
	return &Self{op: own.As(actor)}
}

// owner is what somebody may do to the users that are theirs: that they are is for
// [Self.mine] to judge, in the decision itself.
type owner struct{ people accounts.Directory }

// Grant implements [accounts.Authority].
func (o owner) Grant(ctx context.Context, a accounts.Actor) (accounts.Grant, error) {
	if a.Kind() != audit.AccountActor {
		return accounts.Grant{}, nil
	}
	p, err := o.people.Person(ctx, a.ID())
	if err != nil {
		return accounts.Grant{}, err
	}
	return accounts.Grant{Enabled: p.Status == accounts.StatusActive, Sites: p.Sites,
		Rights: accounts.RightsOf(accounts.EquipmentView, accounts.PanelUsersView, accounts.PanelUsersManage, accounts.PanelUsersManageProtected)}, nil
}

// Own is a panel user of the owner's, and the panel.
type Own struct {
	Panel Panel
	Row   Row
}

// Users lists the panel users that are the owner's, by panel, with how each stands.
func (s *Self) Users(ctx context.Context) ([]Own, error) {
	if err := s.op.desk.core.Allowed(ctx, s.op.actor, "roster.Details", ""); err != nil {
		return nil, s.op.refused(ctx, "Self.Users", nil, err)
	}
	id := string(s.op.actor.ID())
	var out []Own
	q := store.Query{Kind: rec.Users.Name, Term: rec.ByAccount, From: []byte(id), To: append([]byte(id), 0)}
	for {
		rs, err := s.op.desk.core.Store.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, r := range rs {
			q.After = &store.Position{Value: []byte(id), ID: r.Key.ID}
			u, _, err := rec.Users.Decode(r)
			if err != nil {
				return nil, err
			}
			if u.CurrentLink() == nil {
				continue
			}
			switch one, err := s.view(ctx, u); {
			case errors.Is(err, panel.ErrPanelNotFound): // of a site that is not the account's any more
			case err != nil:
				return nil, err
			default:
				out = append(out, one)
			}
		}
		if len(rs) < store.Page(q.Limit) {
			return out, nil
		}
	}
}

func (s *Self) view(ctx context.Context, u rec.User) (Own, error) {
	t := s.op.Panel(u.Panel)
	p, err := t.peek(ctx, "Details")
	if err != nil {
		return Own{}, err
	}
	info, err := s.op.desk.viewPanel(ctx, u.Panel, p)
	if err != nil {
		return Own{}, err
	}
	row, err := t.row(ctx, p, u, nil)
	return Own{Panel: info, Row: row}, err
}

// NewCode draws another code for a panel user of the owner's, where the policy lets them
// ([accounts.Policy.SelfService]), and sets it. It is drawn and not chosen, so that nobody
// finds out by trying which codes others have, and is shown once, here. A user with a
// protected role needs a factor that was proven just now. A few times a day
// ([accounts.Policy.OwnChanges]) and no more. Errors: [accounts.ErrSelfService],
// [accounts.ErrOwnChanges], [panel.ErrPanelNotFound] for a user that is not the owner's,
// and those of [Tab.GenerateCode].
func (s *Self) NewCode(ctx context.Context, panelID string, place panel.Place) (panel.Code, Receipt, error) {
	t := s.tab(panelID)
	t.mine = func(d *decision) error {
		if err := s.mine(d); err != nil {
			return err
		}
		d.OwnChange(string(s.op.actor.ID()), s.op.desk.o.Policy)
		return nil
	}
	code, receipt, err := t.GenerateCode(ctx, place, CodeWish{})
	return code, receipt, flow.OwnChanges(err)
}

// SetLabel changes the label of a panel user of the owner's. Errors: as [Self.NewCode], and
// those of [Tab.SetLabel].
func (s *Self) SetLabel(ctx context.Context, panelID string, place panel.Place, label string) (Receipt, error) {
	return s.tab(panelID).SetLabel(ctx, place, label)
}

func (s *Self) tab(panelID string) *Tab {
	t := s.op.Panel(panelID)
	t.mine = s.mine
	return t
}

// mine reports why a user is not for the actor to change. The decision rests on the user,
// so that a link that goes meanwhile is seen.
func (s *Self) mine(d *decision) error {
	switch l := d.user.CurrentLink(); {
	case l == nil, l.Account != string(s.op.actor.ID()):
		return panel.ErrPanelNotFound
	case !s.op.desk.o.Policy.SelfService:
		return accounts.ErrSelfService
	}
	return nil
}
