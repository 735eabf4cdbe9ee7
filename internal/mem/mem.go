// Package mem asks the system for memory pages ahead of their first use, and gives back those that are not needed any more. Touching
// fresh pages one by one costs a fault each, which on a virtual machine can be
// twenty times the price of getting many at once.
//
// It is used by whoever is about to fill a large array; it changes no contents.
package mem

import "unsafe"

// worth is the size below which a call costs more than it saves.
const worth = 64 << 10

// Populate makes the pages that s covers resident. s must be about to be written
// as a whole: pages of it that would never be touched become resident too. Where
// the system cannot do it, nothing happens.
func Populate[T any](s []T) {
	if len(s) == 0 {
		return
	}
	var t T
	n := uintptr(len(s)) * unsafe.Sizeof(t)
	if n < worth {
		return
	}
	populate(unsafe.Pointer(unsafe.SliceData(s)), n)
}

// Release gives the pages that s covers back to the system, before the garbage collector finds out that nobody has s any more. Its elements
// are zero afterwards, or what they were.
func Release[T any](s []T) {
	if len(s) == 0 {
		return
	}
	var t T
	if n := uintptr(len(s)) * unsafe.Sizeof(t); n >= worth {
		release(unsafe.Pointer(unsafe.SliceData(s)), n)
	}
}

// A Grower populates a slice with much spare capacity step by step, as it fills.
type Grower[T any] struct {
	upTo int // elements that are resident
	data *T  // of the slice that upTo is about
}

// step is how many bytes are populated at a time.
const step = 4 << 20

// Ahead returns what is to be made resident, by Populate, before n more elements are appended to s: room for them and some more. Mostly
// that is nothing.
func (g *Grower[T]) Ahead(s []T, n int) []T {
	if d := unsafe.SliceData(s); d != g.data {
		g.data, g.upTo = d, len(s)
	}
	if len(s)+n <= g.upTo || len(s)+n > cap(s) {
		return nil
	}
	var t T
	to := min(cap(s), max(len(s)+n, g.upTo+step/int(unsafe.Sizeof(t))))
	from := g.upTo
	g.upTo = to
	return s[from:to:to]
}
