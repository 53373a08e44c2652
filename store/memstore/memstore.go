// Package memstore keeps everything in memory: a [store.Fleet] that needs no set-up.
//
// It is for tests, examples, demos and tools that keep nothing. It answers exactly as the
// SQL stores do (store/storetest runs on both) and forgets everything when the program
// ends.
package memstore

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// Options change how a fleet works. The zero value is right for almost everybody.
type Options struct {
	// Now is the store's clock; nil means time.Now, which a testing/synctest bubble controls.
	Now func() time.Time
	// LateIndex leaves new entries without an index until somebody calls
	// [store.Store.Sequence], as stores with several writers do.
	LateIndex bool
}

// Fleet is a [store.Fleet] in memory. It is safe for concurrent use.
type Fleet struct {
	options Options

	mu      sync.Mutex
	tenants map[string]*tenant
	nodes   map[string]time.Time // node → until when it lives
}

var _ store.Fleet = (*Fleet)(nil)

// New returns an empty fleet.
func New() *Fleet { return NewWith(Options{}) }

// NewWith returns an empty fleet with options.
func NewWith(o Options) *Fleet {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Fleet{options: o, tenants: map[string]*tenant{}, nodes: map[string]time.Time{}}
}

// Open returns the store of the tenant "main" in an empty fleet of its own.
func Open() store.Store { return New().tenant("main") }

// Tenant returns the store of one tenant, or [store.ErrTenant].
func (f *Fleet) Tenant(id string) (store.Store, error) {
	if err := store.CheckTenant(id); err != nil {
		return nil, err
	}
	return f.tenant(id), nil
}

func (f *Fleet) tenant(id string) *tenant {
	f.mu.Lock()
	defer f.mu.Unlock()
	t, ok := f.tenants[id]
	if !ok {
		t = newTenant(f)
		f.tenants[id] = t
	}
	return t
}

// Tenants lists the tenants that have anything stored, in order.
func (f *Fleet) Tenants(ctx context.Context) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	known := make(map[string]*tenant, len(f.tenants))
	maps.Copy(known, f.tenants)
	f.mu.Unlock()
	var ids []string
	for id, t := range known {
		if t.used() {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// Close does nothing: there is nothing to give back.
func (f *Fleet) Close() error { return nil }

func (f *Fleet) now() time.Time { return instant(f.options.Now()) }

// living reports whether a node's last beat still holds.
func (f *Fleet) living(node string, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.nodes[node].After(now)
}

// instant is t as a database would give it back: UTC, nanoseconds, no monotonic clock.
func instant(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Round(0)
}
