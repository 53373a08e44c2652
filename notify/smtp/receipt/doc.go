// Package receipt holds tests: accounts, a SQLite file and a mail server on loopback, and
// what the receipts of messages say while the server is away, slow, refuses, breaks off or
// comes back.
//
// It is for those who change keyholder. The same is done with a mailer in memory beside
// package people; what these add is the real wire, the real file and what is left in it.
package receipt
