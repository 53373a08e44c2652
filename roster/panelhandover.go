package roster

import (
	"context"
	"errors"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// ErrWord: the word collects nothing. It is one answer for a wrong, used, replaced or expired
// word, for too many attempts, and for a code that is not on its way any more; the log has
// the reason.
var ErrWord = fault.New(fault.Denied, "roster: the word does not work").
	Hinted("Use the word of the newest message. It works once and for a limited time; then have a new code made.")

// HandOver is how the new code of a panel user reaches its holder. The zero value: within a
// day, with a word that the caller passes on, for example by text message.
type HandOver struct {
	Life time.Duration // how long the word works; 0: a day, at most a week
	Mail bool          // the word goes to the holder's address and to nobody else
}

// Offer is a new code that waits for its holder.
type Offer struct {
	// Word opens it, once: the part of a link that is nobody else's. Empty if it was mailed.
	Word    panel.Secret
	Expires time.Time
	Message string // receipt of the message with the word, for people's Operator.Delivery
}

// HandOver draws a code for a panel user that an account is assigned to, as
// [Tab.GenerateCode] does, and sets it. Nobody sees it but whoever has the word: its holder,
// by people's Service.Collect or [Desk.Collect], once the panel has confirmed it. A word that
// was given out before works no more.
//
// The offer ends, and the copy of the code that waits is destroyed, when it was collected,
// when its time is over, when the wish is cancelled, refused, expired or superseded, when the
// user is taken away or assigned to somebody else, and when the account lets nobody in any
// more. Where the host keeps the accounts, or time alone ends one, the offer leads to nothing
// from that moment and is destroyed within an hour. See [Tab.Offered].
//
// Errors: [accounts.ErrNoAccountAssigned], [accounts.ErrAccountSuspended],
// [accounts.ErrHandOver], [accounts.ErrNoEmail] and [accounts.ErrMailerNotConfigured] for
// Mail, [ErrByHand], and those of [Tab.GenerateCode].
func (t *Tab) HandOver(ctx context.Context, place panel.Place, w CodeWish, h HandOver, opts ...WishOption) (Offer, Receipt, error) {
	var out Offer
	_, r, err := t.drawCode(ctx, "HandOver", place, w, options(opts), func(d *decision, c panel.Code) error {
		who, err := d.recipient()
		if err != nil {
			return err
		}
		out, err = d.offer(who, c, h)
		return err
	})
	if err != nil {
		return Offer{}, Receipt{}, err
	}
	return out, r, nil
}

// recipient is whom the user's code may be given to.
func (d *decision) recipient() (accounts.Person, error) {
	l := d.user.CurrentLink()
	if l == nil {
		return accounts.Person{}, accounts.ErrNoAccountAssigned
	}
	p, err := d.person(accounts.ID(l.Account))
	if errors.Is(err, accounts.ErrAccountNotFound) {
		return p, accounts.ErrNoAccountAssigned
	}
	if err != nil {
		return p, err
	}
	err = d.tab.op.desk.receives(d.Unit, l.Account)
	if errors.Is(err, flow.ErrNoSecret) {
		err = accounts.ErrAccountSuspended
	}
	return p, err
}

// offer makes the word for the code that is wished for, and seals a copy for whoever has it.
// An offer before ends.
func (d *decision) offer(who accounts.Person, c panel.Code, h HandOver) (Offer, error) {
	desk := d.tab.op.desk
	if _, own := desk.people.(*flow.Accounts); h.Mail && !(own && desk.o.Mails) {
		return Offer{}, accounts.ErrMailerNotConfigured
	}
	if err := d.EndOffer(d.id, &d.user, rec.OfferVoid, "another code took its place"); err != nil {
		return Offer{}, err
	}
	ref := d.user.Wanted.Code
	word, err := d.Unit.HandOver(flow.Handing{Purpose: flow.HandOverCode, Whose: d.id, Owner: rec.OfferOwner(d.id, ref.ID), Account: string(who.ID),
		To: who.Email, Name: who.Name, Life: h.Life, Mail: h.Mail})
	if err != nil {
		return Offer{}, err
	}
	if ref.Sealed, err = credentials.SealCode(desk.core.Keys, rec.OfferBinding(d.id, d.user.Tenancy, ref.ID), c); err != nil {
		return Offer{}, err
	}
	d.user.Offer = &rec.Offer{Account: string(who.ID), By: d.user.Author, Since: d.Now(), Expires: word.Expires, Tenancy: d.user.Tenancy, Code: ref, Message: word.Message}
	d.Do(store.Mark{Line: offerLines + d.id, Due: nextLook(word.Expires, d.Now())})
	return Offer(word), d.say(audit.UserCodeOffered, flow.F(audit.FieldUntil, stamp(word.Expires)))
}

// receives reports [flow.ErrNoSecret] of somebody who may not be shown a code.
func (d *Desk) receives(u *flow.Unit, account string) error {
	if own, ok := d.people.(*flow.Accounts); ok {
		return own.Receives(u, account)
	}
	p, err := d.people.Person(u.Context(), accounts.ID(account))
	if errors.Is(err, accounts.ErrAccountNotFound) || err == nil && p.Status == accounts.StatusSuspended {
		return flow.ErrNoSecret
	}
	return err
}

// Collect shows a code that was handed over to whoever has the word, and to nobody again. It
// is what people's Service.Collect is, for hosts that keep their people themselves: whether
// somebody may still be shown a code is asked of the desk's directory. [ErrWord] is the one
// answer to everything that does not work; [accounts.ErrCodePending] is told to nobody but
// who has the right word. It needs a keyring that opens and asks no right.
func (d *Desk) Collect(ctx context.Context, word panel.Secret) (panel.Code, error) {
	code, err := d.core.Collect(ctx, "roster.Collect", word, d.receives)
	if errors.Is(err, flow.ErrNoSecret) {
		err = ErrWord
	}
	return code, err
}

// SealedLetter is what is printed into a sealed letter for the holder of a new code. It is
// for the printer and for no screen.
type SealedLetter struct {
	Name  string // of the holder, personal
	Panel string // its name, or its identity
	Code  panel.Code
}

// PrintCode draws a code for a panel user that an account is assigned to and sets it, for a
// letter that is printed and sealed: for holders without an address. One person never does
// it alone: it answers [accounts.ErrApprovalRequired] whatever the policy says, somebody else
// approves by people's Operator.Approve, and its author does it again. The letter is not to
// be handed out before the wish has settled: the panel may refuse the code. Errors: as
// [Tab.HandOver].
func (t *Tab) PrintCode(ctx context.Context, place panel.Place, w CodeWish, opts ...WishOption) (SealedLetter, Receipt, error) {
	const name = "PrintCode"
	var out SealedLetter
	code, r, err := t.drawCode(ctx, name, place, w, options(opts), func(d *decision, _ panel.Code) error {
		who, err := d.recipient()
		if err != nil {
			return err
		}
		approver, err := flow.SecondPerson(d.Unit, flow.Asking{Op: "roster." + name, Account: string(who.ID), Sites: []string{d.panel.Site},
			Targets: []string{t.id, d.id}, Act: []string{"print a new code for the panel user " + d.id}})
		if err != nil {
			return err
		}
		if out.Name, out.Panel = who.Name, d.panel.Name; out.Panel == "" {
			out.Panel = d.panel.Ident
		}
		return d.say(audit.CredentialHandedOver, flow.F(audit.FieldFields, panel.FieldCode.String()), flow.F(audit.FieldApprover, approver))
	})
	if err != nil {
		return SealedLetter{}, Receipt{}, err
	}
	out.Code = code
	return out, r, nil
}
