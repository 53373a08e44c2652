package httpanchor_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/audit/httpanchor"
)

// The receiver of this webhook runs on the same machine, which has to be allowed.
func ExampleNewWebhook() {
	secret, err := httpanchor.SecretOf([]byte("32 random bytes that both know.."))
	if err != nil {
		fmt.Println(err)
		return
	}
	receiver := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		fmt.Println("got", r.Header.Get("Content-Type"))
	}))
	defer receiver.Close()
	roots := x509.NewCertPool()
	roots.AddCert(receiver.Certificate())

	anchor, err := httpanchor.NewWebhook(httpanchor.WebhookOptions{
		Name: "our other building", URL: receiver.URL, Secret: secret,
		Reach: httpanchor.Reach{Private: true, Roots: roots},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	key, err := audit.GenerateKey("example.com/log")
	if err != nil {
		fmt.Println(err)
		return
	}
	checkpoint, err := audit.SignCheckpoint("example.com/log", 7, [32]byte{}, key)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(anchor.Name(), anchor.Put(context.Background(), checkpoint, time.Now()))
	// Output:
	// got text/plain; charset=utf-8
	// our other building <nil>
}

// A witness is named by its URL and its public key, as whoever runs it publishes them.
func ExampleNewWitness() {
	key, err := audit.ParseWitnessKey("witness.example/w1+490ca8b1+BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	if err != nil {
		fmt.Println(err)
		return
	}
	anchor, err := httpanchor.NewWitness(httpanchor.WitnessOptions{URL: "https://witness.example/", Key: key})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(anchor.Name())
	// Output: witness witness.example/w1
}
