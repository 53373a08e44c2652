// Package twon manages the directory of 2N access devices (IP intercoms and access units
// with 2N OS) over their HTTP API.
//
// It is for hosts, who give a [Driver] to the services, and for those who bring a device
// into service. The driver dials out, over TLS, and signs in with HTTP digest. What the
// device has to be told, in its web page:
//
//	Services / HTTP API   the System service on, secure connection (TLS), digest
//	                      authentication
//	Account               one of its own for keyholder, with the privilege System Control
//	                      (and System Monitoring, so that its clock can be read)
//
// # An entry is a panel user
//
// A place is the uuid of an entry, minted by the service before anything is sent, so that
// a creation whose answer was lost can be found again. Entries that this driver makes
// carry its name as their owner ([Options.Owner]). An entry whose owner is somebody else
// (My2N, Access Commander) is shown and never touched: [ErrOwner]. An entry without an
// owner was made in the web page; a host may adopt it, and from then on it is keyholder's
// as a whole: replacing or removing the user replaces or removes the entry, with its
// telephone numbers.
//
// A user exists while the entry has something that opens: a PIN, a card, a switch code, or
// one of the credentials that this driver does not write (a mobile key, a fingerprint, a
// licence plate). Entries with none are telephone book, and are not users.
//
// # Validity
//
// Devices that know validity take its two ends as Unix seconds, in strings, "0" for open.
// No source says whether the last second itself still opens, so the driver writes the last
// second of the window (until less one): the device closes then, or a second early, never
// late. A device without validity (the model says so: neither from nor until can be
// written), or whose clock is off by more than [Options.Skew], has to be given the code
// when the window begins and has to lose it when it ends: that is the service's work.
//
// # What is proven, and what is not
//
// Paths, methods, error codes, the template and the reading by series and timestamp are
// the maker's public manual and its public tests. The driver has not run against a device.
// What those sources leave open is a named quirk of twonsim, and the driver is right
// either way. Changes of the directory are asked for at intervals ([Options.Poll]): of the
// events in the manual's list (chapter 5.10.1, wiki.2n.com/hip/hapi/latest/en) none is said
// to tell of them; ConfigurationChanged is listed without a word about the directory. With
// [Options.Log] the event log is read for UserAuthenticated, which names the entry that was
// let in. What else it tells is not read: CodeEntered and CardEntered carry the digits and
// the number of the card. The device's own silent alarm is not used for duress.
//
// # Duress
//
// With [Options.Log], a device that has PINs and whose log lists UserAuthenticated tells who
// opens it ([panel.DuressByEvent]). A holder's duress code is then the PIN of a second entry
// with the same name, validity and owner, and no cards. Its uuid is that of the holder's
// entry with version 8 for 4, so that both are found from either after any restart. It is
// there before the holder's code and goes after it; it is no user of its own. Whoever can
// read the directory at the device sees both. That uuid is unusual: should a device refuse
// it, the code is refused. If a log that was heard before is gone, Watch ends with [ErrLog].
package twon
