// Package powerlink is the wire of Visonic PowerMax and PowerMaster panels: pure
// functions between bytes and values, without I/O.
//
// It is for package visonic. Layouts are facts that several public programs agree on
// (davesmeghead/visonic 3b22154, msp1974/visonic_decoder 5b660b4, msp1974/visonic_proxy
// 7946a4c, the openHAB powermax binding); testdata/vectors.txt says which of them were
// captured from a panel, which are documented, and which are only built from the layout.
//
// What is decoded here may hold codes: buffers are cleared by who read them, and nothing
// in this package prints or keeps them.
package powerlink
