package door_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// payroll is a host's own list of people.
type payroll struct {
	accounts.StaticDirectory
	asked int
	down  error
}

func (p *payroll) Person(ctx context.Context, id accounts.ID) (accounts.Person, error) {
	p.asked++
	if p.down != nil {
		return accounts.Person{}, p.down
	}
	return p.StaticDirectory.Person(ctx, id)
}

// newHost is a world of a host that has its own people, of whom one has a PIN.
func newHost(t testing.TB) (*world, *payroll) {
	t.Helper()
	host := &payroll{StaticDirectory: accounts.StaticDirectory{{ID: "cleaner", Status: accounts.StatusActive}, {ID: "guest", Status: accounts.StatusActive}}}
	w := newWorld(t, func(o *door.Options) { o.Directory = host })
	w.give("cleaner", rec.PIN, pin)
	w.give("cleaner", rec.DuressPIN, duress)
	w.rule(rec.Rule{ID: "host", Site: "site", Points: []string{"front"}, Who: []credentials.Subject{{Kind: rec.AccountSubject, ID: "cleaner"}}})
	return w, host
}

// The people of a host's own directory are let in by the rules that name them, and whom it
// suspended or no longer knows is disabled from then on.
func TestAHostsOwnPeopleAreLetIn(t *testing.T) {
	w, host := newHost(t)
	w.give("guest", rec.PIN, "4826")
	require.Equal(t, credentials.Granted, w.try(typed(t, pin)).Reason)
	require.Equal(t, credentials.NoRule, w.try(typed(t, "4826")).Reason)
	require.Equal(t, credentials.Unknown, w.try(typed(t, "9999")).Reason)
	host.StaticDirectory[0].Status = accounts.StatusSuspended
	require.Equal(t, credentials.Disabled, w.try(typed(t, pin)).Reason)
	require.Equal(t, credentials.Disabled, w.try(typed(t, duress)).Reason)
	require.NoError(t, w.door.Work(t.Context()))
	require.Len(t, w.alarms, 1)
	host.StaticDirectory[0].Status = accounts.StatusNotConfirmed
	require.Equal(t, credentials.Granted, w.try(typed(t, pin)).Reason, "what concerns signing in alone changes nothing")
	put(w, rec.Projections, "cleaner", func(p *rec.Projection) { p.Ended = &rec.End{At: noon} })
	require.Equal(t, credentials.Disabled, w.try(typed(t, pin)).Reason)
	put(w, rec.Projections, "cleaner", func(p *rec.Projection) { p.Ended = nil })
	host.StaticDirectory = nil
	require.Equal(t, credentials.Disabled, w.try(typed(t, pin)).Reason)

	host.down = errors.New("test: the directory is down")
	decided := len(w.entries("main", audit.DoorDecided))
	for _, text := range []string{pin, "9999"} {
		_, err := w.door.Decide(t.Context(), door.ByKey(w.key), typed(t, text))
		require.ErrorIs(t, err, host.down)
	}
	require.Len(t, w.entries("main", audit.DoorDecided), decided)
}

// An edge learns what changes in a host's directory, which says nothing of it, within a
// minute and its next question, from any node; and the directory is not asked more often.
//
// Rules: G205
func TestAnEdgeLearnsOfAHostsPeople(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, host := newHost(t)
		e := besideOf(t, w)
		alone := func() credentials.Reason {
			e.cut.Store(true)
			defer e.cut.Store(false)
			return e.ask(typed(t, pin)).Reason
		}
		refresh := func(long time.Duration) {
			for range long / (10 * time.Second) {
				time.Sleep(10 * time.Second)
				require.NoError(t, e.edge.Refresh(t.Context()))
			}
		}
		require.Equal(t, credentials.Granted, alone())
		for _, change := range []struct {
			to   accounts.Status
			want credentials.Reason
		}{{accounts.StatusSuspended, credentials.Disabled}, {accounts.StatusActive, credentials.Granted}} {
			host.StaticDirectory[0].Status = change.to
			refresh(70 * time.Second)
			require.Equal(t, change.want, alone())
		}
		host.StaticDirectory[0].Status = accounts.StatusSuspended
		w.open()
		require.NoError(t, e.edge.Refresh(t.Context()))
		require.Equal(t, credentials.Disabled, alone(), "another node")
		put(w, rec.Rules, "other", func(r *rec.Rule) { r.ID, r.Site = "other", "site" })
		w.change("cleaner", rec.PIN, func(c *rec.Credential) { c.Label = "again" })
		refresh(10 * time.Second)
		require.Equal(t, credentials.Disabled, alone(), "what else changed of them lets nobody in")
		host.StaticDirectory[0].Status = accounts.StatusActive
		refresh(70 * time.Second)
		require.Equal(t, credentials.Granted, alone())

		host.asked = 0
		refresh(time.Hour)
		require.LessOrEqual(t, host.asked, 60)
		host.down = errors.New("test: the directory is down")
		time.Sleep(time.Minute)
		require.ErrorIs(t, e.edge.Refresh(t.Context()), host.down)
		require.Equal(t, credentials.Granted, alone())
		time.Sleep(15 * time.Minute)
		require.Equal(t, door.Outaged, alone())
		require.NoError(t, e.edge.Close())
	})
}
