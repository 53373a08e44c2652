// Package journal is the action log as a service: it is read, followed, verified,
// proven, exported and passed on here.
//
// It is for host developers. A [Journal] stands on the store that the other services
// write to; [Journal.As] gives a [Reader] who sees what their rights and sites allow;
// [Journal.Loops] are the workers that sign and anchor checkpoints and feed recorders.
//
// # Who sees what
//
// Reading needs the log's own right. A reader of some sites sees the entries that name
// one of these sites among their targets; entries that concern no site, such as those
// about keys and about reading the log, are for readers of all sites. What somebody
// read is itself an entry, at most one an hour for each reader, with the count.
//
// # Order
//
// Screens page by time ([Reader.Query]), which shows an entry as soon as it is
// committed. Programs follow by index ([Reader.Follow]), which misses nothing: an entry
// may get its index a moment after its commit, and an index never changes. An index says
// how long the whole log is, also to a reader of some sites.
//
// # What can be trusted
//
// [Reader.Verify] compares the log with its tree, its signed checkpoints, the anchors
// outside the store, and the stored rows with what the entries left. Without an anchor
// whoever has the database and the key can rewrite everything, and the report says so.
package journal
