package people

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// RegisterMode is what becomes of people who ask for an account.
type RegisterMode uint8

// The modes.
const (
	RegisterOff        RegisterMode = iota // nobody asks
	RegisterByApproval                     // an operator decides, see [Operator.Accept]
	RegisterAtOnce                         // they get the code that sets the account up
)

// Registering is how people get an account themselves.
type Registering struct {
	Mode  RegisterMode
	Role  string         // that they get, "" for none; who names a dealer gets none
	Sites accounts.Sites // that they get
}

// check reports [ErrRegistering] if nobody could register.
func (r Registering) check(o Options) error {
	if r.Mode != RegisterOff && (r.Mode > RegisterAtOnce || r.Sites.None() || o.Mailer == nil || o.Policy.LoginBy == accounts.ByUsername) {
		return ErrRegistering
	}
	return nil
}

// Registrant is somebody who asks for an account. It is personal data.
type Registrant struct {
	Email       accounts.Email `json:"email"`
	First, Last string
	Phone       string
	Dealer      string     // the id of the dealer that they were given, "" for none
	Addr        netip.Addr `json:"-"` // from where they ask
}

// maxRegistrant is the longest name, in bytes.
const maxRegistrant = 100

// How many requests are taken in an hour; more are dropped in silence.
const (
	registerSource = 5   // from one network: an address, or a /64
	registerEmail  = 3   // for one address
	registerAll    = 500 // altogether
)

// registerLines are what the names of the lines of requests begin with, and waiting how
// long one waits for an operator.
const (
	registerLines = "peopleregister/"
	waiting       = 30 * 24 * time.Hour
)

// Register asks for an account, from a page that anybody can reach. It answers nothing, and
// does the same work whether the address has an account or not: that is found out later,
// by the loops. What comes of it is in [Registering]; for an address that has an account
// nothing does. Errors: [ErrRegistering], [ErrRegistrant], [accounts.ErrPhoneFormat].
func (s *Service) Register(ctx context.Context, r Registrant) error {
	if s.o.Registering.Mode == RegisterOff {
		return ErrRegistering
	}
	if r.Email.IsZero() || len(r.First) > maxRegistrant || len(r.Last) > maxRegistrant || len(r.Dealer) > maxRegistrant {
		return ErrRegistrant
	}
	if r.Phone != "" {
		if err := accounts.CheckPhone(r.Phone); err != nil {
			return err
		}
	}
	actor := accounts.SystemActor("register")
	mark, err := s.stranger(ByEmail(r.Email))
	if err != nil {
		return err
	}
	hour := s.core.Time().Truncate(time.Hour)
	limit := func(of string, most int64) flow.Guesses {
		return flow.Guesses{Counter: "register/" + of + hour.Format("/2006-01-02T15"), Max: most, Until: hour.Add(2 * time.Hour)}
	}
	err = s.core.Reserve(ctx, actor, limit("all", registerAll), limit("from/"+network(r.Addr), registerSource), limit("for/"+mark, registerEmail))
	if errors.Is(err, flow.ErrGuesses) {
		return nil
	}
	if err != nil {
		return err
	}
	id := flow.NewID()
	plain, err := json.Marshal(r)
	if err != nil {
		return err
	}
	sealed, err := s.core.Keys.Seal(registerBinding(id), plain)
	if err != nil {
		return err
	}
	_, err = s.core.Act(ctx, actor, func(u *flow.Unit) error {
		u.Do(store.Mark{Line: registerLines + id})
		return flow.Put(u, rec.Registrations, registerID(id), &rec.Registration{At: u.Now(), Parts: sealed})
	})
	return err
}

// network is from where somebody asks, as it is counted: one who has a whole network of
// addresses is one.
func network(a netip.Addr) string {
	bits := 32
	if a = a.Unmap(); a.Is6() {
		bits = 64
	}
	p, err := a.WithZone("").Prefix(bits)
	if err != nil {
		return "unknown"
	}
	return p.String()
}

func registerBinding(id string) credentials.Binding {
	return credentials.Binding{Owner: registerLines + id, Kind: "registrant"}
}

func registerID(id string) string { return "register/" + id }

// registrant opens a request.
func (s *Service) registrant(id string, r rec.Registration) (Registrant, error) {
	if s.core.Opener == nil {
		return Registrant{}, flow.ErrNoOpener
	}
	var out Registrant
	plain, err := s.core.Opener.Open(registerBinding(id), r.Parts)
	if err != nil {
		return out, err
	}
	if json.Unmarshal(plain, &out) != nil {
		return out, credentials.ErrDecrypt
	}
	return out, nil
}

// workRegistrations answers the requests that are due.
func (s *Service) workRegistrations(ctx context.Context) error {
	if s.core.Opener == nil {
		return flow.ErrNoOpener
	}
	return s.core.EachDue(ctx, s.o.Node+"/register", registerLines, time.Minute, func(ctx context.Context, line store.Line) error {
		if err := s.answer(ctx, line); err != nil && !errors.Is(err, store.ErrFenced) {
			s.core.Logger().WarnContext(ctx, "request for an account failed", slog.String("line", line.Name), slog.Any("error", err))
		}
		return nil
	})
}

// answer decides a request in one commit: it is forgotten, waits for an operator, or makes
// the account.
func (s *Service) answer(ctx context.Context, line store.Line) error {
	id := line.Name[len(registerLines):]
	op := s.As(accounts.SystemActor("register"))
	decide := func(add bool) error {
		_, err := s.core.Act(ctx, op.actor, func(u *flow.Unit) error {
			fate := store.Fate{Done: line.Gen}
			r, found, err := flow.Load(u, rec.Registrations, registerID(id))
			if err != nil {
				return err
			}
			if found && add && s.o.Registering.Mode == RegisterByApproval && u.Now().Before(r.At.Add(waiting)) {
				r.Waits, fate = true, store.Fate{Again: r.At.Add(waiting)}
				err = flow.Put(u, rec.Registrations, registerID(id), &r)
			} else if found {
				flow.Drop(u, rec.Registrations, registerID(id))
				if add && s.o.Registering.Mode == RegisterAtOnce {
					err = s.enrol(u, op, accounts.Grant{Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}, id, r, &Account{})
				}
			}
			u.Do(store.Fence{Line: line.Name, Owner: line.Owner, Token: line.Token, Fate: fate})
			return err
		})
		return err
	}
	known, err := s.known(ctx, id)
	if err != nil {
		return err
	}
	err = decide(!known)
	if errors.Is(taken(err), accounts.ErrEmailInUse) {
		return decide(false)
	}
	return err
}

// known reports whether the address of a request has an account, or the request is gone.
func (s *Service) known(ctx context.Context, id string) (bool, error) {
	rs, err := s.core.Store.Load(ctx, rec.Registrations.Key(registerID(id)))
	if err != nil || rs[0].Version == 0 {
		return true, err
	}
	r, _, err := rec.Registrations.Decode(rs[0])
	if err != nil {
		return false, err
	}
	who, err := s.registrant(id, r)
	if err != nil {
		return false, err
	}
	have, err := s.byEmail(ctx, accounts.AllSites(), who.Email)
	return len(have) > 0, err
}

// enrol puts the account that was asked for into a decision, with the code that sets it up.
func (s *Service) enrol(u *flow.Unit, op *Operator, g accounts.Grant, id string, r rec.Registration, made *Account) error {
	who, err := s.registrant(id, r)
	if err != nil {
		return err
	}
	n := NewAccount{Email: who.Email, First: who.First, Last: who.Last, Phone: who.Phone, Sites: s.o.Registering.Sites}
	if role := s.o.Registering.Role; role != "" && who.Dealer == "" {
		n.Roles = []string{role}
	}
	a, _, err := op.add(u, g, accounts.ID(flow.NewID()), n, func(u *flow.Unit, _ accounts.Grant, a *accounts.Account) (string, []flow.Field, error) {
		return op.mail(u, flow.Setup, *a, "")
	})
	*made = s.view(a)
	return err
}
