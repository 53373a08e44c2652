// Package zapaudit passes log entries on to a *zap.Logger.
//
// It is for hosts that collect their logs with zap. Personal values appear as
// pseudonyms unless the host says otherwise, secrets never: they are not in the entry.
package zapaudit

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/seed-a2d3eaca/keyholder/audit"
)

// Options of a [Recorder]. The zero value shows no personal value.
type Options struct {
	// Personal shows the personal values that were opened before. What was not opened
	// stays a pseudonym.
	Personal bool
	// Sync flushes the logger after each call, so that an entry is on the disk before the
	// cursor moves. Leave it off for a terminal, which cannot be flushed.
	Sync bool
}

// Recorder is an [audit.Recorder].
type Recorder struct {
	name string
	core zapcore.Core
	opts Options
}

// New returns a recorder that writes to the logger, with the logger's name and fields.
//
// Entries go straight to the logger's core: its level and a sampler do not drop any, and
// an error of the sink is returned, where zap itself would swallow it.
func New(logger *zap.Logger, opts Options) *Recorder {
	return &Recorder{name: logger.Name(), core: logger.Core(), opts: opts}
}

// Record writes one line for each entry.
func (r *Recorder) Record(ctx context.Context, entries []audit.Recorded) error {
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.core.Write(r.line(e)); err != nil {
			return fmt.Errorf("zapaudit: entry %d: %w", e.Index, err)
		}
	}
	if !r.opts.Sync {
		return nil
	}
	if err := r.core.Sync(); err != nil {
		return errors.Join(errors.New("zapaudit: entries are written, but not flushed"), err)
	}
	return nil
}

func (r *Recorder) line(rec audit.Recorded) (zapcore.Entry, []zapcore.Field) {
	e := rec.Entry
	line := zapcore.Entry{Level: zapcore.InfoLevel, Time: e.At, LoggerName: r.name, Message: string(e.Action)}
	fields := []zapcore.Field{
		zap.Int64("index", rec.Index),
		zap.String("id", e.ID),
		zap.String("outcome", string(e.Outcome)),
	}
	if spec, ok := audit.Lookup(e.Action); ok {
		line.Level, line.Message = level(spec.Severity, e.Outcome), spec.Text
		fields = append(fields, zap.Int("ocsf.type", spec.OCSFType()), zap.Stringer("severity", spec.Severity))
	}
	targets := make([]string, len(e.Targets))
	for i, t := range e.Targets {
		targets[i] = target(t)
	}
	return line, append(fields,
		zap.String("action", string(e.Action)),
		zap.Strings("targets", targets),
		zap.Object("fields", details{fields: e.Fields, personal: r.opts.Personal}))
}

// target shows an id as text if it is text.
func target(id []byte) string {
	if bytes.ContainsFunc(id, func(r rune) bool { return r < ' ' || r > '~' }) {
		return hex.EncodeToString(id)
	}
	return string(id)
}

// level is Info, and Warn for what somebody should look at.
func level(s audit.Severity, o audit.Outcome) zapcore.Level {
	if s >= audit.Medium || o != audit.Success {
		return zapcore.WarnLevel
	}
	return zapcore.InfoLevel
}

// details are the fields of an entry.
type details struct {
	fields   []audit.Field
	personal bool
}

// MarshalLogObject implements zapcore.ObjectMarshaler.
func (d details) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	for _, f := range d.fields {
		enc.AddString(f.Name, d.show(f))
	}
	return nil
}

func (d details) show(f audit.Field) string {
	switch {
	case f.Withheld:
		return "[withheld]"
	case f.Class == audit.ClassPublic, f.Class == audit.ClassPersonal && d.personal && f.Value != "":
		return f.Value
	case f.Class == audit.ClassPersonal:
		return f.Pseudonym()
	}
	return "[changed]"
}
