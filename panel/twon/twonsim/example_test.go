package twonsim_test

import (
	"context"
	"fmt"
	"net"
	"net/http"

	"github.com/seed-a2d3eaca/keyholder/panel/twon/twonsim"
)

// A device on a real port, as any HTTP client meets it.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	device := twonsim.New(twonsim.Options{Listen: func() (net.Listener, error) { return listener, nil }})
	go func() { _ = device.Serve(ctx) }()

	for _, path := range []string{"/api/system/info", "/api/dir/template"} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+listener.Addr().String()+path, http.NoBody)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(path, resp.StatusCode)
		_ = resp.Body.Close()
	}
	// Output:
	// /api/system/info 200
	// /api/dir/template 401
}
