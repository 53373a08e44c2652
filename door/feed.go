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
	All    bool  `json:"all,omitempty"`
	// Check is a fingerprint by which an edge finds out that it has the site's key.
	Check   credentials.Fingerprint `json:"check"`
	Points  []rec.ReaderPoint       `json:"points"`
	Site    string                  `json:"site"`
	Changed []string                `json:"changed,omitempty"` // accounts whose holders are forgotten first
	Holders []fedHolder             `json:"holders,omitempty"`
	// Relation says that Groups and Rules are all there are now.
	Relation bool                `json:"relation,omitempty"`
	Groups   []credentials.Group `json:"groups,omitempty"`
	Rules    []rec.Rule          `json:"rules,omitempty"`
	Taken    rec.Taken           `json:"taken"`
	// Locks are what was counted against the reader.
	Locks map[credentials.Medium]rec.Lockout `json:"locks,omitempty"`
}

// fedHolder is a PIN with its duress PIN, or a tag. Its fingerprints are of the site's key.
type fedHolder struct {
	Account  string                `json:"account"`
	Record   credentials.Record    `json:"record"`
	Schedule *credentials.Schedule `json:"schedule,omitempty"`
	Changed  time.Time             `json:"changed"`
}

// Changes tells an edge what changed since a cursor, -1 for everything: opaque bytes for
// [Edge]. They hold fingerprints under the site's key and no code. Only a node whose
// keyring can open answers. Errors: [ErrReader], flow's and the store's.
func (s *Service) Changes(ctx context.Context, proof Proof, cursor int64) ([]byte, error) {
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
	f := feed{V: feedVersion, Points: r.Points, Site: r.Site}
	if f.Taken, err = load(ctx, s.core.Store, rec.Takens, takenID(proof.id())); err != nil {
		return nil, err
	}
	f.Locks = map[credentials.Medium]rec.Lockout{}
	for m := credentials.Keypad; m <= credentials.Phone; m++ {
		if f.Locks[m], err = load(ctx, s.core.Store, rec.Lockouts, lockID(proof.id(), m)); err != nil {
			return nil, err
		}
	}
	touched, err := s.since(ctx, cursor, &f)
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
	key, err := s.siteKey(r.Site)
	if err != nil {
		return nil, err
	}
	probe := credentials.NewProbe(key)
	f.Check = probe.Print(siteCheck())
	for _, id := range touched {
		f.Changed = append(f.Changed, id)
		if err := s.feedHolders(ctx, probe, id, &f); err != nil {
			return nil, err
		}
	}
	return json.Marshal(f)
}

// siteCheck is nobody's code.
func siteCheck() credentials.Material {
	return credentials.MarkMaterial([]byte("keyholder/door/site-key/v1"))
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
	if f.All = cursor < 0 || cursor > size || size-cursor > mostBehind; f.All {
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
				case rec.Accounts.Name:
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

// everybody lists the accounts that have a credential.
func (s *Service) everybody(ctx context.Context) ([]string, error) {
	var all []string
	q := store.Query{Kind: rec.Credentials.Name, Term: rec.ByAccount, Limit: store.MaxPage}
	for {
		page, err := s.core.Store.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, r := range page {
			c, _, err := rec.Credentials.Decode(r)
			if err != nil {
				return nil, err
			}
			if len(all) == 0 || all[len(all)-1] != c.Account {
				all = append(all, c.Account)
			}
			q.After = &store.Position{Value: []byte(c.Account), ID: r.Key.ID}
		}
		if len(page) < q.Limit {
			return all, nil
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
	rs, err := s.core.Store.Load(ctx, rec.Accounts.Key(account))
	if err != nil {
		return err
	}
	acc, _, err := rec.Accounts.Decode(rs[0])
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
		h.Record, h.Schedule = record(acc, rs[0].Version != 0, f.Site, main, rec.Usage{}), main.Schedule
		h.Record.Holder = id
		for _, c := range group {
			one, err := s.secretFor(probe, c)
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
