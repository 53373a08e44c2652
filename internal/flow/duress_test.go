package flow_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// What a decision leaves has one size, whatever it says, and only whoever has the keys
// reads it.
//
// Rules: G193
func TestADecisionLeavesOneSize(t *testing.T) {
	keys, err := credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
	require.NoError(t, err)
	st := memstore.Open()
	core := &flow.Core{Store: st, Keys: keys, Opener: keys}
	long := strings.Repeat("ä", 100) // its 128th byte is the first half of a letter
	sizes := map[int]bool{}
	for _, s := range []flow.Signal{{Decision: "none"}, {Decision: "call", Alarm: true, Account: "somebody", Action: "call"}, {Decision: "long", Alarm: true, Action: long}} {
		s.At, s.Site, s.Reader = time.Unix(1, 0).UTC(), "north", "door"
		var flag flow.Field
		_, err := core.Act(t.Context(), accounts.SystemActor("test"), func(u *flow.Unit) (err error) {
			if flag, err = core.SealDuress(s.Decision, s.Alarm); err != nil {
				return err
			}
			if _, err := u.Say(audit.DoorDecided, audit.Success, nil, flow.F(audit.FieldDecision, s.Decision), flag); err != nil {
				return err
			}
			return u.Signal(s)
		})
		require.NoError(t, err)
		rs, err := st.Load(t.Context(), rec.Signals.Key("door/"+s.Decision))
		require.NoError(t, err)
		sizes[len(rs[0].Body)-len(s.Decision)] = true
		got, err := core.OpenSignal(rs[0])
		require.NoError(t, err)
		want := s
		if len(want.Action) > 128 {
			want.Action = want.Action[:128]
		}
		require.Equal(t, want, got)
		_, err = core.OpenSignal(moved(rs[0]))
		require.ErrorIs(t, err, credentials.ErrDecrypt, "of another decision")

		es, err := st.Entries(t.Context(), store.EntryQuery{OldestLast: true, Limit: 1})
		require.NoError(t, err)
		e, err := audit.Decode(es[0].Body)
		require.NoError(t, err)
		duress, found, err := core.OpenDuress(e)
		require.NoError(t, err)
		require.Equal(t, []bool{s.Alarm, true}, []bool{duress, found})
		_, _, err = (&flow.Core{Store: st, Keys: keys}).OpenDuress(e)
		require.ErrorIs(t, err, flow.ErrNoOpener)
	}
	require.Len(t, sizes, 1)
	_, found, err := core.OpenDuress(audit.Entry{})
	require.NoError(t, err)
	require.False(t, found)
}

// moved is a record under another id.
func moved(r store.Record) store.Record {
	r.Key.ID = "door/another"
	return r
}
