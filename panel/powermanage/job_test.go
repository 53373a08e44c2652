package powermanage_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/panel/powermanage"
	"github.com/seed-a2d3eaca/keyholder/panel/powermanage/powermanagesim"
)

// carry repeats an edit with its ticket, each time in a session of its own as after a
// crash, until nothing is under way.
func (k *rig) carry(e panel.Edit) (done panel.Field, rounds int) {
	k.t.Helper()
	for rounds = 1; ; rounds++ {
		s := k.open()
		o, err := k.apply(s, e)
		require.NoError(k.t, err)
		require.NoError(k.t, s.Close())
		require.Empty(k.t, o.Refused)
		if done |= o.Done; o.Ticket == nil {
			return done, rounds
		}
		require.Less(k.t, rounds, 100)
		silent(k.t, string(o.Ticket))
		e.Set, e.Unsure, e.Ticket = o.Unsure, o.Unsure, o.Ticket
	}
}

// A job that takes longer than anybody waits is followed by its ticket, also by another
// process, and nothing is sent twice.
//
// Rules: D27, S23
func TestSlowJobsAreFollowedAndSentOnce(t *testing.T) {
	for _, c := range []struct {
		do     panel.Do
		seated bool
		writes int
	}{
		{panel.Create, false, 2}, {panel.Change, true, 2}, {panel.Replace, true, 3}, {panel.Replace, false, 3}, {panel.Remove, true, 1}, {panel.Remove, false, 1},
	} {
		run(t, powermanagesim.Options{Latency: 10 * time.Minute}, powermanage.Options{}, func(k *rig) {
			if c.seated {
				k.seat(4, "8675", "Side")
			}
			e := create(t, 4, "6180", "Back")
			want := e.Set
			if e.Do = c.do; c.do == panel.Remove {
				e.Set, want = 0, panel.FieldCode
			}
			done, rounds := k.carry(e)
			assert.Equal(t, want, done)
			assert.Equal(t, c.writes, k.sim.Logins().Writes, "%s with a user there: %v", c.do, c.seated)
			assert.Greater(t, rounds, 1)
			if c.do == panel.Remove {
				assert.Empty(t, k.code(4))
			} else {
				assert.Equal(t, "6180", k.code(4))
			}
		})
	}
}

// stubborn is a panel that refuses a field twice: a job that is found to have failed is
// begun anew once.
type stubborn struct{ paneltest.Sim }

func (s stubborn) Fault(f paneltest.Fault) {
	if f.Do == paneltest.Refuse {
		f.Times = 2
	}
	s.Sim.Fault(f)
}

// A job that runs is followed to its end, also when the server lets nobody begin it any
// more: to refuse it would say that the panel does not have the code.
func TestJobsAreFollowedWhateverIsAllowedNow(t *testing.T) {
	run(t, powermanagesim.Options{Latency: 10 * time.Minute}, powermanage.Options{}, func(k *rig) {
		e := create(t, 4, "6180", "")
		o, err := k.apply(k.open(), e)
		require.NoError(t, err)
		require.NotNil(t, o.Ticket)
		pass(10 * time.Minute)
		k.at("feature_set", 200, `{"user":{"editable_features":[]}}`)
		s := k.open()
		require.Zero(t, s.Model().Writes())
		e.Unsure, e.Ticket = o.Unsure, o.Ticket
		o, err = k.apply(s, e)
		require.NoError(t, err)
		assert.Equal(t, panel.FieldCode, o.Done)
	})
}

// The whole contract holds when every job becomes a ticket. That a former holder's name is
// taken from a new user is not waited for.
//
// Rules: D1, D27
func TestConformanceByTickets(t *testing.T) {
	paneltest.Run(t, func(t *testing.T) paneltest.Bench {
		b := bench(powermanage.Visonic(), powermanagesim.PanelOptions{Partitions: 3}, append(few(), powermanagesim.NameStays)...)(t)
		b.Driver = powermanage.New(powermanage.Options{Transport: plain(b.Network), Wait: time.Nanosecond})
		b.Sim = stubborn{b.Sim}
		return b
	})
}

// A job that the server has forgotten leaves its field in doubt, unless the list shows it.
func TestForgottenJobsAreInDoubt(t *testing.T) {
	in(t, func(k *rig) {
		k.seat(4, "8675", "Side")
		s := k.open()
		k.over = func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "/process_status") {
				return false
			}
			pass(2 * time.Second) // the job has run
			_, _ = w.Write([]byte(`[]`))
			return true
		}
		o, err := k.apply(s, change(t, 4, "6180"))
		require.NoError(t, err)
		assert.Equal(t, panel.FieldCode, o.Unsure)
		assert.Nil(t, o.Ticket)

		e := create(t, 4, "6180", "Back")
		e.Do, e.Set = panel.Change, panel.FieldLabel
		o, err = k.apply(s, e)
		require.NoError(t, err)
		assert.Equal(t, panel.FieldLabel, o.Done, "the list shows the name")

		o, err = k.apply(s, panel.Edit{Place: e.Place, Do: panel.Remove})
		require.NoError(t, err)
		assert.Equal(t, panel.FieldCode, o.Done, "the list shows nobody")
		assert.Empty(t, k.code(4))
	})
}

// A ticket that is none is as good as no ticket: what is there is looked at first.
func TestTicketsThatAreNoneAreNotTrusted(t *testing.T) {
	for _, ticket := range []string{"", "{", "null", `{"step":"arm","token":"x"}`, `[1]`} {
		in(t, func(k *rig) {
			k.seat(4, "8675", "Side")
			e := create(t, 4, "6180", "")
			e.Ticket = []byte(ticket)
			o, err := k.apply(k.open(), e)
			require.NoError(t, err)
			require.ErrorIs(t, o.Refused[panel.FieldCode], panel.ErrOccupied)
			assert.Equal(t, "8675", k.code(4))
		})
	}
}

// An answer that does not come leaves the code in doubt, and writing it again cures it.
func TestLostAnswersAreInDoubt(t *testing.T) {
	in(t, func(k *rig) {
		k.seat(4, "8675", "Side")
		s := k.open()
		k.over = func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, "/set_user_code") {
				k.sim.ServeHTTP(discard{w}, r)
				pass(time.Minute)
				return true
			}
			return false
		}
		start := time.Now()
		o, err := k.apply(s, change(t, 4, "6180"))
		told(t, err, panel.ErrTimeout, nil, 0)
		assert.Equal(t, 10*time.Second, time.Since(start))
		assert.Equal(t, panel.FieldCode, o.Unsure)
		assert.Equal(t, "6180", k.code(4), "and it was written")
		k.over = nil
		e := change(t, 4, "6180")
		e.Unsure = panel.FieldCode
		o, err = k.apply(s, e)
		require.NoError(t, err)
		assert.Equal(t, panel.FieldCode, o.Done)
		pass(time.Minute) // for the handler above
	})
}

// discard lets a handler write to nobody.
type discard struct{ http.ResponseWriter }

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

// A panel that refuses a code that it holds already refuses it with a report, so that the
// service clears the place first.
func TestOwnDuplicatesAreReported(t *testing.T) {
	in(t, func(k *rig) {
		require.True(t, k.sim.Quirk(powermanagesim.OwnDuplicate, true))
		k.seat(4, "8675", "Side")
		s := k.open()
		e := change(t, 4, "8675")
		e.Unsure = panel.FieldCode
		o, err := k.apply(s, e)
		require.NoError(t, err)
		told(t, o.Refused[panel.FieldCode], panel.ErrRefused, powermanage.ErrJobFailed, 0)
		require.NotNil(t, o.Report)
		assert.True(t, o.Report.Exists)
		e.Do = panel.Replace
		o, err = k.apply(s, e)
		require.NoError(t, err)
		assert.Equal(t, panel.FieldCode, o.Done)
	})
}

// What the panel confirmed is done, also where the list still shows what was; a report
// that is older than the change is left out.
func TestListsThatLagContradictNothing(t *testing.T) {
	in(t, func(k *rig) {
		require.True(t, k.sim.Quirk(powermanagesim.ListLags, true))
		s := k.open()
		o, err := k.apply(s, create(t, 4, "8675", "Side"))
		require.NoError(t, err)
		assert.Equal(t, panel.FieldCode|panel.FieldLabel, o.Done)
		assert.Nil(t, o.Report)
		pass(s.Model().Lag)
		users, err := k.read(s)
		require.NoError(t, err)
		assert.Len(t, users, 2)
		o, err = k.apply(s, panel.Edit{Place: panel.Place{Slot: 4}, Do: panel.Remove})
		require.NoError(t, err)
		assert.Equal(t, panel.FieldCode, o.Done)
		assert.Nil(t, o.Report)
	})
}

// Whoever is removed before the list shows him is removed all the same.
func TestRemovalsDoNotTrustTheList(t *testing.T) {
	for _, quirk := range []string{powermanagesim.NoNames, powermanagesim.RemovesNobody} {
		in(t, func(k *rig) {
			require.True(t, k.sim.Quirk(powermanagesim.ListLags, true))
			require.True(t, k.sim.Quirk(quirk, true))
			s := k.open()
			for range 2 {
				o, err := k.apply(s, create(t, 4, "8675", ""))
				require.NoError(t, err)
				assert.Equal(t, panel.FieldCode, o.Done)
				for range 2 { // the second time there is nobody
					o, err = k.apply(s, panel.Edit{Place: panel.Place{Slot: 4}, Do: panel.Remove})
					require.NoError(t, err)
					assert.Equal(t, panel.FieldCode, o.Done)
					assert.Empty(t, k.code(4))
				}
				pass(s.Model().Lag)
			}
		})
	}
}

// A place that was cleared for somebody else is in doubt when the line breaks before he
// has his code.
func TestClearedPlacesAreInDoubt(t *testing.T) {
	in(t, func(k *rig) {
		k.seat(4, "8675", "Side")
		s := k.open()
		writes := 0
		k.over = func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, "/set_user_code") {
				writes++
			}
			if writes < 2 {
				return false
			}
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"error":400,"error_reason_code":"PanelNotConnected"}`))
			return true
		}
		e := create(t, 4, "6180", "")
		e.Do = panel.Replace
		o, err := k.apply(s, e)
		told(t, err, panel.ErrUnreachable, powermanage.ErrNotConnected, 0)
		assert.Equal(t, panel.FieldCode, o.Unsure)
		assert.Nil(t, o.Report)
		assert.Empty(t, k.code(4))
	})
}

// A new holder does not inherit the name of the former one.
func TestNamesDoNotOutliveTheirHolder(t *testing.T) {
	in(t, func(k *rig) {
		require.True(t, k.sim.Quirk(powermanagesim.NameStays, true))
		k.seat(4, "8675", "Side")
		s := k.open()
		_, err := k.apply(s, panel.Edit{Place: panel.Place{Slot: 4}, Do: panel.Remove})
		require.NoError(t, err)
		o, err := k.apply(s, create(t, 4, "6180", ""))
		require.NoError(t, err)
		assert.Equal(t, panel.FieldCode, o.Done)
		assert.Equal(t, "User 4", o.Report.Label)
	})
}

// A removal that failed is not taken for done because the list does not show yet who is
// there.
func TestFailedRemovalsAreLookedAtLater(t *testing.T) {
	in(t, func(k *rig) {
		require.True(t, k.sim.Quirk(powermanagesim.ListLags, true))
		s := k.open()
		_, err := k.apply(s, create(t, 4, "8675", ""))
		require.NoError(t, err)
		k.sim.Fault(paneltest.Fault{Do: paneltest.Refuse, Field: panel.FieldCode, Slot: 4})
		o, err := k.apply(s, panel.Edit{Place: panel.Place{Slot: 4}, Do: panel.Remove})
		require.NoError(t, err)
		told(t, o.Refused[panel.FieldCode], panel.ErrRefused, powermanage.ErrJobFailed, 0)
		assert.Equal(t, "8675", k.code(4))
	})
}
