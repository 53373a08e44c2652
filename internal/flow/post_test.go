package flow_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/notify"
	"github.com/seed-a2d3eaca/keyholder/notify/notifytest"
	"github.com/seed-a2d3eaca/keyholder/store"
)

func compose(l flow.Letter) notify.Message {
	return notify.Message{Text: string(l.Purpose) + " " + l.Name}
}

// post puts a message to an account into the store.
func post(t *testing.T, c *flow.Core, account string) string {
	t.Helper()
	to, err := accounts.ParseEmail(account + "@example.com")
	require.NoError(t, err)
	var id string
	_, err = c.Act(t.Context(), tester, func(u *flow.Unit) error {
		s, err := u.Issue(flow.Setup, account, flow.Digits, time.Hour)
		if err != nil {
			return err
		}
		if id, err = u.Post(flow.Posting{Account: account, To: to, Name: "Owner", Secret: s}); err != nil {
			return err
		}
		return say(u, account)
	})
	require.NoError(t, err)
	return id
}

func posted(t *testing.T, c *flow.Core, id string) rec.Post {
	t.Helper()
	rs, err := c.Store.Load(t.Context(), rec.Posts.Key(id))
	require.NoError(t, err)
	p, _, err := rec.Posts.Decode(rs[0])
	require.NoError(t, err)
	return p
}

// Many messages, several nodes at once: each is sent once.
func TestEachMessageIsSentOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCore(t)
		mail := &notifytest.Capture{}
		mail.Slow(time.Second)
		ids := map[string]bool{}
		for i := range 40 {
			ids[post(t, c, fmt.Sprint("owner", i))] = true
		}
		var all sync.WaitGroup
		for i := range 4 {
			p := flow.NewPostman(c, fmt.Sprint("node", i), mail, compose)
			for range 2 {
				all.Go(func() { assert.NoError(t, p.Work(t.Context())) })
			}
		}
		all.Wait()
		for _, m := range mail.Sent() {
			assert.True(t, ids[m.ID], "sent twice, or never posted")
			delete(ids, m.ID)
			p := posted(t, c, m.ID)
			assert.Equal(t, rec.PostAccepted, p.State)
			assert.False(t, p.Twice)
			assert.True(t, p.Parts.IsZero(), "what varied is gone")
		}
		assert.Empty(t, ids, "never sent")
		due, err := c.Store.Due(t.Context(), "post/", 100)
		require.NoError(t, err)
		assert.Empty(t, due)
	})
}

// A message that this node cannot open waits for one that can.
func TestAMessageThatDoesNotOpenWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCore(t)
		mail := &notifytest.Capture{}
		id := post(t, c, "owner")
		strange := *c
		keys, err := credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
		require.NoError(t, err)
		strange.Opener = keys
		require.NoError(t, flow.NewPostman(&strange, "strange", mail, compose).Work(t.Context()))
		assert.Equal(t, rec.PostQueued, posted(t, c, id).State)
		assert.Zero(t, mail.Tries())
		time.Sleep(10 * time.Second)
		require.NoError(t, flow.NewPostman(c, "right", mail, compose).Work(t.Context()))
		assert.Equal(t, rec.PostAccepted, posted(t, c, id).State)
		assert.Len(t, mail.Sent(), 1)
	})
}

// A code from before the store was restored does not go out: it may have been used or
// replaced since. News carry no code and go, and so does what was posted since.
func TestNoCodeFromBeforeARestoreIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCore(t)
		mail := &notifytest.Capture{}
		before := post(t, c, "owner")
		var news string
		_, err := c.Act(t.Context(), tester, func(u *flow.Unit) error {
			to, err := accounts.ParseEmail("other@example.com")
			if err != nil {
				return err
			}
			if news, err = u.Tell("address", flow.PeopleLane, accounts.Account{ID: "other", Email: to}); err != nil {
				return err
			}
			return say(u, "other")
		})
		require.NoError(t, err)
		time.Sleep(time.Second)
		quarantine(t, c)
		since := post(t, c, "another")
		require.NoError(t, flow.NewPostman(c, "node", mail, compose).Work(t.Context()))
		p := posted(t, c, before)
		assert.Equal(t, rec.PostGivenUp, p.State)
		assert.Equal(t, "its code was used or replaced", p.Reason)
		assert.True(t, p.Parts.IsZero(), "what varied is gone")
		var sent []string
		for _, m := range mail.Sent() {
			sent = append(sent, m.ID)
		}
		assert.ElementsMatch(t, []string{news, since}, sent)
	})
}

// A message to one person is sealed for that message: moved to another it does not open.
func TestSealedPartsOpenNowhereElse(t *testing.T) {
	c := newCore(t)
	mail := &notifytest.Capture{}
	first, second := post(t, c, "owner"), post(t, c, "stranger")
	_, err := c.Act(t.Context(), tester, func(u *flow.Unit) error {
		from, _, err := flow.Load(u, rec.Posts, first)
		if err != nil {
			return err
		}
		to, _, err := flow.Load(u, rec.Posts, second)
		if err != nil {
			return err
		}
		to.Parts = from.Parts
		return flow.Put(u, rec.Posts, second, &to)
	})
	require.NoError(t, err)
	require.NoError(t, flow.NewPostman(c, "node", mail, compose).Work(t.Context()))
	require.Len(t, mail.Sent(), 1)
	assert.Equal(t, "owner@example.com", mail.Sent()[0].To)
	assert.Equal(t, rec.PostQueued, posted(t, c, second).State)
}

// A transport's status is kept as numbers: an address in it is not.
func TestAStatusHoldsNoWords(t *testing.T) {
	c := newCore(t)
	mail := &notifytest.Capture{}
	mail.Lose(&notify.RejectedError{Status: "550 5.1.1 <owner@example.com>: unknown user 12345678"})
	id := post(t, c, "owner")
	require.NoError(t, flow.NewPostman(c, "node", mail, compose).Work(t.Context()))
	p := posted(t, c, id)
	assert.Equal(t, rec.PostRefused, p.State)
	assert.Equal(t, "550 5.1.1 ", p.Reason)
}

// Posting is nothing without the decision that it belongs to.
func TestAMessageGoesWithItsDecision(t *testing.T) {
	c := newCore(t)
	_, err := c.Act(t.Context(), tester, func(u *flow.Unit) error {
		s, err := u.Issue(flow.Setup, "owner", flow.Digits, time.Hour)
		if err != nil {
			return err
		}
		_, err = u.Post(flow.Posting{Account: "owner", Secret: s})
		return err // nothing is said, so nothing is committed
	})
	require.ErrorIs(t, err, store.ErrNoEntry)
	due, err := c.Store.Due(t.Context(), "post/", 100)
	require.NoError(t, err)
	assert.Empty(t, due)
	require.ErrorIs(t, flow.NewPostman(&flow.Core{Store: c.Store}, "node", nil, compose).Work(t.Context()), flow.ErrNoOpener)
}
