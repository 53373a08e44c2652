package roster_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	keepers "github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// An end is something by which a code that waits for its holder comes to its end.
type end struct {
	away   bool // the panel is, and has not confirmed the code
	refuse bool // the panel does not take the code
	until  bool // the wish ends in an hour
	does   func(h *handing) error
	reason string // of the offer, "" for expired
	again  bool   // there is another offer now
}

func ok[T any](_ T, err error) error { return err }

// ends are all of them.
func ends() map[string]end {
	const shut, gone, off, other = "the account lets nobody in", "the user was taken away", "the account was taken off the user", "another code took its place"
	return map[string]end{
		"its time is over": {does: func(h *handing) error { h.wait(2*time.Hour + time.Minute); return nil }},
		"a new one was made": {again: true, does: func(h *handing) error {
			_, _, err := h.tab.HandOver(h.ctx, slot(4), roster.CodeWish{}, roster.HandOver{})
			return err
		}},
		"another code was set": {reason: other, does: func(h *handing) error {
			return ok(h.tab.SetCode(h.ctx, slot(4), roster.CodeWish{Code: digits(h.T, "8604")}))
		}},
		"another was set before it was sent": {away: true, reason: other, does: func(h *handing) error {
			return ok(h.tab.SetCode(h.ctx, slot(4), roster.CodeWish{Code: digits(h.T, "8604")}))
		}},
		"the wish was cancelled": {away: true, reason: "the wish has ended: cancelled", does: func(h *handing) error { return ok(h.tab.Cancel(h.ctx, slot(4))) }},
		"the wish expired":       {away: true, until: true, reason: "the wish has ended: expired", does: func(h *handing) error { h.wait(time.Hour + 10*time.Minute); return nil }},
		"the panel refused it":   {away: true, refuse: true, reason: "the wish has ended: refused", does: func(h *handing) error { h.plugIn(); h.wait(5 * time.Minute); return nil }},
		"the user was disabled":  {reason: gone, does: func(h *handing) error { return ok(h.tab.Disable(h.ctx, slot(4))) }},
		"disabled unsent":        {away: true, reason: gone, does: func(h *handing) error { return ok(h.tab.Disable(h.ctx, slot(4))) }},
		"removed at the panel": {reason: gone, does: func(h *handing) error {
			err := h.sim.Keypad(panel.Edit{Do: panel.Remove, Place: slot(4), Set: panel.FieldCode})
			h.wait(time.Minute)
			return err
		}},
		"changed at the panel": {reason: "the code was changed at the panel", does: func(h *handing) error {
			h.wait(time.Minute)
			h.sim.Notify(0x0250, []byte{1, 1, 1, 1, 4, 1, 4}) // the code of user 4
			h.wait(time.Minute)
			return nil
		}},
		"the panel was replaced": {reason: "the panel does not have it", does: func(h *handing) error {
			h.another("298765432199")
			err := h.tab.Replace(h.ctx, "298765432199", registration().Routes)
			h.wait(10 * time.Minute)
			return err
		}},
		"unassigned": {reason: off, does: func(h *handing) error { return ok(h.tab.Unassign(h.ctx, slot(4))) }},
		"somebody else's": {reason: off, does: func(h *handing) error {
			err := ok(h.tab.Unassign(h.ctx, slot(4)))
			a, cerr := h.people().CreateConfirmed(h.ctx, keepers.NewAccount{Email: email(h.T, "mill@example.com"), Sites: accounts.TheseSites(site)})
			require.NoError(h, cerr)
			h.assign(a.ID)
			return err
		}},
		"assigned again": {reason: off, does: func(h *handing) error {
			err := ok(h.tab.Unassign(h.ctx, slot(4)))
			h.assign(h.holder)
			return err
		}},
		"suspended": {reason: shut, does: func(h *handing) error { return ok(h.people().Suspend(h.ctx, h.holder, "")) }},
		"suspended for a while": {reason: shut, does: func(h *handing) error {
			err := ok(h.people().Suspend(h.ctx, h.holder, ""))
			require.NoError(h, ok(h.people().Enable(h.ctx, h.holder)))
			return err
		}},
		"revoked": {reason: shut, does: func(h *handing) error { return ok(h.people().Revoke(h.ctx, h.holder, "")) }},
		"the account's time is over": {reason: shut, does: func(h *handing) error {
			err := ok(h.people().SetWindow(h.ctx, h.holder, credentials.Window{Until: time.Now().Add(time.Minute)}))
			h.wait(2 * time.Minute)
			return err
		}},
		"removed": {reason: off, does: func(h *handing) error {
			return h.people().Remove(h.ctx, h.holder, keepers.Confirmation{Account: "tower@example.com"})
		}},
		"erased": {reason: off, does: func(h *handing) error {
			require.NoError(h, h.people().Remove(h.ctx, h.holder, keepers.Confirmation{Account: "tower@example.com"}))
			_, err := h.people().Erase(h.ctx, h.holder)
			require.ErrorIs(h, err, accounts.ErrApprovalRequired)
			list, err := h.people().Approvals(h.ctx)
			require.NoError(h, err)
			require.NoError(h, h.svc.As(accounts.HostActor("second", "", "test").Vouched(time.Now())).Approve(h.ctx, list[0].ID))
			return ok(h.people().Erase(h.ctx, h.holder))
		}},
	}
}

// given is an offer that is about to end.
func (e end) given(h *handing, o roster.HandOver) roster.Offer {
	if e.refuse {
		h.sim.Fault(paneltest.Fault{Do: paneltest.Refuse, Field: panel.FieldCode, Slot: 4, Times: 100})
	}
	if e.away {
		h.unplug()
	}
	h.renew()
	var opts []roster.WishOption
	if e.until {
		opts = append(opts, roster.Until(time.Now().Add(time.Hour)))
	}
	offer, receipt, err := h.tab.HandOver(h.ctx, slot(4), roster.CodeWish{}, o, opts...)
	require.NoError(h, err)
	if !e.away {
		h.settles(receipt, roster.Settled)
	}
	return offer
}

// An offer ends with whatever makes it lead to nothing: everybody with the word gets one
// answer, the operator sees why, and the copy of the code is destroyed.
//
// Rules: G213
func TestAnOfferEnds(t *testing.T) {
	for name, e := range ends() {
		t.Run(name, func(t *testing.T) {
			handOver(t, func(h *handing) {
				offer := e.given(h, roster.HandOver{Life: 2 * time.Hour})
				require.NoError(h, e.does(h))
				for range 2 {
					code, err := h.svc.Collect(h.ctx, offer.Word)
					require.Equal(h, keepers.ErrCode, err)
					require.True(h, code.IsZero())
					_, err = h.desk.Collect(h.ctx, offer.Word)
					require.Equal(h, roster.ErrWord, err)
					if e.again {
						return
					}
					o, err := h.tab.Offered(h.ctx, slot(4))
					require.NoError(h, err)
					want := roster.OfferVoid
					if e.reason == "" {
						want = roster.OfferExpired
					}
					require.Equal(h, want, o.State)
					require.Equal(h, e.reason, o.Reason)
					require.Equal(h, h.holder, o.Account)
					h.wait(time.Hour + time.Minute) // nothing of it is left then, at the latest
				}
				o := h.stored().Offer
				require.False(h, o.Ended.IsZero())
				require.Equal(h, panel.CodeRef{ID: o.Code.ID}, o.Code)
				rs, err := h.store.List(h.ctx, store.Query{Kind: rec.OneTimes.Name})
				require.NoError(h, err)
				require.Empty(h, rs)
				require.Equal(h, 1, h.count(audit.UserOfferEnded))
				require.Zero(h, h.count(audit.CredentialHandedOver))
			})
		})
	}
}

// A word is not mailed any more once what it opens has ended.
//
// Rules: G213, G207
func TestAMailedWordDiesBeforeItLeaves(t *testing.T) {
	for name, e := range ends() {
		t.Run(name, func(t *testing.T) {
			handOver(t, func(h *handing) {
				offer := e.given(h, roster.HandOver{Life: 2 * time.Hour, Mail: true})
				require.NoError(h, e.does(h))
				require.NoError(h, h.svc.Work(h.ctx))
				require.Empty(h, h.mail.Sent())
				rs, err := h.store.Load(h.ctx, rec.Posts.Key(offer.Message))
				require.NoError(h, err)
				post, _, err := rec.Posts.Decode(rs[0])
				require.NoError(h, err)
				require.Equal(h, rec.PostGivenUp, post.State)
				require.NotContains(h, string(rs[0].Body), `"parts"`, "what it said is gone")
			})
		})
	}
}

// A wrong word, one of somebody else and none at all are answered as one that was used.
//
// Rules: G213
func TestAWrongWordIsAnsweredAsAUsedOne(t *testing.T) {
	handOver(t, func(h *handing) {
		offer := h.confirmed(roster.HandOver{})
		for _, word := range []string{"", ".", "x", "x.y", rec.UserID(h.tab.ID(), slot(4)), rec.UserID(h.tab.ID(), slot(4)) + ".WRONG",
			rec.UserID(h.tab.ID(), slot(5)) + ".WRONG", "x" + offer.Word.Reveal(), offer.Word.Reveal() + "X", string(make([]byte, 1<<16)) + ".X"} {
			_, err := h.svc.Collect(h.ctx, panel.SecretOf(word))
			require.Equal(h, keepers.ErrCode, err)
			_, err = h.desk.Collect(h.ctx, panel.SecretOf(word))
			require.Equal(h, roster.ErrWord, err)
		}
		_, err := h.svc.Collect(h.ctx, offer.Word)
		require.NoError(h, err, "few enough were wrong")
	})
}

// What is wrong with the wish is said, and nothing is changed.
func TestAHandOverOfACodeIsJudgedFirst(t *testing.T) {
	handOver(t, func(h *handing) {
		before := h.stored()
		refused := func(want error, tab *roster.Tab, n int, o roster.HandOver) {
			_, _, err := tab.HandOver(h.ctx, slot(n), roster.CodeWish{}, o)
			require.ErrorIs(h, err, want)
			if o == (roster.HandOver{}) {
				_, _, err := tab.PrintCode(h.ctx, slot(n), roster.CodeWish{})
				require.ErrorIs(h, err, want)
			}
		}
		refused(accounts.ErrHandOver, h.tab, 4, roster.HandOver{Life: 7*24*time.Hour + time.Second})
		refused(accounts.ErrHandOver, h.tab, 4, roster.HandOver{Life: time.Second})
		refused(accounts.ErrNoAccountAssigned, h.tab, 5, roster.HandOver{})
		refused(panel.ErrPanelNotFound, h.as("far").Panel(h.tab.ID()), 4, roster.HandOver{})
		refused(accounts.ErrNotEnabled, h.as("nobody").Panel(h.tab.ID()), 4, roster.HandOver{})
		_, err := h.as("far").Panel(h.tab.ID()).Offered(h.ctx, slot(4))
		require.ErrorIs(h, err, panel.ErrPanelNotFound)
		_, err = h.tab.Offered(h.ctx, slot(4000))
		require.ErrorIs(h, err, panel.ErrSlotOutOfRange)
		require.NoError(h, ok(h.people().Suspend(h.ctx, h.holder, "")))
		refused(accounts.ErrAccountSuspended, h.tab, 4, roster.HandOver{})
		require.Equal(h, before, h.stored())
		require.Equal(h, roster.OfferNone, h.state())

		named, err := keepers.New(keepers.Options{Store: h.store, Keys: h.options.Keys, Authority: h.rights, Policy: accounts.GEM()})
		require.NoError(h, err)
		a, err := named.As(accounts.HostActor("operator", "", "test").Vouched(time.Now())).CreateConfirmed(h.ctx, keepers.NewAccount{Username: "mill", Sites: accounts.TheseSites(site)})
		require.NoError(h, err)
		require.NoError(h, ok(h.tab.Unassign(h.ctx, slot(4))))
		h.assign(a.ID)
		refused(accounts.ErrNoEmail, h.tab, 4, roster.HandOver{Mail: true})
	})
}

// failing lets the commits of an action go wrong; losing an answer goes wrong once.
func (h *handing) failing(a audit.Action, f storetest.Fault) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.plan = func(c storetest.Call) storetest.Fault {
		if c.Verb != storetest.Commit || !slices.ContainsFunc(c.Change.Entries, func(e store.Leaf) bool { return e.Action == string(a) }) {
			return storetest.Pass
		}
		now := f
		if f == storetest.Lose {
			f = storetest.Pass
		}
		return now
	}
}

// A commit that fails changes, shows and spends nothing; one whose answer is lost does it
// once.
//
// Rules: R194, G213
func TestAStoreThatFailsHandsNothingOver(t *testing.T) {
	var offer roster.Offer
	waits := func(h *handing) { offer = h.confirmed(roster.HandOver{Life: time.Hour}); h.renew() }
	for name, c := range map[string]struct {
		action audit.Action
		before func(h *handing)
		does   func(h *handing) error
		after  roster.OfferState
	}{
		"offered": {audit.UserCodeOffered, func(*handing) {}, func(h *handing) error {
			_, _, err := h.tab.HandOver(h.ctx, slot(4), roster.CodeWish{}, roster.HandOver{})
			return err
		}, roster.OfferUnconfirmed},
		"collected": {audit.CredentialHandedOver, waits, func(h *handing) error {
			code, err := h.svc.Collect(h.ctx, offer.Word)
			require.Equal(h, err != nil, code.IsZero())
			return err
		}, roster.OfferCollected},
		"disabled": {audit.UserDisabled, waits, func(h *handing) error { return ok(h.tab.Disable(h.ctx, slot(4))) }, roster.OfferVoid},
		"suspended": {audit.AccountSuspended, waits, func(h *handing) error {
			return ok(h.people().Suspend(h.ctx, h.holder, ""))
		}, roster.OfferVoid},
		"printed": {audit.CredentialHandedOver, func(h *handing) {
			waits(h)
			_, _, err := h.tab.PrintCode(h.ctx, slot(4), roster.CodeWish{})
			var asked *accounts.ApprovalError
			require.ErrorAs(h, err, &asked)
			require.NoError(h, h.svc.As(accounts.HostActor("second", "", "test").Vouched(time.Now())).Approve(h.ctx, asked.ID))
		}, func(h *handing) error {
			l, _, err := h.tab.PrintCode(h.ctx, slot(4), roster.CodeWish{})
			require.Equal(h, err != nil, l.Code.IsZero())
			return err
		}, roster.OfferVoid},
	} {
		t.Run(name, func(t *testing.T) {
			handOver(t, func(h *handing) {
				c.before(h)
				was, state, n := h.stored(), h.state(), h.count(c.action)
				h.failing(c.action, storetest.Fail)
				require.ErrorIs(h, c.does(h), flow.ErrAuditWrite)
				require.Equal(h, was, h.stored())
				require.Equal(h, state, h.state())
				h.failing(c.action, storetest.Lose)
				require.NoError(h, c.does(h))
				require.Equal(h, c.after, h.state())
				require.Equal(h, n+1, h.count(c.action))
			})
		})
	}
}

// What has ended with time is destroyed when the store is back, and leads to nothing before.
//
// Rules: R194, G213
func TestAnOfferIsDestroyedWhenTheStoreIsBack(t *testing.T) {
	handOver(t, func(h *handing) {
		offer := h.confirmed(roster.HandOver{Life: time.Hour})
		h.failing(audit.UserOfferEnded, storetest.Fail)
		h.wait(2 * time.Hour)
		assert.Equal(h, roster.OfferExpired, h.state())
		require.True(h, h.stored().Offer.Open())
		_, err := h.svc.Collect(h.ctx, offer.Word)
		require.Equal(h, keepers.ErrCode, err)
		h.failing(audit.UserOfferEnded, storetest.Lose)
		h.wait(2 * time.Hour)
		require.False(h, h.stored().Offer.Open())
		require.Equal(h, 1, h.count(audit.UserOfferEnded))
	})
}

// Who had the place before it was disabled gets it back, and a code with it; what was offered
// before stays what it was.
//
// Rules: G213
func TestAFormerHolderGetsThePlaceBack(t *testing.T) {
	handOver(t, func(h *handing) {
		before := h.confirmed(roster.HandOver{})
		receipt, err := h.tab.Disable(h.ctx, slot(4))
		require.NoError(h, err)
		h.settles(receipt, roster.Settled)
		_, _, err = h.tab.HandOver(h.ctx, slot(4), roster.CodeWish{}, roster.HandOver{})
		require.ErrorIs(h, err, accounts.ErrNoAccountAssigned, "a former holder is none")
		h.settles(h.set(4, "8604", roster.CodeWish{}), roster.Settled)
		h.assign(h.holder)
		require.Equal(h, "tower@example.com", h.details(4).Account.Email)
		require.Equal(h, roster.OfferVoid, h.state())
		offer := h.confirmed(roster.HandOver{})
		_, err = h.svc.Collect(h.ctx, before.Word)
		require.Equal(h, keepers.ErrCode, err)
		code, err := h.svc.Collect(h.ctx, offer.Word)
		require.NoError(h, err)
		require.True(h, h.sim.Accepts(code.Reveal()))
	})
}
