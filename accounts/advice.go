package accounts

// Advice is what is allowed and not recommended, in words for the form.
type Advice string

// The pieces of advice.
const (
	ShortSession Advice = "Sessions this short interrupt people at work."
	LongSession  Advice = "Sessions this long leave screens open that nobody watches."
)

// SessionRange returns the least and the most minutes that are recommended for a session:
// 60 to 480 for people at work, 5 to 15 where [Policy].Kiosk says that screens are shared.
func (p Policy) SessionRange() (least, most int) {
	if p.Kiosk {
		return 5, 15
	}
	return 60, 480
}

// Advise tells what is not recommended about an account. Nothing is refused for it.
func (p Policy) Advise(a Account) []Advice {
	if a.Session == nil {
		return nil
	}
	least, most := p.SessionRange()
	switch n := *a.Session; {
	case n == 0 || n > most: // 0: until somebody ends it
		return []Advice{LongSession}
	case n < least:
		return []Advice{ShortSession}
	}
	return nil
}
