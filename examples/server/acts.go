package main

import (
	"context"
	"net/http"
	"strconv"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// act does what a form of the details asks for. If that is refused the details are shown
// again, with the reason.
func (w *web) act(r *http.Request) (answer, error) {
	at, err := place(r)
	if err != nil {
		return answer{}, err
	}
	act := r.PathValue("act")
	if err = w.do(r, w.tab(r.PathValue("panel")), at, act); err == nil {
		return answer{to: users(r.PathValue("panel")) + "/" + r.PathValue("slot") + "?done=" + act}, nil
	}
	return w.again(r, act, err)
}

// again shows the details with the reason why an act was refused.
func (w *web) again(r *http.Request, act string, err error) (answer, error) {
	page, lost := w.details(r)
	if lost != nil {
		return answer{}, err
	}
	v := page.view.Page.(detailsView)
	v.Edit, page.view.Refresh = act, 0
	page.view.Page = v
	return page, err
}

// do is one operation of the Users tab for each form.
func (w *web) do(r *http.Request, tab *roster.Tab, at panel.Place, act string) error {
	ctx := r.Context()
	since, err := strconv.ParseUint(r.PostFormValue("revision"), 10, 64)
	if err != nil {
		return errForm
	}
	seen := roster.AtRevision(since) // nobody else has changed it since the form was made
	switch act {
	case "code":
		var code panel.Code
		if code, err = panel.ParseCode(r.PostFormValue("code")); err == nil {
			_, err = tab.SetCode(ctx, at, roster.CodeWish{Code: code}, seen)
		}
	case "label":
		_, err = tab.SetLabel(ctx, at, r.PostFormValue("label"), seen)
	case "partitions":
		var chosen panel.Partitions
		for _, n := range r.PostForm["partition"] {
			p, err := panel.ParsePartitions(n)
			if err != nil {
				return err
			}
			chosen |= p
		}
		_, err = tab.SetPartitions(ctx, at, chosen, seen)
	case "role":
		_, err = tab.SetRole(ctx, at, panel.Role(r.PostFormValue("role")), seen)
	case "disable":
		_, err = tab.Disable(ctx, at, seen)
	case "cancel":
		_, err = tab.Cancel(ctx, at)
	case "adopt":
		_, err = tab.Adopt(ctx, at, r.PostFormValue("reason"))
	case "unassign":
		_, err = tab.Unassign(ctx, at)
	case "reset", "remove":
		err = w.withAccount(ctx, tab, at, func(id accounts.ID) error {
			if act == "remove" {
				return w.accounts().Remove(ctx, id, people.Confirmation{Account: r.PostFormValue("email")})
			}
			_, err := w.accounts().ResetPassword(ctx, id)
			return err
		})
	default:
		return errForm
	}
	return err
}

// withAccount finds the account of a user.
func (w *web) withAccount(ctx context.Context, tab *roster.Tab, at panel.Place, do func(accounts.ID) error) error {
	d, err := tab.Details(ctx, at)
	if err != nil {
		return err
	}
	if d.Account == nil {
		return accounts.ErrNoAccountAssigned
	}
	return do(d.Account.ID)
}

// notice says what was done, where the details themselves do not show it.
func notice(done string) string {
	switch done {
	case "reset":
		return "A mail with a one-time code is on its way. The old password works until it is used."
	case "remove":
		return "The account was removed."
	case "cancel":
		return "The change was taken back."
	}
	return ""
}

// assignView is the form that links an account to a panel user.
type assignView struct {
	Title, Email string
	Found        []accounts.Person
	Free         []roster.Row
	Slot         int
	Revision     uint64
}

// assignment shows the form; with the beginning of an address also who has such a one.
func (w *web) assignment(r *http.Request) (answer, error) {
	ctx, tab := r.Context(), w.tab(r.PathValue("panel"))
	info, err := tab.Info(ctx)
	if err != nil {
		return answer{}, err
	}
	form, err := tab.NewAssignment(ctx)
	if err != nil {
		return answer{}, err
	}
	v := assignView{Title: form.Title(), Email: r.FormValue("email")}
	if v.Free, err = tab.AssignableUsers(ctx, roster.Suggestion{}); err != nil {
		return answer{}, err
	}
	if slot := r.FormValue("slot"); slot != "" {
		if v.Slot, err = strconv.Atoi(slot); err != nil {
			return answer{}, errForm
		}
	}
	page := func() answer {
		return answer{name: "assign.html", view: view{Title: v.Title, Nav: "users", Panel: info, Page: v}}
	}
	if v.Email == "" {
		return page(), nil
	}
	found, err := w.roster().Suggest(ctx, v.Email)
	for _, s := range found {
		v.Found = append(v.Found, s.Person())
	}
	return page(), err
}

// assign links the account that was chosen.
func (w *web) assign(r *http.Request) (answer, error) {
	ctx, tab := r.Context(), w.tab(r.PathValue("panel"))
	err := func() error {
		form, err := tab.NewAssignment(ctx)
		if err != nil {
			return err
		}
		found, err := w.roster().Suggest(ctx, r.PostFormValue("email"))
		if err != nil {
			return err
		}
		for _, s := range found {
			if string(s.Person().ID) == r.PostFormValue("account") {
				form.Choose(s)
			}
		}
		if slot := r.PostFormValue("slot"); slot != "" {
			n, err := strconv.Atoi(slot)
			if err != nil {
				return errForm
			}
			form.Place(panel.Place{Slot: n})
		}
		_, err = form.Save(ctx)
		return err
	}()
	if err == nil {
		return answer{to: users(r.PathValue("panel"))}, nil
	}
	page, lost := w.assignment(r)
	if lost != nil && page.name == "" {
		return answer{}, err
	}
	return page, err
}
