package twon

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// Apply writes in batches: what is there is read first, so that nobody is overwritten and
// nobody who has gone comes back, then each kind of change is one request. A device takes
// an entry with all its fields or leaves it as it was.
func (s *session) Apply(ctx context.Context, edits []panel.Edit) iter.Seq2[panel.Outcome, error] {
	return func(yield func(panel.Outcome, error) bool) {
		ctx, done, err := s.begin(ctx)
		if err != nil {
			yield(panel.Outcome{}, err)
			return
		}
		defer done()
		for _, jobs := range s.batches(edits) {
			if err = ctx.Err(); err != nil {
				err = context.Cause(ctx)
			} else {
				err = s.work(ctx, jobs)
			}
			for _, j := range jobs {
				if j.said() && !yield(j.out, nil) {
					return
				}
			}
			if err != nil {
				yield(panel.Outcome{}, err)
				return
			}
		}
	}
}

// job is one edit on its way.
type job struct {
	edit  panel.Edit
	uuid  string
	found entry
	do    verb
	out   panel.Outcome
}

// said reports whether there is anything to tell.
func (j *job) said() bool {
	return j.out.Done != 0 || j.out.Unsure != 0 || len(j.out.Refused) > 0 || j.edit.Set == 0
}

// left are the fields that are still to be written.
func (j *job) left() panel.Field {
	f := j.edit.Set &^ (j.out.Done | j.out.Unsure)
	for refused := range j.out.Refused {
		f &^= refused
	}
	return f
}

// refuse says why fields are not written. A new user comes with all of them or not at
// all: without its validity it would be let in for ever.
func (j *job) refuse(fields panel.Field, why error) {
	if j.edit.Do == panel.Create || j.edit.Do == panel.Replace {
		fields = j.left()
	}
	for f := range fields.Each() {
		j.out.Refused[f] = why
	}
}

// batches refuses what cannot be written and parts the rest. No entry is twice in one.
func (s *session) batches(edits []panel.Edit) [][]*job {
	var all [][]*job
	var now []*job
	taken := map[string]bool{}
	for _, e := range edits {
		j := s.job(e)
		if len(now) == s.opts.Batch || taken[j.uuid] {
			all, now = append(all, now), nil
			clear(taken)
		}
		now = append(now, j)
		taken[j.uuid] = j.uuid != ""
	}
	if now != nil {
		all = append(all, now)
	}
	return all
}

func (s *session) job(e panel.Edit) *job {
	if e.Do == panel.Remove {
		e.Set = panel.FieldCode
	}
	j := &job{edit: e, out: panel.Outcome{Place: e.Place, Refused: map[panel.Field]error{}}}
	uuid, ok := id(e.ID)
	if !ok || e.Slot != 0 {
		j.refuse(e.Set, fmt.Errorf("%w: %w", panel.ErrRefused, panel.ErrUserNotFound))
		return j
	}
	j.uuid = uuid
	can := s.model.Create
	switch e.Do {
	case panel.Change:
		can = s.model.Change
	case panel.Remove:
		j.edit.Duress = panel.Code{}
		return j
	}
	if no := e.Set &^ can; no != 0 {
		j.refuse(no, panel.ErrUnsupported)
	}
	if _, err := validFrom(e.Window); err != nil && j.left().Has(panel.FieldFrom) {
		j.refuse(panel.FieldFrom, fmt.Errorf("%w: %w", panel.ErrRefused, err))
	}
	if _, err := validTo(e.Window); err != nil && j.left().Has(panel.FieldUntil) {
		j.refuse(panel.FieldUntil, fmt.Errorf("%w: %w", panel.ErrRefused, err))
	}
	if e.Set.Has(panel.FieldCode) && e.Code.IsZero() {
		j.refuse(panel.FieldCode, fmt.Errorf("%w: %w", panel.ErrRefused, panel.ErrCodeLength))
	}
	if _, ok := first(uuid); ok && e.Do != panel.Change {
		j.refuse(e.Set, fmt.Errorf("%w: %w", panel.ErrRefused, panel.ErrUserNotFound))
	}
	if !e.Duress.IsZero() && j.left().Has(panel.FieldCode) && !s.twofold(uuid) {
		j.refuse(panel.FieldCode, panel.ErrUnsupported)
	}
	if e.Do != panel.Change && e.Set&(panel.FieldCode|panel.FieldLegacyTags) == 0 {
		j.refuse(e.Set, fmt.Errorf("%w: %w", panel.ErrRefused, panel.ErrCodeNotSet))
	}
	if len(e.LegacyTags) > s.shape.cards && j.left().Has(panel.FieldLegacyTags) {
		j.refuse(panel.FieldLegacyTags, fmt.Errorf("%w: %w", panel.ErrRefused, ErrCards))
	}
	return j
}

// work carries one batch out: second entries that are needed first, then the holders', then
// what second entries follow in. Whoever is forced can say so for as long as they get in.
func (s *session) work(ctx context.Context, jobs []*job) error {
	jobs = filter(jobs, func(j *job) bool { return j.left() != 0 })
	if len(jobs) == 0 {
		return nil
	}
	pairs, err := s.pairs(ctx, jobs)
	if err != nil {
		return err
	}
	defer func() {
		for _, p := range pairs {
			p.conclude()
		}
	}()
	var begun []*pair
	for _, p := range pairs {
		p.do = s.decide(p.job)
		gives, err := s.gives(p)
		if err != nil {
			return err
		}
		if gives {
			begun = append(begun, p)
		}
	}
	err = s.carry(ctx, seconds(s, begun))
	for _, p := range begun {
		if out := p.second.out; len(out.Refused) > 0 {
			p.refuse(panel.FieldCode, out.Refused[panel.FieldCode])
		} else if out.Done|out.Unsure != 0 {
			p.owes = panel.FieldCode
		}
	}
	if err != nil {
		return err
	}
	if err := s.carry(ctx, jobs); err != nil {
		return err
	}
	var after []*pair
	for _, p := range pairs {
		if p.out.Done.Has(panel.FieldCode) {
			p.owes = 0
		}
		if s.follows(p) {
			after = append(after, p)
		}
	}
	err = s.carry(ctx, seconds(s, after))
	for _, p := range after {
		if p.second.out.Done == p.second.edit.Set {
			p.owes = 0
		}
	}
	return err
}

// seconds are the jobs on second entries, decided.
func seconds(s *session, pairs []*pair) []*job {
	out := make([]*job, len(pairs))
	for i, p := range pairs {
		p.second.do = s.decide(p.second)
		out[i] = p.second
	}
	return out
}

// carry sends what was decided.
func (s *session) carry(ctx context.Context, jobs []*job) error {
	verbs := map[verb][]*job{}
	for _, j := range jobs {
		if j.left() != 0 {
			verbs[j.do] = append(verbs[j.do], j)
		}
	}
	for _, v := range [...]verb{remove, update, create} {
		if err := s.write(ctx, v, verbs[v]); err != nil {
			return err
		}
	}
	// A uuid that was deleted may count as taken: what is not there is no one's.
	stuck := filter(verbs[create], exists)
	if err := s.find(ctx, stuck); err != nil {
		return err
	}
	for _, j := range stuck {
		if !j.found.Deleted {
			j.refuse(j.left(), panel.ErrOccupied)
			continue
		}
		verbs[overwrite] = append(verbs[overwrite], j)
	}
	if err := s.write(ctx, overwrite, verbs[overwrite]); err != nil {
		return err
	}
	stuck = filter(verbs[overwrite], exists)
	if err := s.write(ctx, overwriteByBody, stuck); err != nil {
		return err
	}
	for _, j := range filter(stuck, exists) {
		j.refuse(j.left(), panel.ErrOccupied)
	}
	return nil
}

// exists reports whether the device said that the entry is there already, and did nothing.
func exists(j *job) bool { return j.left() != 0 && j.found.refusedWith(codeExists) }

// refusedWith reports whether an answer has an error code.
func (e entry) refusedWith(code string) bool {
	for _, x := range e.Errors {
		if x.Code == code {
			return true
		}
	}
	return false
}

func filter(jobs []*job, keep func(*job) bool) (out []*job) {
	for _, j := range jobs {
		if keep(j) {
			out = append(out, j)
		}
	}
	return out
}

// find reads what is there now.
func (s *session) find(ctx context.Context, jobs []*job) error {
	if len(jobs) == 0 {
		return nil
	}
	entries, err := s.get(ctx, uuids(jobs))
	if err != nil {
		return err
	}
	for i, j := range jobs {
		j.found = entries[i]
	}
	return nil
}

func uuids(jobs []*job) []string {
	out := make([]string, len(jobs))
	for i, j := range jobs {
		out[i] = j.uuid
	}
	return out
}

// leastTime is what a write needs: with less left it is not begun.
const leastTime = 500 * time.Millisecond

// verb is what a request does to its entries.
type verb uint8

const (
	nothing verb = iota
	remove
	update
	create
	overwrite       // create with force: fields that are not named take their defaults
	overwriteByBody // the same, as the maker's own test library writes it
)

// decide says what has to be done to an entry, and refuses what must not.
func (s *session) decide(j *job) verb {
	there := !j.found.Deleted
	lives := there && j.found.Access.exists()
	foreign := there && !s.ours(j.found)
	switch e := j.edit; {
	case foreign && e.Do == panel.Create:
		j.refuse(j.left(), fmt.Errorf("%w: %w", panel.ErrOccupied, ErrOwner))
	case foreign:
		j.refuse(j.left(), fmt.Errorf("%w: %w", panel.ErrRefused, ErrOwner))
	case e.Do == panel.Replace:
		return overwrite
	case e.Do == panel.Create && !there:
		return create
	case e.Do == panel.Create && (e.Unsure != 0 || !lives && j.found.Owner != ""):
		return overwrite // what an unsure edit made, or what was ours and opens nothing any more
	case e.Do == panel.Create:
		j.refuse(j.left(), panel.ErrOccupied)
	case e.Do == panel.Remove && (lives || there && j.found.Owner != ""):
		return remove
	case e.Do == panel.Remove:
		j.out.Done = panel.FieldCode
	case !lives:
		j.refuse(j.left(), fmt.Errorf("%w: %w", panel.ErrRefused, panel.ErrUserNotFound))
	default:
		return update
	}
	return nothing
}

// write sends one request for entries of one kind of change and takes its answers in.
func (s *session) write(ctx context.Context, v verb, jobs []*job) error {
	if len(jobs) == 0 {
		return nil
	}
	if by, ok := ctx.Deadline(); ok && time.Until(by) < leastTime {
		return fmt.Errorf("%w: %w", panel.ErrTimeout, context.DeadlineExceeded)
	}
	body := map[string]any{}
	q := request{method: http.MethodPut, body: body}
	switch v {
	case remove:
		q.path, body["users"] = pathDelete, named(uuids(jobs))
	case update:
		q.path = pathUpdate
	default:
		q.path = pathCreate
		if v == overwrite {
			q.query = "force=1"
		}
		if v == overwriteByBody {
			body["force"] = true
		}
	}
	if v != remove {
		entries := make([]map[string]any, len(jobs))
		for i, j := range jobs {
			entries[i] = s.values(j, v != update)
		}
		body["users"] = entries
	}
	s.mine.begin()
	d, left, err := s.directory(ctx, q)
	s.mine.end(d)
	if err == nil {
		d.Users, err = align(uuids(jobs), d.Users)
	}
	for i, j := range jobs {
		switch {
		case err == nil:
			s.settle(j, d.Users[i])
		case left:
			j.out.Unsure |= j.left()
		}
	}
	return err
}

// settle takes in what a device says of one entry.
func (s *session) settle(j *job, answer entry) {
	j.found.Errors = answer.Errors
	if len(answer.Errors) == 0 || j.edit.Do == panel.Remove && answer.refusedWith(codeMissing) {
		j.out.Done |= j.left()
		return
	}
	if answer.refusedWith(codeExists) {
		return // see work
	}
	left := j.left()
	for _, x := range answer.Errors {
		why := panel.ErrRefused
		if x.Code == codeUnknownField || x.Code == codeNoField {
			why = panel.ErrUnsupported
		}
		f := fieldOf(x.Field) & left
		if f == 0 {
			f = left // the device does not say which, or it is one that belongs to all
		}
		j.refuse(f, fmt.Errorf("%w: %s", why, word(x.Code)))
	}
}

// fieldOf is the field that a name of the API belongs to.
func fieldOf(name string) panel.Field {
	for prefix, f := range map[string]panel.Field{
		"name": panel.FieldLabel, "access.pin": panel.FieldCode, "access.code": panel.FieldCode,
		"access.card": panel.FieldLegacyTags, "access.validFrom": panel.FieldFrom, "access.validTo": panel.FieldUntil,
	} {
		if name == prefix || strings.HasPrefix(name, prefix+"[") {
			return f
		}
	}
	return 0
}

// word repeats a code of the API if it is one.
func word(code string) string {
	switch code {
	case codeMissing, codeForm, codeUnknownField, codeNoField, codeValue:
		return code
	}
	return "another error"
}
