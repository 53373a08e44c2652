package itv2

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"strings"
)

const blockSize = aes.BlockSize

// Errors of keys and of the request for access. None carries key bytes.
var (
	ErrKeyForm    = errors.New("itv2: key has the wrong form")
	ErrInitLength = errors.New("itv2: initializer has the wrong length")
	ErrInitCheck  = errors.New("itv2: initializer does not fit the key")
)

// Encryption is how a session is encrypted, as OpenSession says it.
type Encryption byte

// The ways of encryption.
const (
	Plain Encryption = 0
	Type1 Encryption = 1
	Type2 Encryption = 2
)

// Lengths of the initializer in a request for access.
const (
	Type1Init = 48
	Type2Init = 16
)

// Key is an AES-128 key.
type Key [blockSize]byte

// Type1Key is the first eight hexadecimal digits, four times: of the access code, and
// of the integration id.
func Type1Key(digits string) (Key, error) {
	if len(digits) < 8 {
		return Key{}, ErrKeyForm
	}
	return Type2Key(strings.Repeat(digits[:8], 4))
}

// Type2Key reads 32 hexadecimal digits.
func Type2Key(digits string) (Key, error) {
	var k Key
	if len(digits) != 2*len(k) {
		return Key{}, ErrKeyForm
	}
	if _, err := hex.Decode(k[:], []byte(digits)); err != nil {
		return Key{}, ErrKeyForm
	}
	return k, nil
}

// Type2Session is the key for one direction: the receiver's secret applied to the
// random initializer that the receiver of that direction sent.
func Type2Session(secret Key, init []byte) (Key, error) {
	if len(init) != Type2Init {
		return Key{}, ErrInitLength
	}
	k := Key(init)
	NewCipher(secret).Encrypt(k[:])
	return k, nil
}

// Type1Offer hides a session key: check bytes, then check and key interleaved and
// encrypted. The panel hides its key under the integration id, which is public; ours is
// hidden under the access code.
func Type1Offer(under, session Key, check [blockSize]byte) []byte {
	out := make([]byte, Type1Init)
	copy(out, check[:])
	block := out[blockSize:]
	for i := range check {
		block[2*i], block[2*i+1] = check[i], session[i]
	}
	NewCipher(under).Encrypt(block)
	return out
}

// Type1Take finds the session key in an offer.
func Type1Take(under Key, init []byte) (Key, error) {
	if len(init) != Type1Init {
		return Key{}, ErrInitLength
	}
	block := append([]byte(nil), init[blockSize:]...)
	NewCipher(under).Decrypt(block)
	var session, check Key
	for i := range session {
		check[i], session[i] = block[2*i], block[2*i+1]
	}
	clear(block)
	if subtle.ConstantTimeCompare(check[:], init[:blockSize]) != 1 {
		return Key{}, ErrInitCheck
	}
	return session, nil
}

// Cipher encrypts whole blocks one by one, as the protocol does: equal blocks look
// equal, and nothing but the frame's CRC says whether they were changed.
type Cipher struct{ block cipher.Block }

// NewCipher makes a cipher of a key.
func NewCipher(k Key) *Cipher {
	block, err := aes.NewCipher(k[:])
	if err != nil {
		panic(err) // a Key has one of AES's lengths
	}
	return &Cipher{block}
}

// Encrypt encrypts b in place; its length is a multiple of 16.
func (c *Cipher) Encrypt(b []byte) {
	for i := 0; i+blockSize <= len(b); i += blockSize {
		c.block.Encrypt(b[i:], b[i:])
	}
}

// Decrypt decrypts b in place; its length is a multiple of 16.
func (c *Cipher) Decrypt(b []byte) {
	for i := 0; i+blockSize <= len(b); i += blockSize {
		c.block.Decrypt(b[i:], b[i:])
	}
}
