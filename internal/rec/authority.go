package rec

import (
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Approval is an act that waits for a second person, or that one has approved. It is
// spent by the act.
type Approval struct {
	Act      []string  `json:"act"` // what is asked for, word for word: no personal value
	Approved time.Time `json:"approved,omitzero"`
	Approver string    `json:"approver,omitempty"`
	Asked    time.Time `json:"asked"`
	Author   Author    `json:"author"`
	Expires  time.Time `json:"expires"`
	Op       string    `json:"op"`
	Sites    []string  `json:"sites,omitempty"` // of the account that it is about
	Target   string    `json:"target"`
}

// Role is a role that somebody made. A removed one stays, because its name does.
type Role struct {
	accounts.Role
	Removed time.Time `json:"removed,omitzero"`
	Taken   uint64    `json:"taken,omitempty"` // number of the [Taking] by which something was last taken from it
}

// TakingID is the id of the one record of its kind.
const TakingID = "1"

// Taking numbers the changes that take something away from everybody with a role. A
// session carries the number of the last one before it began.
type Taking struct {
	N uint64 `json:"n"`
}

// Attributes are what a host keeps about an account beside its fields. Its id is the
// account's.
type Attributes struct {
	Plain  map[string]string             `json:"plain,omitempty"`
	Secret map[string]credentials.Sealed `json:"secret,omitempty"`
}

// Photo is the picture of an account, re-encoded. Its id is the account's.
type Photo struct {
	Image []byte    `json:"image"` // JPEG
	Taken time.Time `json:"taken"`
}

// Erasure is an erasure that was asked for. Its id is the account's.
type Erasure struct {
	Asked    time.Time `json:"asked"`
	Approver string    `json:"approver,omitempty"`
	Due      time.Time `json:"due"`
}

// Hold keeps what is known about an account from being erased. Its id is the account's.
type Hold struct {
	At     time.Time `json:"at"`
	By     Author    `json:"by"`
	Reason string    `json:"reason"`
}

// The limits of the terms by which the accounts of a site are listed.
const (
	maxSiteID   = 60 // bytes of the site's id
	maxSiteName = 64 // bytes of the account's name
)

// AtSite is the value of the term [ByAccountSite] of an account that is listed as name.
func AtSite(site string, name []byte) []byte {
	return append(append([]byte(site), 0), SiteName(name)...)
}

// SiteName is as much of an account's name as counts in the lists of sites.
func SiteName(name []byte) []byte { return name[:min(len(name), maxSiteName)] }

// siteTerms list an account under its site, or, if it is of more than one, apart: a record
// has one term of a name.
func siteTerms(a *accounts.Account) []store.Term {
	name := AccountName(a)
	if name == nil {
		return nil
	}
	at, wide := ByAccountSite(a.Kind == accounts.VisitorKind)
	if ids := a.Sites.IDs(); len(ids) == 1 && len(ids[0]) <= maxSiteID {
		return []store.Term{{Name: at, Value: AtSite(ids[0], name)}}
	}
	return []store.Term{{Name: wide, Value: SiteName(name)}}
}

// ByAccountSite names the terms of the accounts, or the visitors, of a site, and of those
// that are of more than one.
func ByAccountSite(visitors bool) (at, wide string) {
	if visitors {
		return "visitor.at", "visitor.wide"
	}
	return "at", "wide"
}

// The names of terms.
const (
	ByAdmin   = "admin"   // of accounts with the role admin
	ByVisitor = "visitor" // of visitors: as ByName of all others
	ByParent  = "parent"  // of roles
)

// The kinds of records about what accounts may do and what is kept beside them.
var (
	Approvals = Kind[Approval]{known: sync.OnceValue(fields[Approval]), Name: "approval", Schema: 1, Secure: true, Terms: func(_ string, a *Approval) []store.Term {
		return []store.Term{{Name: ByNewest, Value: store.TermUint(^uint64(a.Asked.UnixNano()))}}
	}}
	AttributeLists = Kind[Attributes]{known: sync.OnceValue(fields[Attributes]), Name: "attributes", Schema: 1}
	Erasures       = Kind[Erasure]{known: sync.OnceValue(fields[Erasure]), Name: "erasure", Schema: 1, Terms: func(id string, _ *Erasure) []store.Term {
		return []store.Term{{Name: ByName, Value: cut(id)}}
	}}
	Holds    = Kind[Hold]{known: sync.OnceValue(fields[Hold]), Name: "hold", Schema: 1, Secure: true}
	Photos   = Kind[Photo]{known: sync.OnceValue(fields[Photo]), Name: "photo", Schema: 1}
	Profiles = Kind[accounts.Profile]{known: sync.OnceValue(fields[accounts.Profile]), Name: "profile", Schema: 1, Secure: true, Terms: func(_ string, p *accounts.Profile) []store.Term {
		return []store.Term{{Name: ByName, Value: cut(p.Name)}}
	}}
	Sites = Kind[accounts.Site]{known: sync.OnceValue(fields[accounts.Site]), Name: "site", Schema: 1, Secure: true, Terms: func(_ string, s *accounts.Site) []store.Term {
		return []store.Term{{Name: ByName, Value: cut(s.Name)}}
	}}
	Takings = Kind[Taking]{known: sync.OnceValue(fields[Taking]), Name: "taking", Schema: 1, Secure: true}
	Roles   = Kind[Role]{known: sync.OnceValue(fields[Role]), Name: "role", Schema: 1, Secure: true, Terms: func(_ string, r *Role) []store.Term {
		if !r.Removed.IsZero() {
			return nil
		}
		return []store.Term{{Name: ByName, Value: cut(r.Name)}, {Name: ByParent, Value: cut(r.Parent)}}
	}}
)
