package door

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Changes for an edge.
const (
	feedVersion = 1
	feedPage    = 1000
	mostBehind  = 5 * feedPage // entries; further behind, everything is sent anew
)

// feed is what an edge has to know: everything, or what changed.
type feed struct {
	V      int   `json:"v"`
	Cursor int64 `json:"cursor"` // the log's next index
	// Now is the server's time, and Last that of the newest entry of its log.
	Now  time.Time `json:"now"`
	Last time.Time `json:"last,omitzero"`
	All  bool      `json:"all,omitempty"`
	// Check is a fingerprint by which an edge finds out under which of the site's keys this
	// is; Due that there is a newer one.
	Check   credentials.Fingerprint `json:"check"`
	Due     bool                    `json:"due,omitempty"`
	Points  []rec.ReaderPoint       `json:"points"`
	Site    string                  `json:"site"`
	Changed []string                `json:"changed,omitempty"` // accounts whose holders are forgotten first
	Holders []fedHolder             `json:"holders,omitempty"`
	// Out are all accounts, sorted, that the host's directory keeps out.
	Out []string `json:"out,omitempty"`
	// Relation says that Groups and Rules are all there are now.
	Relation bool                `json:"relation,omitempty"`
	Groups   []credentials.Group `json:"groups,omitempty"`
	Rules    []rec.Rule          `json:"rules,omitempty"`
	Taken    rec.Taken           `json:"taken"`
	// Locks are what was counted against the reader.
	Locks []counting `json:"locks,omitempty"`
	// Both is until when a second credential is asked for, after many wrong codes.
	Both time.Time `json:"both,omitzero"`
}

// fedHolder is a PIN with its duress PIN, or a tag. Its fingerprints are of the site's key.
type fedHolder struct {
	Account  string                `json:"account"`
	Record   credentials.Record    `json:"record"`
	Schedule *credentials.Schedule `json:"schedule,omitempty"`
	Changed  time.Time             `json:"changed"`
	Broken   bool                  `json:"broken,omitempty"` // a sealed value of it does not open
}

// access is the relation that is sent; nil: it stays as it is.
func (f *feed) access() (*credentials.Access, error) {
	if !f.Relation {
		return nil, nil //nolint:nilnil // nothing was sent and nothing is wrong
	}
	var rules []credentials.Rule
	for _, r := range f.Rules {
		c, err := r.Compile()
		if err != nil {
			return nil, err
		}
		rules = append(rules, c)
	}
	return credentials.NewAccess(f.Groups, rules), nil
}

// Changes tells an edge what changed since it was told last: opaque bytes for [Edge]. They
// hold fingerprints under a key of the site and no code. Only a node whose keyring can open
// answers. Errors: [ErrReader], flow's and the store's.
func (s *Service) Changes(ctx context.Context, proof Proof, known Known) ([]byte, error) {
	if s.core.Opener == nil {
		return nil, flow.ErrNoOpener
	}
	r, err := load(ctx, s.core.Store, rec.Readers, proof.id())
	if err != nil {
		return nil, err
	}
	if !proof.matches(r.Hash) || !r.Ended.IsZero() {
		return nil, s.core.Refused(ctx, asker(proof.id()), "door.Changes", nil, ErrReader)
	}
	f := feed{V: feedVersion, Now: s.core.Time(), Site: r.Site}
	if f.Last, err = s.newest(ctx); err != nil {
		return nil, err
	}
	if f.Points, err = s.pointsOf(ctx, r); err != nil {
		return nil, err
	}
	if f.Taken, err = load(ctx, s.core.Store, rec.Takens, takenID(proof.id())); err != nil {
		return nil, err
	}
	if f.Locks, err = s.countings(ctx, proof.id(), r); err != nil {
		return nil, err
	}
	if f.Both, err = s.both(ctx, r.Site); err != nil {
		return nil, err
	}
	key, err := s.siteKeyFor(ctx, r.Site, known, &f)
	if err != nil {
		return nil, err
	}
	touched, err := s.since(ctx, known.Cursor, &f)
	if err != nil {
		return nil, err
	}
	if f.All {
		if touched, err = s.everybody(ctx); err != nil {
			return nil, err
		}
		f.Relation = true
	}
	if f.Relation {
		if err := s.relate(ctx, &f); err != nil {
			return nil, err
		}
	}
	if f.Out, err = s.out(ctx); err != nil {
		return nil, err
	}
	for _, id := range touched {
		f.Changed = append(f.Changed, id)
		if err := s.feedHolders(ctx, key.Probe, id, &f); err != nil {
			return nil, err
		}
	}
	return json.Marshal(f)
}

// newest is the time of the log's newest entry; zero if it is no measure for clocks.
func (s *Service) newest(ctx context.Context) (time.Time, error) {
	last, err := s.core.Store.Entries(ctx, store.EntryQuery{OldestLast: true, Limit: 1})
	if err != nil || len(last) == 0 || !last[0].At.After(s.o.LogAhead) {
		return time.Time{}, err
	}
	return last[0].At, nil
}

// both is until when a site asks for a second credential, zero if it does not.
func (s *Service) both(ctx context.Context, site string) (time.Time, error) {
	now := s.core.Time()
	g, err := load(ctx, s.core.Store, rec.Guessings, guessingID(site, now))
	if err != nil || !s.p.Both || g.At.IsZero() {
		return time.Time{}, err
	}
	return now.UTC().Truncate(guessDay).Add(guessDay), nil
}

// pointsOf are the points for which a reader speaks and which are at its site still.
func (s *Service) pointsOf(ctx context.Context, r rec.Reader) ([]rec.ReaderPoint, error) {
	var own []rec.ReaderPoint
	for _, p := range r.Points {
		point, err := load(ctx, s.core.Store, rec.Points, p.ID)
		if err != nil {
			return nil, err
		}
		if point.Site == r.Site {
			own = append(own, p)
		}
	}
	return own, nil
}

func takenID(reader string) string { return "door/journal/" + reader }

// since reads the log from the cursor on, and tells whose rows were written. The rows are
// read after it, so they are never older than the cursor.
func (s *Service) since(ctx context.Context, cursor int64, f *feed) ([]string, error) {
	size, _, err := s.core.Store.Tree(ctx)
	if err != nil {
		return nil, err
	}
	f.Cursor = size
	if f.All = f.All || cursor < 0 || cursor > size || size-cursor > mostBehind; f.All {
		return nil, nil
	}
	var touched []string
	for at := cursor; at < size; {
		page, err := s.core.Store.Entries(ctx, store.EntryQuery{ByIndex: true, FromIndex: at, Limit: feedPage})
		if err != nil {
			return nil, err
		}
		if len(page) == 0 {
			break
		}
		for _, l := range page {
			rows, err := rowsOf(l)
			if err != nil {
				return nil, err
			}
			for _, row := range rows {
				kind, id, _ := strings.Cut(row, "/")
				switch store.Kind(kind) {
				case rec.Accounts.Name, rec.Projections.Name:
				case rec.Credentials.Name:
					id = accountOf(id)
				case rec.Rules.Name, rec.Groups.Name:
					f.Relation = true
					continue
				default:
					continue
				}
				if !slices.Contains(touched, id) {
					touched = append(touched, id)
				}
			}
		}
		at = page[len(page)-1].Index + 1
	}
	return touched, nil
}

// rowsOf are the rows that an entry leaves.
func rowsOf(l store.Entry) ([]string, error) {
	var body struct {
		State []struct {
			Row string `json:"row"`
		} `json:"state"`
	}
	if err := json.Unmarshal(l.Body, &body); err != nil {
		return nil, fmt.Errorf("entry %s: %w", l.ID, errors.Join(rec.ErrBody, err))
	}
	var rows []string
	for _, st := range body.State {
		rows = append(rows, st.Row)
	}
	return rows, nil
}

// accountOf reads the account out of a credential's id.
func accountOf(id string) string {
	for _, kind := range []rec.CredentialKind{rec.PIN, rec.DuressPIN, rec.TagNumber} {
		if at := strings.LastIndex(id, "."+string(kind)); at > 0 {
			return id[:at]
		}
	}
	return id
}

// everybody lists the accounts that have a credential, sorted.
func (s *Service) everybody(ctx context.Context) ([]string, error) {
	var all []string
	err := s.inUse(ctx, func(c rec.Credential) {
		if len(all) == 0 || all[len(all)-1] != c.Account {
			all = append(all, c.Account)
		}
	})
	return all, err
}

// inUse goes through all credentials, one account after the other.
func (s *Service) inUse(ctx context.Context, see func(rec.Credential)) error {
	q := store.Query{Kind: rec.Credentials.Name, Term: rec.ByAccount, Limit: store.MaxPage}
	for {
		page, err := s.core.Store.List(ctx, q)
		if err != nil {
			return err
		}
		for _, r := range page {
			c, _, err := rec.Credentials.Decode(r)
			if err != nil {
				return err
			}
			see(c)
			q.After = &store.Position{Value: []byte(c.Account), ID: r.Key.ID}
		}
		if len(page) < q.Limit {
			return nil
		}
	}
}

// relate adds the rules and groups of the site.
func (s *Service) relate(ctx context.Context, f *feed) error {
	groups, err := s.atSite(ctx, rec.Groups.Name, "", f.Site)
	if err != nil {
		return err
	}
	for _, r := range groups {
		g, _, err := rec.Groups.Decode(r)
		if err != nil {
			return err
		}
		f.Groups = append(f.Groups, g.Group)
	}
	rules, err := s.atSite(ctx, rec.Rules.Name, f.Site)
	if err != nil {
		return err
	}
	for _, r := range rules {
		one, _, err := rec.Rules.Decode(r)
		if err != nil {
			return err
		}
		f.Rules = append(f.Rules, one)
	}
	return nil
}

// feedHolders adds what lets an account in: its codes as one, each tag as one.
func (s *Service) feedHolders(ctx context.Context, probe *credentials.Probe, account string, f *feed) error {
	rs, err := s.core.Store.Load(ctx, rec.Accounts.Key(account), rec.Projections.Key(account))
	if err != nil {
		return err
	}
	acc, _, err := rec.Accounts.Decode(rs[0])
	if err != nil {
		return err
	}
	in := rs[0].Version != 0
	if s.o.Directory != nil {
		acc, in = hosted(account), true // whom the host keeps out is told beside
	}
	devices, _, err := rec.Projections.Decode(rs[1])
	if err != nil {
		return err
	}
	listed, err := s.core.Store.List(ctx, store.Query{Kind: rec.Credentials.Name, Term: rec.ByAccount, From: []byte(account), To: append([]byte(account), 0)})
	if err != nil {
		return err
	}
	groups := map[string][]rec.Credential{}
	for _, r := range listed {
		c, _, err := rec.Credentials.Decode(r)
		if err != nil {
			return err
		}
		id := r.Key.ID
		if c.Kind != rec.TagNumber {
			id = rec.CredentialID(account, rec.PIN, 0)
		}
		groups[id] = append(groups[id], c)
	}
	for id, group := range groups {
		h := fedHolder{Account: account}
		main := group[0]
		for _, c := range group {
			if c.Kind == rec.PIN {
				main = c
			}
			if c.Changed.After(h.Changed) {
				h.Changed = c.Changed
			}
		}
		h.Record, h.Schedule = record(acc, in && !devices.Ended.Holds(f.Site), f.Site, main, rec.Usage{}), main.Schedule
		h.Record.Holder = id
		if h.Record.Window.Validate() != nil { // the account ends before the credential begins
			h.Record.Disabled, h.Record.Window = true, credentials.Window{Revoked: h.Record.Window.Revoked}
		}
		for _, c := range group {
			one, err := s.secretFor(probe, c)
			if errors.Is(err, credentials.ErrDecrypt) {
				h.Broken = true
				continue
			}
			if err != nil {
				return err
			}
			h.Record.Secrets = append(h.Record.Secrets, one...)
		}
		f.Holders = append(f.Holders, h)
	}
	return nil
}

// secretFor opens a credential for the site's index. What is not kept any more is left out.
func (s *Service) secretFor(probe *credentials.Probe, c rec.Credential) ([]credentials.Secret, error) {
	if c.Sealed.IsZero() {
		return nil, nil
	}
	bind, scope := rec.CredentialBinding(c.Account, c.Kind, c.Generation), credentials.Scope{Kind: credentials.TenantScope}
	if c.Kind == rec.TagNumber {
		t, err := credentials.OpenNamedTag(s.core.Opener, s.core.Keys, bind, c.Sealed, scope, c.Names)
		one := probe.Tag(t)
		one.Lost = c.State != rec.TagActive
		return []credentials.Secret{one}, err
	}
	code, err := credentials.OpenNamedCode(s.core.Opener, s.core.Keys, bind, c.Sealed, scope, c.Names)
	return []credentials.Secret{probe.Code(code, c.Kind == rec.DuressPIN)}, err
}
