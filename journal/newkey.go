package journal

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
)

// introduce adds the entry that introduces the key of this node, if the last checkpoint
// was signed by others only. The checkpoint that covers the entry is signed by the old key
// too, so that whoever trusts that one learns which is next.
func (j *Journal) introduce(ctx context.Context) error {
	said := false
	_, err := j.core.Act(ctx, accounts.SystemActor("checkpoint"), func(u *flow.Unit) error {
		said = false
		last, found, err := flow.Load(u, signedKind, signedID)
		if err != nil || !found {
			return err
		}
		if _, err := j.trust(last); err != nil {
			return err
		}
		own := j.o.Signer.Public()
		if last.Introduced == keyID(own) || j.bears(last, own) {
			return nil
		}
		before := slices.DeleteFunc(slices.Clone(j.keys()), func(v note.Verifier) bool { return !j.bears(last, v) })
		reason := ""
		switch beside := func(v note.Verifier) bool {
			return slices.ContainsFunc(j.o.Cosigners, func(s note.Signer) bool { return s.Name() == v.Name() && s.KeyHash() == v.KeyHash() })
		}; {
		case slices.ContainsFunc(before, beside):
		case j.o.KeyLost:
			reason = "the key before is lost"
		default:
			return ErrNewKey
		}
		ids := make([]string, len(before))
		for i, v := range before {
			ids[i] = keyID(v)
		}
		if _, err := u.Say(audit.KeysRotated, audit.Success, nil, flow.F(audit.FieldKeyKind, "log"), flow.F(audit.FieldKey, own.String()),
			flow.F(audit.FieldKeyBefore, strings.Join(ids, " ")), flow.F(audit.FieldReason, reason)); err != nil {
			return err
		}
		last.Introduced, said = keyID(own), true
		return flow.Put(u, signedKind, signedID, &last)
	})
	if err != nil || !said {
		return err
	}
	return j.sequence(ctx) // the next checkpoint has to cover it
}

// bears reports whether a checkpoint is signed with a key.
func (j *Journal) bears(s signed, v note.Verifier) bool {
	_, err := audit.OpenCheckpoint([]byte(s.Text), j.o.Origin, v)
	return err == nil
}

// keyID is how a key is named where its text is too long.
func keyID(v note.Verifier) string { return fmt.Sprintf("%s+%08x", v.Name(), v.KeyHash()) }
