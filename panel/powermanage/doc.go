// Package powermanage manages panel users through the REST interface that PowerManage
// servers offer to their apps.
//
// It is for hosts whose panels report to such a server: the server holds the connection
// to the panel, and this driver talks to the server. One [Driver] serves any number of
// panels of one family; a panel is named by its serial number in panel.Target.Ident. The
// route needs the server's address and three secrets: an account's e-mail and password,
// and the master user's code of the panel.
//
// # What is proven, and what is not
//
// The list of users, the features and the status were published as servers gave them for
// Visonic PowerMaster panels in versions 9.0 and 14.0, and are documented for 10.0; signing
// in is described by several clients. Setting and removing a code
// and setting a name are described and reported to work on a PowerMaster-10; no capture of
// what a failed job says is public. The calls that set roles and partitions exist and
// nobody has published them, so that this driver reads both and writes neither. Nothing
// public shows NeoR or Dual Path panels behind this interface; see [NeoR] and [DualPath].
// This driver has not run against a server of the maker.
//
// # How it writes
//
// A change is a job at the server. The driver waits for it at most [Options.Wait]; a job
// that still runs then comes back as the outcome's ticket and is followed by the next
// edit, which sends nothing twice. A code is removed by setting 0000.
//
// # How safe the line is
//
// Every request goes over TLS, whose certificate is verified and can be pinned besides,
// and has a connection of its own: an answer can only be to its request, and an idle
// session holds neither a connection nor a goroutine. Redirections are not followed. A
// refused password or code is presented once in a session and never again: the server
// locks accounts and panels after a few.
package powermanage
