package visonic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

const (
	rpcPath    = "/remote/json-rpc"
	rpcService = "PmaxService/"
	rpcWithin  = 10 * time.Second // for one answer
	rpcMost    = 1 << 20          // bytes of one answer
)

// rpcRequest and rpcAnswer are JSON-RPC 2.0 with parameters by position.
type rpcRequest struct {
	Version string `json:"jsonrpc"`
	ID      int    `json:"id"`
	Method  string `json:"method"`
	Params  []any  `json:"params"`
}

type rpcAnswer struct {
	Version string          `json:"jsonrpc"`
	ID      int             `json:"id"`
	Result  json.RawMessage `json:"result"`
	Error   *rpcError       `json:"error"`
}

// rpcError is the service's own error. Its text is the panel's and is not shown: whether it
// repeats a parameter is not known.
type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// Codes and texts of the service's errors. One code stands for all that the panel itself
// answers; what follows its first colon tells them apart.
const (
	rpcNoMethod  = -32601
	rpcFromPanel = -32001
	rpcWrongCode = "wrong code"
	rpcNoClient  = "no client registered"
)

// errNotTaken is inside the error of a request that the panel answered and did not carry
// out.
var errNotTaken = errors.New("visonic: not taken")

// line is what the error means for the line.
func (e *rpcError) line() error {
	text := strings.ToLower(e.Message)
	switch {
	case e.Code == rpcNoMethod:
		return fmt.Errorf("%w: %w", panel.ErrProtocol, ErrNoMessage)
	case e.Code == rpcFromPanel && strings.HasSuffix(text, rpcWrongCode):
		return fmt.Errorf("%w: %w", panel.ErrSecret, ErrDenied)
	case e.Code == rpcFromPanel && strings.HasSuffix(text, rpcNoClient):
		return fmt.Errorf("%w: %w", panel.ErrUnreachable, ErrUnregistered)
	}
	return fmt.Errorf("%w: %w: error %d", panel.ErrProtocol, errNotTaken, e.Code)
}

// parseAnswer reads the answer to the request with this id.
func parseAnswer(raw []byte, id int) (json.RawMessage, error) {
	var a rpcAnswer
	switch err := json.Unmarshal(raw, &a); {
	case err != nil, a.Version != "2.0", a.ID != id:
		return nil, fmt.Errorf("%w: no answer in JSON-RPC", panel.ErrProtocol)
	case a.Error != nil:
		return nil, a.Error.line()
	case a.Result == nil:
		return nil, fmt.Errorf("%w: an answer without result", panel.ErrProtocol)
	}
	return a.Result, nil
}

// call asks the service once. Nothing is repeated: most methods present the code.
func (s *rpcSession) call(ctx context.Context, method string, params ...any) (json.RawMessage, error) {
	s.id++
	body, err := json.Marshal(rpcRequest{"2.0", s.id, rpcService + method, params})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", panel.ErrProtocol, err)
	}
	defer clear(body)
	bounded, cancel := context.WithTimeoutCause(ctx, rpcWithin, panel.ErrTimeout)
	defer cancel()
	raw, err := s.post(bounded, body)
	defer clear(raw)
	switch cause := context.Cause(bounded); {
	case err == nil:
		return parseAnswer(raw, s.id)
	case cause != nil:
		return nil, cause
	case errors.Is(err, panel.ErrProtocol):
		return nil, err
	}
	return nil, fmt.Errorf("%w: %w", panel.ErrUnreachable, err)
}

func (s *rpcSession) post(ctx context.Context, body []byte) ([]byte, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.addr+rpcPath, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	q.Header.Set("Content-Type", "application/json")
	resp, err := s.transport.RoundTrip(q)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, rpcMost+1))
	switch {
	case err != nil:
		return nil, err
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%w: status %d", panel.ErrProtocol, resp.StatusCode)
	case len(raw) > rpcMost:
		return nil, fmt.Errorf("%w: too long an answer", panel.ErrProtocol)
	}
	return raw, nil
}
