// Package powermanagesim is a simulated PowerManage server: its REST interface for users
// of panels, over panels in memory that keep their own rules.
//
// It is for tests of hosts and of the driver, and for programs that show how it works
// without a server of the maker. [Server] is an http.Handler for a server of one's own,
// and [Server.Serve] one of its own, over TLS with a certificate of [Certificate], in
// memory or on a TCP port. It implements paneltest.Sim for its first panel.
//
// Shapes, numbers of errors and the states of jobs are those that public clients and
// captures of the maker's servers show; every point that they leave open is a named quirk
// that turns the other reading on ([Server.Quirks]). Passing against it proves that a
// driver agrees with that reading, not with the maker's server.
package powermanagesim
