package flow

import (
	"github.com/seed-a2d3eaca/keyholder/store"
)

// The lines of projection: what devices hold is made to follow from a person's
// credentials and rights.
const (
	// RightsLine is due when rules, groups or points have changed.
	RightsLine = "rights/all"
	// SweepLine is due every quarter of an hour.
	SweepLine = "sweep/all"
)

// ProjectLine is the line that is due when a person's devices may have to change. Access
// at doors never waits for it.
func ProjectLine(account string) string { return "project/" + account }

// Project makes the devices of a person due. It belongs into every change of what a
// person may.
func (u *Unit) Project(account string) { u.Do(store.Mark{Line: ProjectLine(account)}) }
