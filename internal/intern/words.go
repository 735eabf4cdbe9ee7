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
	"sync"
	"sync/atomic"

	"github.com/gobtf/gobtf/internal/mem"
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

// slots is the open-addressing table: each slot is the hash's upper half and,
// in its lower half, the number plus one; 0 is free. It is at most half full.
type slots struct {
	mask uint64
	slot []atomic.Uint64
}

func newSlots(n int) *slots { return &slots{mask: uint64(n - 1), slot: make([]atomic.Uint64, n)} }

func slotOf(h uint64, id uint32) uint64 { return h&^0xffffffff | uint64(id) + 1 }

const (
	chunkBits = 18 // words a chunk of the arena: 1 MiB
	chunkSize = 1 << chunkBits
	pageBits  = 12 // entries a page of a numbered array
	pageSize  = 1 << pageBits
	maxPages  = 1 << 15 // 134 million numbers
)

// Words interns sequences of 32-bit words. A chunk of the arena never moves, so
// what At returns stays valid; it must not be changed.
type Words struct {
	tab  atomic.Pointer[slots]
	dir  [maxPages]atomic.Pointer[[pageSize][]uint32]
	n    atomic.Uint32
	mu   sync.Mutex
	free []uint32
	hash []uint64 // of every number, to grow without reading contents again
}

// NewWords returns an empty table.
func NewWords() *Words {
	t := &Words{}
	t.tab.Store(newSlots(1 << 12))
	return t
}

// Len returns how many different sequences there are.
func (t *Words) Len() int { return int(t.n.Load()) }

// At returns the sequence with number id, which Intern has given.
func (t *Words) At(id uint32) []uint32 { return t.dir[id>>pageBits].Load()[id&(pageSize-1)] }

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
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.tab.Load()
	if id, ok := t.find(s, h, w); ok {
		return id, false
	}
	id = t.n.Load()
	if id>>pageBits >= maxPages {
		panic("intern: more than 134 million different contents") // needs 2 GB of input that differs
	}
	page := t.dir[id>>pageBits].Load()
	if page == nil {
		page = new([pageSize][]uint32)
		t.dir[id>>pageBits].Store(page)
	}
	page[id&(pageSize-1)] = t.copy(w)
	t.hash = append(t.hash, h)
	t.n.Store(id + 1)
	if 2*len(t.hash) > len(s.slot) {
		t.tab.Store(grown(s, t.hash))
	} else {
		s.put(h, id)
	}
	return id, true
}

func (s *slots) put(h uint64, id uint32) {
	i := h & s.mask
	for s.slot[i].Load() != 0 {
		i = (i + 1) & s.mask
	}
	s.slot[i].Store(slotOf(h, id))
}

func grown(s *slots, hash []uint64) *slots {
	g := newSlots(4 * len(s.slot))
	for id, h := range hash {
		g.put(h, uint32(id))
	}
	return g
}

func (t *Words) copy(w []uint32) []uint32 {
	if len(w) > chunkSize/4 {
		return append([]uint32(nil), w...)
	}
	if len(t.free) < len(w) {
		t.free = make([]uint32, chunkSize)
		mem.Populate(t.free)
	}
	c := t.free[:len(w):len(w)]
	t.free = t.free[len(w):]
	copy(c, w)
	return c
}
