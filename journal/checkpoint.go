package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// signed is the last checkpoint as the store keeps it.
type signed struct {
	Text string    `json:"text"`
	Size int64     `json:"size"` // for people who look into the database
	At   time.Time `json:"at"`
	// Introduced is the id of the key that an entry has introduced last.
	Introduced string `json:"introduced,omitempty"`
}

var signedKind = rec.Kind[signed]{Name: store.Watermark, Schema: 1}

const signedID = "log/checkpoint"

// lastSigned returns the last checkpoint of a store and whether there is one.
func lastSigned(ctx context.Context, st store.Store) (signed, bool, error) {
	r, err := st.Load(ctx, signedKind.Key(signedID))
	if err != nil {
		return signed{}, false, err
	}
	s, _, err := signedKind.Decode(r[0])
	return s, r[0].Version != 0, err
}

// Checkpoint signs the log as it is now, stores the checkpoint and hands it to every
// anchor. The error joins an [*AnchorError] for each anchor that did not take it; the
// checkpoint is valid all the same. A log that contradicts an anchor or its own last
// checkpoint is not signed any more: [ErrRewritten].
func (j *Journal) Checkpoint(ctx context.Context) (audit.Checkpoint, error) {
	return j.checkpoint(ctx, 0)
}

// checkpoint signs and anchors what is older than that.
func (j *Journal) checkpoint(ctx context.Context, age time.Duration) (audit.Checkpoint, error) {
	anchors := make([]held, len(j.o.Anchors))
	for i, a := range j.o.Anchors {
		anchors[i] = readAnchor(ctx, a, j.verification())
		if err := j.continues(ctx, anchors[i].checkpoint); err != nil {
			return audit.Checkpoint{}, &AnchorError{Anchor: a.Name(), Err: err}
		}
	}
	c, err := j.sign(ctx, age)
	if err != nil {
		return audit.Checkpoint{}, err
	}
	now := j.core.Time()
	var failed []error
	for _, h := range anchors {
		if h.err == nil && age > 0 && now.Sub(h.at) < age {
			continue
		}
		if err := j.put(ctx, h.anchor, c, now); err != nil {
			failed = append(failed, &AnchorError{Anchor: h.anchor.Name(), Err: err})
		}
	}
	return c, errors.Join(failed...)
}

// put hands a checkpoint to an anchor, with proofs if it asks for them.
func (j *Journal) put(ctx context.Context, a audit.Anchor, c audit.Checkpoint, now time.Time) error {
	w, ok := a.(audit.Witness)
	if !ok {
		return a.Put(ctx, c.Text, now)
	}
	return w.PutProven(ctx, c.Text, now, func(older int64) ([][32]byte, error) {
		return audit.ProveConsistency(older, c.Size, hashes(ctx, j.core.Store))
	})
}

// sign returns a checkpoint that is not older than age, a new one if it has to.
func (j *Journal) sign(ctx context.Context, age time.Duration) (audit.Checkpoint, error) {
	if !signs(j.o) {
		return audit.Checkpoint{}, ErrNoSigner
	}
	if err := j.introduce(ctx); err != nil {
		return audit.Checkpoint{}, err
	}
	var c audit.Checkpoint
	_, err := j.core.Act(ctx, accounts.SystemActor("checkpoint"), func(u *flow.Unit) error {
		last, found, err := flow.Load(u, signedKind, signedID)
		if err != nil {
			return err
		}
		if found {
			if c, err = j.trust(last); err != nil {
				return err
			}
			if age > 0 && u.Now().Sub(last.At) < age {
				return nil
			}
			if err := j.continues(ctx, c); err != nil {
				return err
			}
		}
		size, _, err := j.core.Store.Tree(ctx)
		if err != nil {
			return err
		}
		root, err := audit.Root(size, hashes(ctx, j.core.Store))
		if err != nil {
			return err
		}
		text, err := audit.SignCheckpoint(j.o.Origin, size, root, append([]note.Signer{j.o.Signer}, j.o.Cosigners...)...)
		if err != nil {
			return err
		}
		c = audit.Checkpoint{Origin: j.o.Origin, Size: size, Root: root, Text: text, Keys: []string{j.o.Origin}}
		return flow.Put(u, signedKind, signedID, &signed{Text: string(text), Size: size, At: u.Now(), Introduced: last.Introduced})
	})
	return c, err
}

// trust opens a stored checkpoint with the log's keys.
func (j *Journal) trust(s signed) (audit.Checkpoint, error) {
	return audit.OpenCheckpoint([]byte(s.Text), j.o.Origin, j.keys()...)
}

// continues reports with [ErrRewritten] if the log is not a continuation of a
// checkpoint. There is nothing to continue where there is none.
func (j *Journal) continues(ctx context.Context, c audit.Checkpoint) error {
	if c.Text == nil {
		return nil
	}
	standing, err := compare(ctx, j.core.Store, c)
	if err == nil && standing != Current {
		err = fmt.Errorf("%w: %s the %d entries that were signed", ErrRewritten, standing, c.Size)
	}
	return err
}

// covering returns a checkpoint over more than that many entries: the last one, or a
// new one.
func (j *Journal) covering(ctx context.Context, index int64) (audit.Checkpoint, error) {
	last, found, err := lastSigned(ctx, j.core.Store)
	if err != nil {
		return audit.Checkpoint{}, err
	}
	if found {
		c, err := j.trust(last)
		if err != nil || c.Size > index {
			return c, err
		}
	}
	return j.sign(ctx, 0)
}
