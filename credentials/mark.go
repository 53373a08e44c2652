package credentials

import "encoding/hex"

// MarkMaterial is the canonical form of an opaque mark that a panel shows instead of a
// code: only its keyed fingerprint is kept. It is equal to no code's form.
func MarkMaterial(mark []byte) Material { return Material{form: "mark/" + hex.EncodeToString(mark)} }
