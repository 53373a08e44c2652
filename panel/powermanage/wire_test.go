package powermanage

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// vectors are answers of servers as they were published.
func vectors(t *testing.T) map[string]json.RawMessage {
	t.Helper()
	raw, err := os.ReadFile("testdata/rest.json")
	require.NoError(t, err)
	var all map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(raw, &all))
	return all
}

func read[T any](t *testing.T, raw []byte) T {
	t.Helper()
	v, err := decode[T](raw)
	require.NoError(t, err)
	return v
}

// Rules: D22, D25, D27
func TestPublishedAnswersAreRead(t *testing.T) {
	v := vectors(t)
	best, err := read[versions](t, v["version"]).best()
	require.NoError(t, err)
	assert.Equal(t, "10.0", best)
	st := read[status](t, v["status"])
	assert.True(t, st.Connected)
	assert.False(t, st.armed() || st.programming())
	got, err := verdictOf(v["process_status"], "4efc2e3a-13ef-47aa-8d25-92eb8dfa2791")
	require.NoError(t, err)
	assert.Equal(t, succeeded, got)

	old, err := usersOf(v["users_9"])
	require.NoError(t, err)
	m := narrow(Visonic(), featureSet{}, old)
	assert.Equal(t, panel.Slots{First: 1, Last: 8}, m.Slots)
	assert.Nil(t, old.at(3), "slots without a user are left out")
	first, last := report(m, 1, old.at(1)), report(m, 8, old.at(8))
	assert.Equal(t, panel.Master, first.Role)
	assert.Equal(t, panel.PartitionsOf(1, 2, 3), first.Partitions)
	assert.Equal(t, panel.User, last.Role)
	assert.Equal(t, "Cleaner", last.Label)
	assert.Equal(t, m.Change, last.Editable)

	users, err := usersOf(v["users_14"])
	require.NoError(t, err)
	m = narrow(Visonic(), read[featureSet](t, v["feature_set_14"]), users)
	assert.Equal(t, []int{4}, m.Code.Lens)
	assert.Zero(t, m.Partitions, "partitions are off on this panel")
	assert.Equal(t, panel.FieldLabel|panel.FieldRole, m.Read)
	second := report(m, 2, users.at(2))
	assert.Equal(t, panel.FieldLabel, second.Editable)
	assert.Zero(t, second.Known&panel.FieldPartitions)
}

// What is sent has the published keys, and codes keep their zeros.
//
// Rules: D27
func TestRequestsHaveThePublishedKeys(t *testing.T) {
	v := vectors(t)
	for name, sent := range map[string]any{
		"set_user_code": setCode{Code: "8675", Slot: 4},
		"set_name":      setName{Class: "USER", Slot: 4, Name: "Side"},
	} {
		raw, err := json.Marshal(sent)
		require.NoError(t, err)
		assert.JSONEq(t, string(v[name]), string(raw))
	}
	raw, err := json.Marshal(setCode{Code: "0042", Slot: 2})
	require.NoError(t, err)
	assert.Contains(t, string(raw), `"0042"`)
}

// A job's status that nobody has published is one of a job that goes on.
//
// Rules: D27
func TestUnknownStatusesAreOfJobsThatGoOn(t *testing.T) {
	for status, want := range map[string]verdict{
		"start": running, "handled": running, "": running, "in_queue": running, "succeed": running,
		"succeeded": succeeded, "ok": succeeded, "SUCCEEDED": succeeded, "failed": failed,
	} {
		raw, err := json.Marshal([]process{{Token: "other", Status: "failed"}, {Token: "a", Status: status}})
		require.NoError(t, err)
		got, err := verdictOf(raw, "a")
		require.NoError(t, err)
		assert.Equal(t, want, got, status)
	}
	got, err := verdictOf([]byte(`[]`), "a")
	require.NoError(t, err)
	assert.Equal(t, forgotten, got)
}

// Names are shown in grids and logs: what is not printable does not get there.
func TestNamesAreMadeShowable(t *testing.T) {
	for name, want := range map[string]string{
		" Side ": "Side", "a\x1b[31mb": "a[31mb", "line\nbreak": "linebreak", "\xff": "", "Zoë": "Zoë", "\u202eevil": "evil",
	} {
		assert.Equal(t, want, shown(name))
	}
}

// wide holds a session's model against its driver's, as far as a server can move it.
func wide(t *testing.T, all, m panel.Model) {
	t.Helper()
	assert.True(t, all.Create.Has(m.Create))
	assert.True(t, all.Change.Has(m.Change))
	assert.True(t, all.Read.Has(m.Read))
	assert.True(t, m.Create == 0 || m.Create.Has(panel.FieldCode) && m.Create.Has(m.Change))
	assert.True(t, m.Writes().Has(m.Experimental))
	assert.LessOrEqual(t, m.Partitions, all.Partitions)
	assert.GreaterOrEqual(t, m.Partitions, 0)
	assert.LessOrEqual(t, m.Slots.Last, all.Slots.Last)
	assert.Subset(t, all.Code.Lens, m.Code.Lens)
	assert.NotEmpty(t, m.Code.Lens)
	for _, slot := range m.Reserved {
		assert.True(t, m.Slots.First <= slot && slot <= m.Slots.Last && slot != m.MasterSlot)
	}
}

func FuzzAnswersOfAServer(f *testing.F) {
	raw, err := os.ReadFile("testdata/rest.json")
	require.NoError(f, err)
	var all map[string]json.RawMessage
	require.NoError(f, json.Unmarshal(raw, &all))
	for _, v := range all {
		f.Add([]byte(v), []byte(all["users_14"]))
	}
	f.Add([]byte(`{"user":{"editable_features":[],"code_length":[6]},"partitions":{"is_enabled":true,"max_partitions":-4}}`), []byte(`{"reserved_ids":[1,2,2,99]}`))
	f.Add([]byte(`{"error":10020,"extras":[{"value":-1},{"value":"7"},{"value":{}}]}`), []byte(`{"max_users_count":-1}`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		_, _ = verdictOf(a, "token")
		_ = ticketOf(a)
		if st, err := decode[status](a); err == nil {
			_ = st.armed() && st.programming()
		}
		r := judge(http.StatusBadRequest, nil, a)
		for _, err := range []error{r.ofLine(), r.ofLogin(), lineError(r)} {
			require.Equal(t, err, lineError(err), "what was judged stays judged")
			assert.True(t, r.cause == nil || errors.Is(err, r.cause))
		}
		m := r.ofWrite()
		assert.NotEqual(t, m.line == nil, m.field == nil, "a refusal is about the line or about the field")
		assert.True(t, r.after >= 0 && r.after <= maxBlock)

		set, err := decode[featureSet](a)
		if err != nil {
			return
		}
		l, err := usersOf(b)
		if err != nil {
			require.ErrorIs(t, err, panel.ErrProtocol)
			return
		}
		for _, family := range []panel.Model{Visonic(), NeoR(), DualPath()} {
			m := narrow(family, set, l)
			wide(t, family, m)
			for i, u := range l.Users {
				r := report(m, u.ID, &l.Users[i])
				assert.True(t, m.Read.Has(r.Known) && m.Change.Has(r.Editable) && r.Partitions.Within(m.AllPartitions()))
				assert.True(t, r.Known&panel.FieldRole == 0 || m.Allows(r.Role))
				for _, c := range r.Label {
					assert.True(t, unicode.IsPrint(c))
				}
			}
		}
	})
}
