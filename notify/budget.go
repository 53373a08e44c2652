package notify

// Budget is how many messages of a channel leave in an hour of the clock. A message beyond
// it is not lost: it waits for the next hour, or dies with its code. A zero is no limit.
type Budget struct {
	Address int64 // to one address, number or registration
	Account int64 // to one account
	Country int64 // to the numbers of one country; text messages only
	Store   int64 // of the whole store, which is one tenant's
}

// Budgets are the budgets of the channels. All services over a store share what is left of
// them.
type Budgets struct{ Mail, SMS, Push Budget }

// DefaultBudgets bound what a flood of mail, or of text messages to numbers that somebody
// earns by, can come to. They are wide for people and narrow for programs.
func DefaultBudgets() Budgets {
	return Budgets{
		Mail: Budget{Address: 20, Account: 20, Store: 20_000},
		SMS:  Budget{Address: 20, Account: 20, Country: 500, Store: 2_000},
		Push: Budget{Address: 60, Account: 120, Store: 100_000},
	}
}

// twoDigits are the calling codes of two digits (ITU-T E.164); 1 and 7 have one digit, all
// others three.
const twoDigits = " 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 "

// Country is the calling code of a number in international form, "" if it is none.
func Country(number string) string {
	if len(number) < 4 || number[0] != '+' {
		return ""
	}
	if number[1] == '1' || number[1] == '7' {
		return number[1:2]
	}
	for i := 0; i < len(twoDigits)-3; i += 3 {
		if twoDigits[i+1:i+3] == number[1:3] {
			return number[1:3]
		}
	}
	return number[1:4]
}
