package dsc

import (
	"slices"
	"sync"
	"time"
)

// maxCallers is how many unknown callers are remembered.
const maxCallers = 100

// Caller is a panel that called and is not one of the host's. Nothing about it is
// proven: an integration id is public and easily guessed.
type Caller struct {
	Ident string    `json:"ident"` // the integration id that it claims
	Addr  string    `json:"addr"`  // from where it called last
	Count int       `json:"count"` // calls since it is on the list
	Last  time.Time `json:"last"`
}

// callers is the list of the last unknown callers, the latest last.
type callers struct {
	mu   sync.Mutex
	list []Caller
}

func (c *callers) note(ident, addr string, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	called := Caller{Ident: ident, Addr: addr, Count: 1, Last: now}
	if i := slices.IndexFunc(c.list, func(k Caller) bool { return k.Ident == ident }); i >= 0 {
		called.Count += c.list[i].Count
		c.list = slices.Delete(c.list, i, i+1)
	} else if len(c.list) == maxCallers {
		c.list = slices.Delete(c.list, 0, 1)
	}
	c.list = append(c.list, called)
}

func (c *callers) all() []Caller {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := slices.Clone(c.list)
	slices.Reverse(out)
	return out
}
