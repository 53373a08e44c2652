package roster

import (
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
)

// consented reports [accounts.ErrConsentRequired] where the policy asks for the consent of
// the owner of an account, and the operator, who is somebody else, lacks it.
func (op *Operator) consented(u *flow.Unit, account string) error {
	own := op.actor.Kind() == audit.AccountActor && string(op.actor.ID()) == account
	if own || !op.desk.o.Policy.CodeConsent {
		return nil
	}
	return flow.Consented(u, account)
}
