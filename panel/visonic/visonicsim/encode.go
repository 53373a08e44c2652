package visonicsim

// frame puts a payload between 0D and 0A. The checksum is the ones' complement of the sum
// in which carries come round, counted here byte by byte.
func (p *Panel) frame(payload ...byte) []byte {
	sum := 0
	for _, b := range payload {
		if sum += int(b); sum >= 255 {
			sum -= 255
		}
	}
	check := 255 - sum
	if sum == 0 {
		check = 0
	}
	if p.quirk(AlternateSum) {
		check++
	}
	return append(append([]byte{0x0D}, payload...), byte(check), 0x0A)
}

// intake cuts what the host sends into payloads.
type intake struct{ buf []byte }

// next takes the first whole frame out of the buffer, nil if there is none.
func (in *intake) next() []byte {
	for len(in.buf) > 0 {
		b := in.buf
		if b[0] != 0x0D {
			in.buf = b[1:]
			continue
		}
		for end := 3; end < len(b); end++ {
			if b[end] != 0x0A {
				continue
			}
			if n, ok := announced(b); ok && n != end+1 {
				continue
			}
			in.buf = b[end+1:]
			return b[1 : end-1]
		}
		return nil
	}
	return nil
}

// announced is the length that a host's frame has by its command.
func announced(b []byte) (int, bool) {
	switch b[1] {
	case 0x24, 0x3E:
		return 14, true
	case 0xB0:
		if len(b) > 4 {
			return 8 + int(b[4]), true
		}
	}
	return 0, false
}
