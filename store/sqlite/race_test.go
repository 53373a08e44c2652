//go:build race

package sqlite_test

// raced: the race detector makes SQLite, which is translated C, many times slower.
const raced = true
