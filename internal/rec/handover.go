package rec

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// Offer is the code of a panel user that waits for its holder, or how one ended that did.
type Offer struct {
	Account string    `json:"account"` // the holder's
	By      Author    `json:"by"`
	Since   time.Time `json:"since"`
	Expires time.Time `json:"expires"`
	Tenancy uint64    `json:"tenancy"`
	// Code has a sealed copy of the digits that is for the holder alone. When the offer ends,
	// only its number stays.
	Code    panel.CodeRef `json:"code"`
	Message string        `json:"message,omitempty"` // id of the one with the word

	Ended  time.Time `json:"ended,omitzero"`
	How    OfferEnd  `json:"how,omitempty"`
	Reason string    `json:"reason,omitempty"` // of OfferVoid
}

// OfferEnd is how an offer ended.
type OfferEnd string

// The ends of an offer.
const (
	OfferCollected OfferEnd = "collected"
	OfferExpired   OfferEnd = "expired"
	OfferVoid      OfferEnd = "void" // the code, or its holder, is not any more what it was
)

// Open reports whether the code still waits.
func (o *Offer) Open() bool { return o != nil && o.Ended.IsZero() }

// End returns the offer without its code.
func (o Offer) End(how OfferEnd, reason string, at time.Time) *Offer {
	o.Ended, o.How, o.Reason = at, how, reason
	o.Code = panel.CodeRef{ID: o.Code.ID}
	return &o
}

// Voids says why the code that was offered leads to nothing any more, "" if it does.
func (u User) Voids(o Offer) string {
	wanted := u.Agreed.Code
	if u.Pending.Has(panel.FieldCode) {
		wanted = u.Wanted.Code
	}
	switch l := u.CurrentLink(); {
	case u.Tenancy != o.Tenancy:
		return "the user was taken away"
	case l == nil || l.Account != o.Account:
		return "the account was taken off the user"
	case wanted.ID == o.Code.ID && wanted.Ours():
		return ""
	case u.Pending.Has(panel.FieldCode):
		return "another code took its place"
	}
	return "the panel does not have it"
}

// Confirms reports whether the panel has confirmed the code that was offered, and what
// restricts it.
func (u User) Confirms(o Offer) bool {
	return u.Agreed.Set && u.Agreed.Code.ID == o.Code.ID && !(u.Pending | u.Unsure).Has(panel.FieldCode) && !u.Over
}

// OfferOwner is whose the word is by which the code of a panel user is collected: this
// code's, and not that of one before or after it. It is a hash, because the user's id may be
// as long as an id can be.
func OfferOwner(user string, code uint64) string {
	sum := sha256.Sum256([]byte("keyholder/offer/v1\x00" + user))
	return hex.EncodeToString(sum[:16]) + "." + strconv.FormatUint(code, 10)
}

// OfferBinding is what the copy is bound to that waits for a holder.
func OfferBinding(user string, tenancy, code uint64) credentials.Binding {
	return credentials.Binding{Owner: "offer/" + user + "/" + strconv.FormatUint(tenancy, 10), Kind: CodeSealed, Generation: code}
}
