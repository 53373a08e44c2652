package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Entry is an entry of the log as a person reads it: personal fields are open as far as
// the keys of the people whom they describe still exist.
//
// Its JSON form is for the reader's screen. It prints without personal values.
type Entry struct {
	Index       int64         `json:"index"` // place in the log, -1 until it has one
	ID          string        `json:"id"`
	Time        time.Time     `json:"time"`
	Who         string        `json:"who"` // the actor's name, "kind/id" where there is none
	Actor       audit.Actor   `json:"actor"`
	Action      audit.Action  `json:"action"`
	Outcome     audit.Outcome `json:"outcome"`
	Severity    string        `json:"severity"`
	Description string        `json:"description"` // one sentence with the details
	Details     []Detail      `json:"details"`
	Targets     []string      `json:"targets"`
	// Unreadable: the stored body is not one that this log writes. Verify the log.
	Unreadable bool `json:"unreadable,omitempty"`
}

// Detail is one field of an entry.
type Detail struct {
	Name string `json:"name"`
	// Value; of a secret "changed", of a personal value that cannot be opened any more the
	// person's pseudonym.
	Value    string `json:"value"`
	Personal bool   `json:"personal,omitempty"`
}

// String is one line without personal values.
func (e Entry) String() string {
	return fmt.Sprintf("%s %s %s %s %q", e.Time.UTC().Format(time.RFC3339Nano), e.Actor, e.Action, e.Outcome, e.ID)
}

// Format keeps personal values out of every verb of fmt.
func (e Entry) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, e.String()) }

// LogValue keeps personal values out of slog.
func (e Entry) LogValue() slog.Value { return slog.StringValue(e.String()) }

// record is a stored entry and what could be read of its body.
type record struct {
	leaf     store.Entry
	entry    audit.Entry
	readable bool
}

// decode reads a stored body. Where that fails, what the store finds the entry by is
// shown instead: one changed row must not hide the others.
func decode(e store.Entry) record {
	a, err := audit.Decode(e.Body)
	if err != nil && !errors.Is(err, audit.ErrVersion) {
		return record{leaf: e, entry: audit.Entry{ID: e.ID, At: e.At, Action: audit.Action(e.Action), Targets: e.Targets}}
	}
	return record{leaf: e, entry: a, readable: true}
}

// sound reports if the stored body is not the one that the tree was given: nothing may be
// concluded from such an entry.
func (r record) sound() error {
	hash, err := r.entry.Hash()
	if err == nil && hash != r.leaf.Hash {
		err = audit.ErrCommitment
	}
	if err != nil {
		return fmt.Errorf("journal: entry %q: %w", r.leaf.ID, err)
	}
	return nil
}

// view is the record as a reader sees it; its personal fields are open already.
func (r record) view() Entry {
	a := r.entry.Actor()
	v := Entry{Index: r.leaf.Index, ID: r.leaf.ID, Time: r.leaf.At, Who: a.Name, Actor: a, Action: r.entry.Action,
		Outcome: r.entry.Outcome, Severity: audit.Severity(0).String(), Unreadable: !r.readable}
	if v.Who == "" {
		v.Who = a.String()
	}
	text := "An entry of another version of keyholder: " + string(v.Action)
	if spec, ok := audit.Lookup(v.Action); ok {
		text, v.Severity = strings.TrimSuffix(spec.Text, "."), spec.Severity.String()
	}
	for _, t := range r.leaf.Targets {
		v.Targets = append(v.Targets, string(t))
	}
	var words []string
	for _, f := range r.entry.Fields {
		d := Detail{Name: f.Name, Value: f.Value, Personal: f.Class == audit.ClassPersonal}
		word := f.Name + " " + strconv.Quote(f.Value)
		switch {
		case f.Class == audit.ClassSecret:
			d.Value, word = "changed", f.Name+" changed"
		case d.Personal && f.Value == "":
			d.Value, word = f.Pseudonym(), f.Name+" "+f.Pseudonym()
		}
		v.Details = append(v.Details, d)
		if !strings.HasPrefix(f.Name, "actor.") {
			words = append(words, word)
		}
	}
	if r.readable && len(words) > 0 {
		text += ": " + strings.Join(words, ", ")
	}
	if v.Description = text + "."; !r.readable {
		v.Description = text + ". The stored entry cannot be read: verify the log."
	}
	return v
}

// everybody's personal fields are opened.
func everybody(string) bool { return true }

// views opens records as far as they are about whose, and shows them.
func (j *Journal) views(ctx context.Context, rs []record, whose func(keyID string) bool) ([]Entry, error) {
	if err := j.open(ctx, rs, whose); err != nil {
		return nil, err
	}
	list := make([]Entry, len(rs))
	for i, r := range rs {
		list[i] = r.view()
	}
	return list, nil
}

// open opens the personal fields of records in place, as far as they are about whose and
// their keys exist. All keys are loaded at once.
func (j *Journal) open(ctx context.Context, rs []record, whose func(keyID string) bool) error {
	var keys []store.Key
	loaded := loads{Store: j.core.Store, records: map[store.Key]store.Record{}}
	for _, r := range rs {
		for _, f := range r.entry.Fields {
			key := rec.Salts.Key(f.KeyID)
			if _, known := loaded.records[key]; f.Class == audit.ClassPersonal && !known {
				loaded.records[key] = store.Record{Key: key}
				if whose(f.KeyID) {
					keys = append(keys, key)
				}
			}
		}
	}
	if len(keys) == 0 {
		return nil
	}
	found, err := j.core.Store.Load(ctx, keys...)
	if err != nil {
		return err
	}
	for i, r := range found {
		loaded.records[keys[i]] = r
	}
	core := j.core.On(loaded)
	for i := range rs {
		// A field that does not open (a key that this node lacks, bytes that were changed)
		// stays a pseudonym and does not hide the other entries.
		if rs[i].entry, err = core.OpenEntry(ctx, rs[i].entry); err != nil && fault.Of(err) == fault.Unknown {
			return err
		}
	}
	return nil
}

// loads is a store that answers from what was loaded together before.
type loads struct {
	store.Store
	records map[store.Key]store.Record
}

// Load implements [store.Store].
func (l loads) Load(ctx context.Context, keys ...store.Key) ([]store.Record, error) {
	found := make([]store.Record, len(keys))
	for i, k := range keys {
		r, ok := l.records[k]
		if !ok {
			return l.Store.Load(ctx, keys...)
		}
		found[i] = r
	}
	return found, nil
}
