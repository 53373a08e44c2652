package notifytest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/notify"
	"github.com/seed-a2d3eaca/keyholder/notify/notifytest"
)

func TestCaptureFailsInTheWaysOfRealMailers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &notifytest.Capture{}
		m := notify.Message{ID: "m1", To: "owner@example.com"}
		c.Down(true)
		_, err := c.Send(t.Context(), m)
		require.ErrorIs(t, err, notify.ErrUnavailable)
		require.ErrorIs(t, c.Check(t.Context()), notify.ErrUnavailable)
		c.Down(false)
		c.Reject("owner@example.com")
		_, err = c.Send(t.Context(), m)
		require.ErrorIs(t, err, notify.ErrRejected)
		c.Reject()
		c.Slow(time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = c.Send(ctx, m)
		require.ErrorIs(t, err, notify.ErrUnavailable)
		began := time.Now()
		require.NoError(t, c.Check(t.Context()))
		assert.Equal(t, time.Minute, time.Since(began))
		c.Slow(0)
		assert.Empty(t, c.Sent())
		lost := errors.New("lost")
		c.Lose(lost)
		_, err = c.Send(t.Context(), m)
		require.ErrorIs(t, err, lost)
		c.Lose(nil)
		d, err := c.Send(t.Context(), m)
		require.NoError(t, err)
		assert.Equal(t, "<m1@capture>", d.MessageID)
		assert.Len(t, c.Sent(), 2)
		assert.Equal(t, 5, c.Tries())
	})
}

// The kit's first customer is the mailer that the kit's users test with.
func TestCaptureKeepsTheTransportsContract(t *testing.T) {
	notifytest.RunTransport(t, func(*testing.T) notifytest.Bench {
		c := &notifytest.Capture{}
		return notifytest.Bench{
			Address: "owner@example.com",
			Check:   c.Check,
			Send: func(ctx context.Context, id, address, text string) (notify.Delivery, error) {
				return c.Send(ctx, notify.Message{ID: id, To: address, Text: text})
			},
			Set: func(m notifytest.Mood) {
				c.Down(m == notifytest.Away || m == notifytest.Busy)
				c.Reject(map[bool][]string{true: {"owner@example.com"}}[m == notifytest.Refusing]...)
				c.Lose(map[bool]error{true: notify.ErrUnsure}[m == notifytest.Mute])
				c.Slow(map[bool]time.Duration{true: time.Hour}[m == notifytest.Hanging])
			},
			Took: func() []string {
				var texts []string
				for _, m := range c.Sent() {
					texts = append(texts, m.Text)
				}
				return texts
			},
		}
	})
}

func ExampleCapture() {
	mail := &notifytest.Capture{}
	_, err := mail.Send(context.Background(), notify.Message{ID: "1", To: "owner@example.com", Text: "Hello"})
	fmt.Println(err, len(mail.Sent()))
	mail.Down(true)
	_, err = mail.Send(context.Background(), notify.Message{ID: "2", To: "owner@example.com", Text: "Hello"})
	fmt.Println(err)
	// Output:
	// <nil> 1
	// notify: transport is out of reach
}
