package locksim

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/lock"
)

// request is one call of a controller, and answer what comes of it, each a line of JSON.
// The form is this package's own: a real radio is the host's.
type request struct {
	Call string `json:"call"`
	Node string `json:"node"`
	Slot int    `json:"slot,omitempty"`
	Code string `json:"code,omitempty"`
}

type answer struct {
	Error    string        `json:"error,omitempty"`
	Capacity lock.Capacity `json:"capacity,omitzero"`
	Status   lock.Status   `json:"status,omitempty"`
	Code     string        `json:"code,omitempty"`
	Result   lock.Result   `json:"result,omitempty"`
}

// lineErrors are the errors about a node, by their names on the wire.
var lineErrors = map[string]error{
	"unreachable": panel.ErrUnreachable, "timeout": panel.ErrTimeout, "busy": panel.ErrBusy, "secret": panel.ErrSecret,
}

// ServeRadio lets programs in other processes call the lock through a [Radio] until ctx
// ends.
func (l *Lock) ServeRadio(ctx context.Context, listener net.Listener) error {
	var talks sync.WaitGroup
	defer talks.Wait()
	defer context.AfterFunc(ctx, func() { _ = listener.Close() })()
	for {
		conn, err := listener.Accept()
		if err != nil {
			return l.Serve(ctx)
		}
		talks.Go(func() {
			defer func() { _ = conn.Close() }()
			defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
			var q request
			if json.NewDecoder(conn).Decode(&q) == nil {
				_ = json.NewEncoder(conn).Encode(l.call(ctx, q)) // who hung up misses the answer
			}
		})
	}
}

// call is a request as a call of the lock's methods.
func (l *Lock) call(ctx context.Context, q request) answer {
	var a answer
	var err error
	switch q.Call {
	case "capacity":
		a.Capacity, err = l.Capacity(ctx, q.Node)
	case "get":
		var u lock.UserCode
		u, err = l.UserCode(ctx, q.Node, q.Slot)
		a.Status, a.Code = u.Status, u.Code.Reveal()
	case "set":
		var code panel.Code
		if code, err = panel.ParseCode(q.Code); err == nil {
			a.Result, err = l.SetUserCode(ctx, q.Node, q.Slot, code)
		}
	case "clear":
		a.Result, err = l.ClearUserCode(ctx, q.Node, q.Slot)
	default:
		err = panel.ErrUnreachable
	}
	if err == nil {
		return a
	}
	name := "timeout"
	for other, one := range lineErrors {
		if errors.Is(err, one) {
			name = other
		}
	}
	return answer{Error: name}
}

// Radio is a controller whose lock is simulated in another process, at a TCP address
// where [Lock.ServeRadio] listens. It implements [lock.Controller].
type Radio string

func (r Radio) ask(ctx context.Context, q request) (answer, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", string(r))
	if err != nil {
		return answer{}, fmt.Errorf("%w: %w", panel.ErrUnreachable, err)
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if err := json.NewEncoder(conn).Encode(q); err != nil {
		return answer{}, fmt.Errorf("%w: %w", panel.ErrUnreachable, err)
	}
	var a answer
	if err := json.NewDecoder(bufio.NewReader(conn)).Decode(&a); err != nil {
		return answer{}, fmt.Errorf("%w: %w", panel.ErrTimeout, err)
	}
	if err, ok := lineErrors[a.Error]; ok {
		return answer{}, err
	}
	return a, nil
}

// Capacity asks what the lock can hold.
func (r Radio) Capacity(ctx context.Context, node string) (lock.Capacity, error) {
	a, err := r.ask(ctx, request{Call: "capacity", Node: node})
	return a.Capacity, err
}

// UserCode reads a slot.
func (r Radio) UserCode(ctx context.Context, node string, slot int) (lock.UserCode, error) {
	a, err := r.ask(ctx, request{Call: "get", Node: node, Slot: slot})
	u := lock.UserCode{Status: a.Status}
	if err == nil && a.Code != "" {
		u.Code, err = panel.ParseCode(a.Code)
	}
	return u, err
}

// SetUserCode writes a slot.
func (r Radio) SetUserCode(ctx context.Context, node string, slot int, code panel.Code) (lock.Result, error) {
	a, err := r.ask(ctx, request{Call: "set", Node: node, Slot: slot, Code: code.Reveal()})
	return a.Result, err
}

// ClearUserCode empties a slot.
func (r Radio) ClearUserCode(ctx context.Context, node string, slot int) (lock.Result, error) {
	a, err := r.ask(ctx, request{Call: "clear", Node: node, Slot: slot})
	return a.Result, err
}
