package scim

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/signin"
)

// ErrOptions: something is missing in the options.
var ErrOptions = fault.New(fault.Invalid, "scim: the options are not right").
	Hinted("Give people, tokens, the address of the endpoint and the sites of new accounts.")

// Tokens tells whose an API token is; a [signin.Service] does.
type Tokens interface {
	CheckToken(ctx context.Context, token signin.Token, f signin.From) (accounts.Actor, error)
}

// Options are what an endpoint is made of. All but From and Log are required.
type Options struct {
	People *people.Service
	Tokens Tokens
	// Base is the address under which the handler is mounted, as the provider knows it:
	// "https://panels.example.com/scim/v2".
	Base string
	// Sites are those of the accounts that the provider creates.
	Sites accounts.Sites
	// From tells where a request comes from; nil: the connection's address.
	From func(*http.Request) signin.From
	// Log gets what is wrong inside; nil: nothing does.
	Log *slog.Logger
}

// Handler is the endpoint. It is safe for concurrent use.
type Handler struct {
	o   Options
	mux *http.ServeMux
}

// New makes an endpoint. It does no I/O. Errors: [ErrOptions].
func New(o Options) (*Handler, error) {
	if o.People == nil || o.Tokens == nil || o.Base == "" || o.Sites.None() {
		return nil, ErrOptions
	}
	o.Base = strings.TrimSuffix(o.Base, "/")
	if o.From == nil {
		o.From = connection
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	h := &Handler{o: o, mux: http.NewServeMux()}
	for pattern, do := range map[string]func(*session, *http.Request) (answer, error){
		"POST /Users":                (*session).create,
		"GET /Users":                 (*session).list,
		"GET /Users/{id}":            (*session).get,
		"PUT /Users/{id}":            (*session).replace,
		"PATCH /Users/{id}":          (*session).patch,
		"DELETE /Users/{id}":         (*session).remove,
		"GET /ServiceProviderConfig": (*session).config,
		"GET /ResourceTypes":         (*session).types,
		"/":                          (*session).nothing,
	} {
		h.mux.HandleFunc(pattern, h.handle(do))
	}
	return h, nil
}

// ServeHTTP answers a provider.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// connection is where a request's connection comes from.
func connection(r *http.Request) signin.From {
	at, _ := netip.ParseAddrPort(r.RemoteAddr) // what cannot be read is not known
	return signin.From{Addr: at.Addr()}
}

// session is one request in the hands of its service account.
type session struct {
	*people.Operator
	o Options
}

// answer is what a request comes to.
type answer struct {
	status   int
	location string
	body     any // nil: none
}

const mediaType = "application/scim+json"

// maxBody is longer than any user.
const maxBody = 64 << 10

// handle asks for the token and writes what comes of a request.
func (h *Handler) handle(do func(*session, *http.Request) (answer, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		got, err := h.as(r, do)
		if err != nil {
			got = h.failed(r.Context(), err)
		}
		if got.status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", "Bearer")
		}
		if got.location != "" {
			w.Header().Set("Location", got.location)
		}
		if got.body != nil {
			w.Header().Set("Content-Type", mediaType)
		}
		w.WriteHeader(got.status)
		if got.body == nil {
			return
		}
		if err := json.NewEncoder(w).Encode(got.body); err != nil {
			h.o.Log.WarnContext(r.Context(), "answer not written", slog.Any("error", err))
		}
	}
}

// as does a request as the account whose token it shows.
func (h *Handler) as(r *http.Request, do func(*session, *http.Request) (answer, error)) (answer, error) {
	scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return answer{}, signin.ErrToken
	}
	actor, err := h.o.Tokens.CheckToken(r.Context(), signin.ParseToken(strings.TrimSpace(text)), h.o.From(r))
	if err != nil {
		return answer{}, err
	}
	return do(&session{Operator: h.o.People.As(actor), o: h.o}, r)
}

// read decodes a request's body.
func read(r *http.Request, into any) error {
	err := json.NewDecoder(r.Body).Decode(into)
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return &failure{status: http.StatusRequestEntityTooLarge, detail: "The body is too long."}
	}
	if err != nil {
		return invalid("invalidSyntax", "The body is not the JSON of a user or a patch.")
	}
	return nil
}
