package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync"
)

// errGone: the process died before it answered. What was asked of it may be done or not.
var errGone = errors.New("the process is gone")

// wire is the line to a process that obeys.
type wire struct {
	mu    sync.Mutex
	to    io.Writer
	last  int
	waits map[int]chan answer // nil: the process is gone
}

func newWire(to io.Writer) *wire { return &wire{to: to, waits: map[int]chan answer{}} }

// ask has an order done. The error is [errGone], or the context's, after which the answer
// is not heard any more.
func (w *wire) ask(ctx context.Context, o order) (answer, error) {
	heard := make(chan answer, 1)
	if !w.say(&o, heard) {
		return answer{}, errGone
	}
	select {
	case a, ok := <-heard:
		if !ok {
			return a, errGone
		}
		return a, nil
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
}

// say sends an order, and reports whether the process was there.
func (w *wire) say(o *order, heard chan answer) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waits == nil {
		return false
	}
	w.last++
	o.Number = w.last
	w.waits[o.Number] = heard
	_ = json.NewEncoder(w.to).Encode(o) //nolint:gosec // both ends are this program; a process that died meanwhile is found to be gone
	return true
}

// listen hears the process to its end. The error is about what it said.
func (w *wire) listen(from io.Reader) (err error) {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var a answer
		if json.Unmarshal(lines.Bytes(), &a) != nil {
			err = wrong("half an answer was said: %q", lines.Text())
			continue
		}
		w.mu.Lock()
		heard := w.waits[a.Number]
		delete(w.waits, a.Number)
		w.mu.Unlock()
		if heard == nil {
			err = wrong("an answer came twice: %q", lines.Text())
			continue
		}
		heard <- a
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, heard := range w.waits {
		close(heard)
	}
	w.waits = nil
	return err
}

// gone reports whether the process has died.
func (w *wire) gone() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.waits == nil
}
