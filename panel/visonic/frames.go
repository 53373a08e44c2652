package visonic

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic/internal/powerlink"
)

// Names in a [panel.Target] of the Frames route.
const (
	// FramesRoute is the name of the route over a serial port or a serial server.
	FramesRoute = "frames"
	// DownloadSecret is that route's secret: the download code, four hexadecimal digits
	// (published factory codes: 5650 on PowerMax, AAAA on PowerMaster).
	DownloadSecret = "download"
)

// Frames speaks to PowerMax and PowerMaster panels over a serial port, or over TCP to a
// serial server. It reads; it cannot write.
type Frames struct {
	panel.Dials
	o *Options
}

// NewFrames makes the driver. It does no I/O.
func NewFrames(o Options) *Frames { return &Frames{o: &o} }

// Model is the widest panel that the route can meet.
func (d *Frames) Model() panel.Model {
	return d.o.model(widest("PowerMax and PowerMaster over frames", "each panel's own model says what stands behind it"))
}

// Open dials and enters download mode once, for a moment, to learn which panel this is and
// its serial number: [panel.ErrIdentity] if Target.Ident names another one. The panel has
// to be disarmed. A refused download code is [panel.ErrSecret], a panel that asks for
// patience a [panel.Later] of [panel.ErrBusy].
func (d *Frames) Open(ctx context.Context, t panel.Target) (panel.Session, error) {
	r := t.Routes[FramesRoute]
	rw, err := d.o.Dial(ctx, r.Addr)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", panel.ErrUnreachable, err)
	}
	code := r.Secrets[DownloadSecret]
	s := &session{link: newLink(&stream{rw: rw}), o: d.o, code: &code}
	if err := s.meet(ctx, t.Ident); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// meet learns which panel this is.
func (s *session) meet(ctx context.Context, ident string) error {
	err := s.download(ctx, *s.code, func(ctx context.Context, kind byte) error {
		p, ok := panelOf(kind)
		if !ok {
			return fmt.Errorf("%w: %w: %d", panel.ErrProtocol, ErrUnknownPanel, kind)
		}
		s.panel = p
		serial, err := s.eprom(ctx, powerlink.Serial, 3)
		s.ident = strings.ToUpper(hex.EncodeToString(serial))
		return err
	})
	if err == nil && ident != "" && !strings.EqualFold(ident, s.ident) {
		err = panel.ErrIdentity
	}
	if err == nil {
		err = s.settle(ctx)
	}
	return err
}
