package intern

import (
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/gobtf/gobtf/internal/mem"
)

// slots is the open-addressing table: each slot is the hash's upper half and,
// in its lower half, the number plus one; 0 is free. It is at most half full.
type slots struct {
	mask uint64
	slot []atomic.Uint64
}

func newSlots(n int) *slots { return &slots{mask: uint64(n - 1), slot: make([]atomic.Uint64, n)} }

func slotOf(h uint64, id uint32) uint64 { return h&^0xffffffff | uint64(id) + 1 }

const (
	pageBits = 12 // entries a page of a numbered array
	pageSize = 1 << pageBits
	maxPages = 1 << 15 // 134 million numbers

	shardBits = 9 // so many that 16 workers who add one thing after the other seldom meet
	shards    = 1 << shardBits
	chunkSize = 1 << 18 // bytes

	maxExpected = 1 << 20 // slots, 8 MiB
)

// table is what Words and Bytes have in common: contents by number, and a table of slots that finds numbers by hash.
//
// Who looks something up takes no lock: a slot is set once, when all that it leads to is written. Who adds something locks the shard of its
// hash, so that nobody else can add the same. Inserters of different shards may want the same slot: the first takes it and the
// other goes on to the next, as it would with any slot that is taken. The table of slots is exchanged for a larger one when all shards are
// locked.
type table[T byte | uint32] struct {
	tab   atomic.Pointer[slots]
	dir   [maxPages]atomic.Pointer[[pageSize]entry[T]]
	n     atomic.Uint32
	chunk atomic.Pointer[chunk[T]]
	mu    sync.Mutex // of new pages and chunks
	shard [shards]shard
}

// entry is a content and its hash, with which the table grows without looking at contents again.
type entry[T byte | uint32] struct {
	content []T
	hash    uint64
}

// shard is a lock with a cache line of its own, as neighbours would slow each other.
type shard struct {
	mu sync.Mutex
	_  [64 - unsafe.Sizeof(sync.Mutex{})]byte
}

// chunk is a piece of memory for contents, in the order in which they come: what comes one after the other is also looked at so. It never
// moves.
type chunk[T byte | uint32] struct {
	mem  []T
	used atomic.Int64 // and more, when somebody found no room
}

func (t *table[T]) init() {
	t.tab.Store(newSlots(1 << 12))
	t.chunk.Store(&chunk[T]{})
}

// Expect makes room for so many contents. When they become more the table grows, for which all have to wait.
func (t *table[T]) Expect(n int) {
	t.resize(func(have int, _ uint32) int {
		for have < 2*n && have < maxExpected {
			have *= 2
		}
		return have
	})
}

// Len returns how many different contents there are.
func (t *table[T]) Len() int { return int(t.n.Load()) }

func (t *table[T]) entry(id uint32) *entry[T] { return &t.dir[id>>pageBits].Load()[id&(pageSize-1)] }

// insert adds c, which was not there when the caller looked.
func (t *table[T]) insert(h uint64, c []T) (id uint32, isNew bool) {
	sh := &t.shard[h>>(64-shardBits)]
	sh.mu.Lock()
	s := t.tab.Load()
	i := h & s.mask
	for {
		v := s.slot[i].Load()
		if v == 0 {
			break
		}
		if (v^h)>>32 == 0 && slices.Equal(t.entry(uint32(v)-1).content, c) {
			sh.mu.Unlock()
			return uint32(v) - 1, false
		}
		i = (i + 1) & s.mask
	}
	id = t.n.Add(1) - 1
	if id>>pageBits >= maxPages {
		sh.mu.Unlock()
		panic("intern: more than 134 million different contents") // needs 2 GB of input that differs
	}
	t.page(id)[id&(pageSize-1)] = entry[T]{t.copy(c), h}
	for !s.slot[i].CompareAndSwap(0, slotOf(h, id)) {
		i = (i + 1) & s.mask // taken by another shard, so by another content
	}
	sh.mu.Unlock()
	if 2*int(id+1) > len(s.slot) {
		t.grow()
	}
	return id, true
}

func (t *table[T]) page(id uint32) *[pageSize]entry[T] {
	d := &t.dir[id>>pageBits]
	if p := d.Load(); p != nil {
		return p
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if d.Load() == nil {
		d.Store(new([pageSize]entry[T]))
	}
	return d.Load()
}

// grow makes the table of slots larger, if nobody else has done so.
func (t *table[T]) grow() {
	t.resize(func(have int, n uint32) int {
		if 2*int(n) <= have {
			return have
		}
		return 4 * have
	})
}

// resize gives the table as many slots as wanted says of those there are and the contents in them.
func (t *table[T]) resize(wanted func(have int, n uint32) int) {
	for i := range t.shard {
		t.shard[i].mu.Lock()
		defer t.shard[i].mu.Unlock()
	}
	s, n := t.tab.Load(), t.n.Load() // nobody is between taking a number and its slot
	size := wanted(len(s.slot), n)
	if size == len(s.slot) {
		return
	}
	g := newSlots(size)
	for id := range n {
		g.put(t.entry(id).hash, id)
	}
	t.tab.Store(g)
}

func (s *slots) put(h uint64, id uint32) {
	i := h & s.mask
	for s.slot[i].Load() != 0 {
		i = (i + 1) & s.mask
	}
	s.slot[i].Store(slotOf(h, id))
}

// copy returns a copy of c that stays where it is.
func (t *table[T]) copy(c []T) []T {
	n := int64(len(c))
	if 4*n > int64(chunkLen[T]()) {
		return append([]T(nil), c...)
	}
	for {
		ch := t.chunk.Load()
		if to := ch.used.Add(n); to <= int64(len(ch.mem)) {
			own := ch.mem[to-n : to : to]
			copy(own, c)
			return own
		}
		t.mu.Lock()
		if t.chunk.Load() == ch {
			next := &chunk[T]{mem: make([]T, chunkLen[T]())}
			mem.Populate(next.mem)
			t.chunk.Store(next)
		}
		t.mu.Unlock()
	}
}

// chunkLen is how many elements a chunk has.
func chunkLen[T byte | uint32]() int {
	var t T
	return chunkSize / int(unsafe.Sizeof(t))
}
