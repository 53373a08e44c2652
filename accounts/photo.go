package accounts

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	_ "image/png" // photos come as PNG too
)

// The limits of photos.
const (
	MaxPhoto       = 1 << 20    // bytes of what is uploaded
	maxPhotoPixels = 25_000_000 // of what is uploaded, judged before it is unpacked
	photoSide      = 512        // pixels of the longer side of what is kept
	maxKept        = 160 << 10  // bytes of what is kept
)

// NewPhoto makes the picture that is kept of an uploaded image, from a file or a camera: a
// JPEG of at most 512 by 512 pixels, drawn anew, so that nothing else that the file held is
// left of it: no place, no time, no camera, no trailing bytes. It takes JPEG and PNG, and
// WebP in a program that has a decoder for it (import golang.org/x/image/webp for its
// effect); other forms are refused even where there are decoders for them. How a camera was
// turned is not read, so turn the image first.
//
// It reports [ErrPhotoTooLarge] beyond 1,048,576 bytes or 25 million pixels, and
// [ErrPhotoType] for anything that does not decode.
func NewPhoto(upload []byte) ([]byte, error) {
	if len(upload) > MaxPhoto {
		return nil, ErrPhotoTooLarge
	}
	c, form, err := image.DecodeConfig(bytes.NewReader(upload))
	if err != nil || form != "jpeg" && form != "png" && form != "webp" {
		return nil, ErrPhotoType
	}
	if c.Width <= 0 || c.Height <= 0 || c.Width > maxPhotoPixels/c.Height {
		return nil, ErrPhotoTooLarge // a small file can unpack to a gigabyte
	}
	whole, _, err := image.Decode(bytes.NewReader(upload))
	if err != nil {
		return nil, ErrPhotoType
	}
	small := shrink(whole)
	var out bytes.Buffer
	for _, quality := range []int{85, 60, 30, 10} {
		out.Reset()
		if err := jpeg.Encode(&out, small, &jpeg.Options{Quality: quality}); err != nil {
			return nil, ErrPhotoType
		}
		if out.Len() <= maxKept {
			break
		}
	}
	return out.Bytes(), nil
}

// shrink draws an image with a longer side of at most photoSide, each pixel the mean of
// those that it stands for, on white where the image is transparent.
func shrink(src image.Image) image.Image {
	b := src.Bounds()
	long := max(b.Dx(), b.Dy())
	side := min(long, photoSide)
	w, h := max(1, b.Dx()*side/long), max(1, b.Dy()*side/long)
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			area := image.Rect(x*b.Dx()/w, y*b.Dy()/h, (x+1)*b.Dx()/w, (y+1)*b.Dy()/h).Add(b.Min)
			dst.SetRGBA(x, y, mean(src, area))
		}
	}
	return dst
}

// mean is the mean colour of an area, which has a pixel at least.
func mean(src image.Image, area image.Rectangle) color.RGBA {
	var r, g, b uint64
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			pr, pg, pb, pa := src.At(x, y).RGBA()
			white := uint64(0xffff - pa)
			r, g, b = r+uint64(pr)+white, g+uint64(pg)+white, b+uint64(pb)+white
		}
	}
	n := uint64(area.Dx() * area.Dy() * 0x101)
	return color.RGBA{R: uint8(r / n), G: uint8(g / n), B: uint8(b / n), A: 0xff}
}
