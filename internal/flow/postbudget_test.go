package flow_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/notify"
	"github.com/seed-a2d3eaca/keyholder/notify/notifytest"
)

// A message beyond a budget waits for the next hour; one that did not leave takes nothing.
//
// Rules: G207
func TestMessagesLeaveWithinTheirBudgets(t *testing.T) {
	for name, budget := range map[string]notify.Budget{
		"of the address": {Address: 3}, "of the account": {Account: 3}, "of the store": {Store: 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCore(t)
				mail := &notifytest.Capture{}
				p := flow.NewPostman(c, "node", mail, compose)
				p.Budgets = notify.Budgets{Mail: budget}
				var ids []string
				for i := range 5 {
					who := "owner"
					if budget.Store > 0 {
						who = fmt.Sprint("owner", i)
					}
					ids = append(ids, again(t, c, who, i))
				}
				mail.Down(true)
				require.NoError(t, p.Work(t.Context()))
				assert.Positive(t, mail.Tries())
				mail.Down(false)
				time.Sleep(10 * time.Second)
				require.NoError(t, p.Work(t.Context()))
				require.NoError(t, p.Work(t.Context()))
				assert.Len(t, mail.Sent(), 3, "what did not leave took nothing, and no more than that leaves")
				queued := 0
				for _, id := range ids {
					if s := posted(t, c, id).State; s != rec.PostAccepted {
						queued++
					}
				}
				assert.Equal(t, 2, queued)
				time.Sleep(time.Hour)
				require.NoError(t, p.Work(t.Context()))
				assert.Len(t, mail.Sent(), 5, "the next hour is another")
				for _, id := range ids {
					assert.Equal(t, rec.PostAccepted, posted(t, c, id).State)
					assert.False(t, posted(t, c, id).Twice)
				}
			})
		})
	}
}

// again posts one of several messages to an account, each with a secret of its own.
func again(t *testing.T, c *flow.Core, account string, n int) string {
	t.Helper()
	to, err := accounts.ParseEmail(account + "@example.com")
	require.NoError(t, err)
	var id string
	_, err = c.Act(t.Context(), tester, func(u *flow.Unit) error {
		s, err := u.IssueFor(flow.Second, fmt.Sprint("challenge", n), account, flow.Digits, 3*time.Hour)
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

// Rules: G207
func TestTextMessagesHaveABudgetForEachCountry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCore(t)
		var mu sync.Mutex
		var sent []string
		p := flow.NewCarrier(c, "node", flow.PeopleLane, func(_ context.Context, p flow.Parcel) (notify.Delivery, error) {
			mu.Lock()
			defer mu.Unlock()
			sent = append(sent, p.To)
			return notify.Delivery{MessageID: p.ID}, nil
		})
		p.Budgets = notify.Budgets{SMS: notify.Budget{Country: 1}}
		for i, number := range []string{"+882123456789", "+882987654321", "+491701234567"} {
			_, err := c.Act(t.Context(), tester, func(u *flow.Unit) error {
				s, err := u.IssueFor(flow.Second, fmt.Sprint(i), "owner", flow.Short, time.Hour)
				if err != nil {
					return err
				}
				if _, err := u.Post(flow.Posting{Account: fmt.Sprint("owner", i), Phone: number, Secret: s}); err != nil {
					return err
				}
				return say(u, "owner")
			})
			require.NoError(t, err)
		}
		require.NoError(t, p.Work(t.Context()))
		assert.Len(t, sent, 2)
		assert.Contains(t, sent, "+491701234567")
	})
}
