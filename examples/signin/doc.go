// Package signin holds a test: many who use one secret, guess and are cut off at once, on a
// SQLite file.
//
// It is for those who change keyholder. The same is done with a store in memory beside
// package signin; what this one adds is the real file and its locks.
package signin
