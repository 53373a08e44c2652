package credentials_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/fault"
)

// Rules: G49, R47, G157
func TestEachReasonAgainstACodeHasItsOwnError(t *testing.T) {
	p := credentials.Policy{Lens: []int{4, 6}, Reserved: []string{"5713", "0000"}}
	for digits, want := range map[string]error{
		"5824": nil, "904682": nil,
		"582": credentials.ErrCodeLength, "58241": credentials.ErrCodeLength,
		"5713": credentials.ErrReserved, "0000": credentials.ErrReserved,
		"1234": credentials.ErrWeak, "147258": credentials.ErrWeak,
	} {
		err := p.Check(code(digits), false)
		assert.ErrorIs(t, err, want, digits)
		if err != nil {
			assert.NotContains(t, err.Error(), digits)
			assert.NotEmpty(t, fault.Hint(err), digits)
		}
	}
	assert.ErrorIs(t, credentials.Policy{}.Check(code("582"), false), credentials.ErrCodeLength, "4 to 6 by default")
	assert.ErrorIs(t, credentials.Policy{}.Check(code("5824671"), false), credentials.ErrCodeLength)
	assert.ErrorIs(t, credentials.Policy{}.Check(credentials.Code{}, false), credentials.ErrCodeLength)
}

func TestADuressCodeIsNeverWeak(t *testing.T) {
	p := credentials.Policy{AllowWeak: true}
	assert.NoError(t, p.Check(code("1234"), false))
	assert.ErrorIs(t, p.Check(code("1234"), true), credentials.ErrWeak)
}

// Rules: G66, G67
func TestADuressCodeKeepsItsDistanceFromTheOwnCode(t *testing.T) {
	p := credentials.Policy{Near: []credentials.Near{credentials.NearDSC()}}
	own := code("5823")
	for digits, want := range map[string]error{
		"5823": credentials.ErrDuressSame,
		"5822": credentials.ErrNear, "5824": credentials.ErrNear,
		"5825": nil, "9046": nil,
		"90462": credentials.ErrCodeLength, // it has as many digits, so that nobody notices
		"1234":  credentials.ErrWeak,
	} {
		assert.ErrorIs(t, p.CheckPair(own, code(digits)), want, digits)
	}
	assert.NoError(t, credentials.Policy{}.CheckPair(own, code("5824")), "no rule, no distance")
	assert.ErrorIs(t, credentials.Policy{AllowWeak: true}.CheckPair(own, code("1234")), credentials.ErrWeak, "even where ordinary codes may be weak")
	upwards := credentials.Policy{Near: []credentials.Near{{Everyone: true, Number: []int{1}}}}
	assert.ErrorIs(t, upwards.CheckPair(own, code("5824")), credentials.ErrNear, "what the own code keeps free")
	assert.ErrorIs(t, upwards.CheckPair(own, code("5822")), credentials.ErrNear, "what the duress code keeps free")
}

// Rules: G56, G189
func TestOneAnswerForThoseWithoutTheRight(t *testing.T) {
	for _, reason := range []error{
		credentials.ErrCodeTaken, credentials.ErrWeak, credentials.ErrReserved, credentials.ErrNear, credentials.ErrDuressSame,
	} {
		for _, err := range []error{reason, fmt.Errorf("slot 4: %w", reason)} {
			assert.Same(t, credentials.ErrNotAvailable, credentials.Undisclosed(err), err)
		}
	}
	outage := errors.New("disk is full")
	for _, err := range []error{credentials.ErrCodeLength, credentials.ErrCodeDigits, credentials.ErrExhausted, outage} {
		assert.Equal(t, err, credentials.Undisclosed(err))
	}
	assert.NoError(t, credentials.Undisclosed(nil))
	assert.Equal(t, fault.Conflict, fault.Of(credentials.ErrNotAvailable))
}

// Rules: G157
func TestPoliciesMeet(t *testing.T) {
	account := credentials.Policy{Reserved: []string{"2222", "0000"}, AllowWeak: true}
	panel := credentials.Policy{Lens: []int{6, 8, 4}, Reserved: []string{"0000", "5555"}, Near: []credentials.Near{credentials.NearDSC()}}
	both, err := account.Meet(panel)
	require.NoError(t, err)
	assert.Equal(t, credentials.Policy{
		Lens: []int{4, 6}, Reserved: []string{"0000", "2222", "5555"}, Near: []credentials.Near{credentials.NearDSC()},
	}, both)
	assert.Equal(t, []string{"2222", "0000"}, account.Reserved, "the parts stay as they are")
	_, err = account.Meet(credentials.Policy{Lens: []int{8}})
	assert.ErrorIs(t, err, credentials.ErrPolicyEmpty)
}
