//go:build race

package roster_test

// raceDetector is whether the race detector is on, under which everything takes ten times
// as long.
const raceDetector = true
