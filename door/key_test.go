package door_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
)

// A key goes to the reader as text and comes back, and prints nowhere; neither does who is
// under duress.
func TestKeysAndAlarmsDoNotPrint(t *testing.T) {
	w := newWorld(t)
	text := w.key.Reveal()
	require.Equal(t, w.key, door.ParseReaderKey(text))
	for _, bad := range []string{"", "khr", "khs_" + text[4:], text[:30], "khr_x_y"} {
		require.Empty(t, door.ParseReaderKey(bad).Reveal(), bad)
	}
	body, err := json.Marshal(w.key)
	require.NoError(t, err)
	require.JSONEq(t, `"`+credentials.Redacted+`"`, string(body))
	a := door.Alarm{ID: "decision", Account: "cleaner", Point: "front"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		require.Equal(t, credentials.Redacted, fmt.Sprintf(verb, w.key))
		require.Equal(t, "decision", fmt.Sprintf(verb, a))
	}
	slog.New(slog.NewTextHandler(w.log, nil)).Info("x", slog.Any("key", w.key), slog.Any("alarm", a))
	require.NotContains(t, w.log.String(), text[41:])
	require.NotContains(t, w.log.String(), "cleaner")
}
