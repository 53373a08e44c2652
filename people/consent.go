package people

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// Errors of consents.
var (
	// ErrConsent: not a consent: without a reason, or an end within 30 days.
	ErrConsent = fault.New(fault.Invalid, "people: not a consent").
			Hinted("Give a reason, and an end within 30 days.")
	// ErrNoConsent: there is no such consent, or not any more.
	ErrNoConsent = fault.New(fault.NotFound, "people: no such consent")
)

// The limits of consents.
const (
	longConsent = 30 * 24 * time.Hour
	maxConsents = 16 // of one account at once
)

// Consent lets operators set the codes of an account's owner for a time, where the policy
// asks for one ([accounts.Policy.CodeConsent]). The owner gives it, or two operators open
// it; the owner and the operators see the same list of them.
type Consent struct {
	ID       string
	To       accounts.ID // the one operator; "": whoever has the right
	By       accounts.ID // who gave it
	Approver accounts.ID // the second operator; "": the owner gave it
	At       time.Time
	Until    time.Time // the first second without it
	Reason   string    // recorded in clear; keep names out of it
}

// Consents lists the consents of an account that hold, the newest last.
func (op *Operator) Consents(ctx context.Context, id accounts.ID) ([]Consent, error) {
	const name = "Consents"
	g, err := op.allowed(ctx, name)
	if err != nil {
		return nil, err
	}
	if _, err := op.people.peek(ctx, g.Sites, id); err != nil {
		return nil, op.refused(ctx, name, nil, err)
	}
	return op.people.consents(ctx, id)
}

func (s *Service) consents(ctx context.Context, id accounts.ID) ([]Consent, error) {
	rs, err := s.core.Store.Load(ctx, rec.ConsentLists.Key(string(id)))
	if err != nil {
		return nil, err
	}
	list, _, err := rec.ConsentLists.Decode(rs[0])
	var out []Consent
	for _, c := range holding(list, s.core.Time()) {
		out = append(out, Consent{ID: c.ID, To: accounts.ID(c.To), By: accounts.ID(c.By.ID), Approver: accounts.ID(c.Approver), At: c.At, Until: c.Until, Reason: c.Reason})
	}
	return out, err
}

// holding are the consents that have not ended.
func holding(list rec.Consents, now time.Time) []rec.Consent {
	return slices.DeleteFunc(slices.Clone(list.Given), func(c rec.Consent) bool { return !now.Before(c.Until) })
}

// OpenCodes lets an operator, "" for whoever has the right, set the codes of an account
// without its owner's consent: for a time, and only with a second person, whatever the
// policy says. The owner is told where that is possible. It returns the consent's id.
// Errors: [ErrConsent], [accounts.ErrApprovalRequired], those of changing an account.
func (op *Operator) OpenCodes(ctx context.Context, id accounts.ID, c Consent) (string, error) {
	const name = "OpenCodes"
	var made string
	err := op.beside(ctx, name, id, func(u *flow.Unit, a accounts.Account) error {
		if err := c.check(u.Now()); err != nil {
			return err
		}
		approver, err := op.second(u, name, a, "to "+string(c.To), "until "+stamp(c.Until), "because "+c.Reason)
		if err != nil {
			return err
		}
		if op.people.o.Mailer != nil && !a.Email.IsZero() {
			if _, err := u.Tell(flow.Purpose(CodesLetter), flow.PeopleLane, a); err != nil {
				return err
			}
		}
		made, err = consent(u, a, c, approver)
		return err
	})
	return made, err
}

func (c Consent) check(now time.Time) error {
	if strings.TrimSpace(c.Reason) == "" || !now.Before(c.Until) || now.Add(longConsent).Before(c.Until) {
		return ErrConsent
	}
	return nil
}

// consent puts a consent into a decision.
func consent(u *flow.Unit, a accounts.Account, c Consent, approver string) (string, error) {
	list, _, err := flow.Load(u, rec.ConsentLists, string(a.ID))
	if err != nil {
		return "", err
	}
	list.Given = holding(list, u.Now())
	if len(list.Given) == maxConsents {
		return "", ErrConsent
	}
	id := flow.NewID()
	list.Given = append(list.Given, rec.Consent{Approver: approver, At: u.Now(), By: rec.Author{Kind: u.Actor().Kind(), ID: string(u.Actor().ID())},
		ID: id, Reason: c.Reason, To: string(c.To), Until: c.Until})
	if err := say(u, audit.AccountConsentGiven, a, flow.F(audit.FieldApprover, approver), flow.F(audit.FieldAct, "to "+string(c.To)),
		flow.F(audit.FieldUntil, stamp(c.Until)), flow.F(audit.FieldReason, c.Reason)); err != nil {
		return "", err
	}
	return id, flow.Put(u, rec.ConsentLists, string(a.ID), &list)
}

// consented reports why an actor may not set the codes of an account's owner.
func (op *Operator) consented(u *flow.Unit, a accounts.Account) error {
	if !op.people.o.Policy.CodeConsent || op.own(a.ID) {
		return nil
	}
	return flow.Consented(u, string(a.ID))
}
