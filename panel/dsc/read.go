package dsc

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/internal/itv2"
)

const (
	blockSlots = 32 // users asked for at once: every answer stays below 255 bytes
	labelSlots = 8  // labels asked for at once: 28 bytes each
)

// block is a run of slots.
type block struct{ first, count int }

func (b block) last() int { return b.first + b.count - 1 }

// entry is what a panel says of one slot.
type entry struct {
	kind  byte
	flags byte
	mask  uint64
	code  panel.Code // only when disclosed
	label *string
}

func (e entry) exists() bool { return e.kind != itv2.KindNone }

// Read yields the facts, then the users. With q.All the existing ones; places that are
// named are reported also when they are empty. Digits are read only where the query asks
// for them and [Options.DiscloseCodes] allows it.
func (s *session) Read(ctx context.Context, q panel.Query) iter.Seq2[panel.Event, error] {
	return func(yield func(panel.Event, error) bool) {
		w, ctx, done, err := s.begin(ctx, false)
		if err != nil {
			yield(panel.Event{}, err)
			return
		}
		defer done()
		m, digits := w.link.facts()
		_, _, armed := s.line.habits()
		facts := panel.Facts{Ident: s.line.ident, Model: &m, CodeLen: digits, Armed: armed, Version: w.link.opened.Version()}
		if !yield(panel.Event{Panel: &facts}, nil) {
			return
		}
		todo, err := plan(m, q)
		disclose := q.Disclose && s.disclose
		for err == nil && len(todo) > 0 {
			var got []panel.Report
			got, todo, err = w.stretch(ctx, m, todo, disclose)
			for _, r := range got {
				if (r.Exists || !q.All) && !yield(panel.Event{User: &r}, nil) {
					return
				}
			}
		}
		if err != nil {
			yield(panel.Event{}, err)
		}
	}
}

// plan cuts a query into blocks.
func plan(m panel.Model, q panel.Query) ([]block, error) {
	var slots []int
	if q.All {
		for slot := max(m.Slots.First, q.After.Slot+1); slot <= m.Slots.Last; slot++ {
			slots = append(slots, slot)
		}
	} else {
		for _, p := range q.Places {
			if p.Slot < m.Slots.First || p.Slot > m.Slots.Last {
				return nil, &panel.SlotError{Slot: p.Slot, Slots: m.Slots}
			}
			slots = append(slots, p.Slot)
		}
		slices.Sort(slots)
		slots = slices.Compact(slots)
	}
	var out []block
	for _, slot := range slots {
		if n := len(out); n > 0 && out[n-1].count < blockSlots && out[n-1].last()+1 == slot {
			out[n-1].count++
		} else {
			out = append(out, block{slot, 1})
		}
	}
	return out, nil
}

// stretch reads blocks while one programming session lasts, leaves it, and reads the
// labels. Nothing is handed out while keypads are locked out.
func (w *work) stretch(ctx context.Context, m panel.Model, todo []block, disclose bool) (got []panel.Report, rest []block, err error) {
	entries := map[int]entry{}
	var read []block
	for len(todo) > 0 && (len(read) == 0 || w.inside && w.remaining() > 8*w.slowest) {
		if err = w.entries(ctx, todo[0], disclose, entries); err != nil {
			break
		}
		read, todo = append(read, todo[0]), todo[1:]
	}
	w.leave()
	for _, b := range read {
		for first := b.first; first <= b.last() && err == nil; first += labelSlots {
			err = w.labels(ctx, block{first, min(labelSlots, b.last()-first+1)}, entries)
		}
		for slot := b.first; slot <= b.last(); slot++ {
			got = append(got, report(m, slot, entries[slot]))
		}
	}
	if err != nil {
		return nil, nil, err
	}
	return got, todo, nil
}

// entries reads one block.
func (w *work) entries(ctx context.Context, b block, disclose bool, into map[int]entry) error {
	kinds, err := w.octets(ctx, itv2.CmdReadKinds, itv2.CmdKinds, b)
	if err != nil {
		return err
	}
	flags, err := w.octets(ctx, itv2.CmdReadFlags, itv2.CmdFlags, b)
	if err != nil {
		return err
	}
	a, err := w.do(ctx, itv2.Range{Of: itv2.CmdReadMasks, Start: b.first, Count: b.count}, itv2.CmdMasks, func(a itv2.Message) bool {
		m := a.(itv2.Masks)
		return m.Start == b.first && len(m.Sets) == b.count
	})
	if err != nil {
		return readError(err)
	}
	masks := a.(itv2.Masks).Sets
	for i := range b.count {
		into[b.first+i] = entry{kind: kinds[i], flags: flags[i], mask: masks[i]}
	}
	if !disclose {
		return nil
	}
	codes, err := w.codes(ctx, b)
	if err != nil {
		return err
	}
	for i := range b.count {
		e := into[b.first+i]
		e.code = codeOf(codes.At(i))
		into[b.first+i] = e
	}
	clear(codes.Data)
	return nil
}

func (w *work) octets(ctx context.Context, of, answer itv2.Command, b block) ([]byte, error) {
	a, err := w.do(ctx, itv2.Range{Of: of, Start: b.first, Count: b.count}, answer, func(a itv2.Message) bool {
		m := a.(itv2.Octets)
		return m.Start == b.first && len(m.Values) == b.count
	})
	if err != nil {
		return nil, readError(err)
	}
	return a.(itv2.Octets).Values, nil
}

// codes reads digits. The caller has made sure that the host allows it.
func (w *work) codes(ctx context.Context, b block) (itv2.Codes, error) {
	a, err := w.do(ctx, itv2.Range{Of: itv2.CmdReadCodes, Start: b.first, Count: b.count}, itv2.CmdCodes, func(a itv2.Message) bool {
		m := a.(itv2.Codes)
		return m.Start == b.first && m.Count() == b.count
	})
	if err != nil {
		return itv2.Codes{}, readError(err)
	}
	return a.(itv2.Codes), nil
}

// readError is what a failed read means for the line.
func readError(err error) error {
	if refused(err) {
		return fmt.Errorf("%w: %w", panel.ErrBusy, err)
	}
	return err
}

// labels reads the labels of the users that exist in a block. A panel that refuses has
// no labels to tell.
func (w *work) labels(ctx context.Context, b block, into map[int]entry) error {
	w.link.mu.Lock()
	unlabeled := w.link.unlabeled
	w.link.mu.Unlock()
	if unlabeled || !slices.ContainsFunc(slotsOf(b), func(slot int) bool { return into[slot].exists() }) {
		return nil
	}
	ask := itv2.Ask(itv2.Labels{Collection: itv2.UserLabels, Start: b.first, End: b.last()})
	a, err := w.plain(ctx, ask, itv2.CmdLabels, func(a itv2.Message) bool {
		m := a.(itv2.Labels)
		return m.Collection == itv2.UserLabels && m.Start == b.first && m.End == b.last() && len(m.Texts) == b.count
	})
	if refused(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for i, text := range a.(itv2.Labels).Texts {
		e := into[b.first+i]
		clean := printable(text)
		e.label = &clean
		into[b.first+i] = e
	}
	return nil
}

func slotsOf(b block) []int {
	out := make([]int, b.count)
	for i := range out {
		out[i] = b.first + i
	}
	return out
}

// printable takes out of a panel's text what is not for reading.
func printable(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text))
}

// report puts what was read of a slot into the field's words.
func report(m panel.Model, slot int, e entry) panel.Report {
	r := panel.Report{Place: panel.Place{Slot: slot}, Exists: e.exists(), Sight: panel.Presence}
	if !r.Exists {
		return r
	}
	r.Known = panel.FieldRole | panel.FieldPartitions
	r.Role = roleOf(slot, e.flags)
	r.Partitions = panel.Partitions(e.mask) & m.AllPartitions()
	r.Editable = m.Change
	if slot == masterSlot {
		r.Editable &= panel.FieldCode | panel.FieldLabel
	}
	if e.kind&itv2.KindTag != 0 {
		r.Tags = 1
	}
	if e.label != nil {
		r.Known |= panel.FieldLabel
		r.Label = *e.label
	}
	if !e.code.IsZero() {
		r.Known |= panel.FieldCode
		r.Sight, r.Code = panel.Value, e.code
	}
	return r
}

// codeOf reads a code in BCD; what is not digits is no code.
func codeOf(bcd []byte) (c panel.Code) {
	if c.UnmarshalText([]byte(itv2.Digits(bcd))) != nil {
		return panel.Code{}
	}
	return c
}
