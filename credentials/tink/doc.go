// Package tink makes a keyring of two tink keysets: one of pseudo-random functions, for
// fingerprints, and one of AEADs, for sealing. Keysets can be wrapped by a key management
// service, so that no key lies on a disk in clear.
//
// It is for hosts that keep their keys with tink already. The keyring is used like
// [credentials.Ring], also for rotations; a fingerprint takes several times as long.
package tink
