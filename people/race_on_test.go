//go:build race

package people_test

// rounds is how often a race is run: fewer times under the race detector.
func rounds(_, race int) int { return race }
