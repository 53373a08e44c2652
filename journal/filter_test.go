package journal_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/journal"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Rules: R191, S1
func TestFilters(t *testing.T) {
	w := newWorld(t, false, nil)
	code := w.say(operator, audit.UserCodeSet, audit.Success, []string{"site/north", "panel-1", "user-1"})
	w.advance(time.Minute)
	label := w.say(operator, audit.UserLabelChanged, audit.Failure, []string{"site/north", "panel-1", "user-2"})
	w.advance(time.Minute)
	parts := w.say(both, audit.UserPartitionsChanged, audit.Success, []string{"site/north", "panel-1", "user-1"})
	w.advance(time.Minute)
	linked := w.say(both, audit.AccountAssigned, audit.Success, []string{"site/south", "panel-2", "user-1", "account-1"})
	w.advance(time.Minute)
	since := began.Add(time.Minute)

	for _, c := range []struct {
		f    journal.Filter
		want []string
	}{
		{journal.Filter{}, []string{linked, parts, label, code}},
		{journal.Filter{About: []string{"panel-1"}}, []string{parts, label, code}},
		{journal.Filter{About: []string{"user-1"}}, []string{linked, parts, code}},
		{journal.Filter{About: []string{"panel-1", "user-1"}}, []string{parts, code}},
		{journal.ByAccount("account-1"), []string{linked}},
		{journal.Filter{Actor: "reader-ns"}, []string{linked, parts}},
		{journal.Filter{Actor: "account-1"}, nil},
		{journal.Filter{Actions: []audit.Action{audit.UserCodeSet, audit.AccountAssigned}}, []string{linked, code}},
		{journal.Filter{Outcome: audit.Failure}, []string{label}},
		{journal.Filter{Since: since}, []string{linked, parts, label}},
		{journal.Filter{Until: since}, []string{code}},
		{journal.Filter{Since: since, Until: since.Add(time.Minute)}, []string{label}},
		{journal.Filter{Since: since, Outcome: audit.Success, Actor: "reader-ns", About: []string{"panel-1"}}, []string{parts}},
	} {
		got := slices.DeleteFunc(walk(t, w.journal.As(operator), c.f, 10), func(e journal.Entry) bool { return e.Action == audit.LogRead })
		assert.Equal(t, append([]string{}, c.want...), ids(got), "%s", c.f)
	}
}

// addresses is an index of accounts by e-mail.
type addresses map[string][]accounts.ID

func (a addresses) Resolve(_ context.Context, e accounts.Email) ([]accounts.ID, error) {
	return a[e.Canonical()], nil
}

// The account is gone from every list; its entries are not.
//
// Rules: R149, R192
func TestEntriesOfARemovedAccountAreFound(t *testing.T) {
	w := newWorld(t, false, nil)
	email, err := accounts.ParseEmail("Owner@example.com")
	require.NoError(t, err)
	life := func(account, site string) (list []string) {
		for _, a := range []audit.Action{audit.AccountCreated, audit.AccountAssigned, audit.AccountUnassigned, audit.AccountRemoved} {
			list = append(list, w.say(operator, a, audit.Success, []string{account, flow.Site(site)},
				flow.F(audit.FieldAccount, account), flow.Field{Name: audit.FieldEmail, Value: email.String(), Of: "account/" + account}))
			w.fill(1)
			w.advance(time.Second)
		}
		slices.Reverse(list)
		return list
	}
	first := life("account-1", "north")
	second := life("account-2", "south")
	never := w.journal

	w.journal = w.open(w.store, func(o *journal.Options) {
		o.Emails = addresses{"owner@example.com": {"account-1", "account-2"}}
	})
	reader := w.journal.As(operator)
	removed := walk(t, reader, journal.ByAccount("account-1"), 10)
	assert.Equal(t, first, ids(removed))
	assert.Equal(t, audit.AccountRemoved, removed[0].Action)
	assert.Contains(t, removed[0].Details, journal.Detail{Name: audit.FieldEmail, Value: "Owner@example.com", Personal: true})

	assert.Equal(t, slices.Concat(second, first), ids(walk(t, reader, journal.Filter{Email: email}, 10)))
	assert.Equal(t, first, ids(walk(t, w.journal.As(north), journal.Filter{Email: email}, 10)), "within the reader's sites")
	assert.Equal(t, []string{second[0], first[0]}, ids(walk(t, reader, journal.Filter{Email: email, Actions: []audit.Action{audit.AccountRemoved}}, 10)))
	n, err := w.journal.As(south).Count(t.Context(), journal.Filter{Email: email})
	require.NoError(t, err)
	assert.EqualValues(t, len(second), n)

	other, err := accounts.ParseEmail("nobody@example.com")
	require.NoError(t, err)
	assert.Empty(t, walk(t, reader, journal.Filter{Email: other}, 10))
	assert.NotContains(t, fmt.Sprintf("%+v %s", journal.Filter{Email: email}, journal.Filter{Email: email}), "wner")

	_, err = never.As(operator).Query(t.Context(), journal.Query{Filter: journal.Filter{Email: email}})
	assert.ErrorIs(t, err, journal.ErrNoEmails)
}

// An account with several hundred entries beside others of the same address comes page
// by page in one order.
//
// Rules: R192
func TestSeveralAccountsOfOneAddressComeInOneOrder(t *testing.T) {
	w := newWorld(t, false, nil)
	for i := range 90 {
		w.say(operator, audit.AccountEnabled, audit.Success, []string{fmt.Sprintf("account-%d", i%3), "site/north"})
		w.advance(time.Duration(i % 2))
	}
	// An entry about two of them comes once.
	w.say(operator, audit.AccountEnabled, audit.Success, []string{"account-0", "account-1"})
	email, err := accounts.ParseEmail("owner@example.com")
	require.NoError(t, err)
	j := w.open(w.store, func(o *journal.Options) {
		o.Emails = addresses{"owner@example.com": {"account-0", "account-1"}}
	})
	var want []string
	for _, e := range walk(t, j.As(operator), journal.Filter{}, 200) {
		if slices.Contains(e.Targets, "account-0") || slices.Contains(e.Targets, "account-1") {
			want = append(want, e.ID)
		}
	}
	require.Len(t, want, 61)
	assert.Equal(t, want, ids(walk(t, j.As(operator), journal.Filter{Email: email}, 10)))
}

// asked is a store that remembers what it was asked for, and how many entries it returned.
type asked struct {
	store.Store
	queries []store.EntryQuery
	found   int
}

// Entries implements [store.Store].
func (s *asked) Entries(ctx context.Context, q store.EntryQuery) ([]store.Entry, error) {
	found, err := s.Store.Entries(ctx, q)
	s.queries, s.found = append(s.queries, q), s.found+len(found)
	return found, err
}

// The entries of a site and those of an actor are looked up: the rest of the log is not
// read for them.
//
// Rules: R190, R240
func TestSitesAndActorsAreLookedUp(t *testing.T) {
	w := newWorld(t, false, nil)
	w.fill(400)
	w.say(north, audit.PanelTested, audit.Success, []string{"site/north", "panel-north"})
	for range 3 {
		w.say(operator, audit.PanelTested, audit.Success, []string{"site/west", "panel-west", string(north.ID())})
	}
	for _, c := range []struct {
		reader       accounts.Actor
		filter       journal.Filter
		want, looked int
	}{
		{operator, journal.Filter{Site: "west"}, 3, 3},
		{operator, journal.Filter{Site: "north"}, 201, 201},
		{operator, journal.Filter{Site: "north", Actor: string(north.ID())}, 1, 1},
		{operator, journal.Filter{Actor: string(north.ID())}, 1, 4},
		{operator, journal.Filter{Site: "north", About: []string{"panel-west"}}, 0, 0},
		{north, journal.Filter{Site: "north"}, 201, 201},
		{north, journal.Filter{Site: "west"}, 0, 0},
		{both, journal.Filter{Site: "south"}, 200, 200},
	} {
		seen := &asked{Store: w.store}
		n, err := w.open(seen, nil).As(c.reader).Count(t.Context(), c.filter)
		require.NoError(t, err)
		assert.EqualValues(t, c.want, n, "%s", c.filter)
		assert.Equal(t, c.looked, seen.found, "%s", c.filter)
	}
	_, err := w.journal.As(operator).Count(t.Context(), journal.Filter{Site: strings.Repeat("x", audit.MaxID)})
	require.ErrorIs(t, err, journal.ErrFilter)
}

// A total that is only to be shown as "10+" reads no more than that.
//
// Rules: R183
func TestATotalCanStopEarly(t *testing.T) {
	w := newWorld(t, false, nil)
	w.fill(400)
	for _, c := range []struct {
		filter journal.Filter
		most   int64
		want   int64
		more   bool
	}{
		{journal.Filter{}, 10, 10, true},
		{journal.Filter{}, 400, 400, false},
		{journal.Filter{}, 399, 399, true},
		{journal.Filter{Site: "north"}, 10, 10, true},
		{journal.Filter{Site: "north"}, 200, 200, false},
		{journal.Filter{Site: "north"}, 199, 199, true},
		{journal.Filter{Site: "north"}, 5000, 200, false},
		{journal.Filter{Site: "north"}, 0, 0, true},
		{journal.Filter{Site: "east"}, 0, 0, false},
		{journal.Filter{Outcome: audit.Success}, 7, 7, true},
	} {
		seen := &asked{Store: w.store}
		n, more, err := w.open(seen, nil).As(operator).CountAtMost(t.Context(), c.filter, c.most)
		require.NoError(t, err)
		assert.Equal(t, c.want, n, "%+v", c)
		assert.Equal(t, c.more, more, "%+v", c)
		if c.filter.Site != "" {
			assert.LessOrEqual(t, seen.found, int(c.most)+1)
		}
	}
}
