// Package workflows holds tests: the whole of keyholder in the hands of those who use it,
// from the first account to the panel, over one store.
//
// It is for those who read what keyholder does job by job, and for those who change it.
// The jobs and the causes of trouble are those of the products' own manuals; every package
// has tests of its own beside them.
package workflows
