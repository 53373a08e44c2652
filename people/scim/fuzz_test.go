package scim_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever a provider sends is answered, and is no fault of ours.
func FuzzRequests(f *testing.F) {
	w := newWorld(f)
	id := w.created("tower")
	f.Add("PATCH", patch(`{"op":"replace","path":"active","value":false}`), `userName eq "tower@example.com"`)
	f.Add("PUT", user("tower"), `userName eq "\ud800"`)
	f.Add("POST", `{"userName":"\u0000@example.com"}`, `userName eq "`)
	f.Add("PATCH", `{"Operations":[null,{"op":"add","value":{"name":null,"active":null}}]}`, "")
	f.Fuzz(func(t *testing.T, method, body, filter string) {
		w.t = t
		path := "/Users/" + id
		switch method {
		case "POST":
			path = "/Users"
		case "PUT", "PATCH":
		default:
			return
		}
		status, _, _ := w.do(method, path, body)
		require.Less(t, status, 500)
		status, _, _ = w.do("GET", "/Users?filter="+url.QueryEscape(filter), "")
		require.Less(t, status, 500)
	})
}
