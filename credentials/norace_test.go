//go:build !race

package credentials_test

const raced = false
