package main

import (
	"context"
	"net"
	"sync"
)

// cable is what connects a simulated panel with the world. It can be pulled.
type cable struct {
	mu   sync.Mutex
	out  bool
	live map[net.Conn]struct{}
}

// listen takes any free port of this machine, at the end of the cable.
func (c *cable) listen(ctx context.Context) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return socket{l, c}, nil
}

// plug pulls the cable, which cuts every connection, or plugs it in.
func (c *cable) plug(in bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.out = !in; c.out {
		for conn := range c.live {
			_ = conn.Close()
		}
	}
}

// take lets a connection through, or cuts it.
func (c *cable) take(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.out {
		_ = conn.Close()
		return false
	}
	if c.live == nil {
		c.live = map[net.Conn]struct{}{}
	}
	c.live[conn] = struct{}{}
	return true
}

// socket is a listener at the end of a cable.
type socket struct {
	net.Listener
	cable *cable
}

// Accept waits for a connection that comes through.
func (s socket) Accept() (net.Conn, error) {
	for {
		conn, err := s.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if s.cable.take(conn) {
			return connection{conn, s.cable}, nil
		}
	}
}

// connection is forgotten when it is closed.
type connection struct {
	net.Conn
	cable *cable
}

// Close closes the connection.
func (c connection) Close() error {
	c.cable.mu.Lock()
	defer c.cable.mu.Unlock()
	delete(c.cable.live, c.Conn)
	return c.Conn.Close()
}
