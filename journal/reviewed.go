package journal

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
)

// Reviewed is an account as of the date of a review.
//
// It prints without personal values; its JSON form is for the reader's screen.
type Reviewed struct {
	Account string `json:"account"` // id
	// Person is the e-mail, else the username; a pseudonym if it cannot be opened any more.
	Person string `json:"person"`
	Roles  string `json:"roles"`
	// Since is when the account got these roles.
	Since    time.Time `json:"since"`
	Sites    string    `json:"sites"`
	Status   string    `json:"status"` // as the last entry about it says; an end of validity that passed has none
	Created  time.Time `json:"created"`
	SignedIn time.Time `json:"signedIn,omitzero"`
	// What somebody should look at.
	Unused     bool   `json:"unused,omitempty"`
	NoFactor   bool   `json:"noFactor,omitempty"`   // no authenticator app was set up
	Conflicted string `json:"conflicted,omitempty"` // the roles that nobody should have together
}

// String is one line without personal values.
func (a Reviewed) String() string {
	return fmt.Sprintf("account/%s %q since %s", a.Account, a.Roles, stamp(a.Since))
}

// Format keeps personal values out of every verb of fmt.
func (a Reviewed) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, a.String()) }

// LogValue keeps personal values out of slog.
func (a Reviewed) LogValue() slog.Value { return slog.StringValue(a.String()) }

// reviewed is an account as far as its entries have come.
type reviewed struct {
	Reviewed
	person  audit.Field
	at      []string // its sites as targets
	factor  bool
	removed bool
}

// takeAccount takes in the next entry about an account.
func takeAccount(people map[string]*reviewed, e audit.Entry) {
	id := e.Value(audit.FieldAccount)
	if id == "" || e.Outcome != audit.Success {
		return
	}
	a := people[id]
	if e.Action == audit.AccountCreated {
		a = &reviewed{Reviewed: Reviewed{Account: id, Created: e.At, Since: e.At}}
		people[id] = a
	}
	if a == nil {
		return // somebody whom the host manages
	}
	set := func(to *string, field string) bool {
		f, ok := e.Field(field)
		if ok {
			*to = f.Value
		}
		return ok
	}
	switch e.Action {
	case audit.SignInDone:
		a.SignedIn = e.At
		return
	case audit.FactorAdded, audit.FactorRemoved:
		if _, waits := e.Field(audit.FieldStatus); e.Value(audit.FieldMethod) == "app" && !waits {
			a.factor = e.Action == audit.FactorAdded
		}
		return
	case audit.AccountRemoved, audit.AccountErased:
		a.removed = true
		return
	case audit.AccountCreated, audit.AccountRoleChanged:
		if set(&a.Roles, audit.FieldRole) {
			a.Since = e.At
		}
		set(&a.Sites, audit.FieldSites)
		a.moves(e)
	case audit.AccountContactChanged, audit.AccountConfirmed, audit.AccountSuspended, audit.AccountEnabled, audit.AccountRevoked,
		audit.AccountUnrevoked, audit.AccountUnlocked, audit.AccountValidityChanged:
	default:
		return
	}
	set(&a.Status, audit.FieldStatus)
	for _, name := range []string{audit.FieldUsername, audit.FieldEmail} {
		if f, ok := e.Field(name); ok {
			a.person = f
		}
	}
}

// moves takes in of which sites the account is.
func (a *reviewed) moves(e audit.Entry) {
	a.at = nil
	for _, t := range e.Targets {
		if strings.HasPrefix(string(t), flow.Site("")) {
			a.at = append(a.at, string(t))
		}
	}
}

// visible reports whether somebody of these sites sees the account.
func (a *reviewed) visible(sites accounts.Sites) bool {
	return sites.All() || slices.ContainsFunc(sites.IDs(), func(id string) bool { return slices.Contains(a.at, flow.Site(id)) })
}

// judge says what somebody should look at.
func (a *reviewed) judge(q ReviewQuery) {
	unused := cmp.Or(q.UnusedFor, 90*24*time.Hour)
	last := a.Created
	if a.SignedIn.After(last) {
		last = a.SignedIn
	}
	a.Unused = q.AsOf.Sub(last) > unused
	a.NoFactor = !a.factor
	roles := strings.Split(a.Roles, ", ")
	for _, pair := range q.Conflicts {
		if slices.Contains(roles, pair[0]) && slices.Contains(roles, pair[1]) {
			a.Conflicted = pair[0] + " and " + pair[1]
		}
	}
}
