// Package keyholder is the front page of a library that looks after the users of alarm
// panels and access devices, the accounts of people, their credentials, and an action
// log that cannot be skipped. It holds no code: it is for readers who look for the
// package to import.
//
// # Which package
//
// Who adds a maker's panel imports [github.com/seed-a2d3eaca/keyholder/panel] and proves
// the driver with [github.com/seed-a2d3eaca/keyholder/panel/paneltest].
//
// Who adds a database imports [github.com/seed-a2d3eaca/keyholder/store] and proves it
// with [github.com/seed-a2d3eaca/keyholder/store/storetest].
//
// Who judges codes, tags and windows imports
// [github.com/seed-a2d3eaca/keyholder/credentials]; who reads or verifies a log imports
// [github.com/seed-a2d3eaca/keyholder/audit].
//
// Errors of all packages fall into the nine kinds of
// [github.com/seed-a2d3eaca/keyholder/fault].
//
// ARCHITECTURE.md in the repository says how the floors fit together, EXTENDING.md how to
// add to them, and docs/rules.md which rules are kept and which tests prove them.
package keyholder
