package password_test

import (
	"context"
	"fmt"

	"github.com/seed-a2d3eaca/keyholder/credentials/password"
)

// A host that keeps passwords itself checks, hashes and compares them.
func ExampleNewHasher() {
	ctx := context.Background()
	hasher, err := password.NewHasher(password.Options{Cost: 10})
	if err != nil {
		fmt.Println(err)
		return
	}
	typed := password.Of("violet rivers flow north")
	fmt.Println(typed, password.Strict().Check(ctx, typed, password.Owner{Names: []string{"Tower Mill"}}))

	hash, err := hasher.Hash(ctx, "192.0.2.7", typed)
	if err != nil {
		fmt.Println(err)
		return
	}
	match, err := hasher.Verify(ctx, "192.0.2.7", hash, typed)
	fmt.Println(match.OK, match.Rehash, err)
	match, err = hasher.Verify(ctx, "192.0.2.7", "", typed) // an account that is not there
	fmt.Println(match.OK, err)
	// Output:
	// [redacted] <nil>
	// true false <nil>
	// false <nil>
}
