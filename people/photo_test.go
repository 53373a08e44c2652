package people_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// portrait is a picture.
var portrait = func() []byte {
	m := image.NewRGBA(image.Rect(0, 0, 40, 60))
	for i := range m.Pix {
		m.Pix[i] = byte(i)
	}
	m.SetRGBA(0, 0, color.RGBA{})
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(err)
	}
	return b.Bytes()
}()

// faces is an embedder that finds what it is told.
type faces struct {
	calls int
	size  int
	err   error
}

func (f *faces) Embed(context.Context, []byte) ([]float32, error) {
	f.calls++
	if f.err != nil {
		return nil, f.err
	}
	face := make([]float32, f.size)
	for i := range face {
		face[i] = float32(i) / 512
	}
	return face, nil
}

func (b *bench) kind(kind store.Kind) []store.Record {
	b.t.Helper()
	rs, err := b.store.List(b.t.Context(), store.Query{Kind: kind})
	require.NoError(b.t, err)
	return rs
}

// Rules: G14, G20, G22, G28
func TestPhotosAreKeptDrawnAnew(t *testing.T) {
	b := newBench(t)
	a := b.account("owner@example.com", accounts.Active)
	_, err := b.op.Photo(t.Context(), a.ID)
	require.ErrorIs(t, err, accounts.ErrPhotoNotFound)
	require.ErrorIs(t, b.op.RemovePhoto(t.Context(), a.ID), accounts.ErrPhotoNotFound)
	require.ErrorIs(t, b.op.SetPhoto(t.Context(), a.ID, []byte("no picture")), accounts.ErrPhotoType)
	require.NoError(t, b.op.SetPhoto(t.Context(), a.ID, portrait))
	p, err := b.op.Photo(t.Context(), a.ID)
	require.NoError(t, err)
	_, form, err := image.DecodeConfig(bytes.NewReader(p))
	require.NoError(t, err)
	assert.Equal(t, "jpeg", form)
	assert.Empty(t, b.kind("attributes"), "without an embedder nothing is made of a face")
	require.NoError(t, b.op.RemovePhoto(t.Context(), a.ID))
	_, err = b.op.Photo(t.Context(), a.ID)
	require.ErrorIs(t, err, accounts.ErrPhotoNotFound)
	assert.Equal(t, 2, b.entries()[audit.AccountPhotoChanged])
}

// Rules: G18, G21, G24, G25, G26, G27, G28
func TestFacesAreSealedAndLeaveWithThePhoto(t *testing.T) {
	f := &faces{size: people.FaceSize}
	b := newBench(t, func(o *people.Options) { o.Faces = f })
	a := b.account("owner@example.com", accounts.Active)
	want, err := f.Embed(t.Context(), nil)
	require.NoError(t, err)
	face := func() []float32 {
		got, err := b.svc.Face(t.Context(), a.ID)
		require.NoError(t, err)
		return got
	}
	plain := func() map[string]string {
		list, err := b.op.Attributes(t.Context(), a.ID)
		require.NoError(t, err)
		return list.Plain
	}
	assert.Nil(t, face())
	require.NoError(t, b.op.SetPhoto(t.Context(), a.ID, portrait))
	assert.Equal(t, want, face())
	list, err := b.op.Attributes(t.Context(), a.ID)
	require.NoError(t, err)
	assert.Equal(t, []string{"facial_recognition_embedding"}, list.Secret)
	require.ErrorIs(t, b.op.SetAttribute(t.Context(), a.ID, "facial_recognition_embedding", "x"), accounts.ErrAttribute)

	f.err = fmt.Errorf("%w: two faces", accounts.ErrNoFaceDetected)
	require.NoError(t, b.op.SetPhoto(t.Context(), a.ID, portrait), "the photo is kept")
	assert.Nil(t, face())
	assert.Contains(t, plain()["facial_recognition_embedding_error"], "two faces")
	f.err = nil
	require.NoError(t, b.op.SetPhoto(t.Context(), a.ID, portrait))
	assert.Empty(t, plain())
	assert.NotNil(t, face())

	require.NoError(t, b.op.SetAttribute(t.Context(), a.ID, "facial_recognition_enabled", "false"))
	assert.Nil(t, face(), "opting out takes it away")
	calls := f.calls
	require.NoError(t, b.op.SetPhoto(t.Context(), a.ID, portrait))
	assert.Equal(t, calls, f.calls)
	require.NoError(t, b.op.SetAttribute(t.Context(), a.ID, "facial_recognition_enabled", "true"))
	require.NoError(t, b.op.SetPhoto(t.Context(), a.ID, portrait))
	assert.NotNil(t, face())
	require.NoError(t, b.op.RemovePhoto(t.Context(), a.ID))
	assert.Nil(t, face())

	f.size = 511
	require.ErrorIs(t, b.op.SetPhoto(t.Context(), a.ID, portrait), accounts.ErrEmbeddingSize)
	f.size = people.FaceSize
	require.NoError(t, b.op.SetPhoto(t.Context(), a.ID, portrait))
	require.NoError(t, b.op.Remove(t.Context(), a.ID, people.Confirmation{Account: "owner@example.com"}))
	assert.Empty(t, b.kind("photo"), "removal takes photo and face in its commit")
	assert.Empty(t, b.kind("attributes"))
}
