// Package sqlstore keeps keyholder's data in a SQL database, through database/sql.
//
// It is for authors of stores and for hosts that bring their own driver; most hosts open
// a ready-made one such as store/sqlite. No driver is imported here: what differs
// between databases is a [Dialect], and everything else is one body of code.
//
// All tables and views begin with kh_, so that they can live beside a host's own. A host
// that wants its own statements and keyholder's in one transaction binds a store to it
// with [Store.Within]; what is committed there becomes true when the host commits.
package sqlstore
