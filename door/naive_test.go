package door_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// naive is a door as a person would describe it: a list of people and a pad of paper.
type naive struct {
	now    time.Time
	people map[string]*guest
	wrong  int
	level  int
	last   time.Time
	until  time.Time
}

type guest struct {
	pin, duress        string
	suspended, revoked bool
	ended              bool
	until              time.Time
	uses, used         int
	staff              bool
}

// say is the reason that a code gets, and whether it is an alarm.
func (n *naive) say(typed string) (credentials.Reason, bool) {
	locked := n.now.Before(n.until)
	for _, g := range n.people {
		if typed != g.pin && typed != g.duress {
			continue
		}
		alarm := typed == g.duress && !g.revoked
		switch {
		case locked:
			return credentials.LockedOut, alarm
		case g.revoked:
			return credentials.Revoked, alarm
		case g.suspended, g.ended:
			return credentials.Disabled, alarm
		case !g.until.IsZero() && !n.now.Before(g.until):
			return credentials.Expired, alarm
		case g.uses > 0 && g.used >= g.uses:
			return credentials.UsedUp, alarm
		case !g.staff:
			return credentials.NoRule, alarm
		}
		g.used++
		n.wrong = 0
		return credentials.Granted, alarm
	}
	if locked {
		return credentials.LockedOut, false
	}
	if n.now.Sub(n.last) > time.Hour {
		n.wrong, n.level = 0, 0
	}
	n.wrong++
	n.last = n.now
	if n.wrong == 5 {
		n.wrong, n.until = 0, n.now.Add(min(15*time.Minute, 30*time.Second<<n.level))
		n.level++
	}
	return credentials.Unknown, false
}

// Whatever happens to people and in whatever order codes are typed, the service says what
// somebody with a pad of paper would say, raises the same alarms, and a restart changes
// nothing.
//
// Rules: G61, G194, G199
func TestTheServiceAgreesWithAPadOfPaper(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t, func(o *door.Options) { o.Policy.Guesses = 1 << 30 })
		n := &naive{now: noon, people: map[string]*guest{}}
		var codes []string
		for i := range 3 {
			id := fmt.Sprint("guest", i)
			g := &guest{pin: fmt.Sprint(1000 + i), duress: fmt.Sprint(2000 + i), staff: true, uses: rapid.IntRange(0, 3).Draw(r, "uses")}
			n.people[id] = g
			w.account(id)
			w.give(id, rec.PIN, g.pin, func(c *rec.Credential) { c.Uses = g.uses })
			w.give(id, rec.DuressPIN, g.duress)
			codes = append(codes, g.pin, g.duress)
		}
		codes = append(codes, "9998", "9999")
		alarms := 0
		for range rapid.IntRange(5, 40).Draw(r, "steps") {
			id := fmt.Sprint("guest", rapid.IntRange(0, 2).Draw(r, "who"))
			g := n.people[id]
			switch rapid.IntRange(0, 10).Draw(r, "step") {
			case 0:
				g.suspended = !g.suspended
				w.changeAccount(id, func(a *accounts.Account) {
					if a.Suspended.At = noon; !g.suspended {
						a.Suspended.At = time.Time{}
					}
				})
			case 1:
				g.revoked = !g.revoked
				w.changeAccount(id, func(a *accounts.Account) { a.Window.Revoked = g.revoked })
			case 2:
				g.until = n.now.Add(time.Duration(rapid.IntRange(0, 120).Draw(r, "until")) * time.Second)
				w.changeAccount(id, func(a *accounts.Account) { a.Window.Until = g.until })
			case 3:
				g.staff = !g.staff
				w.changeAccount(id, func(a *accounts.Account) {
					if a.Roles = nil; g.staff {
						a.Roles = []string{"staff"}
					}
				})
			case 4:
				d := time.Duration(rapid.SampledFrom([]int{1, 29, 30, 60, 900, 3601}).Draw(r, "later")) * time.Second
				w.later(d)
				n.now = n.now.Add(d)
			case 5:
				w.open()
			case 6:
				g.ended = !g.ended
				put(w, rec.Projections, id, func(p *rec.Projection) {
					if p.Ended = nil; g.ended {
						p.Ended = &rec.End{At: noon, Sites: []string{"site"}}
					}
				})
			default:
				text := rapid.SampledFrom(codes).Draw(r, "code")
				want, alarm := n.say(text)
				require.Equal(r, want, w.try(typed(t, text)).Reason)
				if alarm {
					alarms++
				}
			}
		}
		require.NoError(r, w.door.Work(t.Context()))
		require.Len(r, w.alarms, alarms)
	})
}
