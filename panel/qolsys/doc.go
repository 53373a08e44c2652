// Package qolsys is a driver for Qolsys IQ panels: IQ Panel 2 to IQ Pro. It is for hosts
// whose panels are of that make.
//
// # What it does
//
// [IQRemote] joins a panel as a second keypad: after [Pair], which somebody lets happen at
// the panel, it lists the users and hears when one changes. [Control4] asks the interface
// for home automation whether the panel is armed, and nothing else; it never offers the
// panel a code to see whether it is right, which would arm, disarm or raise an alarm.
//
// No public source shows how a user is written over either wire. The driver therefore
// writes nothing: each model names the fields that somebody can set at the keypad
// (panel.Model.Hands) and the steps. Codes are cipher text on the wire: a report carries a
// mark that is equal while the code is.
//
// The panel's own users (240 duress, 241 installer, 242 dealer, 243 and up duress of
// further partitions) are reserved places and are not reported: their codes are the
// installing company's, and whether a duress code is set is nobody's to see.
//
// # What the line is worth
//
// Pairing gives a key and a certificate that an authority inside the panel signs. Whoever
// holds the key can arm and disarm that panel without any code, so it is a secret of the
// rank of the master code: the whole pairing is one secret of the route, [PairingSecret],
// and is stored sealed. A service pairs by [IQRemote.Pair], which [Options.Pairing] turns
// on, and keeps nothing of a panel before a person has confirmed it.
//
// Panels sign with SHA-1, which the verifier of crypto/x509 refuses. The driver therefore
// verifies the panel's certificate itself, against the authority that pairing gave. What
// that costs: whoever can make two certificates with one SHA-1 digest, and gets the panel
// to sign one of them, holds a certificate that the authority vouches for. The authority
// also signs every other remote's key. Both are why the driver in addition pins the key
// that the panel showed in the first session after pairing (it is the route's state): a
// panel that shows another is [panel.ErrIdentity] until it is paired again, or until the
// host drops the state. Dates in the certificate are not looked at, because a panel whose
// clock was wrong when it made it must stay in reach; names mean nothing there.
//
// Control4 has no authority at all. Its certificate is pinned from the first session on,
// and the token, which is the secret, travels to whoever was there first.
package qolsys
