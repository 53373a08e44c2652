package roster

import (
	"context"
	"errors"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// OfferState is how a code stands that was handed over.
type OfferState string

// The states of a code that was handed over.
const (
	OfferNone        OfferState = ""            // none ever was
	OfferUnconfirmed OfferState = "unconfirmed" // the panel has not confirmed it: its holder cannot see it yet
	OfferWaiting     OfferState = "waiting"
	OfferCollected   OfferState = "collected"
	OfferExpired     OfferState = "expired"
	OfferVoid        OfferState = "void" // the code, or its holder, is not any more what it was
)

// Offered is the last code of a panel user that was handed over.
type Offered struct {
	State   OfferState
	Reason  string // of OfferVoid
	Account accounts.ID
	Since   time.Time
	Expires time.Time
	Ended   time.Time // zero while it waits, and until what has ended is destroyed
	Message string    // receipt of the message with the word, "" if it was not mailed
}

// Offered tells how the code stands that was last handed over to the holder of a user.
func (t *Tab) Offered(ctx context.Context, place panel.Place) (Offered, error) {
	p, err := t.peek(ctx, "Offered")
	if err != nil {
		return Offered{}, err
	}
	if err := p.Model.CheckPlace(place); err != nil {
		return Offered{}, err
	}
	var out Offered
	_, err = t.core().Act(ctx, t.op.actor, func(u *flow.Unit) error {
		out = Offered{}
		user, _, err := flow.Load(u, rec.Users, rec.UserID(t.id, place))
		if err != nil || user.Offer == nil {
			return err
		}
		o := *user.Offer
		out = Offered{State: OfferState(o.How), Reason: o.Reason, Account: accounts.ID(o.Account), Since: o.Since, Expires: o.Expires, Ended: o.Ended, Message: o.Message}
		if !o.Open() {
			return nil
		}
		how, why, err := t.op.desk.over(u, o)
		switch {
		case how != "":
			out.State, out.Reason = OfferState(how), why
		case user.Confirms(o):
			out.State = OfferWaiting
		default:
			out.State = OfferUnconfirmed
		}
		return err
	})
	return out, err
}

// over says how a code that waits has come to its end with time, or with its holder's
// account; "" if it waits on.
func (d *Desk) over(u *flow.Unit, o rec.Offer) (how rec.OfferEnd, why string, err error) {
	if !u.Now().Before(o.Expires) {
		return rec.OfferExpired, "", nil
	}
	err = d.receives(u, o.Account)
	if errors.Is(err, flow.ErrNoSecret) {
		return rec.OfferVoid, "the account lets nobody in", nil
	}
	return "", "", err
}

// offerLines are what the names of lines begin with by which codes that wait for their
// holders are looked after.
const offerLines = "offer/"

// nextLook is when a code that waits is looked after again.
func nextLook(expires, now time.Time) time.Time {
	if next := now.Add(time.Hour); next.Before(expires) {
		return next
	}
	return expires
}

// workOffers destroys the codes that wait for their holders and have come to their end.
func (d *Desk) workOffers(ctx context.Context) error {
	actor := accounts.SystemActor("offers")
	return d.core.EachDue(ctx, d.o.Node+"/offers", offerLines, time.Minute, func(ctx context.Context, line store.Line) error {
		_, err := d.core.Act(ctx, actor, func(u *flow.Unit) error {
			id, fate := line.Name[len(offerLines):], store.Fate{Done: line.Gen}
			user, _, err := flow.Load(u, rec.Users, id)
			if err != nil {
				return err
			}
			if user.Offer.Open() {
				how, why, err := d.over(u, *user.Offer)
				switch {
				case err != nil:
					return err
				case how == "":
					fate = store.Fate{Again: nextLook(user.Offer.Expires, u.Now())}
				default:
					if err := errors.Join(u.EndOffer(id, &user, how, why), flow.Put(u, rec.Users, id, &user)); err != nil {
						return err
					}
				}
			}
			u.Do(store.Fence{Line: line.Name, Owner: line.Owner, Token: line.Token, Fate: fate})
			return nil
		})
		return err
	})
}
