package roster_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
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
	keepers "github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// The operator never has the digits: the holder collects them, once, when the panel has
// confirmed them, and they open.
//
// Rules: G213
func TestACodeThatIsCollectedOpensAtThePanel(t *testing.T) {
	handOver(t, func(h *handing) {
		h.unplug()
		h.renew()
		offer, receipt := h.offer(roster.HandOver{Mail: true})
		assert.Empty(h, offer.Word.Reveal(), "the operator does not have the word")
		word := h.mailed()
		for range 10 { // more than there are attempts at a wrong word
			_, err := h.svc.Collect(h.ctx, word)
			require.ErrorIs(h, err, accounts.ErrCodePending)
		}
		assert.Equal(h, roster.OfferUnconfirmed, h.state())
		assert.Zero(h, h.count(audit.CredentialHandedOver))

		h.plugIn()
		h.settles(receipt, roster.Settled)
		assert.Equal(h, roster.OfferWaiting, h.state())
		assert.True(h, h.stored().Agreed.Code.Sealed.IsZero(), "what the panel was told is gone; the holder's copy is not")
		code, err := h.svc.Collect(h.ctx, word)
		require.NoError(h, err)
		assert.True(h, h.sim.Accepts(code.Reveal()))
		assert.False(h, h.sim.Accepts("6137"))
		user, _ := h.user(4)
		assert.Equal(h, user.Code, code.Reveal())

		again, err := h.svc.Collect(h.ctx, word)
		require.Equal(h, keepers.ErrCode, err)
		assert.True(h, again.IsZero())
		_, err = h.desk.Collect(h.ctx, word)
		require.Equal(h, roster.ErrWord, err)
		assert.Equal(h, roster.OfferCollected, h.state())
		assert.Equal(h, 1, h.count(audit.CredentialHandedOver))
		assert.Equal(h, 1, h.count(audit.UserCodeOffered))
	})
}

// The digits of a code that was collected are nowhere, and neither is the word: not in the
// store, the log, the diagnostics or what prints.
//
// Rules: G213, G207
func TestNothingIsLeftOfACodeThatWasCollected(t *testing.T) {
	handOver(t, func(h *handing) {
		offer := h.confirmed(roster.HandOver{Mail: true})
		word := h.mailed()
		before := h.stored().Offer
		require.False(h, before.Code.Sealed.IsZero())
		copied := base64.StdEncoding.EncodeToString(before.Code.Sealed.Bytes)
		require.Contains(h, h.everything(), copied, "this can tell")
		code, err := h.svc.Collect(h.ctx, word)
		require.NoError(h, err)

		_, token, _ := strings.Cut(strings.TrimPrefix(word.Reveal(), h.tab.ID()+"."), ".")
		state, err := h.tab.Offered(h.ctx, slot(4))
		require.NoError(h, err)
		text := h.everything() + fmt.Sprintf("%v %+v %#v %v %+v %#v", offer, offer, offer, state, state, word)
		require.Greater(h, len(token), 20)
		for name, secret := range map[string]string{"digits": code.Reveal(), "the word": token, "the copy": copied} {
			if name == "digits" {
				secret = `"` + secret + `"` // four digits are in many a number
			}
			assert.NotContains(h, text, secret, name)
		}
		assert.NotContains(h, text, `"parts"`, "what the mail said")
		rs, err := h.store.List(h.ctx, store.Query{Kind: rec.OneTimes.Name})
		require.NoError(h, err)
		assert.Empty(h, rs)
	})
}

// The copy that waits is for one place, tenancy and code.
//
// Rules: G213, G192
func TestTheCopyIsBoundToItsPlace(t *testing.T) {
	handOver(t, func(h *handing) {
		h.confirmed(roster.HandOver{})
		id, o := rec.UserID(h.tab.ID(), slot(4)), h.stored().Offer
		opener, ok := h.options.Keys.(credentials.Opener)
		require.True(h, ok)
		open := func(b credentials.Binding) error {
			_, err := credentials.OpenNamedCode(opener, h.options.Keys, b, o.Code.Sealed, credentials.Scope{Kind: credentials.PanelScope, ID: h.tab.ID()}, o.Code.Names)
			return err
		}
		require.NoError(h, open(rec.OfferBinding(id, o.Tenancy, o.Code.ID)))
		for _, b := range []credentials.Binding{
			rec.OfferBinding(rec.UserID(h.tab.ID(), slot(5)), o.Tenancy, o.Code.ID),
			rec.OfferBinding("other"+id, o.Tenancy, o.Code.ID),
			rec.OfferBinding(id, o.Tenancy+1, o.Code.ID),
			rec.OfferBinding(id, o.Tenancy, o.Code.ID+1),
			rec.UserBinding(id, rec.CodeSealed, o.Code.ID),
		} {
			require.ErrorIs(h, open(b), credentials.ErrDecrypt)
		}
	})
}

// Many open one link at once: one sees the code.
//
// Rules: G213
func TestOfManyReadersOneSeesACode(t *testing.T) {
	handOver(t, func(h *handing) {
		for round := range 3 {
			offer := h.confirmed(roster.HandOver{})
			var mu sync.Mutex
			var seen []string
			var all sync.WaitGroup
			for i := range 32 {
				all.Go(func() {
					collect := h.svc.Collect
					if i%2 == 0 {
						collect = h.desk.Collect
					}
					code, err := collect(h.ctx, offer.Word)
					mu.Lock()
					defer mu.Unlock()
					if err == nil {
						seen = append(seen, code.Reveal())
					}
				})
			}
			all.Wait()
			require.Len(h, seen, 1)
			require.True(h, h.sim.Accepts(seen[0]))
			require.Equal(h, round+1, h.count(audit.CredentialHandedOver))
		}
	})
}

// A code is collected just before the end of its user, or of its holder's account, commits,
// or the other way round: whichever is first stands, the log and the offer say the same, and
// nothing is left.
//
// Rules: G213
func TestCollectingAgainstClearing(t *testing.T) {
	for name, c := range map[string]struct {
		action audit.Action
		end    func(h *handing) error
	}{
		"disabled": {audit.UserDisabled, func(h *handing) error { _, err := h.tab.Disable(h.ctx, slot(4)); return err }},
		"suspended": {audit.AccountSuspended, func(h *handing) error {
			_, err := h.people().Suspend(h.ctx, h.holder, "")
			return err
		}},
		"unassigned": {audit.AccountUnassigned, func(h *handing) error { _, err := h.tab.Unassign(h.ctx, slot(4)); return err }},
	} {
		for _, collects := range []bool{true, false} {
			handOver(t, func(h *handing) {
				offer := h.confirmed(roster.HandOver{})
				h.renew()
				var collect, end error
				if collects {
					h.before(c.action, func() { _, collect = h.svc.Collect(h.ctx, offer.Word) })
					end = c.end(h)
				} else {
					h.before(audit.CredentialHandedOver, func() { end = c.end(h) })
					_, collect = h.svc.Collect(h.ctx, offer.Word)
				}
				require.NoError(h, end, name)
				require.False(h, h.interrupts(), "this can tell")
				want, shown := roster.OfferVoid, 0
				if collects {
					want, shown = roster.OfferCollected, 1
					require.NoError(h, collect, name)
				} else {
					require.Equal(h, keepers.ErrCode, collect, name)
				}
				require.Equal(h, want, h.state(), name)
				require.Equal(h, []int{shown, 1 - shown}, []int{h.count(audit.CredentialHandedOver), h.count(audit.UserOfferEnded)}, name)
				require.True(h, h.stored().Offer.Code.Sealed.IsZero())
			})
		}
	}
}

// The same with both at once.
//
// Rules: G213
func TestManyCollectWhileAUserIsCleared(t *testing.T) {
	for range 5 {
		handOver(t, func(h *handing) {
			offer := h.confirmed(roster.HandOver{})
			h.renew()
			var seen atomic.Int64
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					if _, err := h.svc.Collect(h.ctx, offer.Word); err == nil {
						seen.Add(1)
					}
				})
			}
			_, err := h.tab.Disable(h.ctx, slot(4))
			all.Wait()
			require.NoError(h, err)
			require.LessOrEqual(h, seen.Load(), int64(1))
			require.Equal(h, int(seen.Load()), h.count(audit.CredentialHandedOver))
			require.Equal(h, 1-int(seen.Load()), h.count(audit.UserOfferEnded))
			require.True(h, h.stored().Offer.Code.Sealed.IsZero())
		})
	}
}

// A sealed letter is printed by two people, with a new code each time; a word that waits
// works no more.
//
// Rules: G213, G215
func TestASealedLetterOfACodeIsPrintedByTwo(t *testing.T) {
	handOver(t, func(h *handing) {
		waits := h.confirmed(roster.HandOver{})
		printed := func(as accounts.ID) (roster.SealedLetter, roster.Receipt, error) {
			return h.as(as).Panel(h.tab.ID()).PrintCode(h.ctx, slot(4), roster.CodeWish{})
		}
		approve := func(as accounts.ID, id string) error {
			return h.svc.As(accounts.HostActor(as, "", "test").Vouched(time.Now())).Approve(h.ctx, id)
		}
		var codes []string
		for range 2 {
			before := h.stored().Revision
			_, _, err := printed("operator")
			var asked *accounts.ApprovalError
			require.ErrorAs(h, err, &asked)
			require.ErrorIs(h, approve("operator", asked.ID), accounts.ErrOwnApproval)
			_, _, err = printed("second")
			require.ErrorIs(h, err, accounts.ErrApprovalRequired, "an approval is for its author")
			require.Equal(h, before, h.stored().Revision, "nothing is changed before both have said so")
			require.NoError(h, approve("second", asked.ID))
			list, err := h.people().Approvals(h.ctx)
			require.NoError(h, err)
			require.Equal(h, "roster.PrintCode", list[0].Op)
			l, receipt, err := printed("operator")
			require.NoError(h, err)
			h.settles(receipt, roster.Settled)
			require.True(h, h.sim.Accepts(l.Code.Reveal()))
			require.Equal(h, []string{"Tower Mill", "Front house"}, []string{l.Name, l.Panel})
			require.NotContains(h, fmt.Sprintf("%v %+v %#v", l, l, l), l.Code.Reveal())
			codes = append(codes, l.Code.Reveal())
		}
		require.NotEqual(h, codes[0], codes[1])
		_, err := h.svc.Collect(h.ctx, waits.Word)
		require.Equal(h, keepers.ErrCode, err)
		require.Equal(h, roster.OfferVoid, h.state())
		es, err := h.store.Entries(h.ctx, store.EntryQuery{Target: []byte(h.holder)})
		require.NoError(h, err)
		var approvers []string
		for _, e := range es {
			d, err := audit.Decode(e.Body)
			require.NoError(h, err)
			if d.Action == audit.CredentialHandedOver {
				approvers = append(approvers, d.Value(audit.FieldApprover))
			}
		}
		require.Equal(h, []string{"second", "second"}, approvers)
	})
}

// Where the host keeps its people, its page collects by the desk, and its directory says who
// may.
//
// Rules: G213
func TestAHostWithItsOwnPeopleHandsCodesOver(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.settles(r.set(4, "6137", roster.CodeWish{}), roster.Settled)
		who, err := r.op.Choose(r.ctx, "account-1")
		require.NoError(t, err)
		_, err = r.tab.Assign(r.ctx, slot(4), who)
		require.NoError(t, err)
		_, _, err = r.tab.HandOver(r.ctx, slot(4), roster.CodeWish{}, roster.HandOver{Mail: true})
		require.ErrorIs(t, err, accounts.ErrMailerNotConfigured)
		hand := func() panel.Secret {
			offer, receipt, err := r.tab.HandOver(r.ctx, slot(4), roster.CodeWish{}, roster.HandOver{})
			require.NoError(t, err)
			r.settles(receipt, roster.Settled)
			return offer.Word
		}
		code, err := r.desk.Collect(r.ctx, hand())
		require.NoError(t, err)
		require.True(t, r.sim.Accepts(code.Reveal()))

		word := hand()
		p, err := r.people.Person(r.ctx, "account-1")
		require.NoError(t, err)
		p.Status = accounts.StatusSuspended
		r.people.set(p)
		_, err = r.desk.Collect(r.ctx, word)
		require.Equal(t, roster.ErrWord, err)
		o, err := r.tab.Offered(r.ctx, slot(4))
		require.NoError(t, err)
		require.Equal(t, roster.OfferVoid, o.State)
		_, _, err = r.tab.HandOver(r.ctx, slot(4), roster.CodeWish{}, roster.HandOver{})
		require.ErrorIs(t, err, accounts.ErrAccountSuspended)
		r.wait(time.Hour + time.Minute)
		o, err = r.tab.Offered(r.ctx, slot(4))
		require.NoError(t, err)
		require.False(t, o.Ended.IsZero(), "the copy is destroyed")
		r.people.remove("account-1")
		_, _, err = r.tab.HandOver(r.ctx, slot(4), roster.CodeWish{}, roster.HandOver{})
		require.ErrorIs(t, err, accounts.ErrNoAccountAssigned)
	})
}

// A node whose keyring cannot open shows nothing and spends nothing.
func TestANodeThatCannotOpenShowsNoCode(t *testing.T) {
	handOver(t, func(h *handing) {
		offer := h.confirmed(roster.HandOver{})
		o := h.options
		o.Keys = credentials.SealOnly(o.Keys)
		sealing, err := roster.New(o)
		require.NoError(h, err)
		_, err = sealing.Collect(h.ctx, offer.Word)
		require.ErrorIs(h, err, flow.ErrNoOpener)
		_, err = h.desk.Collect(h.ctx, offer.Word)
		require.NoError(h, err)
	})
}

// A user of a device without slots, whose id is as long as those that are drawn here.
//
// Rules: G213
func TestACodeOfAUserWithAnIDIsHandedOver(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		f.device("gate", "north", withWindows())
		pass(time.Minute)
		f.person("cleaner")
		tab := f.operator().Panel(f.ids["gate"])
		added, err := tab.Add(f.ctx, roster.CodeWish{Code: known("6137")})
		require.NoError(f, err)
		who, err := f.operator().Choose(f.ctx, "cleaner")
		require.NoError(f, err)
		_, err = tab.Assign(f.ctx, added.Place, who)
		require.NoError(f, err)
		for range 12 { // the number of the code has two digits then
			offer, _, err := tab.HandOver(f.ctx, added.Place, roster.CodeWish{}, roster.HandOver{})
			require.NoError(f, err)
			pass(settling)
			_, err = f.desk.Collect(f.ctx, panel.SecretOf(offer.Word.Reveal()+"X"))
			require.Equal(f, roster.ErrWord, err)
			code, err := f.desk.Collect(f.ctx, offer.Word)
			require.NoError(f, err)
			require.Equal(f, []string{"gate"}, f.on(code.Reveal()))
		}
	})
}
