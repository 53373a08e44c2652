package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
	"github.com/seed-a2d3eaca/keyholder/credentials/password"
	"github.com/seed-a2d3eaca/keyholder/engine"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/notify"
	"github.com/seed-a2d3eaca/keyholder/notify/smtp"
	"github.com/seed-a2d3eaca/keyholder/notify/smtp/smtpsim"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/signin"
)

// reception is a host with accounts and sign-in.
type reception struct {
	*host
	people  *people.Service
	signin  *signin.Service
	panelID string
}

// openReception opens the folder for accounts, too. Without a mailer it is only looked at.
// To close what it returns is the caller's also when it fails.
func openReception(ctx context.Context, o options, panels dsc.Options, mail notify.Mailer) (*reception, error) {
	h, err := open(ctx, o.dir, clockOf(o.life), panels)
	r := &reception{host: h, panelID: o.panelID}
	if err != nil {
		return r, err
	}
	staff := accounts.StaticAuthority{operator: {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}}
	names := accounts.PowerManage()
	// Nothing is to end for another reason than a crash.
	names.Approve, names.EraseAfter, names.OTPLife = accounts.Rights{}, time.Nanosecond, 24*time.Hour
	policy := signin.PowerManage()
	policy.Hash.Cost, policy.Life, policy.CodeLife, policy.AdminFactor = 4, 24*time.Hour, 24*time.Hour, false
	all := []signin.Limit{{Max: math.MaxInt32, Per: time.Hour}}
	policy.Limits = signin.Limits{Pair: all, Account: all, Source: all, Device: all, Factor: all, Asks: all, Codes: all}
	budgets := notify.Budgets{Mail: notify.Budget{Store: math.MaxInt32}}
	po := people.Options{
		Store: h.db.Main(), Keys: h.keys, Authority: staff, Mailer: mail, Policy: names, Budgets: budgets, FirstTry: -1, Now: h.clock.now,
		Compose: func(l people.Letter) notify.Message { return letter(string(l.Kind), l.Code.Reveal()) },
	}
	if mail != nil {
		po.Registering = people.Registering{Mode: people.RegisterAtOnce, Role: "user", Sites: accounts.TheseSites(site)}
	}
	var err1, err2 error
	r.people, err1 = people.New(po)
	r.signin, err2 = signin.New(signin.Options{
		Store: h.db.Main(), Keys: h.keys, Authority: staff, Mailer: mail, Accounts: names, Policy: &policy, Budgets: budgets, Now: h.clock.now,
		Compose: func(l signin.Letter) notify.Message { return letter(string(l.Kind), l.Code.Text()) },
	})
	return r, errors.Join(err1, err2)
}

// visitors is the access group that visitors are in.
const visitors = "visitors"

// letter is a message as the owners here read it: what it is about, and its code.
func letter(kind, code string) notify.Message {
	return notify.Message{Subject: kind, Text: "code " + code + "\n"}
}

// mailer sends to the mail server of the process that kills.
func mailer(at string) (notify.Mailer, error) {
	address, pin, _ := strings.Cut(at, "/")
	host, port, err1 := net.SplitHostPort(address)
	number, err2 := strconv.Atoi(port)
	key, err3 := hex.DecodeString(pin)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	o := smtp.Options{Host: host, Port: number, From: "codes@example.com", Username: smtpsim.Username, Password: notify.NewSecret(smtpsim.Password)}
	copy(o.Pin[:], key)
	return smtp.New(o)
}

// receive is the process that is killed: it does what it is told, line by line, and answers
// when it was done. It ends by itself when whoever started it closes its input.
func receive(ctx context.Context, o options, in io.Reader) (err error) {
	ctx, end := context.WithCancel(ctx)
	defer end()
	mail, err := mailer(o.mail)
	if err != nil {
		return err
	}
	nobody := func(ctx context.Context) (net.Listener, error) {
		return new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	}
	r, err := openReception(ctx, o, dsc.Options{Listen: nobody}, mail)
	defer func() { err = errors.Join(err, r.close()) }()
	if err != nil {
		return err
	}
	var running sync.WaitGroup
	defer running.Wait()
	defer end()
	running.Go(func() {
		engine.Run(ctx, nil, slices.Concat(r.desk.Loops(), r.people.Loops(), r.signin.Loops(), r.log.Loops())...)
	})
	var mu sync.Mutex
	out := json.NewEncoder(o.out) // one write for each answer, which comes whole or not at all
	for lines := bufio.NewScanner(in); lines.Scan(); {
		var told order
		if err := json.Unmarshal(lines.Bytes(), &told); err != nil {
			return err
		}
		running.Go(func() {
			a := r.obey(ctx, told)
			mu.Lock()
			defer mu.Unlock()
			_ = out.Encode(a) //nolint:gosec // both ends are this program, and if nobody listens any more the input has ended, too
		})
	}
	return nil
}

// order is something that the process is told to do.
type order struct {
	Number   int         `json:"number"`
	Do       string      `json:"do"`
	Account  accounts.ID `json:"account,omitempty"`
	Email    string      `json:"email,omitempty"`
	Addr     netip.Addr  `json:"addr,omitzero"`
	Password string      `json:"password,omitempty"`
	New      string      `json:"new,omitempty"` // password
	Token    string      `json:"token,omitempty"`
	Method   string      `json:"method,omitempty"`
	Code     string      `json:"code,omitempty"`
	Slot     int         `json:"slot,omitempty"`
}

// answer is what came of an order.
type answer struct {
	Number    int         `json:"number"`
	Refused   string      `json:"refused,omitempty"` // why
	Failed    string      `json:"failed,omitempty"`  // why, where nothing should fail
	Account   accounts.ID `json:"account,omitempty"`
	Token     string      `json:"token,omitempty"`
	Challenge string      `json:"challenge,omitempty"`
	Method    string      `json:"method,omitempty"` // by which a code is on its way
	Secret    string      `json:"secret,omitempty"` // of an app, in hexadecimal
	Codes     []string    `json:"codes,omitempty"`  // for recovery
	Open      int         `json:"open,omitempty"`   // what is not carried out yet
}

// What the process can be told.
const (
	create         = "create"
	register       = "register"
	createService  = "create service"
	issueVisitor   = "issue visitor"
	setPassword    = "set password"
	signIn         = "sign in"
	answerCode     = "answer"
	checkSession   = "check session"
	signOut        = "sign out"
	changePassword = "change password"
	stepUp         = "step up"
	enrolApp       = "enrol app"
	confirmApp     = "confirm app"
	resetPassword  = "reset password"
	forgot         = "forgot"
	requireFactor  = "require factor"
	suspend        = "suspend"
	enable         = "enable"
	assign         = "assign"
	remove         = "remove"
	erase          = "erase"
	issueToken     = "issue token"
	checkToken     = "check token"
	endToken       = "end token"
	find           = "find"
	countOpen      = "count open"
)

// obey does what an order says.
func (r *reception) obey(ctx context.Context, o order) answer {
	a, err := r.do(ctx, o)
	switch a.Number = o.Number; fault.Of(err) {
	case fault.Unknown, fault.Internal:
		if err != nil {
			a.Failed = err.Error()
		}
	default:
		a.Refused = err.Error()
	}
	return a
}

// do does what an order says, and refuses everything else.
func (r *reception) do(ctx context.Context, o order) (a answer, err error) {
	actor := accounts.HostActor(operator, "Operator", "crash").Vouched(r.clock.now())
	staff, front := r.people.As(actor), r.signin.As(actor)
	from := signin.From{Addr: o.Addr}
	switch o.Do {
	case create, createService, issueVisitor, register:
		return r.add(ctx, staff, o)
	case setPassword:
		err = r.signin.SetPassword(ctx, signin.NewPassword{Name: o.Email, Code: otp.AnswerOf(o.Code), Password: password.Of(o.New), From: from})
	case signIn:
		var got signin.Result
		got, err = r.signin.SignIn(ctx, signin.Attempt{Name: o.Email, Password: password.Of(o.Password), From: from})
		a = entered(got)
	case answerCode:
		var got signin.Result
		got, err = r.signin.Answer(ctx, signin.Reply{Challenge: signin.ParseToken(o.Token), Method: signin.Method(o.Method), Code: otp.AnswerOf(o.Code), From: from})
		a = entered(got)
	case checkSession:
		_, err = r.signin.Check(ctx, signin.ParseToken(o.Token), from)
	case signOut:
		err = r.signin.SignOut(ctx, signin.ParseToken(o.Token))
	case forgot:
		err = r.signin.Forgot(ctx, o.Email, from)
	case changePassword, stepUp, enrolApp, confirmApp:
		return r.own(ctx, o)
	case resetPassword:
		_, err = staff.ResetPassword(ctx, o.Account)
	case requireFactor:
		err = front.RequireFactor(ctx, o.Account, true)
	case suspend:
		_, err = staff.Suspend(ctx, o.Account, "moved out")
	case enable:
		_, err = staff.Enable(ctx, o.Account)
	case assign:
		s, err := r.as().Choose(ctx, o.Account)
		if err != nil {
			return a, err
		}
		_, err = r.as().Panel(r.panelID).Assign(ctx, panel.Place{Slot: o.Slot}, s)
		return a, err
	case remove:
		err = staff.Remove(ctx, o.Account, people.Confirmation{Account: o.Email})
	case erase:
		_, err = staff.Erase(ctx, o.Account)
	case issueToken:
		var t signin.Token
		t, err = front.IssueToken(ctx, o.Account, signin.NewToken{Name: "pager", Rights: accounts.RightsOf(accounts.EquipmentView)})
		a.Token = t.Reveal()
	case checkToken:
		_, err = r.signin.CheckToken(ctx, signin.ParseToken(o.Token), from)
	case endToken:
		err = front.EndToken(ctx, o.Account, strings.Split(o.Token, "_")[1])
	case find:
		a.Account, err = r.find(ctx, o.Email)
	case countOpen:
		a.Open, err = r.unfinished(ctx)
	default:
		err = fmt.Errorf("%q is not understood", o.Do)
	}
	return a, err
}

// add does what adds an account.
func (r *reception) add(ctx context.Context, staff *people.Operator, o order) (answer, error) {
	email, err := accounts.ParseEmail(o.Email)
	if err != nil {
		return answer{}, err
	}
	n := people.NewAccount{Email: email, First: "Owner", Roles: []string{"user"}, Sites: accounts.TheseSites(site)}
	var made people.Account
	switch o.Do {
	case register:
		err = r.people.Register(ctx, people.Registrant{Email: email, First: n.First, Addr: o.Addr})
	case create:
		made, _, err = staff.Create(ctx, n)
	case createService:
		n.Kind, n.Roles = accounts.ServiceKind, []string{"api_only"}
		made, err = staff.CreateConfirmed(ctx, n)
	case issueVisitor:
		var issued people.IssuedVisitor
		issued, err = staff.IssueVisitor(ctx, people.NewVisitor{First: n.First, Email: email, Host: o.Account, Groups: []string{visitors}, Sites: n.Sites,
			Until: r.clock.now().Add(24 * time.Hour), MailPIN: true})
		made = issued.Account
	}
	return answer{Account: made.ID}, err
}

// own does what an owner does who is signed in.
func (r *reception) own(ctx context.Context, o order) (a answer, err error) {
	owner, err := r.signin.Owner(ctx, signin.ParseToken(o.Token), signin.From{Addr: o.Addr})
	if err != nil {
		return a, err
	}
	var t signin.Token
	switch code := otp.AnswerOf(o.Code); o.Do {
	case changePassword:
		t, err = owner.ChangePassword(ctx, password.Of(o.Password), password.Of(o.New))
	case stepUp:
		t, err = owner.StepUp(ctx, signin.Method(o.Method), code, password.Of(o.Password))
	case enrolApp:
		var secret otp.Secret
		secret, err = owner.EnrolApp(ctx)
		a.Secret = hex.EncodeToString(secret.Reveal())
	case confirmApp:
		var codes []otp.Answer
		codes, t, err = owner.ConfirmApp(ctx, code)
		for _, c := range codes {
			a.Codes = append(a.Codes, c.Reveal())
		}
	}
	a.Token = t.Reveal()
	return a, err
}

// find tells who has, or had, an address; nobody has two here.
func (r *reception) find(ctx context.Context, address string) (accounts.ID, error) {
	email, err := accounts.ParseEmail(address)
	if err != nil {
		return "", err
	}
	ids, err := r.people.Resolve(ctx, email)
	switch {
	case err != nil || len(ids) == 0:
		return "", err
	case len(ids) > 1:
		return "", wrong("%d accounts have one address", len(ids))
	}
	return ids[0], nil
}

// unfinished counts the lines of work that loops have to do. The sweep is never done, and
// the panel here never calls.
func (r *reception) unfinished(ctx context.Context) (n int, err error) {
	for after := ""; ; {
		lines, err := r.db.Main().Lines(ctx, "", after, 0)
		if err != nil || len(lines) == 0 {
			return n, err
		}
		for _, l := range lines {
			if !l.Due.IsZero() && !strings.HasPrefix(l.Name, "panel/") && !strings.HasPrefix(l.Name, "sweep/") {
				n++
			}
		}
		after = lines[len(lines)-1].Name
	}
}

// entered is what came of a sign-in.
func entered(got signin.Result) answer {
	a := answer{Token: got.Token.Reveal()}
	if got.Challenge != nil {
		a.Challenge, a.Method = got.Challenge.Token.Reveal(), string(got.Challenge.Sent)
	}
	return a
}
