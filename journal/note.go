package journal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// countFor is how long readings are counted that no entry has told of yet.
const countFor = 400 * 24 * time.Hour

// note records that the reader reads, before they see anything. The first reading of an
// hour is an entry; it says how many there were since the reader's entry before, itself
// included. The others are counted.
func (r *Reader) note(ctx context.Context, f Filter) error {
	core := r.journal.core
	now := core.Time()
	hour := now.Truncate(time.Hour)
	sum := sha256.Sum256([]byte(r.actor.String()))
	who := hex.EncodeToString(sum[:16])
	window, since := "logread/"+strconv.FormatInt(hour.Unix(), 10)+"/"+who, "logread/"+who
	counts, err := core.Store.Counters(ctx, window, since)
	if err != nil {
		return err
	}
	if counts[0] == 0 {
		_, err := core.Act(ctx, r.actor, func(u *flow.Unit) error {
			u.Do(store.Count{Counter: window, By: 1, Max: 1, Until: hour.Add(2 * time.Hour)})
			if counts[1] > 0 {
				u.Do(store.Count{Counter: since, By: -counts[1], Until: now.Add(countFor)})
			}
			_, err := u.Say(audit.LogRead, audit.Success, nil,
				flow.F(audit.FieldFilter, cut(f.String())), flow.F(audit.FieldCount, strconv.FormatInt(counts[1]+1, 10)))
			return err
		})
		// Another reading of this hour was faster: this one is counted.
		if !errors.Is(err, store.ErrLimit) {
			return err
		}
	}
	_, err = core.Act(ctx, r.actor, func(u *flow.Unit) error {
		u.Do(store.Count{Counter: since, By: 1, Max: 1 << 40, Until: now.Add(countFor)})
		return nil
	})
	return err
}

// cut is as much of a text as a field of an entry takes.
func cut(text string) string { return strings.ToValidUTF8(text[:min(len(text), audit.MaxValue)], "") }
