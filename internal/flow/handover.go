package flow

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// The purposes of words by which a code is collected.
const (
	HandOverPIN  Purpose = "handover"
	HandOverCode Purpose = "handover code" // of a panel user
)

// How long a word works.
const (
	handOverLife = 24 * time.Hour
	longHandOver = 7 * 24 * time.Hour
)

// Handing is a new code on its way to its holder.
type Handing struct {
	Purpose Purpose
	Whose   string // what the word begins with: the account, or the panel user
	Owner   string // of the one-time secret: this code
	Account string
	To      accounts.Email
	Name    string
	Life    time.Duration // 0: a day
	Mail    bool          // the word goes to To and to nobody else
	PIN     uint64        // generation of the PIN that it is; 0: none
}

// Handed is what the operator has of it.
type Handed struct {
	Word    panel.Secret // empty if it was mailed
	Expires time.Time
	Message string // id, "" if none was posted
}

// HandOver makes the word by which a new code is collected, and mails it if it should.
// Errors: [accounts.ErrHandOver], [accounts.ErrNoEmail].
func (u *Unit) HandOver(h Handing) (Handed, error) {
	if h.Life == 0 {
		h.Life = handOverLife
	}
	switch {
	case h.Life < time.Minute, h.Life > longHandOver:
		return Handed{}, accounts.ErrHandOver
	case h.Mail && h.To.IsZero():
		return Handed{}, accounts.ErrNoEmail
	}
	secret, err := u.IssueFor(h.Purpose, h.Owner, h.Account, Token, h.Life)
	if err != nil {
		return Handed{}, err
	}
	word := h.Whose + "." + secret.Secret.Reveal()
	out := Handed{Expires: secret.Expires}
	if !h.Mail {
		out.Word = panel.SecretOf(word)
		return out, nil
	}
	secret.Secret = OneTimeOf(word)
	out.Message, err = u.Post(Posting{Account: h.Account, To: h.To, Name: h.Name, Secret: secret, PIN: h.PIN})
	return out, err
}

// Collect shows a code that was handed over to whoever has the word, and to nobody again:
// it is spent by the commit that says so in the log, so of many who ask at once one sees
// it. receives reports [ErrNoSecret] of an account whose owner may not be shown a code. op
// is the operation, for the log. Errors: [ErrNoSecret] for whatever does not work,
// [accounts.ErrCodePending], which spends nothing, [ErrNoOpener].
func (c *Core) Collect(ctx context.Context, op string, word panel.Secret, receives func(u *Unit, account string) error) (credentials.Code, error) {
	if c.Opener == nil {
		return credentials.Code{}, ErrNoOpener
	}
	actor := accounts.SystemActor("collect")
	id, token := word.Reveal(), ""
	if i := strings.LastIndexByte(id, '.'); i >= 0 {
		id, token = id[:i], id[i+1:]
	}
	purpose, owner, err := c.offered(ctx, id)
	if err != nil {
		return credentials.Code{}, err
	}
	show := c.showPIN
	if purpose == HandOverCode {
		show = c.showCode
	}
	var code credentials.Code
	var targets []string
	err = c.Spend(ctx, actor, purpose, owner, OneTimeOf(token), func(u *Unit) error {
		targets = []string{id}
		var err error
		code, err = show(u, id, owner, receives)
		return err
	})
	if err != nil {
		err = c.Refused(ctx, actor, op, targets, err)
		for _, reason := range []error{ErrSecretExpired, ErrSecretWrong, ErrGuesses} {
			if errors.Is(err, reason) {
				err = ErrNoSecret
			}
		}
		return credentials.Code{}, err
	}
	return code, nil
}

// offered is what the word is good for that begins so, and whose secret it is. Of nobody it
// is one that stands for what was typed.
func (c *Core) offered(ctx context.Context, id string) (Purpose, string, error) {
	pin := rec.CredentialID(id, rec.PIN, 0)
	if id == "" || len(pin) > store.MaxID {
		return c.nobody(id)
	}
	rs, err := c.Store.Load(ctx, rec.Credentials.Key(pin), rec.Users.Key(id))
	if err != nil {
		return "", "", err
	}
	switch {
	case rs[0].Version != 0:
		cred, _, err := rec.Credentials.Decode(rs[0])
		return HandOverPIN, PINOwner(cred), err
	case rs[1].Version != 0:
		user, _, err := rec.Users.Decode(rs[1])
		if user.Offer != nil {
			return HandOverCode, rec.OfferOwner(id, user.Offer.Code.ID), err
		}
		if err != nil {
			return "", "", err
		}
	}
	return c.nobody(id)
}

func (c *Core) nobody(id string) (Purpose, string, error) {
	f, err := c.Keys.Print(c.Keys.Epoch().Prints[0], credentials.Scope{Kind: onceScope, ID: "nobody"}, credentials.MarkMaterial([]byte(id)))
	return HandOverPIN, f.String(), err
}

// PINOwner is whose the word is by which a PIN is collected: this PIN's, and not that of one
// before or after it.
func PINOwner(c rec.Credential) string { return rec.CredentialID(c.Account, rec.PIN, c.Generation) }

// showPIN opens a person's PIN and says that it was shown.
func (c *Core) showPIN(u *Unit, account, owner string, receives func(*Unit, string) error) (credentials.Code, error) {
	if err := receives(u, account); err != nil {
		return credentials.Code{}, err
	}
	pin, _, err := Load(u, rec.Credentials, rec.CredentialID(account, rec.PIN, 0))
	if err != nil {
		return credentials.Code{}, err
	}
	if PINOwner(pin) != owner || pin.Sealed.IsZero() {
		return credentials.Code{}, ErrNoSecret
	}
	code, err := credentials.OpenNamedCode(c.Opener, c.Keys, rec.CredentialBinding(account, rec.PIN, pin.Generation), pin.Sealed, Tenant(), pin.Names)
	if err != nil {
		return credentials.Code{}, err
	}
	_, err = u.Say(audit.CredentialHandedOver, audit.Success, []string{account}, F(audit.FieldAccount, account), F(audit.FieldFields, "PIN"))
	return code, err
}

// showCode opens the copy of a panel user's code that is for its holder, destroys it and
// says that it was shown.
func (c *Core) showCode(u *Unit, id, owner string, receives func(*Unit, string) error) (credentials.Code, error) {
	user, _, err := Load(u, rec.Users, id)
	if err != nil {
		return credentials.Code{}, err
	}
	if !user.Offer.Open() || rec.OfferOwner(id, user.Offer.Code.ID) != owner || user.Voids(*user.Offer) != "" {
		return credentials.Code{}, ErrNoSecret
	}
	o := *user.Offer
	if err := receives(u, o.Account); err != nil {
		return credentials.Code{}, err
	}
	if !user.Confirms(o) {
		return credentials.Code{}, accounts.ErrCodePending
	}
	scope := credentials.Scope{Kind: credentials.PanelScope, ID: user.Panel}
	code, err := credentials.OpenNamedCode(c.Opener, c.Keys, rec.OfferBinding(id, o.Tenancy, o.Code.ID), o.Code.Sealed, scope, o.Code.Names)
	if err != nil {
		return credentials.Code{}, err
	}
	user.Offer = o.End(rec.OfferCollected, "", u.now)
	if err := u.sayOffer(audit.CredentialHandedOver, id, user, F(audit.FieldFields, panel.FieldCode.String())); err != nil {
		return credentials.Code{}, err
	}
	return code, Put(u, rec.Users, id, &user)
}

// KeepOffer ends what a panel user's holder was offered if a change has made it void. It
// belongs into every change of a panel user. before is the user before the change.
func (u *Unit) KeepOffer(id string, before rec.User, user *rec.User) error {
	if !user.Offer.Open() {
		return nil
	}
	why := user.Voids(*user.Offer)
	if why == "" {
		return nil
	}
	if user.Ended != nil && user.Ended != before.Ended {
		why = "the wish has ended: " + user.Ended.How
	}
	return u.EndOffer(id, user, rec.OfferVoid, why)
}

// EndOffer ends what a panel user's holder was offered: the copy of the code is destroyed,
// and the word works no more. Without an open offer it does nothing. The user is not
// written.
func (u *Unit) EndOffer(id string, user *rec.User, how rec.OfferEnd, reason string) error {
	if !user.Offer.Open() {
		return nil
	}
	if err := u.VoidSecret(HandOverCode, rec.OfferOwner(id, user.Offer.Code.ID)); err != nil {
		return err
	}
	user.Offer = user.Offer.End(how, reason, u.now)
	if reason == "" {
		reason = string(how)
	}
	return u.sayOffer(audit.UserOfferEnded, id, *user, F(audit.FieldReason, reason))
}

// sayOffer adds an entry about a code that was offered.
func (u *Unit) sayOffer(action audit.Action, id string, user rec.User, fields ...Field) error {
	account := user.Offer.Account
	fields = append(fields, F(audit.FieldPanel, user.Panel), F(audit.FieldUser, id), F(audit.FieldAccount, account))
	_, err := u.Say(action, audit.Success, []string{user.Panel, id, Site(user.Site), account}, fields...)
	return err
}

// mostOffers is how many offers end with the change that takes an account's access away;
// what more there are end with their next turn, and lead to nothing until then.
const mostOffers = 16

// endOffers ends what the owner of an account was offered.
func (u *Unit) endOffers(account, reason string) error {
	rs, err := u.core.Store.List(u.ctx, store.Query{Kind: rec.Users.Name, Term: rec.ByOffer, From: []byte(account), To: append([]byte(account), 0), Limit: mostOffers})
	if err != nil {
		return err
	}
	for _, r := range rs {
		user, _, err := Load(u, rec.Users, r.Key.ID)
		if err != nil {
			return err
		}
		if !user.Offer.Open() || user.Offer.Account != account {
			continue
		}
		if err := u.EndOffer(r.Key.ID, &user, rec.OfferVoid, reason); err != nil {
			return err
		}
		if err := Put(u, rec.Users, r.Key.ID, &user); err != nil {
			return err
		}
	}
	return nil
}

// receives reports whether an account's owner may be shown a code: before the account is
// confirmed or valid too.
func receives(a accounts.Account, now time.Time) bool {
	switch a.State(now) {
	case accounts.Active, accounts.NotConfirmed, accounts.NotYetValid, accounts.Locked:
		return true
	}
	return false
}

// Receives reports [ErrNoSecret] of an account whose owner may not be shown a code. The
// commit checks that it is still so.
func (d *Accounts) Receives(u *Unit, account string) error {
	a, found, err := Load(u, rec.Accounts, account)
	if err == nil && (!found || !receives(a, u.now)) {
		err = ErrNoSecret
	}
	return err
}
