package roster

import (
	"context"
	"time"

	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// Receipt names a wish. It is plain data: keep it, send it, ask about it later.
type Receipt struct {
	Panel    string      `json:"panel"`
	Place    panel.Place `json:"place"`
	Revision uint64      `json:"revision"`
}

// Fate is what became of a wish.
type Fate string

// The fates of a wish.
const (
	Pending    Fate = "pending"    // recorded, not yet confirmed by the panel
	Sending    Fate = "sending"    // handed to the panel, or its answer was lost
	Held       Fate = "held"       // its author lost the right since: somebody has to confirm it
	Settled    Fate = "settled"    // the panel has confirmed it
	Unverified Fate = "unverified" // set, digits not verified: the route does not show them
	Partly     Fate = "partly"     // the panel has taken some fields and refused others
	Refused    Fate = "refused"    // the panel refused it
	Cancelled  Fate = "cancelled"  // taken back before it was sent
	Expired    Fate = "expired"    // the panel was not reached in time
	Fallen     Fate = "fallen"     // somebody took access away at the panel meanwhile
	Superseded Fate = "superseded" // a later wish took its place
)

// Ended reports whether the fate is final.
func (f Fate) Ended() bool { return f != Pending && f != Sending && f != Held }

// Progress is how far a wish has come.
type Progress struct {
	Fate    Fate
	Fields  panel.Field // still open
	Reason  string      // of Refused, Held and Fallen
	Since   time.Time
	Refused map[string]string // why, by the names of fields that were refused
}

// Receipt tells what became of a wish.
func (t *Tab) Receipt(ctx context.Context, r Receipt) (Progress, error) {
	if _, err := t.peek(ctx, "Receipt"); err != nil {
		return Progress{}, err
	}
	rs, err := t.core().Store.Load(ctx, rec.Users.Key(rec.UserID(t.id, r.Place)))
	if err != nil {
		return Progress{}, err
	}
	u, _, err := rec.Users.Decode(rs[0])
	if err != nil {
		return Progress{}, err
	}
	return progress(u, r.Revision), nil
}

func progress(u rec.User, revision uint64) Progress {
	p := Progress{Since: u.WishedAt}
	for f, why := range u.Slot.Refused {
		if p.Refused == nil {
			p.Refused = map[string]string{}
		}
		p.Refused[f.String()] = why
	}
	switch {
	case revision == 0 || u.Revision == 0:
		p.Fate = Settled
	case u.Ended != nil && u.Ended.Revision == revision && u.Revision == revision && u.Pending == 0:
		p.Fate, p.Reason, p.Since = Fate(u.Ended.How), u.Ended.Reason, u.Ended.At
	case u.Revision > revision:
		p.Fate = Superseded
		if u.Ended != nil && u.Ended.Revision == revision {
			p.Fate, p.Reason, p.Since = Fate(u.Ended.How), u.Ended.Reason, u.Ended.At
		}
	case u.Held:
		p.Fate, p.Fields, p.Reason = Held, u.Pending, "its author no longer has the right"
	case u.Pending == 0 && u.Unsure == 0:
		p.Fate = Settled
	case u.Flight != nil || u.Unsure != 0:
		p.Fate, p.Fields = Sending, u.Pending|u.Unsure
	default:
		p.Fate, p.Fields = Pending, u.Pending
	}
	return p
}

// Ready waits until the panel's users have been read for the first time, or ctx ends.
func (t *Tab) Ready(ctx context.Context) error {
	wake := t.core().Store.Wake(ctx)
	for {
		info, err := t.Info(ctx)
		if err != nil || !info.Baseline.IsZero() {
			return err
		}
		if err := pause(ctx, wake); err != nil {
			return err
		}
	}
}

// pause waits for a hint or a while.
func pause(ctx context.Context, wake <-chan struct{}) error {
	tick := time.NewTimer(waitPoll)
	defer tick.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-wake:
	case <-tick.C:
	}
	return nil
}

// waitPoll is how often Wait looks without a hint.
const waitPoll = 200 * time.Millisecond

// Wait waits until a wish has ended, or ctx does. It returns what is known then.
func (t *Tab) Wait(ctx context.Context, r Receipt) (Progress, error) {
	wake := t.core().Store.Wake(ctx)
	for {
		p, err := t.Receipt(ctx, r)
		if err != nil || p.Fate.Ended() {
			return p, err
		}
		if err := pause(ctx, wake); err != nil {
			return p, err
		}
	}
}
