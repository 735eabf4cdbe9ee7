package intern

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
)

// HashBytes returns the hash under which b is kept.
func HashBytes(b []byte) uint64 { return HashSeeded(seed, b) }

// Seed returns a seed for HashSeeded: this process's.
func Seed() uint64 { return seed }

// HashSeeded is HashBytes with a seed that the caller keeps, for a table that outlives the process.
func HashSeeded(seed uint64, b []byte) uint64 {
	h := seed ^ uint64(len(b))*mulA
	for len(b) >= 8 {
		h = mix(h^binary.LittleEndian.Uint64(b), mulB)
		b = b[8:]
	}
	if len(b) >= 4 {
		h = mix(h^uint64(binary.LittleEndian.Uint32(b)), mulA)
		b = b[4:]
	}
	var last uint64
	for i, c := range b {
		last |= uint64(c) << (8 * i)
	}
	return mix(h^last, mulA)
}

// Bytes interns byte strings, as Words does word sequences.
type Bytes struct{ table[byte] }

// NewBytes returns an empty table.
func NewBytes() *Bytes {
	t := &Bytes{}
	t.init()
	return t
}

// At returns the string with number id, which Intern has given. It must not be changed.
func (t *Bytes) At(id uint32) []byte { return t.dir[id>>pageBits].Load()[id&(pageSize-1)].content }

func (t *Bytes) find(s *slots, h uint64, b []byte) (uint32, bool) {
	for i := h & s.mask; ; i = (i + 1) & s.mask {
		v := s.slot[i].Load()
		if v == 0 {
			return 0, false
		}
		if (v^h)>>32 == 0 {
			id := uint32(v) - 1
			if string(t.At(id)) == string(b) {
				return id, true
			}
		}
	}
}

// Lookup returns b's number if it has one.
func (t *Bytes) Lookup(b []byte) (uint32, bool) { return t.find(t.tab.Load(), HashBytes(b), b) }

// Intern returns b's number. isNew tells that this call gave it. b is copied.
func (t *Bytes) Intern(b []byte) (id uint32, isNew bool) {
	h := HashBytes(b)
	if id, ok := t.find(t.tab.Load(), h, b); ok {
		return id, false
	}
	return t.insert(h, b)
}

// Uint64s is a numbered array of 64-bit values that many goroutines may lower.
// A value never set is the largest.
type Uint64s struct {
	mu  sync.Mutex
	dir [maxPages]atomic.Pointer[[pageSize]atomic.Uint64]
}

// At returns entry id.
func (a *Uint64s) At(id uint32) uint64 {
	p := a.dir[id>>pageBits].Load()
	if p == nil {
		return ^uint64(0)
	}
	return ^p[id&(pageSize-1)].Load()
}

// Lower makes entry id at most v and reports whether v is less than it was.
func (a *Uint64s) Lower(id uint32, v uint64) bool {
	p := a.dir[id>>pageBits].Load()
	if p == nil {
		p = a.page(id >> pageBits)
	}
	e := &p[id&(pageSize-1)] // kept inverted: fresh memory is "the largest"
	for {
		old := e.Load()
		if ^old <= v {
			return false
		}
		if e.CompareAndSwap(old, ^v) {
			return true
		}
	}
}

func (a *Uint64s) page(i uint32) *[pageSize]atomic.Uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.dir[i].Load()
	if p == nil {
		p = new([pageSize]atomic.Uint64)
		a.dir[i].Store(p)
	}
	return p
}

// Uint32s is a numbered array of 32-bit values that many goroutines may read and
// set. A value never set is 0.
type Uint32s struct {
	mu  sync.Mutex
	dir [maxPages]atomic.Pointer[[pageSize]atomic.Uint32]
}

// Load returns entry id.
func (a *Uint32s) Load(id uint32) uint32 {
	p := a.dir[id>>pageBits].Load()
	if p == nil {
		return 0
	}
	return p[id&(pageSize-1)].Load()
}

// Store sets entry id.
func (a *Uint32s) Store(id, v uint32) {
	p := a.dir[id>>pageBits].Load()
	if p == nil {
		a.mu.Lock()
		if p = a.dir[id>>pageBits].Load(); p == nil {
			p = new([pageSize]atomic.Uint32)
			a.dir[id>>pageBits].Store(p)
		}
		a.mu.Unlock()
	}
	p[id&(pageSize-1)].Store(v)
}
