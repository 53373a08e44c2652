package notifytest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/notify"
)

// Mood is how the other side of a transport behaves.
type Mood string

// The moods.
const (
	Well     Mood = "well"
	Away     Mood = "away"     // nothing answers at its address
	Busy     Mood = "busy"     // it answers that it takes nothing now
	Refusing Mood = "refusing" // it refuses the address for good, and repeats it and the text in its answer
	Mute     Mood = "mute"     // it takes the message, and the line breaks before its answer
	Hanging  Mood = "hanging"  // it takes the line and never says a word
)

// Bench is a transport with the other side in a test's hands.
type Bench struct {
	// Send sends a text to an address under an id, through the transport.
	Send func(ctx context.Context, id, address, text string) (notify.Delivery, error)
	// Check is the transport's; nil if it has none.
	Check func(ctx context.Context) error
	// Address is a good one. It must not be part of the transport's own configuration.
	Address string
	// Set changes the other side's mood. All moods must be possible.
	Set func(m Mood)
	// Took are the texts that the other side has, as the receiver reads them.
	Took func() []string
}

// planted is a text that has no business in an error.
const planted = "Your code is 48151623."

// RunTransport checks that a transport keeps what package notify says that it must do.
// open gives a new bench, well.
func RunTransport(t *testing.T, open func(t *testing.T) Bench) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, b Bench)
	}{
		{"a message arrives as it is", arrives},
		{"who is away gets nothing, and the message later", func(t *testing.T, b Bench) { later(t, b, Away) }},
		{"who is busy gets nothing, and the message later", func(t *testing.T, b Bench) { later(t, b, Busy) }},
		{"a refusal is for good and is told without words", refused},
		{"no answer is not a yes and not a no", unsure},
		{"who hangs is waited for as long as the context says", hangs},
		{"nothing is sent after the end of the context", ended},
		{"many at once are each sent once", many},
		{"a check sends nothing", check},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
}

func send(t *testing.T, b Bench) (notify.Delivery, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	d, err := b.Send(ctx, "m-1", b.Address, planted)
	quiet(t, b, err)
	return d, err
}

// quiet checks that an error says nothing of the message, at any depth.
func quiet(t *testing.T, b Bench, err error) {
	t.Helper()
	if err == nil {
		return
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%q"} {
		if said := fmt.Sprintf(verb, err); strings.Contains(said, b.Address) || strings.Contains(said, "48151623") {
			t.Errorf("the error's %s repeats the message", verb)
		}
	}
	if n, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range n.Unwrap() {
			quiet(t, b, e)
		}
	}
	quiet(t, b, errors.Unwrap(err))
}

func took(t *testing.T, b Bench, want int) {
	t.Helper()
	got := b.Took()
	if len(got) != want {
		t.Fatalf("the other side has %d messages, not %d", len(got), want)
	}
	for _, text := range got {
		if !strings.Contains(text, "48151623") {
			t.Errorf("the other side has another text")
		}
	}
}

func arrives(t *testing.T, b Bench) {
	began := time.Now()
	d, err := send(t, b)
	if err != nil {
		t.Fatalf("well: %v", err)
	}
	took(t, b, 1)
	if d.MessageID == "" {
		t.Error("no message id: give the message's own if the other side has none")
	}
	if d.At.Before(began.Add(-time.Second)) || d.At.After(time.Now().Add(time.Second)) {
		t.Error("At is not when it was handed over")
	}
}

func later(t *testing.T, b Bench, m Mood) {
	b.Set(m)
	_, err := send(t, b)
	if !errors.Is(err, notify.ErrUnavailable) || errors.Is(err, notify.ErrRejected) || !fault.Temporary(err) {
		t.Errorf("%s: %v, not notify.ErrUnavailable", m, err)
	}
	took(t, b, 0)
	b.Set(Well)
	if _, err := send(t, b); err != nil {
		t.Fatalf("well again: %v", err)
	}
	took(t, b, 1)
}

func refused(t *testing.T, b Bench) {
	b.Set(Refusing)
	_, err := send(t, b)
	r, ok := errors.AsType[*notify.RejectedError](err)
	if !ok || errors.Is(err, notify.ErrUnavailable) || fault.Temporary(err) {
		t.Fatalf("refusing: %v, not a notify.RejectedError", err)
	}
	if strings.Trim(r.Status, "0123456789. ") != "" || r.Status == "" {
		t.Errorf("the status is not a number")
	}
	took(t, b, 0)
}

func unsure(t *testing.T, b Bench) {
	b.Set(Mute)
	_, err := send(t, b)
	if err == nil || errors.Is(err, notify.ErrUnavailable) || errors.Is(err, notify.ErrRejected) {
		t.Fatalf("mute: %v, although nobody knows", err)
	}
	took(t, b, 1)
}

func hangs(t *testing.T, b Bench) {
	b.Set(Hanging)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := b.Send(ctx, "m-1", b.Address, planted)
	quiet(t, b, err)
	if err == nil || errors.Is(err, notify.ErrRejected) {
		t.Errorf("hanging: %v", err)
	}
	if waited := time.Since(began); waited > 3*time.Second {
		t.Errorf("hanging: waited %v", waited)
	}
}

func ended(t *testing.T, b Bench) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := b.Send(ctx, "m-1", b.Address, planted)
	quiet(t, b, err)
	if !errors.Is(err, notify.ErrUnavailable) {
		t.Errorf("ended: %v, not notify.ErrUnavailable", err)
	}
	took(t, b, 0)
}

func many(t *testing.T, b Bench) {
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			if _, err := b.Send(t.Context(), fmt.Sprintf("m-%d", i), b.Address, planted); err != nil {
				t.Errorf("at once: %v", err)
			}
		})
	}
	all.Wait()
	took(t, b, 8)
}

func check(t *testing.T, b Bench) {
	if b.Check == nil {
		return
	}
	if err := b.Check(t.Context()); err != nil {
		t.Errorf("well: %v", err)
	}
	b.Set(Away)
	if err := b.Check(t.Context()); !errors.Is(err, notify.ErrUnavailable) {
		t.Errorf("away: %v, not notify.ErrUnavailable", err)
	}
	took(t, b, 0)
}
