package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/seed-a2d3eaca/keyholder/audit"
)

// ExportOptions say what is exported. The zero value is everything that the reader may
// see, with pseudonyms.
type ExportOptions struct {
	Filter
	// Personal adds the personal values in clear, as far as they can be opened.
	Personal bool
}

// ExportedEntry is a line of an export.
type ExportedEntry struct {
	Index int64 `json:"index"`
	// Entry is the stored body, byte for byte: [audit.Decode] reads it, and its hash is the
	// leaf of the tree. Personal fields are sealed under the key that they name.
	Entry json.RawMessage `json:"entry"`
	// Personal are the personal values by the names of their fields.
	Personal map[string]string `json:"personal,omitempty"`
}

// ExportedCheckpoint is the last line of an export.
type ExportedCheckpoint struct {
	Checkpoint string `json:"checkpoint"`
	Entries    int64  `json:"entries"` // lines before this one
}

// Export writes entries in log order as lines of JSON ([ExportedEntry]), and last the
// signed checkpoint over the log as it was when the export began ([ExportedCheckpoint]).
// An export of everything by a reader of all sites can be checked with the public key
// alone: its leaves give the root of the checkpoint. The export is itself an entry, with
// its filter and the number of lines, before anything is written to w.
//
// Erasing a person erases their values from exports without Personal too, because what
// was exported is sealed under the key that is destroyed.
func (r *Reader) Export(ctx context.Context, w io.Writer, o ExportOptions) error {
	sites, err := r.scope(ctx, "Export")
	if err != nil {
		return err
	}
	j := r.journal
	s, err := j.search(ctx, o.Filter, sites)
	if err != nil {
		return err
	}
	c, err := j.signedNow(ctx)
	if err != nil {
		return err
	}
	n, err := j.countIndexed(ctx, s, c.Size)
	if err != nil {
		return err
	}
	if err := r.exports(ctx, asked("entries", o.Filter), n, c); err != nil {
		return err
	}
	lines := json.NewEncoder(w)
	lines.SetEscapeHTML(false) // a stored body has one form
	for e, err := range s.indexed(ctx, j.core.Store, c.Size) {
		if err != nil {
			return err
		}
		line, err := j.exported(ctx, e, o.Personal)
		if err != nil {
			return err
		}
		if err := lines.Encode(line); err != nil {
			return err
		}
	}
	return lines.Encode(ExportedCheckpoint{Checkpoint: string(c.Text), Entries: n})
}

func (j *Journal) exported(ctx context.Context, e record, personal bool) (ExportedEntry, error) {
	if !e.readable {
		return ExportedEntry{}, fmt.Errorf("%w: entry %d", audit.ErrMalformed, e.leaf.Index)
	}
	line := ExportedEntry{Index: e.leaf.Index, Entry: e.leaf.Body}
	if !personal {
		return line, nil
	}
	opened := []record{e}
	if err := j.open(ctx, opened, everybody); err != nil {
		return line, err
	}
	for _, f := range opened[0].entry.Fields {
		if f.Class == audit.ClassPersonal && f.Value != "" {
			if line.Personal == nil {
				line.Personal = map[string]string{}
			}
			line.Personal[f.Name] = f.Value
		}
	}
	return line, nil
}
