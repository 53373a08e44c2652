// Package credentials holds what opens something: codes (PINs), tags, their windows and
// rules, and the keys that keep them.
//
// It is for host developers and for every other package of keyholder; vendor
// integrators see [Code], [Tag] and [Window] through package panel. Everything here is
// pure: values, rules and cryptography, no store and no clock.
//
// [Decide] says whether somebody may enter, [Index] says it from memory for a million
// credentials, [Access] reads rules and groups both ways, [Policy] and [Claim] say what
// a code must be and which names it takes, [Schedule] and [UserType] when it opens, and
// [Rotation] leads from one key to the next.
//
// Secrets are types that cannot print. A code is stored sealed, because devices need
// the digits, and as a keyed fingerprint, because uniqueness must be one look-up.
package credentials
