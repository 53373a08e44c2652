package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strconv"

	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/journal"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// api adds the JSON side: the same operations for programs.
//
//	GET    /api/panels
//	GET    /api/panels/{panel}/users?page=1&size=15
//	GET    /api/panels/{panel}/users/{slot}
//	PUT    /api/panels/{panel}/users/{slot}/code        {"code": "…", "label": "…", "role": "…", "partitions": "1, 3"}
//	PUT    /api/panels/{panel}/users/{slot}/label       {"label": "…"}
//	PUT    /api/panels/{panel}/users/{slot}/role        {"role": "User"}
//	PUT    /api/panels/{panel}/users/{slot}/partitions  {"partitions": "1, 3"}
//	DELETE /api/panels/{panel}/users/{slot}             disables the panel user
//	GET    /api/panels/{panel}/users/{slot}/wishes/{revision}
//	GET    /api/log?about=…&at=…&size=15
//	GET    /api/log/verify
//
// A change is answered with 202 and its receipt; where it stands is asked by the
// receipt's revision. If-Match takes that revision too. What goes wrong is
// {"status", "kind", "text", "hint"}.
func (w *web) api(mux *http.ServeMux) {
	routes := []struct {
		route string
		do    func(r *http.Request) (any, error)
	}{
		{"GET /api/panels", w.apiPanels},
		{"GET /api/panels/{panel}/users", w.apiUsers},
		{"GET /api/panels/{panel}/users/{slot}", w.apiUser},
		{"PUT /api/panels/{panel}/users/{slot}/{field}", w.apiSet},
		{"DELETE /api/panels/{panel}/users/{slot}", w.apiDisable},
		{"GET /api/panels/{panel}/users/{slot}/wishes/{revision}", w.apiWish},
		{"GET /api/log", w.apiLog},
		{"GET /api/log/verify", w.apiVerify},
	}
	var names []string
	for _, x := range routes {
		mux.HandleFunc(x.route, w.json(x.do))
		names = append(names, x.route)
	}
	mux.HandleFunc("GET /api", w.json(func(*http.Request) (any, error) { return map[string][]string{"routes": names}, nil }))
	mux.HandleFunc("/api/", w.json(func(*http.Request) (any, error) { return nil, errAddress }))
}

// json runs a function and sends what it returns, or why that was not possible.
func (w *web) json(do func(r *http.Request) (any, error)) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		status := http.StatusOK
		v, err := do(r)
		if _, accepted := v.(roster.Receipt); accepted {
			status = http.StatusAccepted
		}
		if err != nil {
			p := w.problem(r, err)
			v, status = p, p.Status
		}
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(status)
		if err := json.NewEncoder(rw).Encode(v); err != nil {
			w.diag.DebugContext(r.Context(), "api", slog.Any("error", err)) // the caller has left
		}
	}
}

// errJSON says no more: what was sent may hold a code.
var errJSON = fault.New(fault.Invalid, "server: not the JSON that is wanted here").
	Hinted("Send an object with the field that is to be changed, as text.")

// apiPanel is a panel.
type apiPanel struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Ident      string `json:"ident"`
	Model      string `json:"model"`
	Connected  bool   `json:"connected"`
	Users      int    `json:"users"`
	Partitions int    `json:"partitions"`
}

func (w *web) apiPanels(r *http.Request) (any, error) {
	panels, err := w.roster().Panels(r.Context(), r.FormValue("after"), 0)
	all := []apiPanel{}
	for _, p := range panels {
		all = append(all, apiPanel{p.ID, p.Name, p.Ident, p.Model.Name, p.Line.Here, p.Model.Slots.Len(), p.Model.Partitions})
	}
	return all, err
}

// apiUser is a row of the grid, with the partitions as numbers.
type apiUser struct {
	roster.Row
	Partitions []int `json:"partitions"`
}

func userOf(r roster.Row) apiUser { return apiUser{r, r.Partitions.Numbers()} }

// apiPage is a page of the grid.
type apiPage struct {
	Users []apiUser `json:"users"`
	Range string    `json:"range"`
	Total int       `json:"total"`
}

func (w *web) apiUsers(r *http.Request) (any, error) {
	number, size, err := paging(r)
	if err != nil {
		return nil, err
	}
	p, err := w.tab(r.PathValue("panel")).Users(r.Context(), number, size)
	page := apiPage{Users: []apiUser{}, Range: p.Range(), Total: p.Total}
	for _, row := range p.Rows {
		page.Users = append(page.Users, userOf(row))
	}
	return page, err
}

func (w *web) apiUser(r *http.Request) (any, error) {
	at, err := place(r)
	if err != nil {
		return nil, err
	}
	d, err := w.tab(r.PathValue("panel")).Details(r.Context(), at)
	return userOf(d.Row), err
}

// body is what a change may name. A code cannot print.
type body struct {
	Code       panel.Code `json:"code"`
	Label      string     `json:"label"`
	Role       panel.Role `json:"role"`
	Partitions string     `json:"partitions"`
}

func (w *web) apiSet(r *http.Request) (any, error) {
	ctx, tab := r.Context(), w.tab(r.PathValue("panel"))
	at, err := place(r)
	if err != nil {
		return nil, err
	}
	var b body
	in := json.NewDecoder(io.LimitReader(r.Body, 4<<10))
	in.DisallowUnknownFields()
	if err := in.Decode(&b); err != nil {
		if fault.Of(err) != fault.Unknown {
			return nil, err // the code itself says what is wrong with its form
		}
		return nil, errJSON
	}
	parts, err := panel.ParsePartitions(b.Partitions)
	if err != nil {
		return nil, err
	}
	seen, err := match(r)
	if err != nil {
		return nil, err
	}
	switch r.PathValue("field") {
	case "code":
		return tab.SetCode(ctx, at, roster.CodeWish{Code: b.Code, Label: b.Label, Role: b.Role, Partitions: parts}, seen)
	case "label":
		return tab.SetLabel(ctx, at, b.Label, seen)
	case "role":
		return tab.SetRole(ctx, at, b.Role, seen)
	case "partitions":
		return tab.SetPartitions(ctx, at, parts, seen)
	}
	return nil, errForm
}

// match reads If-Match: the revision that the caller has seen.
func match(r *http.Request) (roster.WishOption, error) {
	text := r.Header.Get("If-Match")
	if text == "" {
		return roster.AtRevision(0), nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return nil, errForm
	}
	return roster.AtRevision(n), nil
}

func (w *web) apiDisable(r *http.Request) (any, error) {
	at, err := place(r)
	if err != nil {
		return nil, err
	}
	seen, err := match(r)
	if err != nil {
		return nil, err
	}
	return w.tab(r.PathValue("panel")).Disable(r.Context(), at, seen)
}

// apiProgress is where a wish stands.
type apiProgress struct {
	Fate    roster.Fate       `json:"fate"`
	Ended   bool              `json:"ended"`
	Reason  string            `json:"reason,omitempty"`
	Refused map[string]string `json:"refused,omitempty"` // by field
}

func (w *web) apiWish(r *http.Request) (any, error) {
	at, err := place(r)
	if err != nil {
		return nil, err
	}
	revision, err := strconv.ParseUint(r.PathValue("revision"), 10, 64)
	if err != nil {
		return nil, errForm
	}
	tab := w.tab(r.PathValue("panel"))
	p, err := tab.Receipt(r.Context(), roster.Receipt{Panel: tab.ID(), Place: at, Revision: revision})
	out := apiProgress{Fate: p.Fate, Ended: p.Fate.Ended(), Reason: p.Reason, Refused: map[string]string{}}
	maps.Copy(out.Refused, p.Refused)
	return out, err
}

func (w *web) apiLog(r *http.Request) (any, error) {
	q := journal.Query{At: journal.Cursor(r.FormValue("at"))}
	if about := r.FormValue("about"); about != "" {
		q.About = []string{about}
	}
	var err error
	if _, q.Size, err = paging(r); err != nil {
		return nil, err
	}
	return w.journal().Query(r.Context(), q)
}

// apiReport is what a verification found.
type apiReport struct {
	Entries      int64  `json:"entries"`
	Anchored     string `json:"anchored"`
	Integrity    bool   `json:"integrity"`
	Completeness bool   `json:"completeness"`
	State        bool   `json:"state"`
}

func (w *web) apiVerify(r *http.Request) (any, error) {
	p, err := w.journal().Verify(r.Context())
	return apiReport{p.Entries, p.Anchored, p.Integrity.OK(), p.Completeness.OK(), p.State.OK()}, err
}
