// Package house holds no code, only the tests that keep the tree in order: which
// package may import which, what a user's binary links, who may see a secret, what the
// papers promise and which test proves which rule.
//
// It is for people who change keyholder. When one of these tests fails it says what to
// do. Two of them can also write: after adding a rule's test or changing a file that a
// paper shows, run
//
//	go test ./internal/house -update
package house
