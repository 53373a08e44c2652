package credentials

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
)

// Turnable is a keyring that can be had in any epoch whose keys it has: what a rotation
// needs. [Ring] is one; what else is can be tested with package keyringtest.
type Turnable interface {
	Keyring
	// At is the same keyring in another epoch, or [ErrKeyMissing] if it lacks a key that
	// the epoch names.
	At(e Epoch) (Turnable, error)
	// Keys are the ids of the keys that the keyring has, sorted.
	Keys() []string
}

// At implements [Turnable].
func (r *Ring) At(e Epoch) (Turnable, error) {
	for _, id := range append(slices.Clone(e.Prints), e.Seal) {
		if _, ok := r.keys[id]; !ok {
			return nil, fmt.Errorf("%w: %q", ErrKeyMissing, id)
		}
	}
	next := *r
	next.epoch = e
	next.epoch.Prints = slices.Clone(e.Prints)
	return &next, nil
}

// Keys implements [Turnable].
func (r *Ring) Keys() []string { return slices.Sorted(maps.Keys(r.keys)) }

// Following is a keyring whose epoch moves while services use it: what a node needs that
// goes on through a rotation. It is safe for use by many goroutines and cannot print.
type Following struct{ ring atomic.Pointer[Turnable] }

// Follow makes a keyring that begins as r.
func Follow(r Turnable) *Following {
	f := &Following{}
	f.ring.Store(&r)
	return f
}

// Ring is the keyring of this moment.
func (f *Following) Ring() Turnable { return *f.ring.Load() }

// Use replaces the keys, such as with those of a key file that was written anew. The epoch
// stays; [ErrKeyMissing] if one of its keys is not there.
func (f *Following) Use(r Turnable) error {
	next, err := r.At(f.Epoch())
	if err == nil {
		f.ring.Store(&next)
	}
	return err
}

// Turn moves on to an epoch, or returns [ErrKeyMissing].
func (f *Following) Turn(e Epoch) error {
	next, err := f.Ring().At(e)
	if err == nil {
		f.ring.Store(&next)
	}
	return err
}

// Epoch implements [Sealer].
func (f *Following) Epoch() Epoch { return f.Ring().Epoch() }

// Print implements [Sealer].
func (f *Following) Print(keyID string, s Scope, m Material) (Fingerprint, error) {
	return f.Ring().Print(keyID, s, m)
}

// Seal implements [Sealer].
func (f *Following) Seal(b Binding, plain []byte) (Sealed, error) { return f.Ring().Seal(b, plain) }

// Open implements [Opener].
func (f *Following) Open(b Binding, s Sealed) ([]byte, error) { return f.Ring().Open(b, s) }

// Format keeps the keys out of every verb of fmt.
func (f *Following) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, Redacted) }

// LogValue keeps the keys out of slog.
func (f *Following) LogValue() slog.Value { return slog.StringValue(Redacted) }
