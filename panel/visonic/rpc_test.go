package visonic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// answers is a service that gives the same result to everything.
type answers struct {
	asked  []string
	status int
	header http.Header
	body   func(id string) io.Reader
}

func (a *answers) RoundTrip(q *http.Request) (*http.Response, error) {
	raw, _ := io.ReadAll(q.Body)
	a.asked = append(a.asked, string(raw))
	return &http.Response{StatusCode: a.status, Header: a.header, Body: io.NopCloser(a.body("1"))}, nil
}

func sessionWith(a *answers) *rpcSession {
	code := panel.SecretOf("4729")
	d := NewRPC(RPCOptions{})
	return &rpcSession{o: d.o, transport: a, model: d.Model(), addr: "panel:8181", code: &code}
}

func text(s string) func(string) io.Reader {
	return func(string) io.Reader { return strings.NewReader(s) }
}

// The documented example, byte for byte where it says bytes.
func TestRPCSpeaksTheDocumentedExample(t *testing.T) {
	a := &answers{status: 200, body: text(`{"jsonrpc":"2.0","id":1,"result":[{"partitions":[1,2,3],"userCode":"1234","userId":1}]}`)}
	u, err := sessionWith(a).users(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{`{"jsonrpc":"2.0","id":1,"method":"PmaxService/getUserCodes","params":["4729"]}`}, a.asked)
	want, err := panel.ParseCode("1234")
	require.NoError(t, err)
	assert.True(t, u.codes[0].Digits.Equal(want))
	assert.EqualValues(t, 7, u.access[0])
	assert.False(t, u.codes[1].Set)
}

// Each error of the service has its meaning, and none of its text is passed on.
//
// Rules: R39
func TestRPCErrorsHaveTheirMeaning(t *testing.T) {
	for body, want := range map[string]error{
		`{"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"The response is invalid: Authentication failed, wrong code"}}`: panel.ErrSecret,
		`{"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"No client registered"}}`:                                       ErrUnregistered,
		`{"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"The response is invalid: invalid value 4729"}}`:                panel.ErrProtocol,
		`{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"METHOD_NOT_FOUND: getUserCodes"}}`:                             ErrNoMessage,
		`{"jsonrpc":"2.0","id":2,"result":[]}`: panel.ErrProtocol, // to another question
		`{"jsonrpc":"1.0","id":1,"result":[]}`: panel.ErrProtocol,
		`{"jsonrpc":"2.0","id":1}`:             panel.ErrProtocol,
		`{"jsonrpc":"2.0","id":1,"result":{}}`: panel.ErrProtocol,
		`{"jsonrpc":"2.0","id":1,"result":[]}`: panel.ErrProtocol, // no panel is without user 1
		`[`:                                    panel.ErrProtocol,
	} {
		_, err := sessionWith(&answers{status: 200, body: text(body)}).users(t.Context())
		require.ErrorIs(t, err, want, body)
		assert.NotContains(t, fmt.Sprintf("%+v", err), "4729")
	}
}

// Entries that no panel can have are not taken, nor is the rest of their list.
func TestRPCTakesNoStrangeEntries(t *testing.T) {
	for _, entry := range []string{
		`{"partitions":[1],"userCode":"1234","userId":0}`,
		`{"partitions":[1],"userCode":"1234","userId":49}`,
		`{"partitions":[4],"userCode":"1234","userId":2}`,
		`{"partitions":[1,1],"userCode":"1234","userId":2}`,
		`{"partitions":[1],"userId":2}`,
		`{"userCode":"1234","userId":2}`,
		`{"partitions":[1],"userCode":"1234","userId":2},{"partitions":[1],"userCode":"","userId":2}`,
		`null`,
	} {
		_, err := parseUsers([]byte("["+entry+"]"), NewRPC(RPCOptions{}).Model())
		require.ErrorIs(t, err, panel.ErrProtocol, entry)
	}
	u, err := parseUsers([]byte(`[{"partitions":[],"userCode":"12345","userId":2}]`), NewRPC(RPCOptions{}).Model())
	require.NoError(t, err)
	assert.True(t, u.codes[1].Set && u.codes[1].Digits.IsZero(), "what is no code of four digits is somebody all the same")
}

// A refused code is presented once in a session, however often it is read.
func TestRPCPresentsARefusedCodeOnce(t *testing.T) {
	a := &answers{status: 200, body: text(`{"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"x: wrong code"}}`)}
	s := sessionWith(a)
	for range 3 {
		for _, err := range s.Read(t.Context(), panel.Query{All: true}) {
			if err != nil {
				require.ErrorIs(t, err, panel.ErrSecret)
			}
		}
	}
	assert.Len(t, a.asked, 1)
	assert.NotRegexp(t, `\b4729\b`, fmt.Sprintf("%+v %#v", s, s)) // not as a part of an address in memory
}

// scripted answers each method with its own result.
type scripted map[string]string

func (a scripted) RoundTrip(q *http.Request) (*http.Response, error) {
	var ask rpcRequest
	raw, _ := io.ReadAll(q.Body)
	if err := json.Unmarshal(raw, &ask); err != nil {
		return nil, err
	}
	body := fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"result":%s}`, ask.ID, a[ask.Method])
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(body))}, nil
}

// A user whose code has no digits that can be read is removed only when it is gone.
func TestRemovalOfAStrangeCodeIsReadBack(t *testing.T) {
	code := panel.SecretOf("4729")
	d := NewRPC(RPCOptions{Experimental: true})
	s := &rpcSession{o: d.o, model: d.Model(), code: &code, transport: scripted{
		"PmaxService/getUserCodes": `[{"partitions":[1],"userCode":"4729","userId":1},{"partitions":[1],"userCode":"12345","userId":2}]`,
		"PmaxService/setUserCode":  `{"status":"success"}`,
	}}
	p := panel.Place{Slot: 2}
	for _, e := range []panel.Edit{
		{Place: p, Do: panel.Remove},
		{Place: p, Set: panel.FieldPartitions, Values: panel.Values{Partitions: 2}}, // the code cannot be repeated
	} {
		for o, err := range s.Apply(t.Context(), []panel.Edit{e}) {
			require.NoError(t, err)
			assert.Zero(t, o.Done|o.Unsure)
			assert.Len(t, o.Refused, 1)
		}
	}
}

// Whoever is no service is given up, costs no memory and is sent nothing further.
func TestRPCContainsHostilePeers(t *testing.T) {
	endless := func(string) io.Reader { return io.MultiReader(strings.NewReader("["), zeros{}) }
	for name, a := range map[string]*answers{
		"endless":     {status: 200, body: endless},
		"deep":        {status: 200, body: text(strings.Repeat("[", 1<<19))},
		"a page":      {status: 404, body: text("<html>")},
		"sends about": {status: 302, header: http.Header{"Location": {"http://elsewhere/"}}, body: text("")},
	} {
		_, err := sessionWith(a).users(t.Context())
		require.ErrorIs(t, err, panel.ErrProtocol, name)
		assert.Len(t, a.asked, 1, name)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte("0"), len(p))), nil }

// What is taken of an answer is a list of users that a panel can have.
func FuzzRPC(f *testing.F) {
	f.Add([]byte(`{"jsonrpc":"2.0","id":1,"result":[{"partitions":[1,2,3],"userCode":"1234","userId":1}]}`))
	f.Add([]byte(`{"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"No client registered"}}`))
	m := NewRPC(RPCOptions{}).Model()
	f.Fuzz(func(t *testing.T, raw []byte) {
		result, err := parseAnswer(raw, 1)
		if err != nil {
			return
		}
		u, err := parseUsers(result, m)
		if err != nil {
			require.ErrorIs(t, err, panel.ErrProtocol)
			return
		}
		require.Len(t, u.codes, m.Slots.Last)
		for i, c := range u.codes {
			require.True(t, c.Digits.IsZero() || c.Set && c.Digits.Len() == codeLen)
			require.True(t, panel.Partitions(u.access[i]).Within(m.AllPartitions()))
		}
	})
}
