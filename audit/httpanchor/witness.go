package httpanchor

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/fault"
)

// ErrUnknownLog: the witness does not know the log or its key.
var ErrUnknownLog = fault.New(fault.Precondition, "httpanchor: the witness does not know this log or its key").
	Hinted("Ask whoever runs the witness to add the log's name and public key.")

// WitnessOptions say which witness is asked. URL and Key are required.
type WitnessOptions struct {
	// URL is the witness's submission prefix.
	URL string
	// Key checks its cosignatures.
	Key   audit.WitnessKey
	Reach Reach
	// Keep remembers the last checkpoint that was cosigned, with the cosignature; nil: an
	// [audit.Memory]. Give an [audit.FileAnchor], so that the cosignatures are kept.
	Keep audit.Anchor
}

// Witness is an anchor that lets a public witness cosign every checkpoint, by the protocol
// https://c2sp.org/tlog-witness. The witness remembers the last one and demands a proof
// that the next continues it, so that a rewritten or restored log is not cosigned.
//
// It is written to the published protocol and is Experimental: no public witness was seen.
type Witness struct {
	o    WitnessOptions
	to   *url.URL
	http client
}

var _ audit.Witness = (*Witness)(nil)

// NewWitness returns the anchor. It does no I/O.
func NewWitness(o WitnessOptions) (*Witness, error) {
	to, err := parse(o.URL)
	if err != nil {
		return nil, err
	}
	if o.Key.Name() == "" {
		return nil, audit.ErrKey
	}
	if o.Keep == nil {
		o.Keep = &audit.Memory{}
	}
	return &Witness{o: o, to: to.JoinPath("add-checkpoint"), http: o.Reach.client()}, nil
}

// Name implements [audit.Anchor].
func (w *Witness) Name() string { return "witness " + w.o.Key.Name() }

// Latest returns the last checkpoint that was cosigned.
func (w *Witness) Latest(ctx context.Context) (audit.Anchored, error) { return w.o.Keep.Latest(ctx) }

// Put implements [audit.Anchor]. Without proofs the witness can be given its first
// checkpoint, or the last one again; everything else fails with [audit.ErrProof].
func (w *Witness) Put(ctx context.Context, checkpoint []byte, at time.Time) error {
	return w.PutProven(ctx, checkpoint, at, func(int64) ([][32]byte, error) { return nil, audit.ErrProof })
}

// PutProven implements [audit.Witness]. It fails with [audit.ErrAnchorFork] if the witness
// has seen another log under this name, or more of it.
func (w *Witness) PutProven(ctx context.Context, checkpoint []byte, at time.Time, prove func(older int64) ([][32]byte, error)) error {
	size, err := audit.CheckpointSize(checkpoint)
	if err != nil {
		return err
	}
	old, err := w.seen(ctx, checkpoint)
	if err != nil {
		return err
	}
	got, err := w.ask(ctx, checkpoint, old, size, prove)
	if known, ok := got.size(); err == nil && ok && known != old {
		// The witness has seen more than is remembered here, or less.
		if known > size {
			return fmt.Errorf("%w: the witness has seen %d entries, the log has %d", audit.ErrAnchorFork, known, size)
		}
		got, err = w.ask(ctx, checkpoint, known, size, prove)
	}
	if err == nil {
		err = got.refusal()
	}
	if err != nil {
		return err
	}
	cosigned, err := audit.Cosigned(checkpoint, got.body, w.o.Key)
	if err != nil {
		return err
	}
	return w.o.Keep.Put(ctx, cosigned, at)
}

// seen is how many entries the witness has seen, as far as that is remembered.
func (w *Witness) seen(ctx context.Context, next []byte) (int64, error) {
	last, err := w.o.Keep.Latest(ctx)
	if errors.Is(err, audit.ErrNoAnchor) {
		return 0, nil
	}
	if err == nil {
		err = audit.Follows(last.Text, next)
	}
	if err != nil {
		return 0, err
	}
	return audit.CheckpointSize(last.Text)
}

// ask sends a checkpoint with the proof that it continues the one of an older size.
func (w *Witness) ask(ctx context.Context, checkpoint []byte, old, size int64, prove func(int64) ([][32]byte, error)) (answer, error) {
	var proof [][32]byte
	if old > 0 && old < size {
		var err error
		if proof, err = prove(old); err != nil {
			return answer{}, err
		}
	}
	var body bytes.Buffer
	_, _ = fmt.Fprintf(&body, "old %d\n", old) // a buffer takes everything
	for _, h := range proof {
		body.WriteString(base64.StdEncoding.EncodeToString(h[:]) + "\n")
	}
	body.WriteByte('\n')
	body.Write(checkpoint)
	return w.http.post(ctx, w.to, http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, body.Bytes())
}

// size is how many entries the witness says that it has seen, where it says so.
func (a answer) size() (int64, bool) {
	if a.code != http.StatusConflict || a.kind != "text/x.tlog.size" {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(string(a.body), "\n"), 10, 64)
	return n, err == nil && n >= 0
}

// refusal is what an answer other than a cosignature means.
func (a answer) refusal() error {
	switch a.code {
	case http.StatusOK:
		return nil
	case http.StatusConflict, http.StatusUnprocessableEntity:
		return fmt.Errorf("%w: the witness has seen another log", audit.ErrAnchorFork)
	case http.StatusForbidden, http.StatusNotFound:
		return ErrUnknownLog
	}
	return fmt.Errorf("%w: answer %d", ErrRefused, a.code)
}
