// Package accounts is the vocabulary of people who sign in: accounts with their facts
// and the statuses derived from them, roles and rights, sites, and the actor that every
// call carries.
//
// It is for hosts, which give their own people through [Directory] and [Authority] or
// use keyholder's, and for the services, which authorise every operation here. It is
// pure: values and decisions, no store and no clock.
//
// An account is not a panel user. The panel user is a place on one panel and lives in
// package panel; what ties the two is a link, kept by package roster.
package accounts
