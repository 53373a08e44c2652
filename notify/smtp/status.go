package smtp

import (
	"errors"
	"fmt"
	"net/textproto"
	"regexp"
)

// enhanced is a status of RFC 3463 at the beginning of an answer's text.
var enhanced = regexp.MustCompile(`^[245]\.\d{1,3}\.\d{1,3}\b`)

// answer returns the code of the server's answer that err is, 0 if there was none.
func answer(err error) int {
	if e, ok := errors.AsType[*textproto.Error](err); ok {
		return e.Code
	}
	return 0
}

// status returns the numbers of the server's answer, as in "550 5.1.1"; "" if err is none.
// Its words are left behind: they repeat addresses and texts.
func status(err error) string {
	e, ok := errors.AsType[*textproto.Error](err)
	if !ok {
		return ""
	}
	if s := enhanced.FindString(e.Msg); s != "" {
		return fmt.Sprintf("%03d %s", e.Code, s)
	}
	return fmt.Sprintf("%03d", e.Code)
}

// refusal reports whether an answer is a no for good.
func refusal(err error) bool { return answer(err)/100 == 5 }
