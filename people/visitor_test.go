package people_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// guest is a form with no more than it needs.
func guest() people.NewVisitor {
	return people.NewVisitor{First: "Tower", Groups: []string{"guests"}, Sites: sites, Stay: time.Hour}
}

// visit issues a visitor.
func (b *bench) visit(n people.NewVisitor) people.IssuedVisitor {
	b.t.Helper()
	v, err := b.op.IssueVisitor(b.t.Context(), n)
	require.NoError(b.t, err)
	return v
}

// pin is what is stored of somebody's PIN.
func (b *bench) pin(id accounts.ID) rec.Credential {
	b.t.Helper()
	rs, err := b.store.Load(b.t.Context(), rec.Credentials.Key(rec.CredentialID(string(id), rec.PIN, 0)))
	require.NoError(b.t, err)
	c, _, err := rec.Credentials.Decode(rs[0])
	require.NoError(b.t, err)
	return c
}

// opened is the PIN that devices are told.
func (b *bench) opened(c rec.Credential) string {
	b.t.Helper()
	code, err := credentials.OpenNamedCode(b.keys, b.keys, rec.CredentialBinding(c.Account, c.Kind, c.Generation), c.Sealed, flow.Tenant(), c.Names)
	require.NoError(b.t, err)
	return code.Reveal()
}

// What the form asks for, and what may be left out.
//
// Rules: S27
func TestAVisitorIsIssuedByAForm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.groups()
		host := b.account("host@example.com", accounts.Active)
		away := b.account("away@example.com", accounts.Suspended)
		for name, c := range map[string]struct {
			edit func(n *people.NewVisitor)
			want error
		}{
			"nothing more":             {func(*people.NewVisitor) {}, nil},
			"no first name":            {func(n *people.NewVisitor) { n.First = " " }, accounts.ErrFirstNameRequired},
			"a last name alone":        {func(n *people.NewVisitor) { n.First, n.Last = "", "Guest" }, accounts.ErrFirstNameRequired},
			"no group":                 {func(n *people.NewVisitor) { n.Groups = nil }, accounts.ErrGroupRequired},
			"too many groups":          {func(n *people.NewVisitor) { n.Groups = make([]string, 17) }, accounts.ErrGroupRequired},
			"an unknown group":         {func(n *people.NewVisitor) { n.Groups = []string{"guests", "none"} }, accounts.ErrGroupNotFound},
			"several groups":           {func(n *people.NewVisitor) { n.Groups = []string{"guests", "anywhere", "guests"} }, nil},
			"a group of another site":  {func(n *people.NewVisitor) { n.Sites = accounts.TheseSites("south") }, accounts.ErrSiteMismatch},
			"no site":                  {func(n *people.NewVisitor) { n.Sites = accounts.Sites{} }, people.ErrNoSites},
			"no end":                   {func(n *people.NewVisitor) { n.Stay = 0 }, accounts.ErrVisitor},
			"two ends":                 {func(n *people.NewVisitor) { n.Until = time.Now().Add(time.Hour) }, accounts.ErrVisitor},
			"a stay backwards":         {func(n *people.NewVisitor) { n.Stay = -time.Hour }, accounts.ErrVisitor},
			"an end before it begins":  {func(n *people.NewVisitor) { n.Stay, n.Until = 0, time.Now().Add(-time.Second) }, credentials.ErrValidityOrder},
			"an end of one's own":      {func(n *people.NewVisitor) { n.Stay, n.Until = 0, time.Now().Add(90*time.Minute) }, nil},
			"a host":                   {func(n *people.NewVisitor) { n.Host = host.ID }, nil},
			"a host that is not there": {func(n *people.NewVisitor) { n.Host = "nobody" }, accounts.ErrAccountNotFound},
			"a host who has left":      {func(n *people.NewVisitor) { n.Host = away.ID }, accounts.ErrAccountSuspended},
			"no phone number":          {func(n *people.NewVisitor) { n.Phone = "1" }, accounts.ErrPhoneFormat},
			"a PIN to no address":      {func(n *people.NewVisitor) { n.MailPIN = true }, accounts.ErrNoEmail},
			"no photo":                 {func(n *people.NewVisitor) { n.Photo = []byte("no photo") }, accounts.ErrPhotoType},
			"a photo of 1 MB": {func(n *people.NewVisitor) {
				n.Photo = append(slices.Clone(portrait), make([]byte, accounts.MaxPhoto-len(portrait))...)
			}, nil},
			"a photo of more": {func(n *people.NewVisitor) {
				n.Photo = append(slices.Clone(portrait), make([]byte, accounts.MaxPhoto)...)
			}, accounts.ErrPhotoTooLarge},
			"everything": {func(n *people.NewVisitor) {
				*n = people.NewVisitor{First: "Tower", Last: "Mill", Email: email(t, "guest@example.com"), Phone: "+4912345678", Photo: portrait, Host: host.ID,
					Groups: []string{"guests"}, Sites: sites, From: time.Now().Add(time.Hour), Stay: 4 * time.Hour, MailPIN: true}
			}, nil},
		} {
			n := guest()
			c.edit(&n)
			before := b.stored()
			v, err := b.op.IssueVisitor(t.Context(), n)
			require.ErrorIs(t, err, c.want, name)
			if c.want != nil {
				assert.True(t, v.PIN.IsZero(), name)
				after := b.stored()
				delete(after, rec.Salts.Key("host/operator")) // the refusal names who was refused
				delete(before, rec.Salts.Key("host/operator"))
				assert.Equal(t, before, after, "%s: nothing of it is saved", name)
			}
		}
		for i, stay := range people.Stays() {
			n := guest()
			n.Stay = stay
			v := b.visit(n)
			assert.Equal(t, []time.Duration{time.Hour, 4 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour}[i], time.Until(v.Window.Until))
			assert.Equal(t, accounts.Active, v.State)
		}
	})
}

// A visitor is an account with a flag, a window and a PIN of six digits, all in one
// commit, is listed apart and suggested for no panel user, and ends by itself.
//
// Rules: S26, G8, G154, G209
func TestVisitorsAreListedApartAndEndByThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.groups()
		host := b.account("host@example.com", accounts.Active)
		n := guest()
		n.Email, n.Host, n.Stay = email(t, "guest@example.com"), host.ID, 4*time.Hour
		b.forget()
		v := b.visit(n)
		require.Len(t, b.wrote(), 1)
		assert.Equal(t, accounts.VisitorKind, v.Kind)
		assert.Empty(t, v.Roles)
		assert.Equal(t, 6, v.PIN.Len())
		assert.Equal(t, v.PIN.Reveal(), b.opened(b.pin(v.ID)), "what devices are told is what was shown")
		rs, err := b.store.Load(t.Context(), rec.Groups.Key("guests"))
		require.NoError(t, err)
		g, _, err := rec.Groups.Decode(rs[0])
		require.NoError(t, err)
		assert.Equal(t, []credentials.Subject{{Kind: "account", ID: string(v.ID)}}, g.Members)

		page, err := b.op.Accounts(t.Context(), people.Search{})
		require.NoError(t, err)
		assert.Equal(t, int64(1), page.Total)
		page, err = b.op.Visitors(t.Context(), people.Search{})
		require.NoError(t, err)
		require.Len(t, page.Accounts, 1)
		assert.Equal(t, host.ID, page.Accounts[0].Host)
		found, err := b.desk().op.Suggest(t.Context(), "guest@")
		require.NoError(t, err)
		assert.Empty(t, found)
		time.Sleep(4 * time.Hour)
		assert.Equal(t, accounts.Expired, b.facts(v.ID).State, "it ends by itself")
		assert.Zero(t, b.mail.Tries())
	})
}

// The PIN is in the answer and nowhere else: in no record, entry, log line or text.
//
// Rules: S29
func TestAVisitorsPINIsShownOnce(t *testing.T) {
	b := newBench(t)
	b.groups()
	n := guest()
	n.Email, n.MailPIN = email(t, "guest@example.com"), true
	v := b.visit(n)
	require.NoError(t, b.svc.Work(t.Context()))
	sent := b.mail.Sent()
	require.Len(t, sent, 1)
	assert.Equal(t, "guest@example.com", sent[0].To)
	assert.Contains(t, sent[0].Text, v.PIN.Reveal(), "the one message that was asked for")
	d, err := b.op.Delivery(t.Context(), v.Delivery.Receipt)
	require.NoError(t, err)
	assert.Equal(t, people.Accepted, d.State)
	assert.Equal(t, people.VisitorLetter, d.Kind)

	text := read(t, b.op, v.ID) + fmt.Sprintf("%v %+v %#v", v, v, v) + b.kept("account", "credential", "projection", "group", "person", store.Sent)
	assert.NotContains(t, text, v.PIN.Reveal())
}

// A drawn PIN that is taken is drawn again; when none is left that is said, and nothing of
// the visitor is there. Near and weak ones are never drawn.
//
// Rules: S28, G53
func TestAVisitorsPINIsNobodyElses(t *testing.T) {
	b := newBench(t, func(o *people.Options) {
		o.Codes = credentials.Policy{Near: []credentials.Near{credentials.NearBosch()}}
	})
	b.groups()
	v := b.visit(guest())
	claimed := b.pin(v.ID)
	assert.Len(t, claimed.Reserves, 4, "nobody gets what lies near")
	for _, n := range append(slices.Clone(claimed.Names), claimed.Reserves...) {
		require.ErrorIs(t, b.seize(store.Name(n)), store.ErrTaken)
	}

	tries := 0
	refuse := func(times int) func(c storetest.Call) storetest.Fault {
		return func(c storetest.Call) storetest.Fault {
			if c.Verb != storetest.Commit || tries == times || !strings.Contains(c.Change.String(), string(audit.AccountCreated)) {
				return storetest.Pass
			}
			// Somebody takes the drawn code in between.
			tries++
			for _, op := range c.Change.Ops {
				if claim, ok := op.(store.Claim); ok && strings.HasPrefix(string(claim.Name), "tenant/") && !claim.Reserve {
					if err := b.seize(claim.Name); err != nil {
						return storetest.Fail
					}
				}
			}
			return storetest.Pass
		}
	}
	b.failing(refuse(3))
	second := b.visit(guest())
	assert.Equal(t, 3, tries)
	assert.NotEqual(t, v.PIN.Reveal(), second.PIN.Reveal())
	before := b.stored()
	tries = 0
	b.failing(refuse(1000))
	_, err := b.as("operator").IssueVisitor(t.Context(), guest())
	b.failing(nil)
	require.ErrorIs(t, err, credentials.ErrExhausted)
	assert.Equal(t, 50, tries)
	assert.Equal(t, before, b.stored(), "a save with a code that is taken saves nothing")
}

// seize takes a name for somebody else.
func (b *bench) seize(name store.Name) error {
	core := &flow.Core{Store: b.store, Keys: b.keys}
	_, err := core.Act(b.t.Context(), accounts.SystemActor("test"), func(u *flow.Unit) error {
		u.Do(store.Claim{Name: name, Holder: "somebody", Use: "tag"})
		_, err := u.Say(audit.RepairDone, audit.Success, nil)
		return err
	})
	return err
}

// Many receptionists at once: every visitor has a PIN of their own and is in the group.
//
// Rules: G52, G57
func TestVisitorsIssuedAtOnceDoNotMeet(t *testing.T) {
	b := newBench(t)
	b.groups()
	pins, done := make([]string, 12), make([]error, 12)
	var all sync.WaitGroup
	for i := range pins {
		all.Go(func() {
			for range 20 { // they wait for each other at the group
				var v people.IssuedVisitor
				if v, done[i] = b.as("operator").IssueVisitor(b.t.Context(), guest()); done[i] == nil {
					pins[i] = v.PIN.Reveal()
					return
				}
			}
		})
	}
	all.Wait()
	for _, err := range done {
		require.NoError(t, err)
	}
	slices.Sort(pins)
	assert.Len(t, slices.Compact(pins), 12)
	rs, err := b.store.Load(t.Context(), rec.Groups.Key("guests"))
	require.NoError(t, err)
	g, _, err := rec.Groups.Decode(rs[0])
	require.NoError(t, err)
	assert.Len(t, g.Members, 12)
}

// A group does not keep those who left long ago, and keeps everybody else.
func TestVisitorsLeaveTheirGroupsInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.groups()
		b.visit(guest())
		n := guest()
		n.Stay = 90 * 24 * time.Hour
		stays := b.visit(n)
		time.Sleep(time.Hour + 30*24*time.Hour + time.Second)
		b.op = b.as("operator")
		third := b.visit(guest())
		rs, err := b.store.Load(t.Context(), rec.Groups.Key("guests"))
		require.NoError(t, err)
		g, _, err := rec.Groups.Decode(rs[0])
		require.NoError(t, err)
		assert.Equal(t, []credentials.Subject{{Kind: "account", ID: string(stays.ID)}, {Kind: "account", ID: string(third.ID)}}, g.Members)
	})
}

// An operator of one site gives neither the groups of another nor those of all sites.
func TestGroupsAreGivenWithinOnesSites(t *testing.T) {
	b := newBench(t)
	b.groups()
	n := guest()
	_, err := b.as("north").IssueVisitor(t.Context(), n)
	require.NoError(t, err)
	n.Groups = []string{"anywhere"}
	_, err = b.as("north").IssueVisitor(t.Context(), n)
	require.ErrorIs(t, err, accounts.ErrGroupNotFound)
	n.Sites = accounts.TheseSites("south")
	_, err = b.as("north").IssueVisitor(t.Context(), n)
	require.ErrorIs(t, err, accounts.ErrSiteMismatch)
}

// A PIN is not mailed any more once it, or the way in, has ended; neither is the word by
// which a PIN is collected.
//
// Rules: S29, G213
func TestAMailedPINDiesBeforeItLeaves(t *testing.T) {
	type whose struct {
		people.Account
		spare credentials.Code
	}
	for name, c := range map[string]struct {
		end  func(b *bench, desk *roster.Operator, a whose) error
		sent bool
	}{
		"nothing happened": {func(*bench, *roster.Operator, whose) error { return nil }, true},
		"its duress PIN was set": {func(b *bench, desk *roster.Operator, a whose) error {
			return desk.Person(a.ID).SetDuressPIN(b.t.Context(), a.spare)
		}, true},
		"replaced": {func(b *bench, desk *roster.Operator, a whose) error {
			return desk.Person(a.ID).SetPIN(b.t.Context(), a.spare)
		}, false},
		"taken away": {func(b *bench, desk *roster.Operator, a whose) error {
			return desk.Person(a.ID).RemovePIN(b.t.Context())
		}, false},
		"revoked": {func(b *bench, _ *roster.Operator, a whose) error {
			_, err := b.op.Revoke(b.t.Context(), a.ID, "")
			return err
		}, false},
		"suspended": {func(b *bench, _ *roster.Operator, a whose) error {
			_, err := b.op.Suspend(b.t.Context(), a.ID, "")
			return err
		}, false},
		"removed": {func(b *bench, _ *roster.Operator, a whose) error {
			return b.op.Remove(b.t.Context(), a.ID, people.Confirmation{Account: a.Email.String()})
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.groups()
			desk := b.desk().op
			n := guest()
			n.Email, n.MailPIN = email(t, "guest@example.com"), true
			v, owner := b.visit(n), b.account("owner@example.com", accounts.Active)
			o := b.offer(owner, people.HandOver{Mail: true})
			for spare, a := range map[string]people.Account{"739105": v.Account, "860472": owner} {
				code, err := credentials.ParseCode(spare)
				require.NoError(t, err)
				require.NoError(t, c.end(b, desk, whose{a, code}))
			}
			require.NoError(t, b.svc.Work(t.Context()))
			want := people.GivenUp
			if c.sent {
				want = people.Accepted
			}
			for _, r := range []people.Receipt{v.Delivery.Receipt, o.Delivery.Receipt} {
				d, err := b.op.Delivery(t.Context(), r)
				require.NoError(t, err)
				assert.Equal(t, want, d.State)
				assert.Equal(t, c.sent, d.Reason == "")
			}
			for _, r := range b.kind(store.Sent) {
				assert.NotContains(t, string(r.Body), `"parts"`, "what it said is gone")
			}
		})
	}
}

// Without a mailer no PIN can be promised to a mailbox.
func TestAPINIsMailedWhereThereIsAMailer(t *testing.T) {
	b := newBench(t, func(o *people.Options) { o.Mailer = nil })
	b.groups()
	n := guest()
	n.Email, n.MailPIN = email(t, "guest@example.com"), true
	_, err := b.op.IssueVisitor(t.Context(), n)
	require.ErrorIs(t, err, accounts.ErrMailerNotConfigured)
	_, err = b.op.HandOver(t.Context(), b.account("owner@example.com", accounts.Active).ID, people.HandOver{Mail: true})
	require.ErrorIs(t, err, accounts.ErrMailerNotConfigured)
}

// A form finds a host by the name that the badge will show, among people who are there.
//
// Rules: G12, G209
func TestHostsAreFoundByTheirNames(t *testing.T) {
	b := newBench(t)
	b.groups()
	names := func(op *people.Operator, part string) []string {
		found, err := op.Hosts(t.Context(), part)
		require.NoError(t, err)
		var out []string
		for _, h := range found {
			out = append(out, h.Name)
		}
		return out
	}
	b.account("mill@example.com", accounts.Active)
	b.account("away@example.com", accounts.Suspended)
	_, err := b.op.CreateConfirmed(t.Context(), people.NewAccount{Email: email(t, "south@example.com"), First: "Tower", Last: "South", Sites: accounts.TheseSites("south")})
	require.NoError(t, err)
	_, err = b.op.CreateConfirmed(t.Context(), people.NewAccount{Email: email(t, "gate@example.com"), First: "Tower", Last: "Gate", Kind: accounts.ServiceKind, Sites: sites})
	require.NoError(t, err)
	b.visit(guest())
	assert.Equal(t, []string{"Tower Mill", "Tower South"}, names(b.op, "TOWER"), "no visitors, no services, nobody who has left")
	assert.Equal(t, []string{"Tower Mill"}, names(b.as("north"), ""))
	assert.Empty(t, names(b.op, "example.com"), "an address is no name")
}
