// Package iqremote is the wire of an IQ Remote, the second keypad of a Qolsys IQ panel:
// the JSON of its MQTT topics and the bytes of its pairing, as pure functions. It is for
// package qolsys.
//
// The layouts are those of public programs that run against real panels (QolsysController,
// MIT, with fewer facts from others). Nothing that these programs do not show is read: of
// a panel's tables only the columns of [User] and one setting leave this package, so that
// the dealer code, photos, history and Wi-Fi data of a full answer are dropped where they
// are parsed. A PIN is cipher text on this wire; only a digest of it leaves.
package iqremote
