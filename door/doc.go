// Package door decides at a door: somebody typed a code or held a tag at a reader, and is
// let in or not.
//
// It is for host developers whose readers, keypads, intercoms or apps ask a server. [New]
// makes a [Service] over the store that packages people and roster use. A reader shows its
// key with every question and can ask about its own points only. Where the line to the
// server may fail, an [Edge] beside the reader decides from what it was told last, for a
// bounded time.
//
// Lock-outs and guessing are told to [Options.Alert], also those of an outage, and
// [Service.Health] says what a node cannot do as it stands. [Operator.Enrol] gives somebody
// the tag that is presented next at a reader.
//
// A duress code opens as the ordinary code does. Answer, log entry, writes and their sizes
// are the same; that it was one is sealed in the entry, and the alarm goes to a store of
// its own, the restricted log, from where [Options.Alarm] is called. Nothing here sends
// anything to the person concerned, and neither must the host.
//
// Egress and the release of doors in a fire are never decided here: a door must open from
// inside whatever a server says.
package door
