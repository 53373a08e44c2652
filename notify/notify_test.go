package notify_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/notify"
)

// What is sent prints as its id, whatever prints it.
func TestMessagesPrintAsTheirIDs(t *testing.T) {
	for _, m := range []any{
		notify.Message{ID: "m1", To: "planted@example.com", Subject: "planted", Text: "planted", HTML: "planted"},
		notify.Text{ID: "m1", To: "planted", Body: "planted"},
		notify.Notice{ID: "m1", Endpoint: "planted", Title: "planted", Body: "planted"},
	} {
		j, err := json.Marshal([]any{m})
		require.NoError(t, err)
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "m", m)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "m", m)
		said := fmt.Sprintf("%v %+v %#v %s %q %v", m, m, m, m, m, []any{m}) + string(j) + log.String()
		assert.NotContains(t, said, "planted")
		assert.Contains(t, said, "message m1")
	}
}

func TestARejectionIsForGoodAndAnOutageIsNot(t *testing.T) {
	rejected := fmt.Errorf("send: %w", &notify.RejectedError{Status: "550 5.1.1"})
	require.ErrorIs(t, rejected, notify.ErrRejected)
	assert.False(t, fault.Temporary(rejected))
	assert.True(t, fault.Temporary(errors.Join(notify.ErrUnavailable)))
	assert.Equal(t, fault.Conflict, fault.Of(rejected))
	assert.ErrorContains(t, rejected, "550 5.1.1")
}
