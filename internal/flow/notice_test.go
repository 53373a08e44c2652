package flow_test

import (
	"context"
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
)

// A notice that this node cannot open waits for one that can; it is not given up because
// nobody here can see where it goes.
func TestANoticeThatDoesNotOpenWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCore(t)
		mail := &notifytest.Capture{}
		to, err := accounts.ParseEmail("owner@example.com")
		require.NoError(t, err)
		var id string
		_, err = c.Act(t.Context(), tester, func(u *flow.Unit) error {
			p := accounts.Profile{Name: "all", Enabled: true, Email: true}
			a := accounts.Account{ID: "owner", Confirmed: u.Now(), Email: to, Profile: p.Name}
			if err := flow.Put(u, rec.Profiles, p.Name, &p); err != nil {
				return err
			}
			if err := flow.Put(u, rec.Accounts, "owner", &a); err != nil {
				return err
			}
			return say(u, "owner")
		})
		require.NoError(t, err)
		_, err = c.Act(t.Context(), tester, func(u *flow.Unit) (err error) {
			id, err = u.PostNotice(flow.Notice{Account: "owner", Channel: flow.Mail, To: to.String(), Title: "t", Text: "x", Until: u.Now().Add(time.Hour)})
			return err
		})
		require.NoError(t, err)
		strange := *c
		strange.Opener, err = credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
		require.NoError(t, err)
		require.NoError(t, notices(&strange, mail).Work(t.Context()))
		assert.Equal(t, rec.PostQueued, posted(t, c, id).State)
		time.Sleep(10 * time.Second)
		require.NoError(t, notices(c, mail).Work(t.Context()))
		assert.Equal(t, rec.PostAccepted, posted(t, c, id).State)
		assert.True(t, posted(t, c, id).Parts.IsZero())
	})
}

func notices(c *flow.Core, mail notify.Mailer) *flow.Postman {
	return flow.NewCarrier(c, "node", flow.NoticeLane, func(ctx context.Context, p flow.Parcel) (notify.Delivery, error) {
		return mail.Send(ctx, notify.Message{ID: p.ID, To: p.To, Subject: p.Title, Text: p.Text})
	})
}

// What cannot be sent as it is will not be sent later either.
func TestAMessageThatCannotBeSentIsSettled(t *testing.T) {
	c := newCore(t)
	mail := &notifytest.Capture{}
	mail.Lose(notify.ErrMessage)
	id := post(t, c, "owner")
	require.NoError(t, flow.NewPostman(c, "node", mail, compose).Work(t.Context()))
	p := posted(t, c, id)
	assert.Equal(t, rec.PostRefused, p.State)
	assert.NotEmpty(t, p.Reason)
	assert.True(t, p.Parts.IsZero())
}
