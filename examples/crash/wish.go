package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// The places for which wishes are made.
const (
	firstSlot = 2
	lastSlot  = 12
)

// What can be wished.
const (
	setCode       = "set code"
	setLabel      = "set label"
	setPartitions = "set partitions"
	disable       = "disable"
)

// wish is a wish as the processes speak of it. Of a code it has the number in the pool:
// the digits are never said.
type wish struct {
	Slot       int              `json:"slot"`
	What       string           `json:"what"`
	Code       int              `json:"code,omitempty"`
	Label      string           `json:"label,omitempty"`
	Partitions panel.Partitions `json:"partitions,omitempty"`
}

// pool draws the digits of sixty codes; both processes draw the same. The first one's
// number is 1.
func pool(seed uint64) ([]string, error) {
	random := rand.New(rand.NewPCG(seed, 0))
	codes := make([]string, 1, 61)
	for len(codes) < cap(codes) {
		digits := fmt.Sprintf("%04d", random.IntN(10000))
		c, err := panel.ParseCode(digits)
		if err != nil {
			return nil, err
		}
		if digits != master && !slices.Contains(codes, digits) && (credentials.Policy{}).Check(c, false) == nil {
			codes = append(codes, digits)
		}
	}
	return codes, nil
}

// draw is a random wish.
func draw(random *rand.Rand, codes int) wish {
	w := wish{Slot: firstSlot + random.IntN(lastSlot-firstSlot+1)}
	label := "User " + strconv.Itoa(random.IntN(1000))
	partitions := panel.Partitions(1 + random.Uint64N(15)) // some of 1 to 4
	switch n := random.IntN(10); {
	case n < 4:
		w.What, w.Code, w.Label, w.Partitions = setCode, 1+random.IntN(codes), label, partitions
	case n < 6:
		w.What, w.Label = setLabel, label
	case n < 8:
		w.What, w.Partitions = setPartitions, partitions
	default:
		w.What = disable
	}
	return w
}

// do makes the wish.
func (w wish) do(ctx context.Context, tab *roster.Tab, codes []string) (roster.Receipt, error) {
	place := panel.Place{Slot: w.Slot}
	switch w.What {
	case setCode:
		code, err := panel.ParseCode(codes[w.Code])
		if err != nil {
			return roster.Receipt{}, err
		}
		return tab.SetCode(ctx, place, roster.CodeWish{Code: code, Label: w.Label, Partitions: w.Partitions})
	case setLabel:
		return tab.SetLabel(ctx, place, w.Label)
	case setPartitions:
		return tab.SetPartitions(ctx, place, w.Partitions)
	}
	return tab.Disable(ctx, place)
}

// refusal reports whether an error is what the wish deserved.
func refusal(err error) bool {
	return errors.Is(err, credentials.ErrCodeTaken) || errors.Is(err, panel.ErrCodeNotSet)
}

// entry reports whether an action is what the log says of the wish.
func (w wish) entry(a audit.Action) bool {
	switch w.What {
	case setCode:
		return a == audit.UserCodeSet || a == audit.UserCodeChanged
	case setLabel:
		return a == audit.UserLabelChanged
	case setPartitions:
		return a == audit.UserPartitionsChanged
	}
	return a == audit.UserDisabled
}

// anyWish reports whether an action is what the log says of any wish.
func anyWish(a audit.Action) bool {
	return slices.ContainsFunc([]string{setCode, setLabel, setPartitions, disable}, func(what string) bool {
		return wish{What: what}.entry(a)
	})
}

// What a process says.
const (
	listens = "listens" // for the panel, at an address
	tries   = "tries"   // a wish, now
	done    = "done"    // the wish was acknowledged
	refused = "refused" // the wish was refused as it had to be
)

// word is something that a process says, in one line of JSON.
type word struct {
	Say      string `json:"say"`
	Addr     string `json:"addr,omitempty"`
	Revision uint64 `json:"revision,omitempty"`
	Wish     wish   `json:"wish,omitzero"`
}

// tell says a word. It is one write, which comes whole or not at all.
func tell(out io.Writer, w word) error { return json.NewEncoder(out).Encode(w) }
