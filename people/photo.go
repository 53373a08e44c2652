package people

import (
	"context"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// decoding bounds how many photos a service unpacks at once.
const decoding = 2

// SetPhoto sets the photo of an account, from a file or a camera: see [accounts.NewPhoto]
// for what is kept of it. Where the host gives an [Embedder] and the owner has not opted
// out, the face is embedded and sealed in the same commit; if none is found the photo is
// kept and the reason is the attribute facial_recognition_embedding_error. Errors:
// [accounts.ErrPhotoTooLarge], [accounts.ErrPhotoType], [accounts.ErrEmbeddingSize], and
// those of the embedder.
func (op *Operator) SetPhoto(ctx context.Context, id accounts.ID, upload []byte) error {
	const name = "SetPhoto"
	list, err := op.attributes(ctx, name, id)
	if err != nil {
		return err
	}
	p, err := op.people.picture(ctx, upload, wantsFace(list))
	if err != nil {
		return op.refused(ctx, name, nil, err)
	}
	return op.beside(ctx, name, id, func(u *flow.Unit, a accounts.Account) error { return op.people.keep(u, a, p) })
}

// picture is a photo that is to be kept, with what was made of the face in it.
type picture struct {
	image []byte
	face  []float32
	why   string // there is no face
}

// picture makes what is kept of an upload.
func (s *Service) picture(ctx context.Context, upload []byte, face bool) (picture, error) {
	image, err := s.decode(ctx, upload)
	p := picture{image: image}
	if err == nil && face && s.o.Faces != nil {
		p.face, p.why, err = s.embed(ctx, image)
	}
	return p, err
}

// keep puts the photo of an account into a decision.
func (s *Service) keep(u *flow.Unit, a accounts.Account, p picture) error {
	if _, _, err := flow.Load(u, rec.Photos, string(a.ID)); err != nil {
		return err
	}
	if err := s.keepFace(u, a.ID, p); err != nil {
		return err
	}
	if err := say(u, audit.AccountPhotoChanged, a, flow.F(audit.FieldFields, "set")); err != nil {
		return err
	}
	return flow.Put(u, rec.Photos, string(a.ID), &rec.Photo{Image: p.image, Taken: u.Now()})
}

// decode makes a photo, a few at a time.
func (s *Service) decode(ctx context.Context, upload []byte) ([]byte, error) {
	select {
	case s.decoding <- struct{}{}:
		defer func() { <-s.decoding }()
		return accounts.NewPhoto(upload)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Photo returns the photo of an account, a JPEG. Serve it under the same right, as
// image/jpeg with nosniff and without caching. Errors: [accounts.ErrPhotoNotFound].
func (op *Operator) Photo(ctx context.Context, id accounts.ID) ([]byte, error) {
	const name = "Photo"
	g, err := op.allowed(ctx, name)
	if err != nil {
		return nil, err
	}
	if _, err := op.people.peek(ctx, g.Sites, id); err != nil {
		return nil, op.refused(ctx, name, nil, err)
	}
	return op.people.photo(ctx, id)
}

// photo reads the photo of an account.
func (s *Service) photo(ctx context.Context, id accounts.ID) ([]byte, error) {
	rs, err := s.core.Store.Load(ctx, rec.Photos.Key(string(id)))
	if err != nil {
		return nil, err
	}
	p, _, err := rec.Photos.Decode(rs[0])
	if err == nil && rs[0].Version == 0 {
		err = accounts.ErrPhotoNotFound
	}
	return p.Image, err
}

// RemovePhoto takes the photo of an account away, and all that was made of the face.
// Errors: [accounts.ErrPhotoNotFound].
func (op *Operator) RemovePhoto(ctx context.Context, id accounts.ID) error {
	return op.beside(ctx, "RemovePhoto", id, func(u *flow.Unit, a accounts.Account) error {
		_, found, err := flow.Load(u, rec.Photos, string(id))
		if err != nil {
			return err
		}
		if !found {
			return accounts.ErrPhotoNotFound
		}
		if err := op.people.keepFace(u, id, picture{}); err != nil {
			return err
		}
		flow.Drop(u, rec.Photos, string(id))
		return say(u, audit.AccountPhotoChanged, a, flow.F(audit.FieldFields, "removed"))
	})
}
