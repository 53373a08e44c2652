package memstore

import (
	"iter"
	"slices"
	"sort"
)

// chunk is how many elements lie together: adding moves no more than these.
const chunk = 512

// ordered is a sorted set, kept in chunks so that a large one stays cheap to change.
type ordered[T any] struct {
	compare func(a, b T) int
	chunks  [][]T // none is empty
}

// seek returns the place of the first element for which before is false. Elements for
// which it is true must all come first.
func (o *ordered[T]) seek(before func(T) bool) (c, i int) {
	c = sort.Search(len(o.chunks), func(c int) bool { return !before(o.chunks[c][len(o.chunks[c])-1]) })
	if c == len(o.chunks) {
		return c, 0
	}
	part := o.chunks[c]
	return c, sort.Search(len(part), func(i int) bool { return !before(part[i]) })
}

// add puts v into the set; it must not be there yet.
func (o *ordered[T]) add(v T) {
	c, i := o.seek(func(x T) bool { return o.compare(x, v) < 0 })
	if c == len(o.chunks) {
		if c == 0 {
			o.chunks = [][]T{{v}}
			return
		}
		c--
		i = len(o.chunks[c])
	}
	part := slices.Insert(o.chunks[c], i, v)
	if len(part) <= chunk {
		o.chunks[c] = part
		return
	}
	half := slices.Clone(part[chunk/2:])
	o.chunks[c] = slices.Delete(part, chunk/2, len(part))
	o.chunks = slices.Insert(o.chunks, c+1, half)
}

// remove takes out the element that equals v, if there is one.
func (o *ordered[T]) remove(v T) {
	c, i := o.seek(func(x T) bool { return o.compare(x, v) < 0 })
	if c == len(o.chunks) || o.compare(o.chunks[c][i], v) != 0 {
		return
	}
	if o.chunks[c] = slices.Delete(o.chunks[c], i, i+1); len(o.chunks[c]) == 0 {
		o.chunks = slices.Delete(o.chunks, c, c+1)
	}
}

// ascend yields the elements for which before is false, smallest first.
func (o *ordered[T]) ascend(before func(T) bool) iter.Seq[T] {
	return func(yield func(T) bool) {
		c, i := o.seek(before)
		for ; c < len(o.chunks); c, i = c+1, 0 {
			for _, v := range o.chunks[c][i:] {
				if !yield(v) {
					return
				}
			}
		}
	}
}

// descend yields the elements for which within is true, largest first.
func (o *ordered[T]) descend(within func(T) bool) iter.Seq[T] {
	return func(yield func(T) bool) {
		c, i := o.seek(within)
		for {
			for i--; i >= 0; i-- {
				if !yield(o.chunks[c][i]) {
					return
				}
			}
			if c--; c < 0 {
				return
			}
			i = len(o.chunks[c])
		}
	}
}
