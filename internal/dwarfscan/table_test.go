package dwarfscan

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"
)

// slowEach reads the table at off from its start, as the DWARF standard says it, and calls fn for each abbreviation until it returns false.
func slowEach(data []byte, off int, fn func(pos int, code uint64, tag Tag) bool) {
	c := cursor{buf: data, pos: off}
	for {
		pos := c.pos
		code := c.uleb()
		if code == 0 || c.bad {
			return
		}
		tag := Tag(c.uleb())
		if !fn(pos, code, tag) {
			return
		}
		c.u8()
		for {
			at, form := c.uleb(), c.uleb()
			if at == 0 && form == 0 {
				break
			}
			if form == uint64(FormImplicitConst) {
				c.sleb()
			}
		}
	}
}

// slowLookup finds the first abbreviation with the code, which is the one that counts.
func slowLookup(data []byte, off int, want uint64) (at int, ok bool) {
	slowEach(data, off, func(pos int, code uint64, _ Tag) bool {
		if code == want {
			at, ok = pos, true
		}
		return !ok
	})
	return at, ok
}

func hasCode(tab *Table, code uint64) bool {
	a, _ := tab.Lookup(code)
	return a != nil
}

// slowNoKind does the same for NoKind.
func slowNoKind(data []byte, off int) (found bool) {
	slowEach(data, off, func(_ int, _ uint64, tag Tag) bool {
		found = tag.NoKind()
		return !found
	})
	return found
}

// Tables that share abbreviations, in whatever order they are entered, are what they are when each is read alone. The bytes are such
// that a table entered at one place may run into the middle of another's abbreviation, and meet it later.
func TestTablesShared(t *testing.T) {
	f := Format{Version: 4, AddrSize: 8}
	forms := []uint64{0x0b, 0x08, 0x19, 0x13, uint64(FormImplicitConst)}
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		var data []byte
		for range 1 + r.IntN(4) { // tables
			next := uint64(1 + r.IntN(3))
			for range r.IntN(30) {
				attrs := []uint64{}
				for range r.IntN(4) {
					attrs = append(attrs, []uint64{atName, atType, atByteSize, atSibling}[r.IntN(4)], forms[r.IntN(len(forms))])
					if attrs[len(attrs)-1] == uint64(FormImplicitConst) {
						attrs = append(attrs, uint64(1+r.IntN(60)))
					}
				}
				tag := []Tag{TagConst, TagStruct, TagMember, Tag(0x20), Tag(0x0b)}[r.IntN(5)]
				data = append(data, abbrev(next, tag, r.IntN(2) == 0, attrs...)...)
				switch r.IntN(12) {
				case 0:
					next = uint64(1 + r.IntN(40)) // a code again, or a gap
				case 1: // the same
				default:
					next++
				}
			}
			data = append(data, 0)
		}
		var tab Abbrevs
		var kept []Table
		var keptOff []int
		check := func(off int, tab *Table) {
			t.Helper()
			for code := uint64(1); code < 50; code++ {
				want, ok := slowLookup(data, off, code)
				a, _ := tab.Lookup(code)
				if (a != nil) != ok || a != nil && int(a.pos) != want {
					t.Fatalf("seed %d: table at %d: code %d is %+v, want the one at %d, %v", seed, off, code, a, want, ok)
				}
				if !ok {
					continue
				}
				// What it says of an entry is what it says when nothing else is known.
				var alone Abbrevs
				if alone.Compile(data, uint64(want), f) != nil {
					continue // a table that ends later on in nonsense
				}
				die := append(ulebOf(code), bytes.Repeat([]byte{0x83, 2, 0}, 20)...)
				r1, r2 := Reader{Tab: tab, Buf: die}, Reader{Tab: &alone.Table, Buf: die}
				var d1, d2 DIE
				if ok1, ok2 := r1.Next(&d1), r2.Next(&d2); ok1 != ok2 || r1.Pos != r2.Pos || d1 != d2 {
					t.Fatalf("seed %d: table at %d: an entry of code %d is\n%+v up to %d, not\n%+v up to %d", seed, off, code, d1, r1.Pos, d2, r2.Pos)
				}
			}
			if got, want := tab.NoKind(), slowNoKind(data, off); got != want {
				t.Fatalf("seed %d: table at %d: NoKind %v, want %v", seed, off, got, want)
			}
		}
		for range 100 {
			off := r.IntN(len(data))
			if r.IntN(4) == 0 {
				tab.held, tab.limit = 2, 1 // full: what is kept is forgotten
			}
			var alone Abbrevs
			want := alone.Compile(data, uint64(off), f)
			if r.IntN(3) == 0 {
				got, err := tab.Open(data, uint64(off), f)
				if (err == nil) != (want == nil) {
					t.Fatalf("seed %d: table at %d: %v, want %v", seed, off, err, want)
				}
				if err == nil {
					kept, keptOff = append(kept, got), append(keptOff, off)
				}
				continue
			}
			if err := tab.Compile(data, uint64(off), f); (err == nil) != (want == nil) {
				t.Fatalf("seed %d: table at %d: %v, want %v", seed, off, err, want)
			}
			if want == nil {
				check(off, &tab.Table)
			}
		}
		for i := range kept {
			check(keptOff[i], &kept[i])
		}
	}
}

// Units that enter one large table at many places, or that take turns with tables, cost what their number costs.
func TestTablesEntered(t *testing.T) {
	f := Format{Version: 4, AddrSize: 8}
	n := 30000
	if testing.Short() { // as under the race detector, where time says nothing
		n = 3000
	}
	var data []byte
	var places []uint64
	for i := range uint64(n) {
		places = append(places, uint64(len(data)))
		data = append(data, abbrev(1000+i, TagTypedef, false, atName, 8)...)
	}
	data = append(data, 0)
	second := uint64(len(data))
	data = append(data, data...)
	// Misaligned entries: a code of two bytes entered at its second one is another code, and the table goes on as it was.
	for _, c := range []struct {
		name string
		off  func(i int) uint64
	}{
		{"ascending", func(i int) uint64 { return places[i] }},
		{"descending", func(i int) uint64 { return places[n-1-i] }},
		{"in the middle of a code", func(i int) uint64 { return places[i] + 1 }},
		{"descending, in the middle of a code", func(i int) uint64 { return places[n-1-i] + 1 }},
		{"two in turn", func(i int) uint64 { return uint64(i%2) * second }},
		{"two in turn, each at many places", func(i int) uint64 { return uint64(i%2)*second + places[i] }},
	} {
		t.Run(c.name, func(t *testing.T) {
			var tab Abbrevs
			begin := time.Now()
			for i := range n {
				g := f
				g.Offset64 = i%3 == 0
				if err := tab.Compile(data, c.off(i), g); err != nil {
					t.Fatal(err)
				}
				if i > 0 && i < n-1 && !hasCode(&tab.Table, uint64(1000+n-1)) {
					t.Fatalf("%d: the last abbreviation is not found", i)
				}
			}
			if took := time.Since(begin); took > 15*time.Second { // 0.05 to 1 s; 24 to 70 s where each is read to its end
				t.Errorf("%d tables took %v", n, took)
			}
		})
	}
}
