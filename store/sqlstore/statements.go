package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// keep is how many statements of a pool stay compiled. The fixed ones are about 60; the
// rest is for lists of common lengths.
const keep = 128

// statements are the compiled statements of one pool. The zero value has none.
//
// A statement is compiled before the transaction that comes after its first use, because
// compiling takes a connection, and the pool of a single writer has none to spare while
// a transaction runs. For the same reason no lock is held meanwhile.
type statements struct {
	mu       sync.Mutex
	compiled map[string]*sql.Stmt // nil: on its way
	wanted   []string
}

// find returns a compiled statement, or nil and notes that it is wanted.
func (s *statements) find(text string) *sql.Stmt {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, known := s.compiled[text]
	if !known && len(s.compiled) < keep {
		if s.compiled == nil {
			s.compiled = map[string]*sql.Stmt{}
		}
		s.compiled[text] = nil
		s.wanted = append(s.wanted, text)
	}
	return found
}

// compile compiles what is wanted. The caller must have no transaction open. What does
// not compile now is tried again after its next use, which says what is wrong with it.
func (s *statements) compile(ctx context.Context, db *sql.DB, d *Dialect) {
	s.mu.Lock()
	wanted := s.wanted
	s.wanted = nil
	s.mu.Unlock()
	for _, text := range wanted {
		fresh, err := db.PrepareContext(ctx, d.rebind(text))
		s.mu.Lock()
		if err == nil {
			s.compiled[text] = fresh
		} else {
			delete(s.compiled, text)
		}
		s.mu.Unlock()
	}
}

// close gives the compiled statements back. Nothing may be running.
func (s *statements) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, done := range s.compiled {
		if done != nil {
			errs = append(errs, done.Close())
		}
	}
	s.compiled, s.wanted = nil, nil
	return errors.Join(errs...)
}
