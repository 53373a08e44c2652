package journal_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/journal"
)

// A new key is introduced by an entry that the old key has signed: whoever trusts the old
// one learns from a proof which is next. Nobody else can take over.
//
// Rules: R254
func TestANewKeyIsIntroducedByTheOldOne(t *testing.T) {
	for name, late := range map[string]bool{"index at once": false, "index later": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, late, nil)
			w.fill(4)
			require.NoError(t, pass(t, w.journal, "journal/sequence"))
			_, err := w.journal.Checkpoint(t.Context())
			require.NoError(t, err)
			next, err := audit.GenerateKey(origin)
			require.NoError(t, err)
			stranger, err := audit.GenerateKey(origin)
			require.NoError(t, err)
			for _, cosigners := range [][]note.Signer{nil, {stranger}} {
				j := w.open(w.store, func(o *journal.Options) {
					o.Signer, o.Cosigners, o.Trusted = next, cosigners, []note.Verifier{w.key.Public()}
				})
				_, err = j.Checkpoint(t.Context())
				require.ErrorIs(t, err, journal.ErrNewKey)
			}

			j := w.open(w.store, func(o *journal.Options) {
				o.Signer, o.Cosigners, o.Trusted = next, []note.Signer{w.key}, []note.Verifier{w.key.Public()}
			})
			for range 2 {
				_, err = j.Checkpoint(t.Context())
				require.NoError(t, err)
			}
			rotated := walk(t, j.As(operator), journal.Filter{Actions: []audit.Action{audit.KeysRotated}}, 200)
			require.Len(t, rotated, 1, "it is said once")
			proof, err := j.As(operator).Prove(t.Context(), rotated[0].ID, audit.FieldKey, audit.FieldKeyKind)
			require.NoError(t, err)
			p, err := audit.ParseProof(proof)
			require.NoError(t, err)
			_, err = audit.CheckProof(p, origin, w.key.Public())
			require.NoError(t, err, "the old key has signed it")
			require.Equal(t, "log", p.Entry.Value(audit.FieldKeyKind))
			learned, err := audit.ParsePublicKey(p.Entry.Value(audit.FieldKey))
			require.NoError(t, err)
			_, err = audit.CheckProof(p, origin, learned)
			require.NoError(t, err)

			// From now on the new key signs alone.
			alone := w.open(w.store, func(o *journal.Options) { o.Signer, o.Trusted = next, []note.Verifier{w.key.Public()} })
			w.fill(2)
			c, err := alone.Checkpoint(t.Context())
			require.NoError(t, err)
			_, err = audit.OpenCheckpoint(c.Text, origin, learned)
			require.NoError(t, err)
			require.Len(t, walk(t, j.As(operator), journal.Filter{Actions: []audit.Action{audit.KeysRotated}}, 200), 1)
		})
	}
}

// Rules: R254
func TestALostKeyIsSaidToBeLost(t *testing.T) {
	w := newWorld(t, false, nil)
	_, err := w.journal.Checkpoint(t.Context())
	require.NoError(t, err)
	next, err := audit.GenerateKey(origin)
	require.NoError(t, err)
	j := w.open(w.store, func(o *journal.Options) {
		o.Signer, o.KeyLost, o.Trusted = next, true, []note.Verifier{w.key.Public()}
	})
	_, err = j.Checkpoint(t.Context())
	require.NoError(t, err)
	rotated := walk(t, j.As(operator), journal.Filter{Actions: []audit.Action{audit.KeysRotated}}, 200)
	require.Len(t, rotated, 1)
	assert.Contains(t, rotated[0].Description, "the key before is lost")
}

// demanding is an anchor that takes a checkpoint only with proofs that hold.
type demanding struct {
	vault
	t      *testing.T
	key    note.Verifier
	proven int
}

func (d *demanding) PutProven(ctx context.Context, checkpoint []byte, at time.Time, prove func(int64) ([][32]byte, error)) error {
	if last, err := d.Latest(ctx); err == nil {
		older, err := audit.OpenCheckpoint(last.Text, origin, d.key)
		require.NoError(d.t, err)
		newer, err := audit.OpenCheckpoint(checkpoint, origin, d.key)
		require.NoError(d.t, err)
		proof, err := prove(older.Size)
		require.NoError(d.t, err)
		require.NoError(d.t, audit.CheckConsistency(proof, older, newer))
		d.proven++
	}
	return d.Put(ctx, checkpoint, at)
}

// Rules: R254
func TestAWitnessGetsItsProofs(t *testing.T) {
	d := &demanding{vault: vault{name: "witness"}, t: t}
	w := newWorld(t, false, func(o *journal.Options) { o.Anchors = []audit.Anchor{d} })
	d.key = w.key.Public()
	for range 4 {
		w.fill(5)
		_, err := w.journal.Checkpoint(t.Context())
		require.NoError(t, err)
	}
	require.Equal(t, 3, d.proven)
}
