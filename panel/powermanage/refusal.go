package powermanage

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// refusalError is the server's no. Its own words are not kept: they may repeat what was
// sent.
type refusalError struct {
	status int
	code   int
	cause  error         // one of this package's errors, nil for a number that nobody published
	after  time.Duration // when to come again, 0 not told
}

// Error names status and number.
func (r *refusalError) Error() string {
	return fmt.Sprintf("powermanage: status %d, error %d", r.status, r.code)
}

// as is the refusal once it is decided what it means.
func (r *refusalError) as(kind error) error {
	if r.cause == nil {
		return fmt.Errorf("%w: %s", kind, r.Error())
	}
	return fmt.Errorf("%w: %s: %w", kind, r.Error(), r.cause)
}

// stale reports whether the call may be repeated after signing in anew: the server did
// not carry it out.
func (r *refusalError) stale() bool { return r.is(ErrStaleSession, ErrUserToken, ErrAuthRequired) }

// is reports whether one of the errors is the cause.
func (r *refusalError) is(causes ...error) bool {
	return slices.ContainsFunc(causes, func(c error) bool { return errors.Is(r.cause, c) })
}

// Extras are the server's details of an error. Values have any type.
type extra struct {
	Key   string `json:"key"`
	Value any    `json:"value"`
}

type errorBody struct {
	Number  int     `json:"error"`
	Message string  `json:"error_message"`
	Reason  string  `json:"error_reason_code"`
	Extras  []extra `json:"extras"`
}

// says reports whether one of the details has a value.
func (b errorBody) says(value string) bool {
	for _, e := range b.Extras {
		if e.Value == value {
			return true
		}
	}
	return false
}

// seconds is the first number among the details: how long logins are blocked. Its key is
// not published.
func (b errorBody) seconds() time.Duration {
	for _, e := range b.Extras {
		n, ok := e.Value.(float64)
		if s, text := e.Value.(string); text {
			var err error
			n, err = strconv.ParseFloat(s, 64)
			ok = err == nil
		}
		if ok && n > 0 {
			return time.Duration(min(n, maxBlock.Seconds())) * time.Second
		}
	}
	return 0
}

// maxBlock bounds what a server can make us wait by saying so.
const maxBlock = 24 * time.Hour

// judge reads an answer that is not the one asked for.
func judge(code int, header http.Header, raw []byte) *refusalError {
	var b errorBody
	_ = json.Unmarshal(raw, &b) // an answer without a body that can be read has its status
	r := &refusalError{status: code, code: b.Number, cause: causeOf(code, b)}
	switch {
	case r.is(ErrLoginBlocked):
		r.after = b.seconds()
	case r.is(ErrServer, ErrCrowded):
		if n, err := strconv.Atoi(header.Get("Retry-After")); err == nil && n > 0 {
			r.after = min(time.Duration(n)*time.Second, maxBlock)
		}
	}
	return r
}

// causeOf finds the row of the table of errors. The server's numbers come first: one
// status stands for several.
func causeOf(code int, b errorBody) error {
	switch {
	case b.Number == 10001 && b.says("already_granted"):
		return ErrAlreadyGranted
	case b.Number == 10001 && b.says("already_linked"):
		return ErrAlreadyLinked
	}
	switch b.Number {
	case 10001:
		return ErrBadRequest
	case 10002:
		return ErrAuthRequired
	case 10004:
		return ErrCombination
	case 10010:
		return ErrNotAllowed
	case 10020:
		return ErrLoginBlocked
	case 10021:
		return ErrUserCode
	}
	switch {
	case b.Reason == "PanelNotConnected":
		return ErrNotConnected
	case b.Reason == "InvalidRequestFormat" && strings.Contains(strings.ToLower(b.Message), "session token"):
		return ErrStaleSession
	case code >= 300 && code < 400:
		return ErrRedirect
	case code >= 500:
		return ErrServer
	}
	switch code {
	case http.StatusUnauthorized:
		return ErrUserToken
	case http.StatusForbidden:
		return ErrNotAllowed
	case http.StatusNotFound:
		return ErrEndpoint
	case http.StatusTooManyRequests:
		return ErrCrowded
	case 420:
		return ErrLoginBlocked
	case 440:
		return ErrStaleSession
	case 442:
		return ErrLoginAttempts
	case 444:
		return ErrUserCode
	}
	return nil
}

// ofLine says what a refusal does to the line.
func (r *refusalError) ofLine() error {
	kind := panel.ErrProtocol
	switch {
	case r.is(ErrCombination, ErrUserCode, ErrNotAllowed, ErrLoginAttempts):
		kind = panel.ErrSecret
	case r.is(ErrLoginBlocked):
		kind = panel.ErrBlocked
	case r.is(ErrNotConnected, ErrStaleSession, ErrUserToken, ErrAuthRequired, ErrServer):
		kind = panel.ErrUnreachable
	case r.is(ErrCrowded):
		kind = panel.ErrBusy
	}
	err := r.as(kind)
	if r.after > 0 {
		return &panel.Later{After: r.after, Err: err}
	}
	return err
}

// ofLogin says what a refusal of our credentials means. Unless the server says that
// something else was the matter they are taken to be wrong, and are not presented again.
func (r *refusalError) ofLogin() error {
	if r.is(ErrNotConnected, ErrLoginBlocked, ErrLoginAttempts, ErrServer, ErrCrowded, ErrRedirect, ErrEndpoint) {
		return r.ofLine()
	}
	return r.as(panel.ErrSecret)
}

// meaning is what a refused write is about.
type meaning struct {
	line   error // nothing more can be done on this line now
	field  error // this value of this field was refused
	unsure bool  // beside line: the server itself may not know what it did
}

// ofWrite says what a refusal of a write means: it is about the field unless it is about
// the line.
func (r *refusalError) ofWrite() meaning {
	switch {
	case r.is(ErrEndpoint):
		return meaning{field: r.as(panel.ErrUnsupported)}
	case r.is(ErrBadRequest, ErrAlreadyGranted, ErrAlreadyLinked, ErrNotAllowed), r.cause == nil:
		return meaning{field: r.as(panel.ErrRefused)}
	}
	return meaning{line: r.ofLine(), unsure: r.is(ErrServer)}
}

// lineError is an error as a session tells it: a refusal that nobody has judged yet is one
// of the line.
func lineError(err error) error {
	if r, ok := errors.AsType[*refusalError](err); ok {
		return r.ofLine()
	}
	return err
}
