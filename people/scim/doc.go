// Package scim lets an identity provider create, change and deactivate accounts: a SCIM 2.0
// endpoint (RFC 7643, RFC 7644) over package people.
//
// It is for host developers whose people are kept at an identity provider. [New] makes an
// http.Handler; mount it where the provider is told to find it. The provider shows an API
// token of a service account ([signin.Operator.IssueToken]) and may do what that may, so
// that every change is an entry in its name.
//
// # What a user is
//
// A user is the account of a person who has an address. userName is that address, name the
// first and last name, active that it is neither suspended nor revoked, externalId what the
// provider says. Other attributes are not kept and answered without. What needs a person
// with a fresh factor, an API token cannot do, and so neither can the provider: another
// userName is refused, roles are not given, and nobody is removed for good.
//
// # Deactivating
//
// active false revokes the account in one commit, before anything else of the request: its
// sessions and enrolled devices are void, and wishes of its owner that give access to
// somebody are held for review (R249). active true takes that back, but neither a
// revocation nor a suspension by a person; a request that says nothing of it changes
// nothing of it. DELETE revokes too, and the account is no user any more, until a user with
// its userName is created again; removing it for good is a person's.
//
// The endpoint stands on the standard library: RFC 7644 asks little of a service that has
// one resource, no bulk and one filter, and says so in ServiceProviderConfig.
package scim
