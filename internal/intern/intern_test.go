package intern

import (
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func TestBytes(t *testing.T) {
	tab := NewBytes()
	long := strings.Repeat("x", chunkSize/4+1) // kept outside the chunks
	var ids []uint32
	list := []string{"", "a", "b", "a\x00", "int", "unsigned", "unsigned long", "12345678", "1234567", "123456789abcdef", long, long + "y"}
	for i, s := range list {
		if _, ok := tab.Lookup([]byte(s)); ok {
			t.Errorf("%.10q: known before Intern", s)
		}
		b := []byte(s)
		id, isNew := tab.Intern(b)
		if int(id) != i || !isNew {
			t.Errorf("%.10q: got %d, %v; want %d, true", s, id, isNew, i)
		}
		clear(b) // the table has a copy
		ids = append(ids, id)
	}
	for i, s := range list {
		if id, isNew := tab.Intern([]byte(s)); id != ids[i] || isNew {
			t.Errorf("%.10q again: got %d, %v; want %d, false", s, id, isNew, ids[i])
		}
		if id, ok := tab.Lookup([]byte(s)); id != ids[i] || !ok {
			t.Errorf("%.10q: Lookup gives %d, %v", s, id, ok)
		}
		if got := string(tab.At(ids[i])); got != s {
			t.Errorf("At(%d) = %.10q, want %.10q", ids[i], got, s)
		}
	}
	if tab.Len() != len(list) {
		t.Errorf("Len = %d, want %d", tab.Len(), len(list))
	}
}

func TestWords(t *testing.T) {
	tab := NewWords()
	long := make([]uint32, chunkSize/16+1)
	list := [][]uint32{nil, {0}, {0, 0}, {0, 0, 0}, {1}, {1, 0}, {0, 1}, {1, 2, 3}, {1, 2, 4}, {2, 2, 3}, long, append(long, 1)}
	for i, w := range list {
		c := append([]uint32(nil), w...)
		id, isNew := tab.Intern(c)
		if int(id) != i || !isNew {
			t.Errorf("%d: got %d, %v", i, id, isNew)
		}
		for j := range c {
			c[j] = ^c[j]
		}
	}
	for i, w := range list {
		if id, isNew := tab.Intern(w); int(id) != i || isNew {
			t.Errorf("%d again: got %d, %v", i, id, isNew)
		}
		if id, ok := tab.Lookup(w); int(id) != i || !ok {
			t.Errorf("%d: Lookup gives %d, %v", i, id, ok)
		}
		if !equalWords(tab.At(uint32(i)), w) {
			t.Errorf("At(%d) differs", i)
		}
	}
	if _, ok := tab.Lookup([]uint32{7, 7}); ok || tab.Len() != len(list) {
		t.Errorf("unknown content: found %v; Len = %d, want %d", ok, tab.Len(), len(list))
	}
}

// What At returned must be good after the table has grown, and appending to it
// must not reach the next content.
func TestGrowth(t *testing.T) {
	const n = 3*pageSize + 5 // several pages, and more than one growth of the slots
	words, bytes := NewWords(), NewBytes()
	words.Intern([]uint32{42, 0})
	bytes.Intern([]byte("first"))
	bytes.Expect(n) // what is there stays; words grow
	w0, b0 := words.At(0), bytes.At(0)
	for i := uint32(1); i < n; i++ {
		if id, isNew := words.Intern([]uint32{i, i >> 3}); id != i || !isNew {
			t.Fatalf("words: %d got %d, %v", i, id, isNew)
		}
		if id, isNew := bytes.Intern(binary.LittleEndian.AppendUint32(nil, i)); id != i || !isNew {
			t.Fatalf("bytes: %d got %d, %v", i, id, isNew)
		}
	}
	_, _ = append(w0, 99), append(b0, 99)
	if !equalWords(w0, []uint32{42, 0}) || string(b0) != "first" {
		t.Errorf("the first contents moved: %v, %q", w0, b0)
	}
	for i := uint32(1); i < n; i++ {
		if !equalWords(words.At(i), []uint32{i, i >> 3}) || binary.LittleEndian.Uint32(bytes.At(i)) != i {
			t.Fatalf("content %d changed", i)
		}
		if id, ok := words.Lookup([]uint32{i, i >> 3}); id != i || !ok {
			t.Fatalf("words: Lookup of %d gives %d, %v", i, id, ok)
		}
	}
}

// Many goroutines intern the same contents in different orders: each content gets
// one number, and one of them is told that it is new.
func TestConcurrent(t *testing.T) {
	const workers, n = 8, 5000
	words, bytes := NewWords(), NewBytes()
	var newW, newB atomic.Int64
	got := make([][n][2]uint32, workers)
	var wg sync.WaitGroup
	for g := range workers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for k := range n {
				i := (k*7 + g*611) % n // 7 has no common factor with n
				w, isNew := words.Intern([]uint32{uint32(i), 1, 2})
				if isNew {
					newW.Add(1)
				}
				b, isNew := bytes.Intern(fmt.Append(nil, "name ", i))
				if isNew {
					newB.Add(1)
				}
				got[g][i] = [2]uint32{w, b}
				if words.At(w)[0] != uint32(i) || string(bytes.At(b)) != fmt.Sprint("name ", i) {
					t.Errorf("content %d is not what was interned", i)
					return
				}
			}
		}()
	}
	wg.Wait()
	for g := range got {
		if got[g] != got[0] {
			t.Fatalf("goroutine %d got other numbers than goroutine 0", g)
		}
	}
	if newW.Load() != n || newB.Load() != n || words.Len() != n || bytes.Len() != n {
		t.Errorf("new: %d words, %d strings; Len %d, %d; want %d of each", newW.Load(), newB.Load(), words.Len(), bytes.Len(), n)
	}
}

// A Follower gives the numbers that its Words give, whatever the order and however large they are.
func TestFollower(t *testing.T) {
	words := NewWords()
	a, b := NewFollower(words), NewFollower(words)
	for i, n := range []uint32{1, 2, 3, 1, 2, 3, 1, 3, 2, 1, 2, 4, 1, 2, 4, 9000, 1, 9000, 1, 2} {
		if n == 9000 {
			for i := range uint32(9000) { // far behind what the Followers have room for
				words.Intern([]uint32{7, i})
			}
		}
		w := []uint32{n, n * n}
		want, _ := words.Intern(w)
		if got := a.Intern(w); got != want {
			t.Errorf("%d, sequence %d: %d, want %d", i, n, got, want)
		}
		if i%3 != 0 {
			if got := b.Intern(w); got != want {
				t.Errorf("%d, sequence %d, the other: %d, want %d", i, n, got, want)
			}
		}
	}
	if a.Intern(nil) != b.Intern(nil) {
		t.Error("nothing has two numbers")
	}
}

func TestUint64s(t *testing.T) {
	var a Uint64s
	far := uint32(5 * pageSize)
	for _, c := range []struct {
		id      uint32
		v       uint64
		lowered bool
		after   uint64
	}{
		{0, ^uint64(0), false, ^uint64(0)}, // the largest is what it was
		{0, 10, true, 10},
		{0, 10, false, 10},
		{0, 11, false, 10},
		{0, 9, true, 9},
		{0, 0, true, 0},
		{0, 0, false, 0},
		{far, 1 << 63, true, 1 << 63},
		{far + 1, ^uint64(0) - 1, true, ^uint64(0) - 1},
	} {
		if got := a.Lower(c.id, c.v); got != c.lowered || a.At(c.id) != c.after {
			t.Errorf("Lower(%d, %#x) = %v and leaves %#x; want %v, %#x", c.id, c.v, got, a.At(c.id), c.lowered, c.after)
		}
	}
	if a.At(pageSize) != ^uint64(0) || a.At(far+2) != ^uint64(0) {
		t.Error("an entry never set is not the largest")
	}

	// Of all that lower one entry, the smallest wins.
	var wg sync.WaitGroup
	var b Uint64s
	for g := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range uint32(2000) {
				b.Lower(i*7, uint64(1000+(uint32(g)+i)%8))
			}
		}()
	}
	wg.Wait()
	for i := range uint32(2000) {
		if b.At(i*7) != 1000 {
			t.Fatalf("entry %d is %d, want 1000", i*7, b.At(i*7))
		}
	}
}

func TestUint32s(t *testing.T) {
	var a Uint32s
	if a.Load(3) != 0 || a.Load(9*pageSize) != 0 {
		t.Error("an entry never set is not 0")
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range uint32(3 * pageSize) {
				a.Store(i, i^0xffff)
				if a.Load(i) != i^0xffff {
					t.Errorf("entry %d is %#x", i, a.Load(i))
					return
				}
			}
		}()
	}
	wg.Wait()
	a.Store(3, 0)
	if a.Load(3) != 0 || a.Load(4) != 4^0xffff || a.Load(3*pageSize) != 0 {
		t.Error("Store changed another entry")
	}
}
