package flow

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/notify"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// ErrNoOpener: this node cannot open what is sealed, so it sends no messages.
var ErrNoOpener = fault.New(fault.Precondition, "flow: this node's keyring cannot open sealed messages")

// How messages are sent.
const (
	postAtOnce  = 4                // messages that one node sends at a time
	postFor     = 30 * time.Second // the longest that a transport may take
	postBeat    = 2 * postFor
	postBackoff = 5 * time.Second
	postSlowest = 2 * time.Minute
	postSettle  = 5 * time.Second // for the last commit of a turn that was interrupted
)

// Postman sends what was posted. It is safe for concurrent use.
type Postman struct {
	core  *Core
	lane  string
	send  func(context.Context, Parcel) (notify.Delivery, error)
	owner string
	// Budgets bound what leaves; set them before the first Work.
	Budgets notify.Budgets

	mu    sync.Mutex
	lines map[string]bool // true: a turn is on; false: a turn could not give the line back
}

// Parcel is a message with where it goes. ID is the same at every try.
type Parcel struct {
	ID, To  string
	Account string
	Letter
}

// NewPostman makes the postman of a node for mail in people's lane.
func NewPostman(c *Core, node string, mailer notify.Mailer, compose func(Letter) notify.Message) *Postman {
	return NewCarrier(c, node, PeopleLane, func(ctx context.Context, p Parcel) (notify.Delivery, error) {
		m := compose(p.Letter)
		m.ID, m.To = p.ID, p.To
		return mailer.Send(ctx, m)
	})
}

// NewCarrier makes the postman of a node for what is in a lane. The name under which it
// takes lines is its own: after a restart the lines of the one before are free when its
// heartbeat ends.
func NewCarrier(c *Core, node, lane string, send func(context.Context, Parcel) (notify.Delivery, error)) *Postman {
	return &Postman{core: c, lane: lane, send: send, owner: node + "/" + lane + NewID(), Budgets: notify.DefaultBudgets(), lines: map[string]bool{}}
}

// Work sends what is due, a few messages at a time, and returns.
func (p *Postman) Work(ctx context.Context) error {
	if p.core.Opener == nil {
		return ErrNoOpener
	}
	due, err := p.core.Store.Due(ctx, p.lane, 100)
	if err != nil {
		return err
	}
	names := p.left()
	for _, l := range due {
		names = append(names, l.Name)
	}
	slots := make(chan struct{}, postAtOnce)
	var all sync.WaitGroup
	defer all.Wait()
	for _, name := range names {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		all.Go(func() {
			defer func() { <-slots }()
			if err := p.turn(ctx, name); err != nil && ctx.Err() == nil {
				p.core.Logger().WarnContext(ctx, "message failed", slog.String("line", name), slog.Any("error", err))
			}
		})
	}
	return nil
}

// left lists the lines that this postman still owns although no turn is on.
func (p *Postman) left() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var names []string
	for name, on := range p.lines {
		if !on {
			names = append(names, name)
		}
	}
	return names
}

// begin reports whether no other turn of this postman is on for the line.
func (p *Postman) begin(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lines[name] {
		return false
	}
	p.lines[name] = true
	return true
}

// end notes whether the line was given back.
func (p *Postman) end(name string, given bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines[name] = false
	if given {
		delete(p.lines, name)
	}
}

// turn takes a line, sends its message and gives the line back.
func (p *Postman) turn(ctx context.Context, name string) error {
	if !p.begin(name) {
		return nil
	}
	given := false
	defer func() { p.end(name, given) }()
	if _, err := p.core.Store.Beat(ctx, p.owner, postBeat); err != nil {
		return err
	}
	line, err := p.core.Store.Own(ctx, p.owner, name)
	if errors.Is(err, store.ErrOwned) {
		given = true
		return nil
	}
	if err != nil {
		return err
	}
	d := &delivery{Postman: p, id: name[len(p.lane):], line: line}
	err = d.run(ctx)
	given = err == nil || errors.Is(err, store.ErrFenced)
	if given {
		return nil
	}
	// A turn that fails gives the line back, so that the message is tried again later.
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), postSettle)
	defer cancel()
	ferr := d.act(end, func(u *Unit) (store.Fate, error) { return d.again(u.now, time.Time{}), nil })
	given = ferr == nil || errors.Is(ferr, store.ErrFenced)
	return err
}

// delivery is one turn on one message.
type delivery struct {
	*Postman
	id   string
	line store.Line
	to   string // "" until it is opened
}

// act commits a step of the turn, fenced: who lost the line commits nothing.
func (d *delivery) act(ctx context.Context, step func(u *Unit) (store.Fate, error)) error {
	_, err := d.core.Act(ctx, accounts.SystemActor("post"), func(u *Unit) error {
		fate, err := step(u)
		if err != nil {
			return err
		}
		u.Do(store.Fence{Line: d.line.Name, Owner: d.line.Owner, Token: d.line.Token, Fate: fate})
		return nil
	})
	return err
}

// done ends the line's work.
func (d *delivery) done() store.Fate { return store.Fate{Done: d.line.Gen} }

// again tries later, but not after last.
func (d *delivery) again(now, last time.Time) store.Fate {
	next := now.Add(min(postBackoff<<min(d.line.Attempts, 10), postSlowest))
	if !last.IsZero() && next.After(last) {
		next = last
	}
	return store.Fate{Again: next, Tried: true}
}

// run hands the message to the transport between two commits: that it is being tried,
// and what came of it. A crash in between leaves the first, so the next turn knows that
// the message may have left, and says so.
func (d *delivery) run(ctx context.Context) error {
	post, p, err := d.start(ctx)
	if err != nil || p.To == "" {
		return err
	}
	send, cancel := context.WithTimeout(ctx, postFor)
	defer cancel()
	sent, serr := d.send(send, Parcel{ID: d.id, To: p.To, Account: post.Account, Letter: Letter{Purpose: Purpose(post.Purpose), Channel: Channel(post.Channel),
		Name: p.Name, Secret: OneTimeOf(p.Code), Expires: post.Expires, Title: p.Title, Text: p.Text}})
	// What is known is kept even if everything ends just now.
	end, stop := context.WithTimeout(context.WithoutCancel(ctx), postSettle)
	defer stop()
	return d.act(end, func(u *Unit) (store.Fate, error) { return d.outcome(u, sent, serr) })
}

// start commits that the message is being tried. If it is not to go, or not now, that is
// committed instead and the parts are empty.
func (d *delivery) start(ctx context.Context) (post rec.Post, p parts, err error) {
	err = d.act(ctx, func(u *Unit) (store.Fate, error) {
		var found bool
		var err error
		post, p = rec.Post{}, parts{}
		if post, found, err = Load(u, rec.Posts, d.id); err != nil {
			return store.Fate{}, err
		}
		if !found || !post.Settled.IsZero() {
			return d.done(), nil
		}
		opened, openErr := openLetter(d.core.Opener, d.id, post.Parts)
		d.to = opened.To
		until, why, err := d.fit(u, post)
		switch {
		case err != nil:
			return store.Fate{}, err
		case why != "":
			d.settle(u, &post, rec.PostGivenUp, why)
			return d.done(), Put(u, rec.Posts, d.id, &post)
		case openErr != nil:
			return store.Fate{}, openErr
		case !until.IsZero():
			return store.Fate{Again: until}, nil
		}
		budgets, err := counts(d.Budgets, d.core.Keys, Channel(post.Channel), post.Account, opened.To, u.now, 1)
		if err != nil {
			return store.Fate{}, err
		}
		u.Do(budgets...)
		post.Tries++
		post.Twice = post.Twice || !post.Trying.IsZero()
		post.Trying, p = u.now, opened
		return store.Fate{Keep: true}, Put(u, rec.Posts, d.id, &post)
	})
	if !errors.Is(err, store.ErrLimit) {
		return post, p, err
	}
	d.core.Logger().WarnContext(ctx, "message waits for its budget", slog.String("line", d.line.Name))
	return post, parts{}, d.act(ctx, func(u *Unit) (store.Fate, error) {
		return store.Fate{Again: earlier(u.now.Truncate(time.Hour).Add(time.Hour), post.Expires)}, nil
	})
}

// fit says until when a message has to wait, and why it is not to be sent any more;
// neither if it goes now.
func (d *delivery) fit(u *Unit, post rec.Post) (until time.Time, why string, err error) {
	if !post.Notice {
		why, err = d.void(u, post)
		return time.Time{}, why, err
	}
	if !u.now.Before(post.Expires) {
		return time.Time{}, "it is old news", nil
	}
	return d.held(u, post)
}

// void says why a message to an owner is not to be sent any more, "" if it is. One that
// tells of a change carries no code, so only its time ends it.
func (d *delivery) void(u *Unit, post rec.Post) (string, error) {
	switch {
	case !u.now.Before(post.Expires) && post.Serial == "":
		return "it is old news", nil
	case !u.now.Before(post.Expires):
		return "its code expired before it could be sent", nil
	}
	if post.PIN != 0 {
		if why, err := voidPIN(u, post); why != "" || err != nil {
			return why, err
		}
	}
	if post.PIN != 0 || Purpose(post.Purpose) == HandOverCode {
		if why, err := shut(u, post.Account); why != "" || err != nil {
			return why, err
		}
	}
	if post.Serial == "" {
		return "", nil
	}
	s, found, err := Load(u, rec.OneTimes, post.Secret)
	if err != nil {
		return "", err
	}
	q, _, err := Peek(u, rec.Quarantines, rec.QuarantineID)
	if !found || s.Serial != post.Serial || s.Issued.Before(q.Since) {
		return "its code was used or replaced", err
	}
	return "", err
}

// voidPIN says why a message about a PIN is not to be sent any more, "" if it is: the PIN
// was replaced or taken away.
func voidPIN(u *Unit, post rec.Post) (string, error) {
	c, _, err := Load(u, rec.Credentials, rec.CredentialID(post.Account, rec.PIN, 0))
	if err != nil {
		return "", err
	}
	if c.Sealed.IsZero() || c.Generation != post.PIN {
		return "its PIN was replaced or taken away", nil
	}
	return "", nil
}

// shut says why a code is not to be sent to the owner of an account, "" if it is.
func shut(u *Unit, account string) (string, error) {
	a, found, err := Load(u, rec.Accounts, account)
	if err == nil && (!found || !receives(a, u.now)) {
		return "its account lets nobody in", nil
	}
	return "", err
}

// outcome records what the transport answered. Its words are not kept: they repeat the
// address.
func (d *delivery) outcome(u *Unit, sent notify.Delivery, serr error) (store.Fate, error) {
	post, found, err := Load(u, rec.Posts, d.id)
	if err != nil || !found {
		return d.done(), err
	}
	switch rejected := (*notify.RejectedError)(nil); {
	case serr == nil:
		post.Message = sent.MessageID
		d.settle(u, &post, rec.PostAccepted, "")
		if !sent.At.IsZero() {
			post.Settled = sent.At.UTC()
		}
	case errors.As(serr, &rejected):
		d.settle(u, &post, rec.PostRefused, status(rejected.Status))
	case errors.Is(serr, notify.ErrRejected):
		d.settle(u, &post, rec.PostRefused, "")
	case errors.Is(serr, notify.ErrMessage):
		d.settle(u, &post, rec.PostRefused, "it cannot be sent as it is")
	default:
		post.State = rec.PostUnavailable
		if post.Since.IsZero() {
			post.Since = u.now
		}
		if errors.Is(serr, notify.ErrUnavailable) { // it did not leave
			budgets, err := counts(d.Budgets, d.core.Keys, Channel(post.Channel), post.Account, d.to, post.Trying, -1)
			if err != nil {
				return store.Fate{}, err
			}
			u.Do(budgets...)
			post.Trying = time.Time{}
		}
		return d.again(u.now, post.Expires), Put(u, rec.Posts, d.id, &post)
	}
	post.Trying, post.Since = time.Time{}, time.Time{}
	return d.done(), Put(u, rec.Posts, d.id, &post)
}

// settle ends a message: what varied in it is destroyed. One that never left gives back
// what it took from a budget.
func (d *delivery) settle(u *Unit, post *rec.Post, state rec.PostState, why string) {
	post.State, post.Reason, post.Settled, post.Parts = state, why, u.now, credentials.Sealed{}
	left := state == rec.PostAccepted || post.Twice || state == rec.PostGivenUp && !post.Trying.IsZero()
	if !left && post.Budget != "" {
		u.Do(store.Count{Counter: post.Budget, By: -1})
	}
}

// status is a transport's status with nothing in it but numbers: an address cannot hide
// there.
func status(s string) string {
	var b []byte
	for i := range min(len(s), 16) {
		if c := s[i]; c >= '0' && c <= '9' || c == '.' || c == ' ' {
			b = append(b, c)
		}
	}
	return string(b)
}
