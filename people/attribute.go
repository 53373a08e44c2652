package people

import (
	"context"
	"maps"
	"slices"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// The limits of attributes.
const (
	maxAttributes = 32
	maxAttribute  = 4096
)

// Attributes are what a host keeps about an account beside its fields. Values are
// personal.
type Attributes struct {
	Plain  map[string]string
	Secret []string // names; [Operator.Reveal] reads one
}

// attributeBinding is what a secret attribute is sealed for.
func attributeBinding(id accounts.ID, name string) credentials.Binding {
	return rec.AttributeBinding(string(id), name)
}

// Attributes returns the attributes of an account.
func (op *Operator) Attributes(ctx context.Context, id accounts.ID) (Attributes, error) {
	list, err := op.attributes(ctx, "Attributes", id)
	return Attributes{Plain: list.Plain, Secret: slices.Sorted(maps.Keys(list.Secret))}, err
}

func (op *Operator) attributes(ctx context.Context, name string, id accounts.ID) (rec.Attributes, error) {
	g, err := op.allowed(ctx, name)
	if err != nil {
		return rec.Attributes{}, err
	}
	if _, err := op.people.peek(ctx, g.Sites, id); err != nil {
		return rec.Attributes{}, op.refused(ctx, name, nil, err)
	}
	rs, err := op.people.core.Store.Load(ctx, rec.AttributeLists.Key(string(id)))
	if err != nil {
		return rec.Attributes{}, err
	}
	list, _, err := rec.AttributeLists.Decode(rs[0])
	return list, err
}

// SetAttribute sets a plain attribute of an account. Setting
// facial_recognition_enabled to "false" opts the owner out: what was made of the face goes
// in the same commit, and so does its key. Errors: [accounts.ErrAttribute].
func (op *Operator) SetAttribute(ctx context.Context, id accounts.ID, name, value string) error {
	return op.attribute(ctx, "SetAttribute", id, name, len(value), func(u *flow.Unit, list *rec.Attributes) error {
		delete(list.Secret, name)
		list.Plain = with(list.Plain, name, value)
		if !wantsFace(*list) {
			return dropFace(u, id, list)
		}
		return nil
	})
}

// SetSecret sets a secret attribute of an account. It is sealed before it is stored.
// Errors: [accounts.ErrAttribute].
func (op *Operator) SetSecret(ctx context.Context, id accounts.ID, name string, value panel.Secret) error {
	return op.attribute(ctx, "SetSecret", id, name, len(value.Reveal()), func(_ *flow.Unit, list *rec.Attributes) error {
		sealed, err := op.people.core.Keys.Seal(attributeBinding(id, name), []byte(value.Reveal()))
		if err != nil {
			return err
		}
		delete(list.Plain, name)
		list.Secret = with(list.Secret, name, sealed)
		return nil
	})
}

// RemoveAttribute takes an attribute away, plain or secret. Errors:
// [accounts.ErrAttributeNotFound].
func (op *Operator) RemoveAttribute(ctx context.Context, id accounts.ID, name string) error {
	return op.attribute(ctx, "RemoveAttribute", id, name, 0, func(_ *flow.Unit, list *rec.Attributes) error {
		_, plain := list.Plain[name]
		if _, secret := list.Secret[name]; !plain && !secret {
			return accounts.ErrAttributeNotFound
		}
		delete(list.Plain, name)
		delete(list.Secret, name)
		return nil
	})
}

// with sets a key of a map that may be nil.
func with[V any](m map[string]V, key string, v V) map[string]V {
	if m == nil {
		m = map[string]V{}
	}
	m[key] = v
	return m
}

// attribute changes the attributes of an account in one commit.
func (op *Operator) attribute(ctx context.Context, act string, id accounts.ID, name string, size int, edit func(*flow.Unit, *rec.Attributes) error) error {
	return op.beside(ctx, act, id, func(u *flow.Unit, a accounts.Account) error {
		if accounts.CheckUsername(name) != nil || size > maxAttribute || name == faceAttribute || name == faceErrorAttribute {
			return accounts.ErrAttribute
		}
		list, _, err := flow.Load(u, rec.AttributeLists, string(id))
		if err != nil {
			return err
		}
		if err := edit(u, &list); err != nil {
			return err
		}
		if len(list.Plain)+len(list.Secret) > maxAttributes {
			return accounts.ErrAttribute
		}
		if err := say(u, audit.AccountAttributeChanged, a, flow.F(audit.FieldAttribute, name)); err != nil {
			return err
		}
		return flow.Put(u, rec.AttributeLists, string(id), &list)
	})
}

// beside changes what is kept beside an account, in one commit that rests on the account.
func (op *Operator) beside(ctx context.Context, name string, id accounts.ID, edit func(u *flow.Unit, a accounts.Account) error) error {
	g, err := op.allowed(ctx, name)
	if err != nil {
		return err
	}
	var targets []string
	_, err = op.people.core.Act(ctx, op.actor, func(u *flow.Unit) error {
		a, err := load(u, g.Sites, id)
		if err != nil {
			return err
		}
		targets = []string{string(id)}
		if err := op.guard(u, name, g, a); err != nil {
			return err
		}
		if err := a.May(accounts.Validate, op.people.o.Policy); err != nil {
			return err
		}
		return edit(u, a)
	})
	return op.refused(ctx, name, targets, err)
}

// Reveal reads a secret attribute of an account, and says so in the log first. It needs a
// keyring that opens. Errors: [accounts.ErrAttributeNotFound], [credentials.ErrKeyMissing].
func (op *Operator) Reveal(ctx context.Context, id accounts.ID, name string) (panel.Secret, error) {
	var sealed credentials.Sealed
	err := op.beside(ctx, "Reveal", id, func(u *flow.Unit, a accounts.Account) error {
		list, _, err := flow.Load(u, rec.AttributeLists, string(id))
		if err != nil {
			return err
		}
		sealed = list.Secret[name]
		switch {
		case sealed.IsZero(), name == faceAttribute: // which [Service.Face] alone reads
			return accounts.ErrAttributeNotFound
		case op.people.core.Opener == nil:
			return credentials.ErrKeyMissing
		}
		return say(u, audit.AccountAttributeRead, a, flow.F(audit.FieldAttribute, name))
	})
	if err != nil {
		return panel.Secret{}, err
	}
	plain, err := op.people.core.Opener.Open(attributeBinding(id, name), sealed)
	return panel.SecretOf(plain), err
}
