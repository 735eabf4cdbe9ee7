package encoder

import (
	"container/heap"
	"debug/elf"
	"fmt"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/elfx"
	"github.com/gobtf/gobtf/internal/graph"
)

const percpuSection = ".data..percpu"

// sectionMap finds the section of an address: the first one, by number, that holds
// data and covers it (rule variables/which).
type sectionMap struct {
	f      *elfx.File
	strs   *graph.Strings
	global bool
	percpu bool
	// the section that covers the addresses from start[i] to start[i+1]; -1: none
	start   []uint64
	section []int32

	mu          sync.Mutex
	haveObjects atomic.Bool
	objects     map[object]bool
}

type object struct {
	section int
	name    graph.StrID
}

// newSectionMap returns nil when no variables are wanted.
func newSectionMap(f *elfx.File, strs *graph.Strings, features Features) *sectionMap {
	m := &sectionMap{f: f, strs: strs, global: features&GlobalVar != 0, percpu: features&Var != 0}
	if !m.global && !m.percpu {
		return nil
	}
	m.cover()
	return m
}

type edge struct {
	addr uint64
	sec  int32
}

// cover walks the sections' edges by address and keeps the lowest number that is open.
func (m *sectionMap) cover() {
	var opens, closes []edge
	for i := range m.f.Sections {
		s := &m.f.Sections[i]
		if t := elf.SectionType(s.Type); t != elf.SHT_PROGBITS && t != elf.SHT_NOBITS || s.Size == 0 || s.LayoutAddr+s.Size < s.LayoutAddr {
			continue
		}
		opens = append(opens, edge{s.LayoutAddr, int32(i)})
		closes = append(closes, edge{s.LayoutAddr + s.Size, int32(i)})
	}
	byAddr := func(e []edge) { sort.Slice(e, func(i, j int) bool { return e[i].addr < e[j].addr }) }
	byAddr(opens)
	byAddr(closes)
	closed := make([]bool, len(m.f.Sections))
	var open intHeap
	for o, c := 0, 0; c < len(closes); {
		at := closes[c].addr
		if o < len(opens) && opens[o].addr < at {
			at = opens[o].addr
		}
		for ; c < len(closes) && closes[c].addr == at; c++ {
			closed[closes[c].sec] = true
		}
		for ; o < len(opens) && opens[o].addr == at; o++ {
			heap.Push(&open, opens[o].sec)
		}
		for len(open) > 0 && closed[open[0]] {
			heap.Pop(&open)
		}
		first := int32(-1)
		if len(open) > 0 {
			first = open[0]
		}
		m.start, m.section = append(m.start, at), append(m.section, first)
	}
}

type intHeap []int32

func (h intHeap) Len() int           { return len(h) }
func (h intHeap) Less(i, j int) bool { return h[i] < h[j] }
func (h intHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *intHeap) Push(x any)        { *h = append(*h, x.(int32)) }
func (h *intHeap) Pop() any {
	n := len(*h) - 1
	x := (*h)[n]
	*h = (*h)[:n]
	return x
}

// Find returns the section that covers addr, if its variables are wanted.
func (m *sectionMap) Find(addr uint64) (section int, offset uint64, ok bool) {
	i := sort.Search(len(m.start), func(i int) bool { return m.start[i] > addr }) - 1
	if i < 0 || m.section[i] < 0 {
		return 0, 0, false
	}
	s := &m.f.Sections[m.section[i]]
	if !m.global && s.Name != percpuSection {
		return 0, 0, false
	}
	return s.Index, addr - s.LayoutAddr, true
}

// HasObject reports whether the section has a data symbol with that name.
// Rule variables/address-zero.
func (m *sectionMap) HasObject(section int, name graph.StrID) bool {
	m.readObjects()
	return m.objects[object{section, name}]
}

// readObjects reads the data symbols, if nobody has done so.
func (m *sectionMap) readObjects() {
	if m.haveObjects.Load() {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.haveObjects.Load() {
		return
	}
	m.objects = make(map[object]bool)
	syms, err := m.f.Symbols()
	if err != nil {
		syms = func(func(int, elfx.Symbol) bool) {} // no symbols: none is there
	}
	for _, s := range syms {
		if s.SymType() != elf.STT_OBJECT || int(s.Shndx) >= len(m.f.Sections) {
			continue
		}
		if m.global || m.f.Sections[s.Shndx].Name == percpuSection {
			m.objects[object{int(s.Shndx), m.strs.Intern(s.Name)}] = true
		}
	}
	m.haveObjects.Store(true) // not after a fault: the next one meets it, too
}

// emitDatasecs appends a DATASEC for every section with variables. names are the
// section names of the first file: later files' variables go by them too.
// Rule variables/datasec.
func (t *table) emitDatasecs(f *elfx.File) (lost error) {
	sort.SliceStable(t.vars, func(i, j int) bool { return t.vars[i].section < t.vars[j].section })
	for i := 0; i < len(t.vars); {
		j := i
		for j < len(t.vars) && t.vars[j].section == t.vars[i].section {
			j++
		}
		if err := t.datasec(f.Sections[t.vars[i].section].Name, t.vars[i:j]); lost == nil {
			lost = err
		}
		i = j
	}
	return lost
}

// maxEntries is how many entries a DATASEC can have: its record counts them in 16 bits.
const maxEntries = 0xffff

// datasec applies rule variables/datasec. lost says which entries it has no room for.
func (t *table) datasec(name string, vars []variable) (lost error) {
	sort.SliceStable(vars, func(i, j int) bool { return int32(vars[i].offset-vars[j].offset) < 0 })
	if n := len(vars); n > maxEntries {
		vars = vars[:maxEntries]
		lost = fmt.Errorf("section %s has %d variables: a DATASEC has room for %d, and the last %d are left out of it", name, n, maxEntries, n-maxEntries)
	}
	last := vars[len(vars)-1]
	id := t.strs.InternString(name)
	t.late = append(t.late, id)
	w := []uint32{btf.InfoWord(btf.Datasec, len(vars), false), uint32(id), last.offset + last.size}
	refs := make([]uint32, len(vars))
	for i, v := range vars {
		w = append(w, v.offset, v.size)
		refs[i] = uint32(v.id)
	}
	at := t.g.Add(t.g.Shapes.Intern(w), refs...)
	t.trace.types(t, uint32(at), t.g.Len())
	return lost
}
