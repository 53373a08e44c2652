package memstore_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// clock is a clock that a test moves.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time             { return time.Now().Add(time.Duration(c.offset.Load())) }
func (c *clock) advance(d time.Duration)    { c.offset.Add(int64(d)) }
func (c *clock) options() storetest.Options { return storetest.Options{Advance: c.advance} }

// Rules: G57, G111, G190, R253
func TestContract(t *testing.T) {
	for name, o := range map[string]memstore.Options{"indexed at once": {}, "indexed later": {LateIndex: true}} {
		t.Run(name, func(t *testing.T) {
			var c clock
			o.Now = c.now
			storetest.RunWith(t, c.options(), func(*testing.T) store.Fleet { return memstore.NewWith(o) })
		})
	}
}

// Rules: G57, G190
func TestConcurrency(t *testing.T) {
	storetest.RunConcurrency(t, func(*testing.T) store.Fleet { return memstore.New() })
}
