package credentials_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/fault"
)

// A code is sealed for the one record that it belongs to, and found again by its
// fingerprint.
func ExampleNewKeyring() {
	keys, err := credentials.NewKeyring("acme", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
	if err != nil {
		panic(err)
	}
	code, _ := credentials.ParseCode("5824")
	fmt.Println(code)

	site := credentials.Scope{Kind: credentials.SiteScope, ID: "harbour"}
	keyID := keys.Epoch().Prints[0]
	fingerprint, _ := keys.Print(keyID, site, credentials.CodeMaterial(code))
	mine := credentials.Binding{Owner: "user/u1", Kind: "code", Generation: 1}
	sealed, _ := credentials.SealCode(keys, mine, code)

	opened, err := credentials.OpenCode(keys, keys, mine, sealed, site, keyID, fingerprint)
	fmt.Println(opened.Equal(code), err)
	theirs := credentials.Binding{Owner: "user/u2", Kind: "code", Generation: 1}
	_, err = credentials.OpenCode(keys, keys, theirs, sealed, site, keyID, fingerprint)
	fmt.Println(err)
	// Output:
	// [redacted]
	// true <nil>
	// credentials: sealed value does not open
}

// A new installation makes its key file; afterwards the file must be there.
func ExampleOpenKeyFile() {
	dir, _ := os.MkdirTemp("", "keys")
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "keys.json")

	_, err := credentials.OpenKeyFile(context.Background(), path, credentials.KeyFileOptions{})
	fmt.Println(errors.Is(err, credentials.ErrKeyFileMissing))
	_, err = credentials.OpenKeyFile(context.Background(), path, credentials.KeyFileOptions{Create: true})
	fmt.Println(err)
	// Output:
	// true
	// <nil>
}

// Whoever may not know why a code is refused gets one answer for every reason.
func ExampleUndisclosed() {
	p := credentials.Policy{Lens: []int{4}, Near: []credentials.Near{credentials.NearDSC()}}
	code, _ := credentials.ParseCode("1234")
	err := p.Check(code, false)
	fmt.Println(err)
	fmt.Println(credentials.Undisclosed(err))
	fmt.Println(fault.Hint(credentials.Undisclosed(err)))
	// Output:
	// credentials: code is easy to guess
	// credentials: code is not available
	// Choose another code, or let one be generated.
}

func ExampleGenerate() {
	inUse := map[string]bool{"5824": true}
	code, err := credentials.Generate(nil, 6, credentials.Policy{}, func(c credentials.Code) bool { return inUse[c.Reveal()] })
	fmt.Println(code.Len(), err)
	// Output: 6 <nil>
}

// A cleaner's code opens the front door during the day.
func ExampleDecide() {
	day, err := credentials.Schedule{
		Zone: "Europe/Berlin",
		Week: []credentials.Span{{Days: []credentials.Weekday{1, 2, 3, 4, 5}, From: 8 * 60, Until: 17 * 60}},
	}.Compile()
	if err != nil {
		panic(err)
	}
	keys, _ := credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
	site := credentials.Scope{Kind: credentials.SiteScope, ID: "harbour"}
	code, _ := credentials.ParseCode("5824")
	fingerprint, _ := keys.Print(keys.Epoch().Prints[0], site, credentials.CodeMaterial(code))

	cleaner := credentials.Subject{Kind: "account", ID: "a1"}
	record := credentials.Record{
		Holder: "a1", As: []credentials.Subject{cleaner},
		Secrets: []credentials.Secret{{Kind: credentials.PIN, Print: fingerprint}},
	}
	rules := []credentials.Rule{{ID: "cleaning", Who: []credentials.Subject{cleaner}, Points: []string{"front door"}, Schedule: day}}
	typed := credentials.Presented{Point: "front door", Medium: credentials.Keypad, Prints: []credentials.Fingerprint{fingerprint}}

	for _, at := range []string{"2026-05-13T12:00:00+02:00", "2026-05-15T20:00:00+02:00"} {
		t, _ := time.Parse(time.RFC3339, at)
		d := credentials.Decide(record, rules, typed, credentials.Now{T: t, Quality: credentials.ClockTrusted})
		fmt.Println(d, d.Next.IsZero())
		if !d.Next.IsZero() {
			fmt.Println("again", d.Next.Format(time.RFC3339))
		}
	}
	// Output:
	// granted true
	// out of hours false
	// again 2026-05-18T08:00:00+02:00
}

// A keypad's node knows fingerprints under its site's own key, and decides from memory.
func ExampleIndex() {
	keys, err := credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
	if err != nil {
		panic(err)
	}
	site, err := credentials.NewSiteKey(keys, keys.Epoch().Seal, "site-1")
	if err != nil {
		panic(err)
	}
	probe := credentials.NewProbe(site)
	code, err := credentials.ParseCode("583924")
	if err != nil {
		panic(err)
	}
	staff := credentials.Group{ID: "staff", Members: []credentials.Subject{{Kind: "account", ID: "a1"}}}
	access := credentials.NewAccess([]credentials.Group{staff}, []credentials.Rule{
		{ID: "staff", Who: []credentials.Subject{staff.Subject()}, Points: []string{"front door"}},
	})
	noon := time.Date(2026, 5, 13, 12, 0, 0, 0, time.UTC)
	index := credentials.NewIndex(credentials.IndexOptions{Since: noon})
	if err := index.Put(credentials.Record{
		Holder: "a1", As: access.As(credentials.Subject{Kind: "account", ID: "a1"}),
		Secrets: []credentials.Secret{probe.Code(code, false)},
		Window:  credentials.Window{Until: noon.Add(time.Hour)},
	}); err != nil {
		panic(err)
	}
	typed := credentials.Presented{
		Point: "front door", Medium: credentials.Keypad, Prints: []credentials.Fingerprint{probe.Print(credentials.CodeMaterial(code))},
	}
	for _, t := range []time.Time{noon, noon.Add(time.Hour)} {
		now := credentials.Now{T: t, Quality: credentials.ClockTrusted}
		who, decision := index.Decide(access.At("front door"), typed, now)
		fmt.Println(who, decision, len(index.Due(now)))
	}
	// Output:
	// a1 granted 0
	// a1 expired 1
}
