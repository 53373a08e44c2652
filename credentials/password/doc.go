// Package password judges, hashes and compares the passwords of people.
//
// It is for package signin, and for hosts that keep passwords of their own. A [Password]
// cannot print; a [Hasher] makes and compares hashes, a bounded number at a time; a
// [Policy] says which passwords are good enough.
//
// Only the hash is ever stored. bcrypt is the default, argon2id one option away; hashes of
// both are compared whatever the option says, and a hash of another algorithm or cost is
// replaced at the next sign-in.
package password
