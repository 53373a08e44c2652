package zapaudit

import (
	"context"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/seed-a2d3eaca/keyholder/audit"
)

// NewAnchor returns an anchor that writes every checkpoint of the log as one line of a
// *zap.Logger, past its level and sampler. keep remembers the last one; nil: an
// [audit.Memory].
func NewAnchor(logger *zap.Logger, keep audit.Anchor) *audit.Relay {
	core := logger.Core()
	return audit.NewRelay("zap", keep, func(_ context.Context, checkpoint []byte, at time.Time) error {
		line := zapcore.Entry{Level: zapcore.InfoLevel, Time: at, LoggerName: logger.Name(), Message: "checkpoint of the action log"}
		return core.Write(line, []zapcore.Field{zap.ByteString("checkpoint", checkpoint)})
	})
}
