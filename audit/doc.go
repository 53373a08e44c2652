// Package audit is the action log as pure bytes: what an entry says, how it is hashed,
// how it is proven, and how a whole log is checked.
//
// It is for host developers who read, prove or verify the log, and for the services of
// keyholder, which write it. Nothing here stores anything or holds a key.
//
// # What a leaf commits to
//
// An [Entry] names an action, its outcome, its targets (random ids) and its fields.
// Each [Field] has a class: public values are salted commitments, so that a proof can
// show one field and hide the rest; personal values are sealed under the key of the
// person they describe, so that destroying that key erases them while every proof stays
// valid; secrets are never recorded, only that they changed. An entry also commits to
// the state that it leaves ([State]), so that a change made behind the log is found.
//
// # What is hashed
//
// The leaf of the RFC 6962 tree is [Entry.Canonical], version 1. All integers are big
// endian, a string is its length as 4 bytes and then its bytes:
//
//	version      1 byte, 1
//	id           string
//	time         8 bytes, nanoseconds since 1970 UTC, two's complement
//	action       string
//	outcome      string
//	targets      count as 4 bytes, then strings
//	fields       count as 4 bytes, then each: name string, class 1 byte,
//	             commitment 32 bytes, key id string
//	states       count as 4 bytes, then each: row string, digest 32 bytes
//
// A commitment is the SHA-256 of "keyholder/audit/field/v1\x00", the class as 1 byte,
// the name as string, 16 bytes of salt, and the payload: the value of a public field,
// the sealed bytes of a personal one, nothing for a secret. A digest is the SHA-256 of
// "keyholder/audit/state/v1\x00", the version as 8 bytes, and the body of the row.
//
// The stored body ([Encode]) is JSON that people can read. It is not hashed itself, but
// it has exactly one form, so that nothing in it can be changed unnoticed.
package audit
