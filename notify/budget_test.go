package notify_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-a2d3eaca/keyholder/notify"
)

func TestCountriesOfNumbers(t *testing.T) {
	for number, want := range map[string]string{
		"+12025550123": "1", "+79161234567": "7", "+491701234567": "49", "+442071234567": "44", "+35312345678": "353",
		"+882123456789": "882", "+6591234567": "65", "+85212345678": "852", "": "", "+1": "", "0049": "",
	} {
		assert.Equal(t, want, notify.Country(number), number)
	}
}
