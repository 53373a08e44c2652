package itv2

// LabelUnits is the length of a user's label in units of UTF-16.
const LabelUnits = 14

const (
	labelBytes   = 2 * LabelUnits
	unicodeText  = 3 // the format byte of a label write
	maxLabelUnit = 64
)

// UserLabels is the collection of user labels in [Labels].
const UserLabels = 0xD9

// WriteLabels (0750) writes the labels of users from Start on.
type WriteLabels struct {
	Start int
	Texts []string
}

// Command implements [Message].
func (WriteLabels) Command() Command { return CmdWriteLabels }

// Append implements [Message].
func (m WriteLabels) Append(dst []byte) []byte {
	dst = appendInt(appendInt(dst, m.Start), len(m.Texts))
	dst = append(dst, unicodeText)
	for _, t := range m.Texts {
		dst = appendText(append(dst, labelBytes), t, LabelUnits)
	}
	return dst
}

func parseWriteLabels(r *reader) Message {
	m := WriteLabels{Start: r.int()}
	count := r.int()
	if r.byte() != unicodeText {
		r.bad = true
	}
	for range count {
		if r.bad {
			break
		}
		if r.byte() != labelBytes {
			r.bad = true
		}
		m.Texts = append(m.Texts, parseText(r.bytes(labelBytes)))
	}
	return m
}

// Labels (0771) are the labels Start to End of a collection. Without texts it is the
// body of the request for them.
type Labels struct {
	Collection int
	Start, End int
	Units      int // units of each text
	Texts      []string
}

// Command implements [Message].
func (Labels) Command() Command { return CmdLabels }

// Append implements [Message].
func (m Labels) Append(dst []byte) []byte {
	dst = appendInt(appendInt(appendInt(dst, m.Collection), m.Start), m.End)
	dst = appendInt(dst, 2*m.Units)
	for _, t := range m.Texts {
		dst = appendText(dst, t, m.Units)
	}
	return dst
}

func parseLabels(r *reader) Message {
	m := Labels{Collection: r.int(), Start: r.int(), End: r.int()}
	width := r.int()
	m.Units = width / 2
	switch {
	case width == 0:
	case width%2 == 1 || m.Units > maxLabelUnit || len(r.b) != width*(m.End-m.Start+1):
		r.bad = true
	default:
		for len(r.b) > 0 {
			m.Texts = append(m.Texts, parseText(r.bytes(width)))
		}
	}
	return m
}
