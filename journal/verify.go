package journal

import (
	"context"

	"golang.org/x/mod/sumdb/note"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Verify reads the whole log of the store and gives three verdicts: integrity,
// completeness and state. It is for readers of all sites; see [audit.Verify].
func (r *Reader) Verify(ctx context.Context) (audit.Report, error) {
	sites, err := r.scope(ctx, "Verify")
	if err != nil {
		return audit.Report{}, err
	}
	if err := r.whole(ctx, "Verify", sites); err != nil {
		return audit.Report{}, err
	}
	return VerifyStore(ctx, r.journal.core.Store, r.journal.verification())
}

// whole refuses readers of some sites.
func (r *Reader) whole(ctx context.Context, name string, sites accounts.Sites) error {
	if sites.All() {
		return nil
	}
	return r.refused(ctx, name, ErrWholeLog)
}

// VerifyStore is [Reader.Verify] without a journal, for a command that checks a database
// on another machine, with public keys only. It writes nothing.
func VerifyStore(ctx context.Context, st store.Store, o audit.VerifyOptions) (audit.Report, error) {
	return audit.Verify(ctx, source{st}, o)
}

// verification is what this journal compares the log with.
func (j *Journal) verification() audit.VerifyOptions {
	return audit.VerifyOptions{Origin: j.o.Origin, Keys: j.keys(), Anchors: j.o.Anchors, Now: j.core.Time()}
}

// keys are the public keys of the log.
func (j *Journal) keys() []note.Verifier {
	if !signs(j.o) {
		return j.o.Trusted
	}
	return append([]note.Verifier{j.o.Signer.Public()}, j.o.Trusted...)
}

// signs reports whether there is a key to sign with.
func signs(o Options) bool { return o.Signer.Signer != nil }
