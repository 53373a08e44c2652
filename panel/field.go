package panel

import (
	"encoding/json"
	"iter"
	"math/bits"
	"strconv"
	"strings"
)

// Field is a set of the fields of a panel user.
type Field uint16

// The fields. A set of them is their bitwise or.
const (
	FieldCode       Field = 1 << iota // the PIN; a user exists while it is set
	FieldLabel                        // the name shown at the panel
	FieldRole                         // one of Model.Roles
	FieldPartitions                   // the areas that the user may operate
	FieldLegacyTags                   // tags for keypads with a proximity reader
	FieldLockTags                     // tags for door locks (Yale Doorman L2/L3)
	FieldKeypads                      // the keypads that the user is assigned to
	FieldLocks                        // door locks to which the panel itself copies codes
	FieldFrom                         // not valid before
	FieldUntil                        // not valid after
)

var fieldNames = [...]string{"code", "label", "role", "partitions", "legacy tags", "lock tags", "keypads", "locks", "from", "until"}

// AllFields is every field there is.
const AllFields = FieldUntil<<1 - 1

// Has reports whether f holds every field of g.
func (f Field) Has(g Field) bool { return f&g == g }

// Each yields the single fields of f, in order.
func (f Field) Each() iter.Seq[Field] {
	return func(yield func(Field) bool) {
		for r := f & AllFields; r != 0; r &= r - 1 {
			if !yield(r & -r) {
				return
			}
		}
	}
}

// String lists the names: "code, label"; "none" for the empty set.
func (f Field) String() string {
	if f == 0 {
		return "none"
	}
	var names []string
	for one := range f.Each() {
		names = append(names, fieldNames[bits.TrailingZeros16(uint16(one))])
	}
	return strings.Join(names, ", ")
}

// Partitions is a set of partitions 1 to 64.
type Partitions uint64

// PartitionsOf makes a set; numbers outside 1 to 64 are left out.
func PartitionsOf(numbers ...int) Partitions {
	var p Partitions
	for _, n := range numbers {
		if n >= 1 && n <= 64 {
			p |= 1 << (n - 1)
		}
	}
	return p
}

// FirstPartitions is the set 1 to n.
func FirstPartitions(n int) Partitions {
	if n >= 64 {
		return ^Partitions(0)
	}
	return 1<<max(n, 0) - 1
}

// Has reports whether partition n is in the set.
func (p Partitions) Has(n int) bool { return n >= 1 && n <= 64 && p>>(n-1)&1 == 1 }

// Within reports whether every partition of p is in q.
func (p Partitions) Within(q Partitions) bool { return p&^q == 0 }

// Len is the number of partitions.
func (p Partitions) Len() int { return bits.OnesCount64(uint64(p)) }

// Numbers returns the partitions in rising order.
func (p Partitions) Numbers() []int {
	out := make([]int, 0, p.Len())
	for q := p; q != 0; q &= q - 1 {
		out = append(out, bits.TrailingZeros64(uint64(q))+1)
	}
	return out
}

// String lists the numbers: "1, 4, 6"; "-" for none.
func (p Partitions) String() string {
	if p == 0 {
		return "-"
	}
	var b strings.Builder
	for i, n := range p.Numbers() {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.Itoa(n))
	}
	return b.String()
}

// MarshalJSON writes the numbers: [1,4,6].
func (p Partitions) MarshalJSON() ([]byte, error) {
	b := []byte{'['}
	for i, n := range p.Numbers() {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return append(b, ']'), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (p *Partitions) UnmarshalJSON(b []byte) error {
	var numbers []int
	if err := json.Unmarshal(b, &numbers); err != nil {
		return err
	}
	q := PartitionsOf(numbers...)
	if q.Len() != len(numbers) {
		return ErrUnknownPartition
	}
	*p = q
	return nil
}

// ParsePartitions reads numbers 1 to 64 that are separated by commas or spaces.
func ParsePartitions(s string) (Partitions, error) {
	var p Partitions
	for _, w := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' }) {
		n, err := strconv.Atoi(w)
		if err != nil || n < 1 || n > 64 {
			return 0, &PartitionError{Partition: n}
		}
		p |= 1 << (n - 1)
	}
	return p, nil
}
