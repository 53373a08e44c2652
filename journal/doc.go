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
// [Journal.Self] gives somebody the entries about themselves, where the policy says so: they
// see and prove those without any right, and of others who are named there no more than ids.
//
// # Order
//
// Screens page by time ([Reader.Query]), which shows an entry as soon as it is
// committed. Programs follow by index ([Reader.Follow]), which misses nothing: an entry
// may get its index a moment after its commit, and an index never changes. An index says
// how long the whole log is, also to a reader of some sites.
//
// # What was so at a time
//
// [Reader.WhoWas] and [Reader.CouldEnter] answer from the entries until an instant who
// could have opened a panel with a code; [Reader.Review] who may do what as of a date, which
// somebody signs off with [Reader.SignOff]. [Reader.ReportAccess], [Reader.ReportChanges]
// and [Reader.ReportReview] write the same as CSV, as JSON or as a page to print. No export
// holds a code. Each is an entry, with what was asked for and how many rows it has, before
// the first byte leaves; personal values are pseudonyms unless the caller says otherwise.
//
// # What can be trusted
//
// [Reader.Verify] compares the log with its tree, its signed checkpoints, the anchors
// outside the store, and the stored rows with what the entries left. Without an anchor
// whoever has the database and the key can rewrite everything, and the report says so.
package journal
