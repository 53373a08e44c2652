package rec

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// PanelState is what is done with a panel.
type PanelState string

// The states of a panel.
const (
	InService    PanelState = "in service"
	OutOfService PanelState = "out of service" // read, never written
	Retired      PanelState = "retired"        // history only
)

// Panel is a registered panel or access device.
type Panel struct {
	Site    string                `json:"site"`
	Name    string                `json:"name,omitempty"`
	Driver  string                `json:"driver"`
	Ident   string                `json:"ident"` // IMEI, integration id, serial
	Model   panel.Model           `json:"model"`
	CodeLen int                   `json:"codeLen,omitempty"`
	State   PanelState            `json:"state"`
	Routes  map[string]PanelRoute `json:"routes,omitempty"`
	// Generation binds sealed secrets: a new address voids them.
	Generation uint64    `json:"generation"`
	Created    time.Time `json:"created"`
	// Baseline is when every user was read for the first time.
	Baseline time.Time `json:"baseline,omitzero"`
	// Released is when a person last let the panel out of quarantine.
	Released time.Time `json:"released,omitzero"`
	Replaces string    `json:"replaces,omitempty"`
	// Recoding is set while the panel's own change of its code length is followed.
	Recoding *Recoding `json:"recoding,omitempty"`
}

// Recoding is a change of code length that a panel has made by itself.
type Recoding struct {
	From  int       `json:"from"`
	Since time.Time `json:"since"`
	// Through are the lengths that it had in between, each of which has cut codes.
	Through []int `json:"through,omitempty"`
}

// Quarantine says that the store was restored from a backup: nothing is written to a
// panel that was not released since.
type Quarantine struct {
	Since  time.Time `json:"since"`
	Reason string    `json:"reason"`
}

// EpochID is the id of the one record of its kind: the key epoch of the store.
const EpochID = "epoch"

// QuarantineID is the id of the one record of its kind.
const QuarantineID = "store"

// PanelRoute is one way to a panel with its sealed secrets.
type PanelRoute struct {
	Addr    string                        `json:"addr,omitempty"`
	Secrets map[string]credentials.Sealed `json:"secrets,omitempty"`
}

// User is the service's record of one place on one panel.
type User struct {
	Panel string `json:"panel"`
	Site  string `json:"site"`
	panel.Slot
	Link   *Link  `json:"link,omitempty"`
	Author Author `json:"author,omitzero"` // of the pending wish
	Held   bool   `json:"held,omitempty"`  // the author lost the right: a person confirms or cancels
	// Adopted says for whom a user that was set at the panel was taken over.
	Adopted *Adopted `json:"adopted,omitempty"`
	// Restriction not yet confirmed since: see rule R247.
	OverSince time.Time `json:"overSince,omitzero"`
	// LastEntry is the entry that explains why there is no user, or the last refusal.
	LastEntry string `json:"lastEntry,omitempty"`
	// Codes counts the codes that were set here: it binds sealed digits.
	Codes uint64 `json:"codes,omitempty"`
	// Carry is what a user had on the hardware that was replaced: it goes with the next code.
	Carry *panel.State `json:"carry,omitempty"`
	// Ended is how the last wish ended, once it has.
	Ended *Ended `json:"ended,omitempty"`
	// Holder of this place's claims: the linked account, or the record itself.
	Holder string `json:"holder,omitempty"`
	// Leaving are names that others hold: they are let go, or handed over to Holder, with the
	// next changes.
	Leaving []Left `json:"leaving,omitempty"`
	// FirstSeen is when an unmanaged user appeared, and whether in the baseline.
	FirstSeen time.Time `json:"firstSeen,omitzero"`
	Baseline  bool      `json:"baseline,omitempty"`
	// Collided is when the panel made of this user's code one that somebody else has.
	Collided time.Time `json:"collided,omitzero"`
	// Projected says for whom this user was made, and from what.
	Projected *Projected `json:"projected,omitempty"`
	// Offer is the last code that was handed over to its holder.
	Offer *Offer `json:"offer,omitempty"`
}

// Left is a name with the one who holds it.
type Left struct {
	Name   string `json:"name"`
	Holder string `json:"holder"`
}

// Ended is how a wish ended.
type Ended struct {
	Revision uint64    `json:"revision"`
	How      string    `json:"how"`
	Reason   string    `json:"reason,omitempty"`
	At       time.Time `json:"at"`
}

// Link ties an account to one tenancy of a place.
type Link struct {
	Account string    `json:"account"`
	Tenancy uint64    `json:"tenancy"`
	At      time.Time `json:"at"`
}

// CurrentLink is the link of the present tenancy, nil if there is none or it is former.
func (u User) CurrentLink() *Link {
	if u.Link == nil || u.Link.Tenancy != u.Tenancy {
		return nil
	}
	return u.Link
}

// ToDo reports whether a worker has something to send or to find out.
func (u User) ToDo() bool { return !u.Idle() || u.Cure }

// Author is who made a wish, in short.
type Author struct {
	Kind string `json:"kind,omitempty"`
	ID   string `json:"id,omitempty"`
}

// Adopted is the adoption of an unmanaged user.
type Adopted struct {
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
	By     Author    `json:"by"`
	Until  time.Time `json:"until"` // the code has to be changed by then
}

// Attempt is what the last tries on a panel's line came to. It is quiet.
type Attempt struct {
	At     time.Time         `json:"at"`
	OK     time.Time         `json:"ok,omitzero"`
	Words  string            `json:"words,omitempty"`  // the last line error's text
	Routes map[string][]byte `json:"routes,omitempty"` // opaque session state
	Keeper string            `json:"keeper,omitempty"` // the node that has kept a session
	ReadAt time.Time         `json:"readAt,omitzero"`  // every user was read then
	Wants  *panel.Query      `json:"wants,omitempty"`  // what has to be read again
	Alerts int               `json:"alerts,omitempty"`
	Pace   time.Duration     `json:"pace,omitempty"`  // how long an edit took lately
	Since  time.Time         `json:"since,omitzero"`  // a removal waits since then
	Locked time.Time         `json:"locked,omitzero"` // the panel has locked us out until then, by the store's clock
}

// Salt is the erasable half of the key of a person's fields in the log.
type Salt struct {
	KeyID string `json:"key"`
	Salt  []byte `json:"salt"`
	// Mask, if set, turns what is derived into the key: it was derived from another key of
	// the keyring, before a rotation.
	Mask []byte `json:"mask,omitempty"`
}

// UserID is the record id of a place on a panel: ids sort by slot.
func UserID(panelID string, p panel.Place) string {
	if p.ID != "" {
		return panelID + ":" + p.ID
	}
	return fmt.Sprintf("%s.%04d", panelID, p.Slot)
}

// The names of terms.
const (
	ByPanel     = "panel"
	ByAccount   = "account"
	ByPending   = "pending"
	ByOpen      = "open"
	ByUnmanaged = "unmanaged"
	BySite      = "site"
	ByEmail     = "email"
	ByIdent     = "ident"
	ByLabel     = "label"
	ByProjected = "projected"
	ByOffer     = "offer" // of accounts whose code waits for them
)

// The kinds of records. Quiet ones take the store's quiet kinds.
var (
	Panels = Kind[Panel]{known: sync.OnceValue(fields[Panel]), Name: "panel", Schema: 1, Secure: true, Terms: func(_ string, p *Panel) []store.Term {
		return []store.Term{{Name: BySite, Value: []byte(p.Site)}, {Name: ByIdent, Value: []byte(p.Ident)}}
	}}
	Users = Kind[User]{known: sync.OnceValue(fields[User]), Name: "user", Schema: 1, Secure: true, Terms: func(_ string, u *User) []store.Term {
		t := []store.Term{{Name: ByPanel, Value: []byte(u.Panel)}}
		if u.Link != nil {
			t = append(t, store.Term{Name: ByAccount, Value: []byte(u.Link.Account)})
		}
		if u.ToDo() || len(u.Sent)+len(u.SentTags)+len(u.Leaving) > 0 {
			t = append(t, store.Term{Name: ByPending, Value: []byte(u.Panel)})
		}
		if u.ToDo() || len(u.Sent)+len(u.SentTags) > 0 || u.Over || u.Adopted != nil || u.Unmanaged() || u.Drift() != 0 || !u.Collided.IsZero() {
			t = append(t, store.Term{Name: ByOpen, Value: []byte(u.Panel)})
		}
		if u.Unmanaged() {
			t = append(t, store.Term{Name: ByUnmanaged, Value: []byte(u.Panel)})
		}
		if u.Reported.Label != "" {
			t = append(t, store.Term{Name: ByLabel, Value: cut(strings.ToLower(u.Reported.Label))})
		}
		if u.Projected != nil {
			t = append(t, store.Term{Name: ByProjected, Value: []byte(u.Projected.Account)})
		}
		if u.Offer.Open() {
			t = append(t, store.Term{Name: ByOffer, Value: []byte(u.Offer.Account)})
		}
		return t
	}}
	Accounts = Kind[accounts.Account]{known: sync.OnceValue(fields[accounts.Account]), Name: "account", Schema: 1, Secure: true, Terms: func(_ string, a *accounts.Account) []store.Term {
		t := siteTerms(a)
		if a.Kind == accounts.VisitorKind {
			return append(t, store.Term{Name: ByVisitor, Value: AccountName(a)})
		}
		if e := a.Email.Canonical(); e != "" {
			t = append(t, store.Term{Name: ByEmail, Value: cut(e)})
		}
		if slices.Contains(a.Roles, accounts.AdminRole) {
			t = append(t, store.Term{Name: ByAdmin, Value: []byte(a.ID)})
		}
		return append(t, store.Term{Name: ByName, Value: AccountName(a)})
	}}
	Epochs      = Kind[credentials.Epoch]{known: sync.OnceValue(fields[credentials.Epoch]), Name: "keys", Schema: 1, Secure: true}
	Quarantines = Kind[Quarantine]{known: sync.OnceValue(fields[Quarantine]), Name: "quarantine", Schema: 1, Secure: true}
	Salts       = Kind[Salt]{known: sync.OnceValue(fields[Salt]), Name: "person", Schema: 1}
	Attempts    = Kind[Attempt]{known: sync.OnceValue(fields[Attempt]), Name: store.Attempt, Schema: 1}
	Wanted      = Kind[panel.Query]{known: sync.OnceValue(fields[panel.Query]), Name: store.Attempt, Schema: 1} // what has to be read again
)

func cut(s string) []byte {
	if len(s) > store.MaxTerm {
		s = s[:store.MaxTerm]
	}
	return []byte(s)
}
