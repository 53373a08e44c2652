package door

import (
	"strconv"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// believed reports with [ErrJournal] what no edge of a reader can have written, whatever it
// was told last: whoever has a reader has its journal's key, and speaks through it for the
// reader's own points only, and of nobody's credentials but the account's.
func (s *Service) believed(u *flow.Unit, r rec.Reader, l late) error {
	granted := l.Reason == credentials.Granted
	bound, own := spoken(r, l.Point, granted, l.At.Add(-s.p.Skew))
	if !own || !ownUsage(l) || l.Account == "" && (granted || l.Alarm && l.Forced == "") {
		return ErrJournal
	}
	p, found, err := flow.Load(u, rec.Points, l.Point)
	if err != nil {
		return err
	}
	if found && p.Site != r.Site {
		return ErrJournal
	}
	if !granted {
		return nil
	}
	c, _, err := flow.Load(u, rec.Credentials, l.Usage)
	if err == nil && c.Counted() && l.At.After(c.Changed.Add(bound+s.p.Skew)) {
		err = ErrJournal // an edge had been told by then that only the server decides about it
	}
	return err
}

// spoken reports whether a reader speaks for a point, as things are or as they were before
// an edge had to know better, and for how long an edge decides by itself about it.
func spoken(r rec.Reader, point string, granted bool, at time.Time) (bound time.Duration, own bool) {
	for _, p := range r.Points {
		if p.ID == point && (!granted || p.OnOutage == rec.OutageCached) {
			bound, own = bounded(p), true
		}
	}
	for _, p := range r.Former {
		if p.ID == point && (!granted || p.OnOutage == rec.OutageCached && !at.After(p.Until.Add(bounded(p.ReaderPoint)))) {
			bound, own = max(bound, bounded(p.ReaderPoint)), true
		}
	}
	return bound, own
}

// ownUsage reports whether what is said to be used is the account's own: its codes, which
// count as its PIN, or a tag. What is nobody's is nobody's use.
func ownUsage(l late) bool {
	switch l.Usage {
	case "":
		return l.Account == ""
	case rec.CredentialID(l.Account, rec.PIN, 0):
		return l.Account != ""
	}
	n, isTag := strings.CutPrefix(l.Usage, rec.CredentialID(l.Account, rec.TagNumber, 0)+".")
	_, err := strconv.ParseUint(n, 10, 64)
	return l.Account != "" && isTag && err == nil
}
