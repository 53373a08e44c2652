// Package otp makes and compares codes that work once: those of an authenticator app,
// those that are sent, and recovery codes.
//
// It is for package signin, and for hosts that ask for a second factor themselves. It is
// pure: who keeps the secrets, counts the attempts and remembers the last step is the
// caller.
package otp
