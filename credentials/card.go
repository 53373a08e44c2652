package credentials

import (
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"math/bits"
	"strconv"

	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/hidden"
)

// Errors of cards. None of them carries a number.
var (
	// ErrCardForm: the tag's bits are not a card of this format, or a number does not fit.
	ErrCardForm = fault.New(fault.Invalid, "credentials: not a card of this format").
			Hinted("Choose the format with as many bits as the reader shows, and numbers within its range.")
	// ErrCardParity: the tag has the format's length and wrong parity bits.
	ErrCardParity = fault.New(fault.Invalid, "credentials: the card's parity is wrong").
			Hinted("Read the card again; if that does not help, it has another format with the same length.")
)

// CardFormat is how a Wiegand card's bits are laid out, as data. Bits are counted from 0,
// the first that the reader sends. The first bit makes the parity of Even even, the last
// one that of Odd odd.
type CardFormat struct {
	Name     string `json:"name"`
	Bits     int    `json:"bits"`
	Facility Field  `json:"facility,omitzero"` // zero: the card has none
	Number   Field  `json:"number"`
	Even     Field  `json:"even,omitzero"` // without the parity bit itself
	Odd      Field  `json:"odd,omitzero"`  // without the parity bit itself
}

// Field is a run of bits.
type Field struct {
	From int `json:"from"`
	Bits int `json:"bits"`
}

// Formats whose layout their maker has published.

// H10301 is the open 26-bit format: 8 bits of facility, 16 of number.
func H10301() CardFormat {
	return CardFormat{Name: "H10301", Bits: 26, Facility: Field{1, 8}, Number: Field{9, 16}, Even: Field{1, 12}, Odd: Field{13, 12}}
}

// H10306 is a 34-bit format: 16 bits of facility, 16 of number.
func H10306() CardFormat {
	return CardFormat{Name: "H10306", Bits: 34, Facility: Field{1, 16}, Number: Field{17, 16}, Even: Field{1, 16}, Odd: Field{17, 16}}
}

// H10302 is a 37-bit format without a facility: 35 bits of number. Both parities cover
// the middle bit.
func H10302() CardFormat {
	return CardFormat{Name: "H10302", Bits: 37, Number: Field{1, 35}, Even: Field{1, 18}, Odd: Field{18, 18}}
}

// H10304 is a 37-bit format: 16 bits of facility, 19 of number. Both parities cover the
// middle bit.
func H10304() CardFormat {
	return CardFormat{Name: "H10304", Bits: 37, Facility: Field{1, 16}, Number: Field{17, 19}, Even: Field{1, 18}, Odd: Field{18, 18}}
}

// Card is a tag's number in the parts that are printed on it. Like a [Tag] it cannot
// print.
type Card struct {
	parts  hidden.Text // facility and number, 8 bytes each
	format CardFormat
}

// Make lays a card's bits out; [ErrCardForm] if a part does not fit.
func (f CardFormat) Make(facility, number uint64) (Tag, error) {
	if !f.valid() || bits.Len64(facility) > f.Facility.Bits || bits.Len64(number) > f.Number.Bits {
		return Tag{}, fmt.Errorf("%w: %s", ErrCardForm, f.Name)
	}
	v := facility<<f.shift(f.Facility) | number<<f.shift(f.Number)
	v |= f.parity(v, f.Even) << (f.Bits - 1)
	v |= f.parity(v, f.Odd) ^ 1
	return ParseTag(strconv.FormatUint(v, 16), f.Bits)
}

// Read takes a tag apart. Errors: [ErrCardForm], [ErrCardParity].
func (f CardFormat) Read(t Tag) (Card, error) {
	if !f.valid() || t.bits != f.Bits {
		return Card{}, fmt.Errorf("%w: %s", ErrCardForm, f.Name)
	}
	v := new(big.Int).SetBytes([]byte(t.raw.Open())).Uint64()
	if f.parity(v, f.Even) != v>>(f.Bits-1) || f.parity(v, f.Odd)^1 != v&1 {
		return Card{}, fmt.Errorf("%w: %s", ErrCardParity, f.Name)
	}
	parts := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, f.part(v, f.Facility)), f.part(v, f.Number))
	return Card{parts: hidden.Of(parts), format: f}, nil
}

// valid reports whether the layout can be used: 3 to 64 bits, fields between the parity
// bits.
func (f CardFormat) valid() bool {
	if f.Bits < 3 || f.Bits > 64 || f.Number.Bits == 0 {
		return false
	}
	for _, p := range []Field{f.Facility, f.Number, f.Even, f.Odd} {
		if p.Bits < 0 || p.Bits > 0 && (p.From < 1 || p.From+p.Bits > f.Bits-1) {
			return false
		}
	}
	return true
}

// shift is how far a field lies above the last bit.
func (f CardFormat) shift(p Field) int { return f.Bits - p.From - p.Bits }

func (f CardFormat) part(v uint64, p Field) uint64 {
	return v >> f.shift(p) & (1<<p.Bits - 1)
}

func (f CardFormat) parity(v uint64, p Field) uint64 {
	return uint64(bits.OnesCount64(f.part(v, p)) & 1)
}

// Reveal returns the parts; facility is 0 if the format has none.
func (c Card) Reveal() (facility, number uint64) {
	b := []byte(c.parts.Open())
	if len(b) == 0 {
		return 0, 0
	}
	return binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
}

// Typed are the numbers that somebody who reads the card may type, as codes: the number
// as it is and with the zeros that are printed before it, then behind the facility.
func (c Card) Typed() []Code {
	pad := func(v uint64, p Field) string { return fmt.Sprintf("%0*d", digitsOf(p.Bits), v) }
	facility, number := c.Reveal()
	forms := []string{strconv.FormatUint(number, 10), pad(number, c.format.Number)}
	if c.format.Facility.Bits > 0 {
		forms = append(forms, strconv.FormatUint(facility, 10)+forms[1], pad(facility, c.format.Facility)+forms[1])
	}
	var out []Code
	for _, form := range distinct(forms) {
		if len(form) <= MaxDigits {
			out = append(out, Code{digits: hidden.Of(form)})
		}
	}
	return out
}

// digitsOf is how many decimal digits a number of n bits may have.
func digitsOf(n int) int { return len(strconv.FormatUint(1<<n-1, 10)) }

// materials are what a tag claims beside its own: the numbers with the facility, or the
// number alone if that is all that there is. A number without its facility is shared by
// too many cards.
func (c Card) materials() []Material {
	typed := c.Typed()
	if c.format.Facility.Bits > 0 {
		whole := digitsOf(c.format.Number.Bits)
		var with []Code
		for _, t := range typed {
			if t.Len() > whole {
				with = append(with, t)
			}
		}
		typed = with
	}
	var out []Material
	for _, t := range typed {
		out = append(out, CodeMaterial(t))
	}
	return out
}

// Format keeps the numbers out of every verb of fmt.
func (c Card) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// LogValue keeps the numbers out of slog.
func (c Card) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalText keeps the numbers out of JSON and every other text form.
func (c Card) MarshalText() ([]byte, error) { return []byte(Redacted), nil }
