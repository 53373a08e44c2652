// Package keyringtest tests keyrings: whether fingerprints and sealed values are what
// everything that is built on them relies on.
//
// It is for those who write a keyring of their own, such as one over a key management
// service: one call of [Run] in a test. It uses the standard library alone.
package keyringtest
