package journal

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// ReviewQuery says what is reviewed. The zero value is everything that the reader may
// see, as it is now.
type ReviewQuery struct {
	// AsOf is the date of the review; zero: now.
	AsOf time.Time
	// UnusedFor is how long ago an account's last sign-in has to be for it to be called
	// unused; zero: 90 days. One that never signed in is unused that long after it was added.
	UnusedFor time.Duration
	// Conflicts are pairs of roles that nobody should have together.
	Conflicts [][2]string
}

// Review is who may do what as of a date, and what somebody should look at. It is made
// from the log, so that it is the same whenever it is made.
type Review struct {
	AsOf time.Time `json:"asOf"`
	// Accounts that were there, by id.
	Accounts []Reviewed `json:"accounts"`
	// Unmanaged are users that nobody here set.
	Unmanaged []Occupant `json:"unmanaged"`
	// Outstanding are people whose access was taken away and is still at the panel.
	Outstanding []Occupant `json:"outstanding"`
}

// Review answers who has which role and since when, which accounts are unused, without
// second factor or with conflicting roles, which users are unmanaged and which removals
// outstanding, all as of a date. It knows the accounts that keyholder manages, not a
// host's own, and reads the log from its beginning: make it now and then, not for a screen.
func (r *Reader) Review(ctx context.Context, q ReviewQuery) (Review, error) {
	sites, err := r.scope(ctx, "Query")
	if err != nil {
		return Review{}, err
	}
	if q.AsOf.IsZero() {
		q.AsOf = r.journal.core.Time()
	}
	if err := r.note(ctx, Filter{Until: q.AsOf}); err != nil {
		return Review{}, err
	}
	return r.journal.review(ctx, q, sites, true)
}

// ReportReview writes a review. What needs a look says so in the column "look".
func (r *Reader) ReportReview(ctx context.Context, out io.Writer, q ReviewQuery, o ReportOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	sites, err := r.scope(ctx, "Export")
	if err != nil {
		return err
	}
	j := r.journal
	if q.AsOf.IsZero() {
		q.AsOf = j.core.Time()
	}
	c, err := j.signedNow(ctx)
	if err != nil {
		return err
	}
	v, err := j.review(ctx, q, sites, o.Personal)
	if err != nil {
		return err
	}
	rows := v.rows()
	return r.write(ctx, out, o.Format, sheet{
		title: "Review of access", asked: "review as of " + q.AsOf.UTC().Format(time.RFC3339), made: j.core.Time(), checkpoint: c, count: int64(len(rows)),
		heads: []string{"look", "account", "person", "roles", "since", "sites", "status", "signed in", "panel", "place", "label"},
		page:  []int{0, 2, 3, 4, 5, 6, 7, 8, 9, 10},
		rows: func(yield func(sheetRow, error) bool) {
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
		},
	})
}

// rows are the lines of a review.
func (v Review) rows() []sheetRow {
	var rows []sheetRow
	for _, a := range v.Accounts {
		var look []string
		if a.Unused {
			look = append(look, "unused")
		}
		if a.NoFactor {
			look = append(look, "no second factor")
		}
		if a.Conflicted != "" {
			look = append(look, "conflicting roles: "+a.Conflicted)
		}
		rows = append(rows, sheetRow{value: a, cells: []string{strings.Join(look, "; "), a.Account, a.Person, a.Roles, stamp(a.Since), a.Sites, a.Status,
			stamp(a.SignedIn), "", "", ""}})
	}
	for _, list := range []struct {
		look  string
		found []Occupant
	}{{"unmanaged user", v.Unmanaged}, {"removal outstanding", v.Outstanding}} {
		for _, o := range list.found {
			rows = append(rows, sheetRow{value: o, cells: []string{list.look, o.Account, o.Person, o.Role, stamp(o.Since), o.Site, string(o.Presence), "",
				o.Ident, o.where().String(), o.Label}})
		}
	}
	return rows
}

// Digest is the SHA-256 of a review without personal values: by it a reviewer says what
// they have seen.
func (v Review) Digest() (string, error) {
	plain := Review{AsOf: v.AsOf.UTC(), Accounts: slices.Clone(v.Accounts), Unmanaged: slices.Clone(v.Unmanaged), Outstanding: slices.Clone(v.Outstanding)}
	for i := range plain.Accounts {
		plain.Accounts[i].Person = ""
	}
	for _, list := range [][]Occupant{plain.Unmanaged, plain.Outstanding} {
		for i := range list {
			list[i].Label, list[i].Person = "", ""
		}
	}
	text, err := json.Marshal(plain)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// SignOff records that the reader has reviewed what is behind that digest. The review is
// made again: if it is another by now, or the reader sees something else than was shown,
// it fails with [ErrReviewChanged]. words is what the reviewer says to it, in clear. It
// returns the id of the entry.
func (r *Reader) SignOff(ctx context.Context, q ReviewQuery, digest, words string) (string, error) {
	sites, err := r.scope(ctx, "SignOff")
	if err != nil {
		return "", err
	}
	if q.AsOf.IsZero() {
		return "", ErrReviewChanged
	}
	v, err := r.journal.review(ctx, q, sites, false)
	if err != nil {
		return "", err
	}
	again, err := v.Digest()
	if err != nil {
		return "", err
	}
	if again != digest {
		return "", r.refused(ctx, "SignOff", ErrReviewChanged)
	}
	var id string
	_, err = r.journal.core.Act(ctx, r.actor, func(u *flow.Unit) error {
		id, err = u.Say(audit.ReviewSigned, audit.Success, nil, flow.F(audit.FieldFilter, "as of "+q.AsOf.UTC().Format(time.RFC3339Nano)),
			flow.F(audit.FieldFileHash, digest), flow.F(audit.FieldCount, strconv.Itoa(len(v.rows()))), flow.F(audit.FieldReason, cut(words)))
		return err
	})
	return id, err
}

// reviewActions are what a review is made from.
func reviewActions() []string {
	var list []string
	for _, a := range audit.Catalogue() {
		family, _, _ := strings.Cut(string(a.Action), ".")
		if family == "user" || family == "account" || a.Action == audit.SignInDone {
			list = append(list, string(a.Action))
		}
	}
	return append(list, panelActions()...)
}

func (j *Journal) review(ctx context.Context, q ReviewQuery, sites accounts.Sites, personal bool) (Review, error) {
	h, people := newHistory(), map[string]*reviewed{}
	for e, err := range (search{query: until(q.AsOf, store.EntryQuery{Actions: reviewActions()})}).from(ctx, j.core.Store) {
		if err == nil {
			err = e.sound()
		}
		if err != nil {
			return Review{}, err
		}
		h.take(e.entry)
		takeAccount(people, e.entry)
	}
	v := Review{AsOf: q.AsOf.UTC()}
	for _, a := range people {
		if a.removed || !a.visible(sites) {
			continue
		}
		a.judge(q)
		shownAs := []record{{entry: audit.Entry{Fields: []audit.Field{a.person}}}}
		if personal {
			if err := j.open(ctx, shownAs, everybody); err != nil {
				return Review{}, err
			}
		}
		a.Person = shown(shownAs[0].entry.Fields[0])
		v.Accounts = append(v.Accounts, a.Reviewed)
	}
	slices.SortFunc(v.Accounts, func(a, b Reviewed) int { return cmp.Compare(a.Account, b.Account) })
	there, err := j.occupants(ctx, h, q.AsOf, personal, func(o Occupant) bool { return sites.Has(o.Site) })
	for _, o := range there {
		switch {
		case o.Presence == Leaving:
			v.Outstanding = append(v.Outstanding, o)
		case o.How == FoundThere:
			v.Unmanaged = append(v.Unmanaged, o)
		}
	}
	return v, err
}
