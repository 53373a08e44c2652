package roster_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// What is wished for a panel that cannot be reached is taken, waits, and says why: nobody
// takes it for done, and it is once the panel is back.
//
// Rules: S20
func TestAPanelOutOfReachSaysSo(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.settles(r.set(4, "6137", roster.CodeWish{}), roster.Settled)
		info := func() roster.LineState {
			p, err := r.tab.Info(r.ctx)
			require.NoError(t, err)
			return p.Line
		}
		require.True(t, info().Here)
		r.unplug()
		require.False(t, info().Here)
		rec := r.set(4, "8604", roster.CodeWish{})
		r.wait(time.Hour)
		p, err := r.tab.Receipt(r.ctx, rec)
		require.NoError(t, err)
		require.Equal(t, roster.Pending, p.Fate)
		line := info()
		require.Contains(t, line.Words, panel.ErrAbsent.Error())
		require.True(t, line.LastOK.Before(time.Now().Add(-time.Hour)))
		require.Equal(t, line, r.details(4).Line, "beside the user too")
		require.Equal(t, roster.FieldPending, r.details(4).Field(panel.FieldCode).State)
		r.plugIn()
		r.settles(rec, roster.Settled)
		require.True(t, info().Here)
	})
}

// Nobody acts who was not named, and a host's word for a person is not a proof of them:
// unless the host says so, acts that ask for a fresh factor are refused.
//
// Rules: G208
func TestOnlyAVouchedActorDoesWhatAsksForAFactor(t *testing.T) {
	inBubble(t, func(r *rig) {
		register := func(a accounts.Actor) error {
			_, err := r.desk.As(a).Register(r.ctx, roster.Registration{Site: site, Driver: "dsc", Ident: "298765432109",
				Routes: map[string]roster.Route{"itv2": {Secrets: map[string]panel.Secret{panel.MasterSecret: panel.SecretOf("4729")}}}})
			return err
		}
		require.Error(t, register(accounts.Actor{}))
		operator := accounts.HostActor("operator", "", "")
		require.ErrorIs(t, register(operator), accounts.ErrStepUpRequired)
		require.ErrorIs(t, register(operator.Vouched(time.Now().Add(-time.Hour))), accounts.ErrStepUpRequired)
		require.NoError(t, register(operator.Vouched(time.Now())))
		require.Contains(t, r.actions(), "panel.registered")
	})
}
