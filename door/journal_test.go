package door_test

import (
	"context"
	"encoding/json"
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

// liar tells an edge something else than the server does: its edge writes what somebody who
// has the reader could.
type liar struct {
	*wire
	lie func(feed map[string]any)
}

func (l liar) Changes(ctx context.Context, p door.Proof, known door.Known) ([]byte, error) {
	body, err := l.wire.Changes(ctx, p, known)
	if err != nil {
		return nil, err
	}
	var feed map[string]any
	if err := json.Unmarshal(body, &feed); err != nil {
		return nil, err
	}
	l.lie(feed)
	return json.Marshal(feed)
}

// lied starts the edge anew with a liar between it and the server, and cuts the line.
func (e *edge) lied(lie func(feed map[string]any)) {
	t := e.world.t
	t.Helper()
	require.NoError(t, e.edge.Close())
	var err error
	e.edge, err = door.OpenEdge(liar{e.wire, lie}, e.o)
	require.NoError(t, err)
	require.NoError(t, e.edge.Refresh(t.Context()))
	e.cut.Store(true)
}

// uses is how often the server says that a credential was used.
func (e *edge) uses(credential string) int {
	t := e.world.t
	t.Helper()
	rs, err := e.core.Store.Load(t.Context(), rec.Usages.Key(credential))
	require.NoError(t, err)
	used, _, err := rec.Usages.Decode(rs[0])
	require.NoError(t, err)
	return used.Count
}

func points(ids ...string) func(feed map[string]any) {
	return func(feed map[string]any) {
		var list []map[string]any
		for _, id := range ids {
			list = append(list, map[string]any{"id": id})
		}
		feed["points"] = list
	}
}

func everyHolder(edit func(h, record map[string]any)) func(feed map[string]any) {
	return func(feed map[string]any) {
		holders, _ := feed["holders"].([]any)
		for _, one := range holders {
			h := one.(map[string]any)
			edit(h, h["record"].(map[string]any))
		}
	}
}

// Whoever has a reader speaks through its journal for the reader's own points only, lets
// nobody in where only the server does, and uses nobody's credential up in another's name.
//
// Rules: G199
func TestAJournalSpeaksForItsOwnReaderOnly(t *testing.T) {
	for name, c := range map[string]struct {
		point string
		want  credentials.Reason
		setUp func(e *edge)
		lie   func(feed map[string]any)
	}{
		"another reader's point": {"vault", credentials.Granted, nil, points("vault")},
		"no point":               {"nowhere", credentials.NoRule, nil, points("nowhere")},
		"a point that denies": {"front", credentials.Granted, func(e *edge) {
			put(e.world, rec.Readers, e.key.Reader(), func(r *rec.Reader) { r.Points[0].OnOutage = rec.OutageDeny })
		}, points("front")},
		"another account's PIN": {"front", credentials.Granted, nil, everyHolder(func(h, _ map[string]any) { h["account"] = "guest" })},
		"nobody's PIN":          {"front", credentials.Granted, nil, everyHolder(func(h, _ map[string]any) { h["account"] = "" })},
		"a PIN that is no credential": {"front", credentials.Granted, nil, everyHolder(func(_, record map[string]any) {
			record["Holder"] = record["Holder"].(string) + ".x"
		})},
		"a PIN that opens once": {"front", credentials.Granted, func(e *edge) {
			e.change("cleaner", rec.PIN, func(c *rec.Credential) { c.Uses = 1 })
		}, everyHolder(func(_, record map[string]any) { record["Max"] = 0 })},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEdge(t)
				e.point("vault", "site")
				e.rule(rec.Rule{ID: "vault", Site: "site", Points: []string{"vault"}, Who: []credentials.Subject{{Kind: "role", ID: "staff"}}})
				if c.setUp != nil {
					c.setUp(e)
				}
				e.lied(c.lie)
				q := typed(t, duress)
				q.Point = c.point
				require.Equal(t, c.want, e.ask(q).Reason)
				e.cut.Store(false)
				require.NoError(t, e.edge.Refresh(t.Context()))
				require.Empty(t, e.entries("main", audit.DoorDecided))
				require.Len(t, e.entries("main", audit.DoorJournalRefused), 1)
				require.FileExists(t, e.o.Journal+".refused")
				require.Zero(t, e.uses(rec.CredentialID("cleaner", rec.PIN, 0)))
				require.NoError(t, e.door.Work(t.Context()))
				require.Empty(t, e.entries("restricted", audit.DuressRaised))
				require.NoError(t, e.edge.Close())
			})
		})
	}
}

// A line that lets nobody in, or is nobody's alarm, is none of an edge.
//
// Rules: G199
func TestALineAboutNobody(t *testing.T) {
	for text, fine := range map[string]bool{
		`"reason": "unknown"`:                                                     true,
		`"reason": "granted"`:                                                     false,
		`"reason": "unknown", "alarm": true, "forced": "a"`:                       true,
		`"reason": "unknown", "alarm": true`:                                      false,
		`"reason": "unknown", "duress": true`:                                     true,
		`"reason": "unknown", "usage": "cleaner.pin"`:                             false,
		`"reason": "granted", "account": "cleaner"`:                               false,
		`"reason": "expired", "account": "a", "usage": ""`:                        false,
		`"reason": "expired", "account": "a", "usage": "b"`:                       false,
		`"reason": "expired", "account": "a", "usage": "a.pin", "alarm": true`:    true,
		`"reason": "granted", "account": "a", "usage": "a.tag.7"`:                 true,
		`"reason": "granted", "account": "a", "usage": "a.tag."`:                  false,
		`"reason": "granted", "account": "a", "usage": "a.tag.7.pin"`:             false,
		`"reason": "expired", "account": "a", "usage": "a.duress", "alarm": true`: false,
	} {
		t.Run(text, func(t *testing.T) {
			w := newWorld(t)
			line, err := door.Written(w.key, `{"at": "2026-11-18T11:59:00Z", "clock": 3, "id": "one", "medium": 1, "point": "front", `+text+`}`)
			require.NoError(t, err)
			_, err = w.door.Enter(t.Context(), door.ByKey(w.key), line)
			if fine {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, door.ErrJournal)
			require.Empty(t, w.entries("main", audit.DoorDecided))
		})
	}
}

// What an edge decided as things were when it was told last is taken over, although they
// are others now.
//
// Rules: G199, G205
func TestAnEdgeIsBelievedWhatItCouldNotKnow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t)
		e.cut.Store(true)
		e.change("cleaner", rec.PIN, func(c *rec.Credential) { c.Uses, c.Changed = 3, time.Now() })
		time.Sleep(14 * time.Minute)
		require.True(t, e.ask(typed(t, pin)).Granted, "nobody could tell the edge that only the server decides")
		require.True(t, e.ask(held(t, card)).Granted)
		e.cut.Store(false)
		require.NoError(t, e.edge.Refresh(t.Context()))
		require.Empty(t, e.entries("main", audit.DoorJournalRefused))
		require.Equal(t, 1, e.uses(rec.CredentialID("cleaner", rec.PIN, 0)))
		require.Equal(t, 1, e.uses(rec.CredentialID("cleaner", rec.TagNumber, 1)))
		require.NoError(t, e.edge.Close())
	})
}

// A stranger's tag beside a duress code that raises no alarm is a line like any other.
//
// Rules: G199
func TestADuressCodeBesideAStrangersTagIsTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t)
		e.changeAccount("cleaner", func(a *accounts.Account) { a.Window.Revoked = true })
		require.NoError(t, e.edge.Refresh(t.Context()))
		e.cut.Store(true)
		both := held(t, fresh)
		both.With = []door.Shown{typed(t, duress).Shown}
		require.False(t, e.ask(both).Granted)
		e.cut.Store(false)
		require.NoError(t, e.edge.Refresh(t.Context()))
		require.Empty(t, e.entries("main", audit.DoorJournalRefused))
		require.Len(t, e.entries("main", audit.DoorDecided), 1)
		require.NoError(t, e.edge.Close())
	})
}

// What a point that denies has denied in an outage is taken over with its alarm.
//
// Rules: G194, G205
func TestWhatAPointDeniedInAnOutageIsTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t)
		put(e.world, rec.Readers, e.key.Reader(), func(r *rec.Reader) { r.Points[0].OnOutage = rec.OutageDeny })
		require.NoError(t, e.edge.Refresh(t.Context()))
		e.cut.Store(true)
		require.Equal(t, door.Outaged, e.ask(typed(t, duress)).Reason)
		e.cut.Store(false)
		require.NoError(t, e.edge.Refresh(t.Context()))
		require.Empty(t, e.entries("main", audit.DoorJournalRefused))
		require.Len(t, e.entries("main", audit.DoorDecided), 1)
		require.NoError(t, e.door.Work(t.Context()))
		require.Len(t, e.entries("restricted", audit.DuressRaised), 1)
		require.NoError(t, e.edge.Close())
	})
}
