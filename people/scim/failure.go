package scim

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/signin"
)

// failure is an answer that says what was wrong: RFC 7644, section 3.12.
type failure struct {
	status int
	kind   string // scimType, "" for none
	detail string
}

// Error is the detail.
func (f *failure) Error() string { return f.detail }

func invalid(kind, detail string) *failure {
	return &failure{status: http.StatusBadRequest, kind: kind, detail: detail}
}

// failed makes an answer of an error. What is wrong inside is logged and not told.
func (h *Handler) failed(ctx context.Context, err error) answer {
	f, ok := errors.AsType[*failure](err)
	if !ok {
		detail, _, _ := strings.Cut(err.Error(), "\n") // what else went wrong is not the provider's
		f = &failure{status: status(err), detail: detail}
		if errors.Is(err, accounts.ErrEmailInUse) {
			f.kind = "uniqueness"
		} else if f.status == http.StatusBadRequest {
			f.kind = "invalidValue"
		}
	}
	if f.status >= http.StatusInternalServerError {
		h.o.Log.ErrorContext(ctx, "request failed", slog.Any("error", err))
		f.detail = http.StatusText(f.status)
	}
	body := map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:Error"}, "status": strconv.Itoa(f.status), "detail": f.detail}
	if f.kind != "" {
		body["scimType"] = f.kind
	}
	return answer{status: f.status, body: body}
}

// status is HTTP's word for an error.
func status(err error) int {
	if errors.Is(err, signin.ErrToken) {
		return http.StatusUnauthorized
	}
	switch fault.Of(err) {
	case fault.Invalid, fault.Precondition, fault.Unsupported:
		return http.StatusBadRequest
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.Denied:
		return http.StatusForbidden
	case fault.Busy:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
