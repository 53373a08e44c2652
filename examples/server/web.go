package main

import (
	"bytes"
	"embed"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

//go:embed web
var files embed.FS

// handler is the whole site.
func handler(a *app) http.Handler {
	w := &web{app: a, pages: template.Must(template.New("").Funcs(template.FuncMap{
		"created": func(r roster.Row) string { return r.CreatedText(time.Local) },
		"clock":   func(t time.Time) string { return t.Local().Format("2 Jan 2006, 15:04:05") },
		"slug":    func(s any) string { return strings.ReplaceAll(strings.ToLower(text(s)), " ", "-") },
	}).ParseFS(files, "web/*.html"))}

	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", w.page(w.home))
	mux.HandleFunc("GET /panels/{panel}/users", w.page(w.grid))
	mux.HandleFunc("GET /panels/{panel}/users/{slot}", w.page(w.details))
	mux.HandleFunc("POST /panels/{panel}/users/{slot}/{act}", w.page(w.act))
	mux.HandleFunc("POST /panels/{panel}/users/{slot}/handover", w.page(w.handOver))
	mux.HandleFunc("GET /collect", w.page(w.collection))
	mux.HandleFunc("POST /collect", w.page(w.collect))
	mux.HandleFunc("GET /panels/{panel}/assign", w.page(w.assignment))
	mux.HandleFunc("POST /panels/{panel}/assign", w.page(w.assign))
	mux.HandleFunc("GET /log", w.page(w.actionLog))
	mux.HandleFunc("POST /demo/{act}", w.page(w.demo))
	mux.HandleFunc("GET /style.css", func(rw http.ResponseWriter, r *http.Request) { http.ServeFileFS(rw, r, files, "web/style.css") })
	w.api(mux)
	mux.HandleFunc("/", w.page(func(*http.Request) (answer, error) { return answer{}, errAddress }))

	// A page of another site may not post here, whatever its form says.
	return guarded(http.NewCrossOriginProtection().Handler(http.MaxBytesHandler(mux, 64<<10)))
}

// guarded answers only to whoever asks for this machine by its own name, so that no
// stranger's name can be made to point here, and lets pages load nothing from elsewhere.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !ours(r) {
			http.Error(rw, "this server has another name", http.StatusMisdirectedRequest)
			return
		}
		h := rw.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(rw, r)
	})
}

// ours reports whether the request names the address at which it came in, or localhost
// with its port.
func ours(r *http.Request) bool {
	at, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return false
	}
	_, port, err := net.SplitHostPort(at.String())
	return err == nil && (r.Host == at.String() || r.Host == net.JoinHostPort("localhost", port))
}

// web is the site's pages over an app.
type web struct {
	*app
	pages *template.Template
}

// view is what every page is made of.
type view struct {
	Title   string
	Nav     string       // "users" or "log"
	Panel   roster.Panel // the one that the page is about, else the demo's
	Refresh int          // something is on its way: look again in so many seconds; 0: not by itself
	Problem *problem     // of the form that was sent
	Page    any          // what this page alone shows
}

// answer is what a page's function wants to be sent.
type answer struct {
	name string // of the template
	view view
	to   string // or where to go instead
}

// page runs a page's function and sends what it wants, or why that was not possible.
func (w *web) page(show func(r *http.Request) (answer, error)) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		a, err := show(r)
		status := http.StatusOK
		if err != nil {
			p := w.problem(r, err)
			status, a.view.Problem, a.to = p.Status, &p, ""
			if a.name == "" {
				a.name, a.view.Title = "problem.html", p.Kind
			}
		}
		if a.to != "" {
			http.Redirect(rw, r, a.to, http.StatusSeeOther)
			return
		}
		var body bytes.Buffer
		if err := w.pages.ExecuteTemplate(&body, a.name, a.view); err != nil {
			w.diag.ErrorContext(r.Context(), "page", slog.String("name", a.name), slog.Any("error", err))
			http.Error(rw, "the page could not be made", http.StatusInternalServerError)
			return
		}
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		rw.WriteHeader(status)
		if _, err := body.WriteTo(rw); err != nil {
			w.diag.DebugContext(r.Context(), "page", slog.Any("error", err)) // the browser has left
		}
	}
}

// problem is an error as people and programs outside see it.
type problem struct {
	Status int    `json:"status"`
	Kind   string `json:"kind"`
	Text   string `json:"text"`
	Hint   string `json:"hint,omitempty"`
}

// problem says what went wrong. Errors of keyholder carry no secrets; others stay here.
func (w *web) problem(r *http.Request, err error) problem {
	kind := fault.Of(err)
	p := problem{Status: status(kind), Kind: kind.String(), Text: sentence(err), Hint: fault.Hint(err)}
	if p.Status == http.StatusInternalServerError {
		w.diag.ErrorContext(r.Context(), "request failed", slog.String("path", r.URL.Path), slog.Any("error", err))
		p.Kind, p.Text, p.Hint = fault.Internal.String(), "Something went wrong here", ""
	}
	return p
}

// status is HTTP's word for a kind of failure.
func status(k fault.Kind) int {
	switch k {
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.Denied:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.Precondition, fault.Unsupported:
		return http.StatusUnprocessableEntity
	case fault.Busy:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// sentence is an error's text for a person: without the package that found it.
func sentence(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	if name, rest, ok := strings.Cut(text, ": "); ok && !strings.Contains(name, " ") {
		text = rest
	}
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// text is any word of the site.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case panel.Role:
		return string(v)
	}
	return ""
}

var (
	// errForm: a form or address that this site does not make.
	errForm = fault.New(fault.Invalid, "server: not a form of this site").
		Hinted("Go back, and use the links and buttons of the page.")
	// errAddress: no page is there.
	errAddress = fault.New(fault.NotFound, "server: there is no such page").
			Hinted("Begin with the users, or with /api for the JSON API.")
)

// refresh is when a page on which something is on its way is looked at again. While the
// panel is away nothing changes soon, and whoever reads or types is left in peace.
func refresh(moving bool, p roster.Panel) int {
	switch {
	case !moving:
		return 0
	case p.Line.Here:
		return 1
	}
	return 10
}

// home leads to the panel.
func (w *web) home(r *http.Request) (answer, error) {
	panels, err := w.roster().Panels(r.Context(), "", 1)
	if err == nil && len(panels) == 0 {
		err = panel.ErrPanelNotFound
	}
	if err != nil {
		return answer{}, err
	}
	return answer{to: users(panels[0].ID)}, nil
}

func users(panelID string) string { return "/panels/" + panelID + "/users" }
