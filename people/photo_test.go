package people_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// portrait and landscape are pictures.
var portrait, landscape = draw(40, 60), draw(60, 40)

func draw(w, h int) []byte {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = byte(i)
	}
	m.SetRGBA(0, 0, color.RGBA{})
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(err)
	}
	return b.Bytes()
}

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

// Rules: G18, G21, G23, G24, G25, G26, G27, G28
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
	_, err = b.op.Reveal(t.Context(), a.ID, "facial_recognition_embedding")
	require.ErrorIs(t, err, accounts.ErrAttributeNotFound, "no operator reads it")

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

// A face has a key of its own. Opting out destroys that key and no other: a copy of the
// sealed face that somebody kept opens no more, and what the log says of the person does.
//
// Rules: G27, G201
func TestAFaceHasAKeyOfItsOwn(t *testing.T) {
	for name, end := range map[string]func(b *bench, a people.Account) error{
		"opting out": func(b *bench, a people.Account) error {
			return b.op.SetAttribute(t.Context(), a.ID, "facial_recognition_enabled", "false")
		},
		"the photo goes": func(b *bench, a people.Account) error { return b.op.RemovePhoto(t.Context(), a.ID) },
	} {
		b := newBench(t, func(o *people.Options) { o.Faces = &faces{size: people.FaceSize} })
		a := b.account("owner@example.com", accounts.Active)
		require.NoError(t, b.op.SetPhoto(t.Context(), a.ID, portrait))
		face, err := b.svc.Face(t.Context(), a.ID)
		require.NoError(t, err)
		require.Len(t, face, people.FaceSize)
		kept := b.kind("attributes")[0]
		require.NoError(t, end(b, a), name)

		core := &flow.Core{Store: b.store, Keys: b.keys}
		_, err = core.Act(t.Context(), accounts.SystemActor("test"), func(u *flow.Unit) error {
			_, _, err := flow.Load(u, rec.AttributeLists, string(a.ID))
			if err != nil {
				return err
			}
			old, _, err := rec.AttributeLists.Decode(kept)
			if err != nil {
				return err
			}
			if err := flow.Put(u, rec.AttributeLists, string(a.ID), &old); err != nil {
				return err
			}
			_, err = u.Say(audit.RepairDone, audit.Success, nil)
			return err
		})
		require.NoError(t, err)
		face, err = b.svc.Face(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Nil(t, face, "%s: a copy from before opens no more", name)
		assert.Contains(t, b.addresses(core, a), "owner@example.com", "the person is not erased")
	}
}

// addresses are the addresses that the log says of an account.
func (b *bench) addresses(core *flow.Core, a people.Account) []string {
	b.t.Helper()
	es, err := b.store.Entries(b.t.Context(), store.EntryQuery{Target: []byte(a.ID)})
	require.NoError(b.t, err)
	var out []string
	for _, e := range es {
		d, err := audit.Decode(e.Body)
		require.NoError(b.t, err)
		d, err = core.OpenEntry(b.t.Context(), d)
		require.NoError(b.t, err)
		out = append(out, d.Value(audit.FieldEmail))
	}
	return out
}

// embedding is an embedder that does something else meanwhile.
type embedding func()

func (f embedding) Embed(context.Context, []byte) ([]float32, error) {
	f()
	return make([]float32, people.FaceSize), nil
}

// Who opts out while their photo is being looked at has nothing of it kept.
//
// Rules: G27
func TestOptingOutMeanwhileCounts(t *testing.T) {
	var b *bench
	var a people.Account
	b = newBench(t, func(o *people.Options) {
		o.Faces = embedding(func() {
			require.NoError(t, b.op.SetAttribute(t.Context(), a.ID, "facial_recognition_enabled", "false"))
		})
	})
	a = b.account("owner@example.com", accounts.Active)
	require.NoError(t, b.op.SetPhoto(t.Context(), a.ID, portrait))
	face, err := b.svc.Face(t.Context(), a.ID)
	require.NoError(t, err)
	assert.Nil(t, face)
	list, err := b.op.Attributes(t.Context(), a.ID)
	require.NoError(t, err)
	assert.Empty(t, list.Secret)
}

// Two cameras and two files: what is kept of a picture does not depend on where it is from.
//
// Rules: G17, G18
func TestAPhotoFromACameraIsOneFromAFile(t *testing.T) {
	b := newBench(t)
	a := b.account("owner@example.com", accounts.Active)
	picture, err := png.Decode(bytes.NewReader(portrait))
	require.NoError(t, err)
	var camera bytes.Buffer
	require.NoError(t, jpeg.Encode(&camera, picture, &jpeg.Options{Quality: 100}))
	exif := append([]byte("\xff\xd8\xff\xe1\x00\x15Exif\x00\x00GPS 52 N 13 E"), camera.Bytes()[2:]...)
	for name, upload := range map[string][]byte{"a file": portrait, "a camera": camera.Bytes(), "a camera that says where": exif} {
		require.NoError(t, b.op.SetPhoto(t.Context(), a.ID, upload), name)
		kept, err := b.op.Photo(t.Context(), a.ID)
		require.NoError(t, err)
		c, form, err := image.DecodeConfig(bytes.NewReader(kept))
		require.NoError(t, err)
		assert.Equal(t, []any{"jpeg", 40, 60}, []any{form, c.Width, c.Height}, name)
		assert.NotContains(t, string(kept), "GPS", name)
	}
}
