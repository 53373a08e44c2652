// Package storetest proves that a [store.Store] keeps the contract.
//
// It is for store authors: one call from a test of their own runs every rule of package
// store against their implementation.
//
//	func TestStore(t *testing.T) {
//		open := func(t *testing.T) store.Fleet { return mystore.OpenEmpty(t) }
//		storetest.Run(t, open)
//		storetest.RunConcurrency(t, open)
//	}
//
// [Faulty] is for the authors of services: a store that fails when a test says so.
package storetest

import (
	"testing"
	"time"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// Options change what a run may assume. The zero value is right for most stores.
type Options struct {
	// Advance moves the clock of every store that open returns. Nil leaves out the tests
	// of what happens as time passes; nothing in the kit sleeps.
	Advance func(time.Duration)
}

// Run proves the contract on fleets that open makes. Open is called once for each
// subtest, must return an empty fleet and clean up by t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) store.Fleet) { RunWith(t, Options{}, open) }

// RunWith is [Run] with options.
func RunWith(t *testing.T, o Options, open func(t *testing.T) store.Fleet) {
	t.Helper()
	for _, s := range suites {
		t.Run(s.name, func(t *testing.T) { s.run(t, func(t *testing.T) *bench { return newBench(t, open(t)) }) })
	}
	if o.Advance != nil {
		t.Run("time", func(t *testing.T) {
			testTime(t, o.Advance, func(t *testing.T) *bench { return newBench(t, open(t)) })
		})
	}
}

// opener makes an empty store for a subtest.
type opener func(t *testing.T) *bench

// suites are the topics of the contract, a file each.
var suites = []struct {
	name string
	run  func(t *testing.T, open opener)
}{
	{"records", testRecords},
	{"lists", testLists},
	{"claims", testClaims},
	{"counters", testCounters},
	{"lines", testLines},
	{"entries", testEntries},
	{"tree", testTree},
	{"refusals", testRefusals},
	{"atomicity", testAtomicity},
	{"again", testAgain},
	{"limits", testLimits},
	{"values", testValues},
	{"tenants", testTenants},
	{"context", testContext},
}
