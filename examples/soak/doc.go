// Package soak holds a test: random operations, deaths and restarts of the process that
// delivers, on a SQLite file and a simulated panel, compared with what was asked for.
//
// It is for those who change keyholder. The same is done with a store in memory and fake
// time, a hundred times faster, beside package roster; what this one adds is the real
// file, its locks and its goroutines. Beside it the disk fills up under accounts, and the
// power goes.
package soak
