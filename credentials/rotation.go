package credentials

import (
	"fmt"
	"slices"

	"github.com/seed-a2d3eaca/keyholder/fault"
)

// ErrRotation: the next step of a rotation may not be taken yet.
var ErrRotation = fault.New(fault.Precondition, "credentials: the rotation cannot go on").
	Hinted("Wait until every writer has the new key and everything was written under it.")

// Rotation is the way from one root key to the next: a state machine without a store.
// Whoever runs it keeps it beside the epoch record, commits each step's [Rotation.Epoch]
// with it, and counts what [Rotation.Next] asks for. At every moment two holders with
// one secret have a name in common, so uniqueness holds all the way.
//
// A key that others may know is another matter: rotation keeps every code. Then every
// holder needs a new code.
type Rotation struct {
	From  string `json:"from"`
	Phase Phase  `json:"phase"`
	Start uint64 `json:"start"` // the epoch's number before the rotation
	To    string `json:"to"`
}

// Phase is how far a rotation is.
type Phase uint8

// The phases, in their order.
const (
	Announced     Phase = iota + 1 // the new key is named; nothing uses it
	DoubleWriting                  // every claim is made under both keys, new values are sealed under the new one
	BackFilling                    // what is older gets a name and a seal under the new key
	Verifying                      // counting whether all of it has
	ReadingOld                     // claims are made under the new key, the old one is only looked at
	Dropped                        // the old key is not needed any more
)

// Tally is what a step has to know.
type Tally struct {
	// Lacking are the live writers without the new key.
	Lacking int
	// Stale are the live writers with an older epoch than [Rotation.Epoch].
	Stale int
	// OldNames and NewNames are the names claimed under each key.
	OldNames, NewNames int
	// Opaque are the old names without a new one whose secret nobody can open: sightings,
	// and codes that rest. They stay until they end.
	Opaque int
	// Sealed are the values sealed under the old key.
	Sealed int
}

// Rotate announces a new key. The epoch must be at rest, with one fingerprint key; else
// [ErrRotation].
func Rotate(e Epoch, to string) (Rotation, error) {
	if len(e.Prints) != 1 || e.Prints[0] != e.Seal || to == e.Seal || to == "" {
		return Rotation{}, fmt.Errorf("%w: the epoch is not at rest, or the key is not new", ErrRotation)
	}
	return Rotation{From: e.Seal, To: to, Start: e.N, Phase: Announced}, nil
}

// Next takes the next step, or says with [ErrRotation] what it waits for. A verification
// that fails goes back to [BackFilling].
func (r Rotation) Next(t Tally) (Rotation, error) {
	waits := func(n int, what string) error { return fmt.Errorf("%w: %d %s", ErrRotation, n, what) }
	switch {
	case r.Phase < Announced || r.Phase >= Dropped:
		return r, fmt.Errorf("%w: it is over", ErrRotation)
	case r.Phase == Announced && t.Lacking > 0:
		return r, waits(t.Lacking, "writers lack the new key")
	case (r.Phase == DoubleWriting || r.Phase == ReadingOld) && t.Stale > 0:
		return r, waits(t.Stale, "writers have an older epoch")
	case (r.Phase == BackFilling || r.Phase == ReadingOld) && t.Sealed > 0:
		return r, waits(t.Sealed, "values are sealed under the old key")
	case r.Phase == BackFilling && t.OldNames-t.Opaque > t.NewNames:
		return r, waits(t.OldNames-t.Opaque-t.NewNames, "names lack the new key")
	case r.Phase == Verifying && (t.OldNames-t.Opaque != t.NewNames || t.Sealed > 0):
		r.Phase = BackFilling
		return r, nil
	case r.Phase == ReadingOld && t.OldNames > 0:
		return r, waits(t.OldNames, "names are left under the old key")
	}
	r.Phase++
	return r, nil
}

// Epoch is the record under which writers commit in this phase.
func (r Rotation) Epoch() Epoch {
	switch {
	case r.Phase >= ReadingOld:
		return Epoch{N: r.Start + 2, Prints: []string{r.To}, Seal: r.To}
	case r.Phase >= DoubleWriting:
		return Epoch{N: r.Start + 1, Prints: []string{r.To, r.From}, Seal: r.To}
	}
	return Epoch{N: r.Start, Prints: []string{r.From}, Seal: r.From}
}

// Looks are the keys under which a secret is looked for. Whoever claims it keeps the
// names under those that [Epoch.Prints] does not have from others, but does not hold
// them: so what is left under the old key still counts.
func (r Rotation) Looks() []string {
	looks := r.Epoch().Prints
	if r.Phase == ReadingOld {
		looks = append(slices.Clone(looks), r.From)
	}
	return looks
}

// Needs are the keys that a keyring must have in this phase.
func (r Rotation) Needs() []string {
	if r.Phase == Dropped {
		return []string{r.To}
	}
	return []string{r.To, r.From}
}
