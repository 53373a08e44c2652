package roster

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// recode follows a panel that has rewritten all its codes to another length: what is
// claimed for a user is from now on the code that the panel has made of it. Nothing is
// written to the panel meanwhile. It goes on where a crash has left it.
func (w *turn) recode(ctx context.Context) error {
	if w.panel.Recoding == nil {
		return nil
	}
	users, err := w.desk.usersOf(ctx, w.id)
	if err != nil {
		return err
	}
	// Two codes may become one, so each that is claimed anew gets a commit of its own.
	var marks []rec.User
	for _, u := range users {
		if len(u.Claims()) == 0 {
			marks = append(marks, u)
		} else if err := w.recodeOne(ctx, u); err != nil {
			return err
		}
	}
	for some := range slices.Chunk(marks, batch) {
		if err := w.relength(ctx, some, 0); err != nil {
			return err
		}
	}
	_, err = w.act(ctx, func(u *flow.Unit) error {
		p, ok, err := flow.Load(u, rec.Panels, w.id)
		if err != nil || !ok {
			return err
		}
		p.Recoding = nil
		w.panel = p
		return w.sayRecoded(u, &p, 0)
	})
	w.attempt.ReadAt = time.Time{} // everything is read before anything is compared again
	return err
}

// follows says of which codes the claims follow a rewrite.
type follows uint8

const (
	agreedCodes follows = 1 << iota // what the panel is known to have
	sentCodes                       // what it may have
)

// recodeOne moves a user with codes of ours. One whose new code somebody else has is named,
// and keeps no claim to that one: the panel has it all the same.
func (w *turn) recodeOne(ctx context.Context, user rec.User) error {
	one := []rec.User{user}
	err := w.relength(ctx, one, agreedCodes|sentCodes)
	if !errors.Is(err, store.ErrTaken) {
		return err
	}
	for _, part := range []follows{agreedCodes, sentCodes, 0} {
		if err = w.relength(ctx, one, part); !errors.Is(err, store.ErrTaken) {
			break
		}
	}
	if err != nil {
		return err
	}
	w.desk.alert(Alert{At: w.desk.core.Time(), Kind: CodeCollided, Panel: w.id, Place: user.Place, Text: reasonCollided})
	return nil
}

// relength moves a few users in one commit, step by step through every length that the
// panel has had since; those of their codes that are to be followed become what it has made
// of them.
func (w *turn) relength(ctx context.Context, users []rec.User, follow follows) error {
	moved := 0
	steps := append(slices.Clone(w.panel.Recoding.Through), w.panel.CodeLen)
	_, err := w.act(ctx, func(u *flow.Unit) error {
		moved = 0
		for _, stale := range users {
			id := rec.UserID(w.id, stale.Place)
			user, ok, err := flow.Load(u, rec.Users, id)
			if err != nil || !ok {
				return err
			}
			before := user
			var failed error
			for _, length := range steps {
				agreed := user.Agreed.Code
				user.Slot = user.Relength(length, func(c panel.CodeRef) panel.CodeRef {
					part := sentCodes
					if c.Same(agreed) {
						part = agreedCodes
					}
					if follow&part == 0 {
						return panel.CodeRef{}
					}
					c, err := w.recoded(id, &user, c, length)
					failed = errors.Join(failed, err)
					return c
				})
			}
			if failed != nil {
				return failed
			}
			if r := before.Projected; r != nil && r.Code == before.Agreed.Code.ID {
				mark := *r
				mark.Code = user.Agreed.Code.ID
				user.Projected = &mark
			}
			if before.Agreed.Code.Ours() && !user.Agreed.Code.Ours() {
				user.Collided = u.Now()
				if _, err := sayUser(u, audit.UserDriftFound, audit.Success, w.panel, user, id,
					flow.F(audit.FieldFields, panel.FieldCode.String()), flow.F(audit.FieldReason, reasonCollided)); err != nil {
					return err
				}
			}
			if unchanged(before, user) {
				continue
			}
			moved++
			if err := put(u, id, before, &user); err != nil {
				return err
			}
		}
		if moved == 0 {
			return nil
		}
		p, ok, err := flow.Load(u, rec.Panels, w.id)
		if err != nil || !ok {
			return err
		}
		return w.sayRecoded(u, &p, moved)
	})
	return err
}

const reasonCollided = "the panel rewrote its code to one that is not available"

// sayRecoded stores the panel with the entry that says how many users were moved.
func (w *turn) sayRecoded(u *flow.Unit, p *rec.Panel, users int) error {
	if err := flow.Put(u, rec.Panels, w.id, p); err != nil {
		return err
	}
	_, err := u.Say(audit.PanelChanged, audit.Success, []string{w.id, flow.Site(p.Site)}, flow.F(audit.FieldPanel, w.id), flow.F(audit.FieldIdent, p.Ident),
		flow.F(audit.FieldFields, "codes"), flow.F(audit.FieldUsers, number(users)))
	return err
}

// recoded is what the panel has made of a code when it went to a length; zero if its digits
// are not kept.
func (w *turn) recoded(id string, user *rec.User, c panel.CodeRef, length int) (panel.CodeRef, error) {
	if c.Sealed.IsZero() || w.panel.Model.Code.Recode != panel.RecodeAppend {
		return panel.CodeRef{}, nil
	}
	old, err := w.desk.openCode(w.id, id, c)
	if err != nil {
		return panel.CodeRef{}, err
	}
	now, err := stretched(old, length)
	if err != nil {
		return panel.CodeRef{}, err
	}
	user.Codes++
	ref := panel.CodeRef{ID: user.Codes, Len: now.Len()}
	if ref.Names, err = codeNames(w.desk.core.Keys, w.id, now); err != nil {
		return ref, err
	}
	ref.Sealed, err = credentials.SealCode(w.desk.core.Keys, codeBinding(id, ref.ID), now)
	return ref, err
}

// stretched is a code with zeros appended up to a length, or cut down to it.
func stretched(c panel.Code, length int) (panel.Code, error) {
	digits := c.Reveal()
	if len(digits) > length {
		return panel.ParseCode(digits[:length])
	}
	return panel.ParseCode(digits + strings.Repeat("0", length-len(digits)))
}
