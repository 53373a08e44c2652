package flow

import (
	"context"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// UnlinkLine is the line that is due while links to a removed account may be left.
// Access never waits for it: a link to a removed account reads as none.
func UnlinkLine(account string) string { return "unlink/" + account }

// LinkName is the name that keeps an account to one user on a panel.
func LinkName(panelID, account string) store.Name {
	return store.Name("link|" + panelID + "|" + account)
}

// Unlink takes a removed account off every panel user, a few in each commit, and returns
// how many there were. It can be interrupted and run again.
func (c *Core) Unlink(ctx context.Context, actor accounts.Actor, account string) (int, error) {
	done := 0
	for {
		rs, err := c.Store.List(ctx, store.Query{Kind: rec.Users.Name, Term: rec.ByAccount, From: []byte(account), To: append([]byte(account), 0), Limit: 100})
		if err != nil || len(rs) == 0 {
			return done, err
		}
		for _, r := range rs {
			_, err := c.Act(ctx, actor, func(u *Unit) error {
				user, ok, err := Load(u, rec.Users, r.Key.ID)
				if err != nil || !ok || user.Link == nil || user.Link.Account != account {
					return err
				}
				targets := []string{user.Panel, r.Key.ID, Site(user.Site), account}
				fields := []Field{F(audit.FieldPanel, user.Panel), F(audit.FieldUser, r.Key.ID), F(audit.FieldAccount, account), F(audit.FieldReason, "the account was removed")}
				before := user
				user.Link = nil
				if err := u.KeepOffer(r.Key.ID, before, &user); err != nil {
					return err
				}
				u.Do(store.Release{Name: LinkName(user.Panel, account), Holder: r.Key.ID, Use: "link"})
				if _, err := u.Say(audit.AccountUnassigned, audit.Success, targets, fields...); err != nil {
					return err
				}
				return Put(u, rec.Users, r.Key.ID, &user)
			})
			if err != nil {
				return done, err
			}
			done++
		}
	}
}

// WorkUnlink works the lines of removed accounts on which links may be left.
func (c *Core) WorkUnlink(ctx context.Context, node string) error {
	actor := accounts.SystemActor("unlink")
	return c.EachDue(ctx, node+"/unlink", UnlinkLine(""), time.Minute, func(ctx context.Context, line store.Line) error {
		if _, err := c.Unlink(ctx, actor, line.Name[len(UnlinkLine("")):]); err != nil {
			return err
		}
		_, err := c.Act(ctx, actor, func(u *Unit) error {
			u.Do(store.Fence{Line: line.Name, Owner: line.Owner, Token: line.Token, Fate: store.Fate{Done: line.Gen}})
			return nil
		})
		return err
	})
}
