package people_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
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
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// offer draws a PIN that waits for its holder.
func (b *bench) offer(a people.Account, h people.HandOver) people.Offer {
	b.t.Helper()
	o, err := b.as("operator").HandOver(b.t.Context(), a.ID, h)
	require.NoError(b.t, err)
	return o
}

// A PIN is seen once, whoever asks again; what was seen is what devices are told.
//
// Rules: G213
func TestAPINThatIsHandedOverIsSeenOnce(t *testing.T) {
	b := newBench(t)
	a := b.account("owner@example.com", accounts.Active)
	o := b.offer(a, people.HandOver{Digits: 5})
	assert.Zero(t, b.entries()[audit.CredentialHandedOver])
	pin, err := b.svc.Collect(t.Context(), o.Word)
	require.NoError(t, err)
	assert.Equal(t, 5, pin.Len())
	assert.Equal(t, b.opened(b.pin(a.ID)), pin.Reveal())
	assert.Equal(t, 1, b.entries()[audit.CredentialHandedOver])
	_, err = b.svc.Collect(t.Context(), o.Word)
	require.ErrorIs(t, err, people.ErrCode)
	assert.Empty(t, b.kind("onetime"), "nothing of it is left")
}

// Many open one link at once: one sees the PIN.
//
// Rules: G213
func TestOfManyReadersOneSeesAPIN(t *testing.T) {
	for range rounds(20, 5) {
		b := newBench(t)
		o := b.offer(b.account("owner@example.com", accounts.Active), people.HandOver{})
		var mu sync.Mutex
		var seen []string
		var all sync.WaitGroup
		for range 32 {
			all.Go(func() {
				pin, err := b.svc.Collect(b.t.Context(), o.Word)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					seen = append(seen, pin.Reveal())
				}
			})
		}
		all.Wait()
		require.Len(t, seen, 1)
		require.Equal(t, 1, b.entries()[audit.CredentialHandedOver])
	}
}

// Every word but the newest in its time is answered alike, and so is what is no word.
//
// Rules: G213
func TestAWordEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, spoil := range map[string]func(b *bench, a people.Account, o people.Offer) panel.Secret{
			"its time is over": func(_ *bench, _ people.Account, o people.Offer) panel.Secret {
				time.Sleep(time.Hour)
				return o.Word
			},
			"a newer one was given out": func(b *bench, a people.Account, o people.Offer) panel.Secret {
				newer := b.offer(a, people.HandOver{})
				assert.NotEqual(t, o.Word.Reveal(), newer.Word.Reveal())
				return o.Word
			},
			"another PIN was set elsewhere": func(b *bench, a people.Account, o people.Offer) panel.Secret {
				code, err := credentials.ParseCode("739105")
				require.NoError(t, err)
				require.NoError(t, b.desk().op.Person(a.ID).SetPIN(t.Context(), code))
				return o.Word
			},
			"the PIN was taken away": func(b *bench, a people.Account, o people.Offer) panel.Secret {
				require.NoError(t, b.desk().op.Person(a.ID).RemovePIN(t.Context()))
				return o.Word
			},
			"the account is suspended": func(b *bench, a people.Account, o people.Offer) panel.Secret {
				_, err := b.as("operator").Suspend(t.Context(), a.ID, "")
				require.NoError(t, err)
				return o.Word
			},
			"the account is removed": func(b *bench, a people.Account, o people.Offer) panel.Secret {
				require.NoError(t, b.as("operator").Remove(t.Context(), a.ID, people.Confirmation{Account: "owner@example.com"}))
				return o.Word
			},
			"a wrong word": func(_ *bench, a people.Account, _ people.Offer) panel.Secret {
				return panel.SecretOf(string(a.ID) + ".WRONG")
			},
			"of somebody": func(_ *bench, _ people.Account, o people.Offer) panel.Secret {
				return panel.SecretOf("x" + o.Word.Reveal())
			},
			"no word": func(*bench, people.Account, people.Offer) panel.Secret { return panel.Secret{} },
			"too long a word": func(*bench, people.Account, people.Offer) panel.Secret {
				return panel.SecretOf(strings.Repeat("x", 1<<16))
			},
		} {
			b := newBench(t)
			a := b.account("owner@example.com", accounts.Active)
			word := spoil(b, a, b.offer(a, people.HandOver{Life: time.Hour}))
			pin, err := b.svc.Collect(t.Context(), word)
			require.Equal(t, people.ErrCode, err, name)
			require.True(t, pin.IsZero(), name)
			require.Zero(t, b.entries()[audit.CredentialHandedOver], name)
		}
	})
}

// A page opens without spending anything, however often a mail scanner opens it; only a tap
// collects. The word can be in the mail alone, and is nowhere else, then or later.
//
// Rules: G213
func TestAMailedWordIsForItsHolder(t *testing.T) {
	b := newBench(t)
	a := b.account("owner@example.com", accounts.Active)
	o := b.offer(a, people.HandOver{Mail: true})
	assert.Empty(t, o.Word.Reveal(), "the operator does not have it")
	require.NoError(t, b.svc.Work(t.Context()))
	sent := b.mail.Sent()
	require.Len(t, sent, 1)
	var word string
	for line := range strings.FieldsSeq(sent[0].Text) {
		if strings.HasPrefix(line, string(a.ID)+".") {
			word = line
		}
	}
	require.NotEmpty(t, word)

	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost { // a link is opened: a page with a button
			_, _ = fmt.Fprint(w, `<form method=post><button>Show my PIN</button></form>`)
			return
		}
		pin, err := b.svc.Collect(r.Context(), panel.SecretOf(r.PostFormValue("word")))
		if err != nil {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = fmt.Fprint(w, pin.Reveal())
	}))
	defer page.Close()
	for range 32 {
		r, err := page.Client().Get(page.URL + "#" + word)
		require.NoError(t, err)
		require.NoError(t, r.Body.Close())
	}
	for _, want := range []int{http.StatusOK, http.StatusForbidden} {
		r, err := page.Client().PostForm(page.URL, url.Values{"word": {word}})
		require.NoError(t, err)
		require.NoError(t, r.Body.Close())
		assert.Equal(t, want, r.StatusCode)
	}

	token := strings.TrimPrefix(word, string(a.ID)+".")
	text := b.kept("account", "credential", "onetime", "person", store.Sent) + read(t, b.op, a.ID) + fmt.Sprintf("%v %+v", o, o)
	assert.NotContains(t, text, token)
	assert.NotContains(t, text, b.opened(b.pin(a.ID)))
}

// What is wrong with the wish is said, and nothing is changed.
func TestAHandOverIsJudgedFirst(t *testing.T) {
	b := newBench(t, func(o *people.Options) { o.Policy = accounts.GEM() })
	a, err := b.op.CreateConfirmed(t.Context(), people.NewAccount{Username: "owner", Sites: sites})
	require.NoError(t, err)
	before := b.stored()
	for want, h := range map[error]people.HandOver{
		accounts.ErrHandOver:      {Life: 8 * 24 * time.Hour},
		accounts.ErrNoEmail:       {Mail: true},
		credentials.ErrCodeLength: {Digits: 7},
	} {
		_, err := b.op.HandOver(t.Context(), a.ID, h)
		require.ErrorIs(t, err, want)
		after := b.stored()
		for key := range after {
			if key.ID == "host/operator" {
				delete(after, key)
			}
		}
		delete(before, store.Key{Kind: "person", ID: "host/operator"})
		assert.Equal(t, before, after)
	}
}

// A commit that fails shows nothing and spends nothing.
//
// Rules: R194, G213
func TestAPINIsShownWhenThatIsRecorded(t *testing.T) {
	b := newBench(t)
	o := b.offer(b.account("owner@example.com", accounts.Active), people.HandOver{})
	b.failing(func(c storetest.Call) storetest.Fault {
		if c.Verb == storetest.Commit && strings.Contains(c.Change.String(), string(audit.CredentialHandedOver)) {
			return storetest.Fail
		}
		return storetest.Pass
	})
	pin, err := b.svc.Collect(t.Context(), o.Word)
	require.ErrorIs(t, err, flow.ErrAuditWrite)
	assert.True(t, pin.IsZero())
	b.failing(nil)
	_, err = b.svc.Collect(t.Context(), o.Word)
	require.NoError(t, err)
}

// A node whose keyring cannot open shows nothing and spends nothing.
func TestANodeThatCannotOpenShowsNoPIN(t *testing.T) {
	b := newBench(t)
	o := b.offer(b.account("owner@example.com", accounts.Active), people.HandOver{})
	sealing, err := people.New(people.Options{Store: b.store, Keys: credentials.SealOnly(b.keys)})
	require.NoError(t, err)
	_, err = sealing.Collect(t.Context(), o.Word)
	require.ErrorIs(t, err, flow.ErrNoOpener)
	_, err = b.svc.Collect(t.Context(), o.Word)
	require.NoError(t, err)
}

// A sealed letter is printed by two people, whatever the policy says, with a new PIN each
// time; a word that waits works no more.
//
// Rules: G213, G215
func TestASealedLetterIsPrintedByTwo(t *testing.T) {
	b := newBench(t, func(o *people.Options) {
		two(o)
		o.Policy = accounts.PowerManage()
		o.Policy.Approve = accounts.Rights{}
	})
	a := b.account("owner@example.com", accounts.Active)
	waits := b.offer(a, people.HandOver{})
	printed := func() people.SealedLetter {
		before := b.pin(a.ID).Generation
		_, err := b.as("operator").PrintPIN(t.Context(), a.ID)
		var asked *accounts.ApprovalError
		require.ErrorAs(t, err, &asked)
		require.ErrorIs(t, b.as("operator").Approve(t.Context(), asked.ID), accounts.ErrOwnApproval)
		_, err = b.as("second").PrintPIN(t.Context(), a.ID)
		require.ErrorIs(t, err, accounts.ErrApprovalRequired, "an approval is for its author")
		assert.Equal(t, before, b.pin(a.ID).Generation, "nothing is changed before both have said so")
		require.NoError(t, b.as("second").Approve(t.Context(), asked.ID))
		l, err := b.as("operator").PrintPIN(t.Context(), a.ID)
		require.NoError(t, err)
		return l
	}
	first := printed()
	assert.Equal(t, "Tower Mill", first.Name)
	assert.Equal(t, b.opened(b.pin(a.ID)), first.PIN.Reveal())
	_, err := b.svc.Collect(t.Context(), waits.Word)
	require.ErrorIs(t, err, people.ErrCode)
	assert.NotEqual(t, first.PIN.Reveal(), printed().PIN.Reveal())
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", first, first, first), first.PIN.Reveal())
	es, err := b.store.Entries(t.Context(), store.EntryQuery{Target: []byte(a.ID)})
	require.NoError(t, err)
	var approvers []string
	for _, e := range es {
		d, err := audit.Decode(e.Body)
		require.NoError(t, err)
		if d.Action == audit.CredentialHandedOver {
			approvers = append(approvers, d.Value(audit.FieldApprover))
		}
	}
	assert.Equal(t, []string{"second", "second"}, approvers)
}
