package dsc

import (
	"context"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/internal/itv2"
)

// calm waits until the panel has said nothing for a while: after connecting it sends
// what it has stored up.
func (l *link) calm(ctx context.Context) error {
	for {
		l.mu.Lock()
		left := l.quiet - time.Since(l.heard)
		if l.settled || left <= 0 {
			l.settled = true
			l.mu.Unlock()
			return nil
		}
		l.mu.Unlock()
		timer := time.NewTimer(left)
		select {
		case <-timer.C:
		case <-l.done:
			timer.Stop()
			return l.lost()
		case <-ctx.Done():
			timer.Stop()
			return ended(ctx)
		}
	}
}

// learn asks the panel once for its limits, the length of its codes and whether it tells
// labels. A panel that refuses to say something is taken as its model describes it.
func (l *link) learn(ctx context.Context) error {
	l.mu.Lock()
	known := l.caps != nil
	l.mu.Unlock()
	if known {
		return nil
	}
	var caps itv2.Capabilities
	m, err := l.request(ctx, itv2.Capabilities{})
	if err == nil {
		caps = m.(itv2.Capabilities)
	} else if !refused(err) {
		return err
	}
	digits := 0
	m, err = l.request(ctx, itv2.CodeLength{})
	if err == nil {
		digits = digitsOf(m.(itv2.CodeLength))
	} else if !refused(err) {
		return err
	}
	_, err = l.request(ctx, itv2.Labels{Collection: itv2.UserLabels, Start: masterSlot, End: masterSlot})
	if err != nil && !refused(err) {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.caps, l.digits, l.unlabeled = &caps, digits, err != nil
	return nil
}

func digitsOf(m itv2.CodeLength) int {
	switch m.Digits {
	case 4, 6, 8:
		return m.Digits
	}
	return 0
}

// request asks for a message by one of its kind whose values mean nothing.
func (l *link) request(ctx context.Context, of itv2.Message) (itv2.Message, error) {
	return l.exchange(ctx, l.answer, itv2.Ask(of), of.Command(), func(itv2.Message) bool { return true })
}

// facts are what is known of the panel now.
func (l *link) facts() (panel.Model, int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var caps itv2.Capabilities
	if l.caps != nil {
		caps = *l.caps
	}
	m := narrow(l.model, caps, l.weak, l.disclose)
	if l.digits > 0 {
		m.Code.Lens = []int{l.digits}
	}
	if l.unlabeled {
		m.Read &^= panel.FieldLabel
	}
	return m, l.digits
}

// spent reports whether the session must be renewed before it is used on.
func (l *link) spent() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.keep && (l.worn || l.seq >= wornAt)
}

// renew ends the session so that the panel dials again and new keys are made.
func (l *link) renew() {
	l.home.sentAway(l)
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	_, _ = l.exchange(ctx, goodbye, itv2.Bare{Of: itv2.CmdEndSession}, itv2.CmdResponse, nil)
	l.end(errRenewed)
}
