package people

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/seed-a2d3eaca/keyholder/accounts"
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

// faceKey names the key of an account's face: a key of its own, so that it can be destroyed
// alone, and with it the face in every copy of the store that lacks the key.
func faceKey(id accounts.ID) string { return "face/" + string(id) }

// dropFace takes away all that was made of a face, and destroys its key.
func dropFace(u *flow.Unit, id accounts.ID, list *rec.Attributes) error {
	delete(list.Secret, faceAttribute)
	delete(list.Plain, faceErrorAttribute)
	return lose(u, rec.Salts, faceKey(id))
}

// embed makes the embedding of a face, or says why there is none.
func (s *Service) embed(ctx context.Context, image []byte) (face []float32, why string, err error) {
	face, err = s.o.Faces.Embed(ctx, image)
	switch {
	case errors.Is(err, accounts.ErrNoFaceDetected):
		return nil, flow.Reason(err), nil
	case err != nil:
		return nil, "", fmt.Errorf("embed: %w", err)
	case len(face) != FaceSize:
		return nil, "", accounts.ErrEmbeddingSize
	}
	return face, "", nil
}

// keepFace puts what was made of the face in a photo into a decision, in the place of what
// was made of the one before. Whoever opts out meanwhile has none kept.
func (s *Service) keepFace(u *flow.Unit, id accounts.ID, p picture) error {
	list, had, err := flow.Load(u, rec.AttributeLists, string(id))
	if err != nil {
		return err
	}
	wants := wantsFace(list)
	if wants && p.face != nil {
		err = s.sealFace(u, id, &list, p.face)
	} else {
		err = dropFace(u, id, &list)
	}
	if err != nil {
		return err
	}
	if wants && p.why != "" {
		list.Plain = with(list.Plain, faceErrorAttribute, p.why)
	}
	if !had && len(list.Plain)+len(list.Secret) == 0 {
		return nil
	}
	return flow.Put(u, rec.AttributeLists, string(id), &list)
}

// sealFace seals an embedding under the key of the face, and that under the keyring's.
func (s *Service) sealFace(u *flow.Unit, id accounts.ID, list *rec.Attributes, face []float32) error {
	delete(list.Plain, faceErrorAttribute)
	own, err := u.SealFor(faceKey(id), faceAttribute, floats(face))
	if err != nil {
		return err
	}
	sealed, err := s.core.Keys.Seal(faceBinding(id), own)
	list.Secret = with(list.Secret, faceAttribute, sealed)
	return err
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
	own, err := s.core.Opener.Open(faceBinding(id), list.Secret[faceAttribute])
	if err != nil {
		return nil, err
	}
	b, err := s.core.OpenFor(ctx, faceKey(id), faceAttribute, own)
	if err != nil || b == nil {
		return nil, err
	}
	face := make([]float32, len(b)/4)
	for i := range face {
		face[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return face, nil
}
