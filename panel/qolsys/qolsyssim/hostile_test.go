package qolsyssim_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys/qolsyssim"
)

// A hundred thousand notices are one thing to do, and the session goes on.
func TestManyNoticesAreOne(t *testing.T) {
	within(t, func(t *testing.T, k known, p *qolsyssim.Panel, network *paneltest.Network) {
		s := open(t, k, network, nil)
		for i := range 100_000 {
			p.Publish("iq2meid", fmt.Appendf(nil, `{"eventName":"dbChanged","uri":"content://x/user","selection":"userid=?","selectionArgs":"[%d]"}`, 1+i%9000))
			if i%1000 == 0 {
				synctest.Wait() // the broker drops what a client does not take in time
			}
		}
		synctest.Wait()
		said := watch(t, s)
		require.Equal(t, panel.Event{Stale: &panel.Query{All: true}}, <-said)
		synctest.Wait()
		assert.Empty(t, said)
		users, _ := list(t, s)
		assert.Len(t, users, 1)
	})
}

// Nonsense on either topic harms nothing: on the feed it means that anything may have
// changed, as an answer it is none.
func TestNonsense(t *testing.T) {
	within(t, func(t *testing.T, k known, p *qolsyssim.Panel, network *paneltest.Network) {
		s := open(t, k, network, nil)
		said := watch(t, s)
		answers := "response_" + k.paired.Remote
		for _, text := range []string{
			"", "null", "[]", "{", `{"eventName":[1]}`, `{"eventName":"dbChanged","contentValues":7}`,
			strings.Repeat("[", 10_000), strings.Repeat(`{"a":`, 10_000), "\x00\xff\xfe",
		} {
			p.Publish(answers, []byte(text))
			p.Publish("iq2meid", []byte(text))
			synctest.Wait()
		}
		assert.Equal(t, panel.Event{Stale: &panel.Query{All: true}}, <-said)
		users, _ := list(t, s)
		assert.Len(t, users, 1)
	})
}

// Answers that nobody asked for, with tables of their own, change nothing.
func TestForeignAnswersAreNobodys(t *testing.T) {
	within(t, func(t *testing.T, k known, p *qolsyssim.Panel, network *paneltest.Network) {
		s := open(t, k, network, nil)
		for _, id := range []string{"", "00000000-0000-4000-8000-000000000000"} {
			p.Publish("response_"+k.paired.Remote, fmt.Appendf(nil,
				`{"requestID":%q,"eventName":"syncdatabase","fulldbdata":[{"uri":"content://x/user","resultSet":[{"userid":"99","userPin":"00"}]}]}`, id))
		}
		users, _ := list(t, s)
		assert.NotContains(t, users, 99)
		assert.Contains(t, users, 1)
	})
}

// A message beyond the limit ends the session before room is made for it.
func TestHugeMessageEndsTheSession(t *testing.T) {
	within(t, func(t *testing.T, k known, p *qolsyssim.Panel, network *paneltest.Network) {
		s, err := qolsys.NewIQRemote(qolsys.Options{Dialer: network, MaxMessage: 64 << 10}).Open(t.Context(), target(k, brokerAddr, nil))
		require.NoError(t, err)
		p.Publish("iq2meid", make([]byte, 65<<10))
		for e, err := range s.Watch(t.Context()) {
			require.ErrorIs(t, err, panel.ErrProtocol, "%v", e)
			require.ErrorIs(t, err, qolsys.ErrTooLong)
		}
		require.NoError(t, s.Close())
	})
}

func TestThePanelMayLeaveOrDeleteUs(t *testing.T) {
	for _, v := range []struct {
		answer bool // it comes as an answer, not on the feed
		text   string
		want   error
	}{
		{false, `{"eventName":"primaryDisconnect"}`, panel.ErrUnreachable},
		{true, `{"delete_request":true}`, qolsys.ErrDeleted},
	} {
		within(t, func(t *testing.T, k known, p *qolsyssim.Panel, network *paneltest.Network) {
			s := open(t, k, network, nil)
			topic := "iq2meid"
			if v.answer {
				topic = "response_" + k.paired.Remote
			}
			p.Publish(topic, []byte(v.text))
			synctest.Wait()
			for _, err := range s.Watch(t.Context()) {
				require.ErrorIs(t, err, v.want)
			}
			for _, err := range s.Read(t.Context(), panel.Query{}) {
				require.ErrorIs(t, err, v.want)
			}
		})
	}
}

// An answer that comes after the driver has given up on it meets the next question and is
// not taken for its answer.
func TestLateAnswers(t *testing.T) {
	within(t, func(t *testing.T, k known, p *qolsyssim.Panel, network *paneltest.Network) {
		s := open(t, k, network, nil)
		p.Fault(paneltest.Fault{Do: paneltest.Delay, For: 45 * time.Second})
		for _, err := range s.Read(t.Context(), panel.Query{All: true}) {
			require.ErrorIs(t, err, panel.ErrTimeout)
		}
		add(t, p, 2, "6137", "Hall")
		users, _ := list(t, s)
		assert.Contains(t, users, 2)
	})
}

// Without a nonce nobody can tell an answer from an earlier one's: whoever has given up on
// an answer does not ask on the same connection again.
func TestControl4TakesNoLateAnswer(t *testing.T) {
	within(t, func(t *testing.T, _ known, p *qolsyssim.Panel, network *paneltest.Network) {
		p.Quirk(qolsyssim.NoNonce, true)
		s, err := qolsys.NewControl4(qolsys.Options{Dialer: network}).Open(t.Context(), control4Target())
		require.NoError(t, err)
		p.Fault(paneltest.Fault{Do: paneltest.Delay, For: 45 * time.Second, After: 1})
		for _, err := range s.Read(t.Context(), panel.Query{}) {
			require.ErrorIs(t, err, panel.ErrTimeout)
		}
		p.Fault(paneltest.Fault{Do: paneltest.Armed})
		time.Sleep(time.Minute)
		for e, err := range s.Read(t.Context(), panel.Query{}) {
			require.ErrorIs(t, err, panel.ErrUnreachable, "%v", e)
		}
		require.NoError(t, s.Close())
	})
}
