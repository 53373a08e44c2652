// Package mint keeps the making of some values to keyholder's own packages.
//
// It is for keyholder itself: a function that takes a [Token] can be called from within
// this module only, however public the package is that it lives in.
package mint

// Token is the proof of being part of keyholder.
type Token struct{}
