package journal

import (
	"context"
	"fmt"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Prove returns the text of a ".tlog-proof" file: that the entry is in the log. It shows
// when, what, with which outcome and about which ids, and of the fields the named ones
// only. Whoever has it and the log's public key can check it without any connection
// ([audit.ParseProof], [audit.CheckProof]). Personal fields are shown sealed.
//
// It fails with [ErrEntryNotFound], [ErrNoField], and with [ErrPending] for an entry that
// is not in the tree yet; where no checkpoint covers the entry a new one is signed, or
// it fails with [ErrNoSigner].
func (r *Reader) Prove(ctx context.Context, entryID string, fields ...string) ([]byte, error) {
	sites, err := r.scope(ctx, "Prove")
	if err != nil {
		return nil, err
	}
	found, err := r.journal.find(ctx, entryID, within(store.EntryQuery{}, sites))
	if err != nil {
		return nil, err
	}
	return r.prove(ctx, found, fields)
}

// prove proves an entry that the reader may see.
func (r *Reader) prove(ctx context.Context, found record, fields []string) ([]byte, error) {
	j := r.journal
	for _, name := range fields {
		if _, ok := found.entry.Field(name); !ok {
			return nil, fmt.Errorf("%w: %.64q", ErrNoField, name)
		}
	}
	if found.leaf.Index < 0 {
		return nil, ErrPending
	}
	if err := r.note(ctx, Filter{About: []string{found.leaf.ID}}); err != nil {
		return nil, err
	}
	c, err := j.covering(ctx, found.leaf.Index)
	if err != nil {
		return nil, err
	}
	proof, err := audit.Prove(found.entry.Disclose(fields...), found.leaf.Index, c, hashes(ctx, j.core.Store))
	if err != nil {
		return nil, err
	}
	return proof.MarshalText()
}
