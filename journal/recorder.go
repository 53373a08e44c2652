package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Sink is a recorder with its place in the log. It gets every entry in order, at least
// once, whatever happens to this program; nodes that share a store and a sink's name
// take turns.
type Sink struct {
	// Name keeps the place: 1 to 64 bytes. Another name begins at the beginning.
	Name     string
	Recorder audit.Recorder
	// Personal opens personal fields for this recorder; otherwise it sees pseudonyms.
	Personal bool
	// Required turns [Journal.Health] red when an entry waits for longer than Within. It
	// never holds anything up.
	Required bool
	// Within; zero: 5 minutes.
	Within time.Duration
}

const (
	maxSinkName = 64
	sinkWithin  = 5 * time.Minute
)

func checkSinks(list []Sink) error {
	known := map[string]bool{}
	for _, s := range list {
		if s.Name == "" || len(s.Name) > maxSinkName || known[s.Name] || s.Recorder == nil {
			return fmt.Errorf("%w: %.64q", ErrSink, s.Name)
		}
		known[s.Name] = true
	}
	return nil
}

// reached is how far a recorder has come.
type reached struct {
	Next int64     `json:"next"` // index of the entry that it gets next
	At   time.Time `json:"at"`   // when it got the last one
}

var reachedKind = rec.Kind[reached]{Name: store.Cursor, Schema: 1}

func (s Sink) cursor() string { return "recorder/" + s.Name }

// turn is how long a node keeps a recorder to itself without a sign of life.
const turn = 30 * time.Second

// record hands a recorder everything that it has not got yet, if it is this node's turn.
func (j *Journal) record(ctx context.Context, s Sink) error {
	if _, err := j.core.Store.Beat(ctx, j.o.Node, turn); err != nil {
		return err
	}
	line, err := j.core.Store.Own(ctx, j.o.Node, s.cursor())
	if errors.Is(err, store.ErrOwned) {
		return nil
	}
	if err != nil {
		return err
	}
	for err == nil {
		var more bool
		if more, err = j.deliver(ctx, s, line); !more {
			break
		}
		_, err = j.core.Store.Beat(ctx, j.o.Node, turn)
	}
	// The turn ends also when ctx has, so that another node need not wait.
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, released := j.core.Act(end, accounts.SystemActor("recorder"), func(u *flow.Unit) error {
		u.Do(store.Fence{Line: line.Name, Owner: line.Owner, Token: line.Token})
		return nil
	})
	return errors.Join(err, released)
}

// deliver hands over one page, and moves the cursor when the recorder has taken it. It
// reports whether there may be more.
func (j *Journal) deliver(ctx context.Context, s Sink, line store.Line) (bool, error) {
	at, err := j.reached(ctx, s)
	if err != nil {
		return false, err
	}
	found, next, err := j.indexed(ctx, at.Next, accounts.AllSites())
	if err != nil || len(found) == 0 {
		return false, err
	}
	if s.Personal {
		if err := j.open(ctx, found, everybody); err != nil {
			return false, err
		}
	}
	entries := make([]audit.Recorded, len(found))
	for i, r := range found {
		entries[i] = audit.Recorded{Index: r.leaf.Index, Entry: r.entry}
	}
	if err := s.Recorder.Record(ctx, entries); err != nil {
		return false, fmt.Errorf("journal: recorder %q: %w", s.Name, err)
	}
	_, err = j.core.Act(ctx, accounts.SystemActor("recorder"), func(u *flow.Unit) error {
		if _, _, err := flow.Load(u, reachedKind, s.cursor()); err != nil {
			return err
		}
		u.Do(store.Fence{Line: line.Name, Owner: line.Owner, Token: line.Token, Fate: store.Fate{Keep: true}})
		return flow.Put(u, reachedKind, s.cursor(), &reached{Next: next, At: u.Now()})
	})
	return err == nil, err
}

// reached returns how far a recorder has come.
func (j *Journal) reached(ctx context.Context, s Sink) (reached, error) {
	r, err := j.core.Store.Load(ctx, reachedKind.Key(s.cursor()))
	if err != nil {
		return reached{}, err
	}
	at, _, err := reachedKind.Decode(r[0])
	return at, err
}
