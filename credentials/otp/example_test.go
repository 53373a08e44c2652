package otp_test

import (
	"fmt"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
)

// A code of an authenticator works once.
func ExampleSecret_Match() {
	secret := otp.NewSecret() // shown to the owner once, as secret.URI(…)
	now := time.Now()
	typed := otp.AnswerOf(secret.At(now).Reveal()) // the owner's app

	step, ok := secret.Match(typed, now, 0)
	fmt.Println(secret, ok)
	_, ok = secret.Match(typed, now, step) // kept since
	fmt.Println(ok)
	// Output:
	// [redacted] true
	// false
}
