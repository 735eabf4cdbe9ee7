// Package intern gives equal byte strings and equal word sequences one small
// number each. Many goroutines may ask at once; asking for what is known takes
// no lock. Numbers are dense and start at 0, in order of arrival: which content
// gets which number depends on timing, so nothing may be ordered by them.
//
// Before it: internal/dwarfscan's raw values. After it: graph.Strings, graph.Shapes.
package intern

import (
	"math/bits"
	"math/rand/v2"
)

// seed differs in every process, so that no input can be made to collide.
var seed = rand.Uint64() | 1

const (
	mulA = 0x9e3779b97f4a7c15
	mulB = 0xd6e8feb86659fd93
)

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// HashWords returns the hash under which w is kept.
func HashWords(w []uint32) uint64 {
	h := seed ^ uint64(len(w))*mulA
	for len(w) >= 2 {
		h = mix(h^(uint64(w[0])|uint64(w[1])<<32), mulB)
		w = w[2:]
	}
	if len(w) == 1 {
		h = mix(h^uint64(w[0]), mulA)
	}
	return mix(h, mulA)
}

// Words interns sequences of 32-bit words. What At returns stays valid; it must not be changed.
type Words struct{ table[uint32] }

// NewWords returns an empty table.
func NewWords() *Words {
	t := &Words{}
	t.init()
	return t
}

// At returns the sequence with number id, which Intern has given. It must not be changed.
func (t *Words) At(id uint32) []uint32 { return t.dir[id>>pageBits].Load()[id&(pageSize-1)].content }

func (t *Words) find(s *slots, h uint64, w []uint32) (uint32, bool) {
	for i := h & s.mask; ; i = (i + 1) & s.mask {
		v := s.slot[i].Load()
		if v == 0 {
			return 0, false
		}
		if (v^h)>>32 == 0 {
			id := uint32(v) - 1
			if equalWords(t.At(id), w) {
				return id, true
			}
		}
	}
}

func equalWords(a, b []uint32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// Lookup returns w's number if it has one.
func (t *Words) Lookup(w []uint32) (uint32, bool) { return t.find(t.tab.Load(), HashWords(w), w) }

// Intern returns w's number. isNew tells that this call gave it, which exactly
// one caller is told. w is copied.
func (t *Words) Intern(w []uint32) (id uint32, isNew bool) {
	h := HashWords(w)
	if id, ok := t.find(t.tab.Load(), h, w); ok {
		return id, false
	}
	return t.insert(h, w)
}
