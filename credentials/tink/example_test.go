package tink_test

import (
	"bytes"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/testing/fakekms"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/credentials/tink"
)

// must ends an example that cannot go on.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Keysets are kept encrypted by a key management service, here an imitation of one, and
// make a keyring that every service of keyholder takes.
func ExampleNew() {
	uri := must(fakekms.NewKeyURI())
	kms := must(fakekms.NewClient(uri))
	var file bytes.Buffer
	if err := tink.Write(&file, kms, uri, must(tink.Generate())); err != nil {
		fmt.Println(err)
		return
	}

	keys := credentials.Follow(must(tink.New(must(tink.Read(&file, kms, uri)), tink.Options{})))
	at := credentials.Binding{Owner: "user/u1", Kind: "code", Generation: 1}
	sealed := must(credentials.SealCode(keys, at, must(credentials.ParseCode("0042"))))
	scope := credentials.Scope{Kind: credentials.TenantScope}
	names := must(credentials.Names(keys, scope, credentials.CodeMaterial(must(credentials.ParseCode("0042")))))
	code := must(credentials.OpenNamedCode(keys, keys, at, sealed, scope, names))
	fmt.Println(code, code.Len(), len(names), keys)
	// Output: [redacted] 4 1 [redacted]
}
