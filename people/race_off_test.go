//go:build !race

package people_test

// rounds is how often a race is run.
func rounds(plain, _ int) int { return plain }
