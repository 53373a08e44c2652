package flow

import (
	"fmt"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Collisions are the counters of answers that tell an actor that something is somebody
// else's, each with how many there may be: in an hour and in a day for the actor, and in a
// day for all.
func Collisions(actor accounts.Actor, now time.Time, inHour, inDay, inDayOfAll int64) []store.Count {
	hour, day := now.Truncate(time.Hour), now.Truncate(24*time.Hour)
	who := actor.Kind() + "/" + string(actor.ID())
	return []store.Count{
		{Counter: fmt.Sprintf("taken/h/%d/%s", hour.Unix(), who), By: 1, Max: inHour, Until: hour.Add(2 * time.Hour)},
		{Counter: fmt.Sprintf("taken/d/%d/%s", day.Unix(), who), By: 1, Max: inDay, Until: day.Add(48 * time.Hour)},
		{Counter: fmt.Sprintf("taken/t/%d", day.Unix()), By: 1, Max: inDayOfAll, Until: day.Add(48 * time.Hour)},
	}
}
