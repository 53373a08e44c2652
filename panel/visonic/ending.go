package visonic

import "sync/atomic"

// ending is why something is over, once it is. The zero value is alive.
type ending struct{ reason atomic.Pointer[error] }

// end gives the reason; the first one stays.
func (e *ending) end(reason error) { e.reason.CompareAndSwap(nil, &reason) }

// alive returns the reason, nil while there is none.
func (e *ending) alive() error {
	if reason := e.reason.Load(); reason != nil {
		return *reason
	}
	return nil
}
