package paneltest_test

import (
	"context"
	"fmt"
	"io"

	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

func ExampleNetwork() {
	var network paneltest.Network
	l, err := network.Listen(":7700")
	if err != nil {
		fmt.Println(err)
		return
	}
	conn, err := network.From("10.0.0.9:41000").DialContext(context.Background(), "tcp", "10.0.0.1:7700")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = io.WriteString(conn, "hello") // buffered: nobody has accepted yet
	_ = conn.Close()

	peer, err := l.Accept()
	if err != nil {
		fmt.Println(err)
		return
	}
	said, err := io.ReadAll(peer)
	fmt.Printf("%s says %q, %v\n", peer.RemoteAddr(), said, err)
	// Output: 10.0.0.9:41000 says "hello", <nil>
}
