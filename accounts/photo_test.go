package accounts_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
)

func drawn(w, h int, at func(x, y int) color.Color) image.Image {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.Set(x, y, at(x, y))
		}
	}
	return m
}

func asPNG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, m))
	return b.Bytes()
}

// A photo keeps its picture and its proportions, at a size of its own.
func TestPhotosAreDrawnAnew(t *testing.T) {
	red := func(int, int) color.Color { return color.NRGBA{R: 200, A: 255} }
	for _, c := range []struct{ w, h, wantW, wantH int }{{100, 50, 100, 50}, {1024, 512, 512, 256}, {1, 1, 1, 1}, {1500, 2, 512, 1}} {
		out, err := accounts.NewPhoto(asPNG(t, drawn(c.w, c.h, red)))
		require.NoError(t, err)
		m, err := jpeg.Decode(bytes.NewReader(out))
		require.NoError(t, err)
		assert.Equal(t, image.Pt(c.wantW, c.wantH), m.Bounds().Size())
		r, g, b, _ := m.At(0, 0).RGBA()
		assert.InDelta(t, 200, r>>8, 6)
		assert.InDelta(t, 0, g>>8, 6)
		assert.InDelta(t, 0, b>>8, 6)
	}
	out, err := accounts.NewPhoto(asPNG(t, drawn(4, 4, func(int, int) color.Color { return color.NRGBA{} })))
	require.NoError(t, err)
	m, err := jpeg.Decode(bytes.NewReader(out))
	require.NoError(t, err)
	r, _, _, _ := m.At(1, 1).RGBA()
	assert.Greater(t, r>>8, uint32(250), "what is transparent is white")
}

// Noise does not become a record that no store takes.
func TestAPhotoIsSmall(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	noise := drawn(520, 520, func(int, int) color.Color {
		return color.NRGBA{R: uint8(rng.Uint32()), G: uint8(rng.Uint32()), B: uint8(rng.Uint32()), A: 255}
	})
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, noise, &jpeg.Options{Quality: 90}))
	out, err := accounts.NewPhoto(b.Bytes())
	require.NoError(t, err)
	assert.LessOrEqual(t, len(out), 160<<10)
}

// bomb is a PNG whose header promises a picture of that size.
func bomb(w, h uint32) []byte {
	b := []byte("\x89PNG\r\n\x1a\n")
	head := append([]byte("IHDR"), binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)...)
	head = append(head, 8, 2, 0, 0, 0)
	b = append(binary.BigEndian.AppendUint32(b, 13), head...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(head))
}

// Rules: G15, G16, G201
func TestWhatIsNoPhotoIsRefused(t *testing.T) {
	good := asPNG(t, drawn(4, 4, func(int, int) color.Color { return color.White }))
	for name, c := range map[string]struct {
		upload []byte
		want   error
	}{
		"nothing":           {nil, accounts.ErrPhotoType},
		"text":              {[]byte("no picture"), accounts.ErrPhotoType},
		"a drawing":         {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), accounts.ErrPhotoType},
		"half":              {good[:len(good)/2], accounts.ErrPhotoType},
		"a byte over":       {make([]byte, accounts.MaxPhoto+1), accounts.ErrPhotoTooLarge},
		"too many pixels":   {bomb(5000, 5001), accounts.ErrPhotoTooLarge},
		"more than a size":  {bomb(1<<30, 1<<30), accounts.ErrPhotoType},
		"promises the most": {bomb(5000, 5000), accounts.ErrPhotoType},
	} {
		_, err := accounts.NewPhoto(c.upload)
		assert.ErrorIs(t, err, c.want, name)
	}
	exact := append(bytes.Clone(good), make([]byte, accounts.MaxPhoto-len(good))...)
	_, err := accounts.NewPhoto(exact)
	assert.NoError(t, err, "1,048,576 bytes are a photo")
}

// Nothing of the file but its picture is left: a place, a camera, a page behind the end.
//
// Rules: G201
func TestNothingButThePictureIsLeft(t *testing.T) {
	const planted = "GPS 52.5200 N <script>"
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, drawn(16, 16, func(int, int) color.Color { return color.Gray{Y: 99} }), nil))
	upload := bytes.Clone(b.Bytes()[:2])
	upload = append(upload, 0xff, 0xe1, 0, byte(2+len(planted)))
	upload = append(append(append(upload, planted...), b.Bytes()[2:]...), planted...)
	out, err := accounts.NewPhoto(upload)
	require.NoError(t, err)
	assert.NotContains(t, string(out), planted)
	assert.NotContains(t, string(out), "Exif")
}

// A program may read more forms than photos may have: WebP is one of them where the program
// reads it, and no other is.
//
// Rules: G201
func TestAPhotoIsOfThreeForms(t *testing.T) {
	for form, want := range map[string]error{"webp": nil, "bmp": accounts.ErrPhotoType} {
		magic := "test " + form // what a decoder that a host imports would register
		image.RegisterFormat(form, magic,
			func(io.Reader) (image.Image, error) { return image.NewGray(image.Rect(0, 0, 4, 4)), nil },
			func(io.Reader) (image.Config, error) { return image.Config{Width: 4, Height: 4}, nil })
		_, err := accounts.NewPhoto([]byte(magic))
		require.ErrorIs(t, err, want, form)
	}
}

func FuzzNewPhoto(f *testing.F) {
	f.Add(asPNG(f, drawn(4, 4, func(int, int) color.Color { return color.White })))
	f.Add(bomb(5000, 5001))
	f.Fuzz(func(t *testing.T, upload []byte) {
		out, err := accounts.NewPhoto(upload)
		if err != nil {
			return
		}
		_, err = jpeg.DecodeConfig(bytes.NewReader(out))
		require.NoError(t, err)
	})
}
