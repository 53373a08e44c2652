package credentials

// UserType is what a record may and may not beyond its window and rules, with the names
// and numbers of the Matter door lock cluster. The zero value is no restriction.
type UserType uint8

// The types of users.
const (
	Unrestricted       UserType = iota // by window and rules alone
	YearDay                            // within its own periods only
	WeekDay                            // within its own hours of the week only
	Programming                        // sets up a lock; opens like an unrestricted user
	NonAccess                          // recognised, and opens nothing
	Forced                             // opens, and whatever it shows says that somebody is forced
	Disposable                         // opens once
	Expiring                           // for a time that begins with its first use, see [Life]
	ScheduleRestricted                 // within its own periods and hours of the week, where it has both
	RemoteOnly                         // not at the door: on an app or a phone only
)

// Own is the part of a user's own schedule that counts for the type, for [Record.Hours]:
// a user who is restricted to periods has no week, the other way round, or both. Without
// the part that it is restricted to it never opens. Types without hours of their own
// have none.
func (t UserType) Own(s Schedule) (*Compiled, error) {
	switch t {
	case YearDay:
		s.Week = nil
	case WeekDay:
		s.Periods = nil
	case ScheduleRestricted:
	default:
		return nil, nil //nolint:nilnil // a nil schedule is always open
	}
	return s.Compile()
}

// restricted reports whether the type opens within hours of its own only.
func (t UserType) restricted() bool {
	return t == YearDay || t == WeekDay || t == ScheduleRestricted
}

// timed reports whether the type depends on the time or on earlier uses.
func (t UserType) timed() bool { return t.restricted() || t == Disposable || t == Expiring }

// on reports whether the type opens anything on the medium.
func (t UserType) on(m Medium) bool {
	switch t {
	case NonAccess:
		return false
	case RemoteOnly:
		return m == Mobile || m == Phone
	}
	return t <= RemoteOnly
}
