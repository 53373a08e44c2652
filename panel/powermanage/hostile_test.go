package powermanage_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/powermanage"
)

// hijack takes the connection from under a handler.
func hijack(t *testing.T, w http.ResponseWriter) net.Conn {
	t.Helper()
	h, ok := w.(http.Hijacker)
	require.True(t, ok)
	conn, _, err := h.Hijack()
	require.NoError(t, err)
	return conn
}

// hostile are answers that no honest server gives.
func hostile(t *testing.T) map[string]func(http.ResponseWriter, *http.Request) {
	t.Helper()
	forever := func(w http.ResponseWriter, what string, pause time.Duration) {
		for {
			if _, err := io.WriteString(w, what); err != nil {
				return
			}
			if f, ok := w.(http.Flusher); ok {
				f.Flush()
			}
			pass(pause)
		}
	}
	raw := func(text string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) {
			conn := hijack(t, w)
			_, _ = io.WriteString(conn, text)
			_ = conn.Close()
		}
	}
	return map[string]func(http.ResponseWriter, *http.Request){
		"huge body":    func(w http.ResponseWriter, _ *http.Request) { forever(w, strings.Repeat(" ", 1<<20), 0) },
		"endless body": func(w http.ResponseWriter, _ *http.Request) { forever(w, " ", time.Second) },
		"slow headers": func(w http.ResponseWriter, _ *http.Request) {
			conn := hijack(t, w)
			defer func() { _ = conn.Close() }()
			for _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n"); err == nil; {
				pass(time.Second)
				_, err = io.WriteString(conn, "X: y\r\n")
			}
		},
		"huge headers": raw("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 1<<20) + "\r\n\r\n{}"),
		"no HTTP":      raw("\x00\xff 220 mail.example ESMTP\r\n"),
		"short body":   raw("HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n{"),
		"nothing":      raw(""),
		"nonsense":     func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"users":`) },
		"wrong types":  func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"users":[{"id":"four"}]}`) },
		"twice": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"users":[{"id":4},{"id":4}]}`)
		},
		"slot 0":  func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"users":[{"id":0}]}`) },
		"slot -1": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"users":[{"id":-1}]}`) },
		"deep":    func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("[", 1<<19)) },
		"deep error": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"extras":`+strings.Repeat("[", 1<<19))
		},
		"redirection": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://elsewhere.example/rest_api/14.0/users")
			w.WriteHeader(http.StatusTemporaryRedirect)
		},
		"compressed": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, "\x1f\x8b\x08")
		},
	}
}

// Whatever a server answers, the driver comes back soon with an error about the line, and
// needs little memory. Nobody else hears of it.
func TestHostileServersAreContained(t *testing.T) {
	for name, answer := range hostile(t) {
		for _, path := range []string{"version", "auth", "panels", "panel/login", "users", "process_status"} {
			t.Run(name+"/"+path, func(t *testing.T) {
				in(t, func(k *rig) {
					elsewhere, err := k.network.Listen("elsewhere.example:443")
					require.NoError(t, err)
					defer func() { _ = elsewhere.Close() }()
					go func() {
						if conn, err := elsewhere.Accept(); err == nil {
							assert.Fail(t, "the redirection was followed")
							_ = conn.Close()
						}
					}()
					k.over = func(w http.ResponseWriter, r *http.Request) bool {
						if strings.HasSuffix(r.URL.Path, "/"+path) {
							answer(w, r)
							return true
						}
						return false
					}
					soon(t, func() {
						var before, after runtime.MemStats
						runtime.ReadMemStats(&before)
						s, err := k.driver.Open(k.t.Context(), target())
						if err == nil {
							_, err = k.apply(s, create(t, 4, "8675", "Side"))
						}
						runtime.ReadMemStats(&after)
						require.Error(t, err)
						anyOf(t, err, panel.ErrProtocol, panel.ErrUnreachable, panel.ErrTimeout, panel.ErrSecret)
						silent(t, err)
						assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<20))
					})
					pass(2 * time.Minute) // until the last write of the server has failed
				})
			})
		}
	}
}

func anyOf(t *testing.T, err error, targets ...error) {
	t.Helper()
	var met bool
	for _, target := range targets {
		met = met || errors.Is(err, target)
	}
	assert.True(t, met, "%v is no error of a line", err)
}

// A server that repeats what it is sent, in every place where words can be, finds none of
// it in an error.
func TestServersThatEchoAreNotQuoted(t *testing.T) {
	ways := map[string]func(w http.ResponseWriter, said string){
		"message": func(w http.ResponseWriter, said string) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprintf(w, `{"error":10001,"error_message":%q,"error_reason_code":%q,"extras":[{"key":%q,"value":%q}]}`, said, said, said, said)
		},
		"body": func(w http.ResponseWriter, said string) { _, _ = io.WriteString(w, said) },
		"location": func(w http.ResponseWriter, said string) {
			w.Header().Set("Location", "/"+said)
			w.WriteHeader(http.StatusFound)
		},
		"status line": func(w http.ResponseWriter, said string) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, "HTTP/1.1 4x "+said+"\r\n\r\n")
				_ = conn.Close()
			}
		},
		"header": func(w http.ResponseWriter, said string) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+said+"\r\n\r\n")
				_ = conn.Close()
			}
		},
	}
	for name, way := range ways {
		for _, path := range []string{"auth", "panel/login", "set_user_code"} {
			t.Run(name+"/"+path, func(t *testing.T) {
				in(t, func(k *rig) {
					k.over = func(w http.ResponseWriter, r *http.Request) bool {
						if !strings.HasSuffix(r.URL.Path, "/"+path) {
							return false
						}
						said, err := io.ReadAll(r.Body)
						assert.NoError(t, err)
						way(w, strings.Map(func(c rune) rune {
							if c < ' ' {
								return -1
							}
							return c
						}, string(said)))
						return true
					}
					s, err := k.driver.Open(k.t.Context(), target())
					if err == nil {
						var o panel.Outcome
						o, err = k.apply(s, create(t, 4, "8675", "Side"))
						silent(t, o)
						if err == nil {
							err = o.Refused[panel.FieldCode]
						}
					}
					require.Error(t, err)
					silent(t, err)
				})
			})
		}
	}
}

// Tokens that cannot stand in a header are no tokens.
func TestTokensAreChecked(t *testing.T) {
	for _, token := range []string{``, `a b`, `a\r\nX-Evil: 1`, `ü`, strings.Repeat("x", 5000)} {
		in(t, func(k *rig) {
			k.at("auth", 200, `{"user_token":"`+token+`"}`)
			_, err := k.driver.Open(k.t.Context(), target())
			told(t, err, panel.ErrProtocol, powermanage.ErrAnswer, 0)
		})
	}
}

// Addresses that are more than a host and a port are refused before anything is called.
func TestAddressesAreHostAndPort(t *testing.T) {
	for _, a := range []string{"", "/", "a/b", "user:password@host", "host?x", "host#x", "http://host", "ho st", "host:port", ":443"} {
		in(t, func(k *rig) {
			to := target()
			r := to.Routes[powermanage.Route]
			r.Addr = a
			to.Routes[powermanage.Route] = r
			_, err := k.driver.Open(k.t.Context(), to)
			told(t, err, panel.ErrUnreachable, powermanage.ErrAddress, 0)
			assert.Empty(t, k.said)
		})
	}
}

// An answer has a bound, also where what is beyond it means nothing.
func TestAnswersAreBounded(t *testing.T) {
	in(t, func(k *rig) {
		s := k.open()
		k.at("users", 200, `{"users":[]}`+strings.Repeat(" ", 1<<19))
		_, err := k.read(s)
		require.NoError(t, err)
		k.at("users", 200, `{"users":[]}`+strings.Repeat(" ", 1<<20))
		_, err = k.read(s)
		told(t, err, panel.ErrProtocol, powermanage.ErrAnswer, 0)
	})
}
