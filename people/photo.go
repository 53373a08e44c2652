package people

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// Embedder finds the face in a photo and makes numbers of it by which it is recognised:
// YuNet and MobileFaceNet, for example. keyholder has none of its own; without one, facial
// recognition cannot be switched on. It works on this machine and sends nothing anywhere.
type Embedder interface {
	// Embed returns [FaceSize] numbers for the face in a JPEG, or an error that wraps
	// [accounts.ErrNoFaceDetected]: its text is kept as the reason.
	Embed(ctx context.Context, jpeg []byte) ([]float32, error)
}

// FaceSize is how many numbers an embedding has.
const FaceSize = 512

// The attributes that facial recognition keeps.
const (
	faceAttribute        = rec.FaceAttribute                    // secret: FaceSize 32-bit floats, little-endian
	faceErrorAttribute   = "facial_recognition_embedding_error" // why there is none
	faceEnabledAttribute = "facial_recognition_enabled"         // "false" opts out
)

// wantsFace reports whether the owner has not opted out.
func wantsFace(list rec.Attributes) bool { return list.Plain[faceEnabledAttribute] != "false" }

// dropFace takes away all that was made of a face.
func dropFace(list *rec.Attributes) {
	delete(list.Secret, faceAttribute)
	delete(list.Plain, faceErrorAttribute)
}

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
	image, err := op.people.decode(ctx, upload)
	if err != nil {
		return op.refused(ctx, name, nil, err)
	}
	var face []float32
	var reason string
	if op.people.o.Faces != nil && wantsFace(list) {
		face, err = op.people.o.Faces.Embed(ctx, image)
		switch {
		case errors.Is(err, accounts.ErrNoFaceDetected):
			face, reason = nil, flow.Reason(err)
		case err != nil:
			return fmt.Errorf("embed: %w", err)
		case len(face) != FaceSize:
			return accounts.ErrEmbeddingSize
		}
	}
	return op.beside(ctx, name, id, func(u *flow.Unit, a accounts.Account) error {
		if _, _, err := flow.Load(u, rec.Photos, string(id)); err != nil {
			return err
		}
		list, had, err := flow.Load(u, rec.AttributeLists, string(id))
		if err != nil {
			return err
		}
		dropFace(&list)
		if wantsFace(list) && reason != "" {
			list.Plain = with(list.Plain, faceErrorAttribute, reason)
		}
		if wantsFace(list) && face != nil {
			sealed, err := op.people.core.Keys.Seal(faceBinding(id), floats(face))
			if err != nil {
				return err
			}
			list.Secret = with(list.Secret, faceAttribute, sealed)
		}
		if had || len(list.Plain)+len(list.Secret) > 0 {
			if err := flow.Put(u, rec.AttributeLists, string(id), &list); err != nil {
				return err
			}
		}
		if err := say(u, audit.AccountPhotoChanged, a, flow.F(audit.FieldFields, "set")); err != nil {
			return err
		}
		return flow.Put(u, rec.Photos, string(id), &rec.Photo{Image: image, Taken: u.Now()})
	})
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

// floats are the bytes of an embedding.
func floats(face []float32) []byte {
	b := make([]byte, 0, 4*len(face))
	for _, f := range face {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(f))
	}
	return b
}

// faceBinding is what an embedding is sealed for: unlike other secret attributes it is
// read by [Service.Face] alone.
func faceBinding(id accounts.ID) credentials.Binding {
	return rec.AttributeBinding(string(id), faceAttribute)
}

// Face returns the embedding of an account's face, for a host's own matcher; nil without an
// [Embedder], if there is none, or if the owner has opted out. It needs a keyring that
// opens and asks no right.
func (s *Service) Face(ctx context.Context, id accounts.ID) ([]float32, error) {
	if s.o.Faces == nil {
		return nil, nil
	}
	rs, err := s.core.Store.Load(ctx, rec.AttributeLists.Key(string(id)))
	if err != nil {
		return nil, err
	}
	list, _, err := rec.AttributeLists.Decode(rs[0])
	if err != nil || list.Secret[faceAttribute].IsZero() {
		return nil, err
	}
	if s.core.Opener == nil {
		return nil, credentials.ErrKeyMissing
	}
	b, err := s.core.Opener.Open(faceBinding(id), list.Secret[faceAttribute])
	if err != nil {
		return nil, err
	}
	face := make([]float32, len(b)/4)
	for i := range face {
		face[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return face, nil
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
		list, had, err := flow.Load(u, rec.AttributeLists, string(id))
		if err != nil {
			return err
		}
		if dropFace(&list); had {
			if err := flow.Put(u, rec.AttributeLists, string(id), &list); err != nil {
				return err
			}
		}
		flow.Drop(u, rec.Photos, string(id))
		return say(u, audit.AccountPhotoChanged, a, flow.F(audit.FieldFields, "removed"))
	})
}
