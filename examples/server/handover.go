package main

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// handOverView is what a holder needs to collect a new code.
type handOverView struct {
	Word, Back string
	Expires    time.Time
}

// handOver draws a new code for the holder of a user. A host mails the word, or sends it as
// a text message; the mail of the demo goes nowhere, so it is shown.
func (w *web) handOver(r *http.Request) (answer, error) {
	const act = "handover"
	at, err := place(r)
	if err != nil {
		return answer{}, err
	}
	since, err := strconv.ParseUint(r.PostFormValue("revision"), 10, 64)
	if err != nil {
		return answer{}, errForm
	}
	id := r.PathValue("panel")
	info, err := w.tab(id).Info(r.Context())
	if err != nil {
		return answer{}, err
	}
	offer, _, err := w.tab(id).HandOver(r.Context(), at, roster.CodeWish{}, roster.HandOver{Life: time.Hour}, roster.AtRevision(since))
	if err != nil {
		return w.again(r, act, err)
	}
	v := handOverView{Word: offer.Word.Reveal(), Expires: offer.Expires, Back: users(id) + "/" + r.PathValue("slot")}
	return answer{name: "handover.html", view: view{Title: "A new code for its holder", Nav: "users", Panel: info, Page: v}}, nil
}

// collection is the holder's page. It shows nothing before somebody taps the button: programs
// that look into mail open every link.
func (w *web) collection(*http.Request) (answer, error) {
	return answer{name: "collect.html", view: view{Title: "Your new code", Page: ""}}, nil
}

// collect shows a code to whoever has the word, once.
func (w *web) collect(r *http.Request) (answer, error) {
	page, err := w.collection(r)
	if err != nil {
		return page, err
	}
	code, err := w.people.Collect(r.Context(), panel.SecretOf(strings.TrimSpace(r.PostFormValue("word"))))
	if err == nil {
		page.view.Page = code.Reveal()
	}
	return page, err
}

// offered says how the last code stands that was handed over, "" if none was.
func offered(o roster.Offered) string {
	switch o.State {
	case roster.OfferUnconfirmed:
		return "A new code waits for its holder, and for the panel to confirm it."
	case roster.OfferWaiting:
		return "A new code waits for its holder."
	case roster.OfferCollected:
		return "Its holder has seen the code."
	case roster.OfferExpired:
		return "Its holder has not collected the code in time: hand another one over."
	case roster.OfferVoid:
		return "The code that was handed over leads to nothing any more: " + o.Reason + "."
	case roster.OfferNone:
	}
	return ""
}
