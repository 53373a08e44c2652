// Package panel is the field's vocabulary: panel users, their fields, what each panel
// can do, and the contract between keyholder and a vendor's driver.
//
// It is for vendor integrators, who implement [Driver] and [Session] against this
// package alone and prove the result with panel/paneltest, and for hosts, who meet its
// words in every view and its errors in every refusal.
//
// # Two things are called user
//
// A panel user is a place on one panel: a numbered slot, or an entry with an id on an
// access device. It exists on the panel exactly while it has a code (or, on devices
// that know cards, a credential). The person who signs in to an application is an
// account and lives in package accounts.
//
// # Capability is data
//
// What a panel can do is a [Model]: plain data that is stored with the panel, answers
// while the panel is offline and may change while a session lives. [Model.Allow] is the
// panel's one answer to "may this be done to that user".
package panel
