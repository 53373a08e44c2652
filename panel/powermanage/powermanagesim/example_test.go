package powermanagesim_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/seed-a2d3eaca/keyholder/panel/powermanage/powermanagesim"
)

// The simulated server is a handler, here for a server of one's own.
func ExampleNew() {
	server := httptest.NewTLSServer(powermanagesim.New(powermanagesim.Options{}))
	defer server.Close()

	body := []byte(`{"email":"owner@example.com","password":"wrong","app_id":"3f0c"}`)
	ask, err := http.NewRequestWithContext(context.Background(), http.MethodPost, server.URL+"/rest_api/14.0/auth", bytes.NewReader(body))
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := server.Client().Do(ask)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = answer.Body.Close() }()
	said, err := io.ReadAll(answer.Body)
	fmt.Println(answer.StatusCode, string(said), err)
	// Output: 400 {"error":10004,"error_message":"WrongCombination","error_reason_code":"WrongCombination","extras":[{"key":"email","value":"wrong_combination"}]} <nil>
}
