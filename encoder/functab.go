package encoder

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gobtf/gobtf/internal/convert"
	"github.com/gobtf/gobtf/internal/elfx"
	"github.com/gobtf/gobtf/internal/graph"
	"github.com/gobtf/gobtf/internal/mem"
	"github.com/gobtf/gobtf/internal/parallel"
)

// funcTable is the function symbols of one file, by key: the symbol's name up to
// its first dot (rule functions/table).
type funcTable struct {
	entries []funcEntry
	syms    []funcSym
	byName  []int32 // entry+1 by StrID of the key
	// lastKey is the entry whose key sorts last: the reference never finds it ambiguous.
	lastKey int32
}

type funcEntry struct {
	name        graph.StrID
	first, last int32              // chain of syms, in the order of the symbol table
	n           int32              // length of the chain
	number      uint32             // of the name, see table.sortStates
	at          map[uint64]address // what the chain says of each address, when it is long; made by findAmbiguous
	table       *funcTable
	ambiguous   bool
	kfunc       bool
	kflags      uint32
}

// address is what a key's symbols at one address say together.
type address struct {
	suffixed graph.StrID // whole name of the first that has a suffix
	opt      bool        // one is a clone with other parameters
}

// longChain is how many symbols of one key are still searched one by one. A kernel has up to some dozen, nearly always one.
const longChain = 16

type funcSym struct {
	addr uint64
	name graph.StrID // the whole name; 0 when it is the key itself
	next int32       // -1: none
	opt  bool        // .constprop or .isra
}

// namedSym is a function symbol and its key.
type namedSym struct {
	key graph.StrID
	funcSym
}

// newFuncTable reads the symbols of f. A file without .symtab has no functions. Workers read some symbols each and look at their names; one
// makes the table.
// Rule functions/table.
func newFuncTable(f *elfx.File, strs *graph.Strings, jobs int) (*funcTable, error) {
	t := &funcTable{lastKey: -1}
	syms, err := f.SymbolTable()
	if err != nil {
		return nil, err
	}
	const each = 1 << 13
	pieces := make([][]namedSym, (syms.Len()+each-1)/each)
	last := make([][]byte, len(pieces)) // the key of a piece that sorts last
	read := func(i int) ([]namedSym, []byte) { return readSymbols(syms, i*each, min((i+1)*each, syms.Len()), strs) }
	full := parallel.Do(jobs, len(pieces), func(_, i int) bool {
		pieces[i], last[i] = read(i)
		return !strs.Full()
	})
	if full < len(pieces) {
		if !strs.Full() { // a panic, which comes again
			read(full)
		}
		return nil, fmt.Errorf("%s: .symtab: %w", f.Path, convert.ErrNames)
	}
	t.reserve(pieces, strs.Len())
	for _, list := range pieces {
		for i := range list {
			t.append(t.entry(list[i].key), list[i].funcSym)
		}
	}
	if len(t.entries) > 0 {
		id, _ := strs.Lookup(slices.MaxFunc(last, bytes.Compare))
		t.lastKey = t.byName[id] - 1
	}
	t.findAmbiguous()
	return t, nil
}

// readSymbols returns the function symbols among some, and which of their keys sorts last.
func readSymbols(t *elfx.SymbolTable, lo, hi int, strs *graph.Strings) (list []namedSym, last []byte) {
	list = make([]namedSym, 0, (hi-lo)/2) // not half of a kernel's symbols are functions
	for _, s := range t.From(lo, hi) {
		if s.SymType() != elf.STT_FUNC {
			continue
		}
		key := s.Name
		var suffix []byte
		if dot := bytes.IndexByte(key, '.'); dot >= 0 {
			key, suffix = key[:dot], key[dot:]
			if bytes.Contains(suffix, []byte(".cold")) || bytes.Contains(suffix, []byte(".part")) {
				continue
			}
		}
		if bytes.Compare(key, last) > 0 {
			last = key
		}
		sym := namedSym{strs.Intern(key), funcSym{addr: s.Value, next: -1}}
		if suffix != nil {
			sym.name = strs.Intern(s.Name)
			sym.opt = bytes.Contains(suffix, []byte(".constprop")) || bytes.Contains(suffix, []byte(".isra"))
		}
		list = append(list, sym)
		if strs.Full() {
			break
		}
	}
	return list, last
}

// reserve makes room for all symbols, and for their names, which are known by now.
func (t *funcTable) reserve(pieces [][]namedSym, names int) {
	n := 0
	for _, list := range pieces {
		n += len(list)
	}
	t.entries = make([]funcEntry, 0, n)
	t.syms = make([]funcSym, 0, n)
	t.byName = make([]int32, names)
	mem.Populate(t.entries[:cap(t.entries)])
	mem.Populate(t.syms[:cap(t.syms)])
	mem.Populate(t.byName)
}

func (t *funcTable) entry(key graph.StrID) int32 {
	if e := t.byName[key]; e != 0 {
		return e - 1
	}
	t.entries = append(t.entries, funcEntry{name: key, first: -1, last: -1, table: t})
	t.byName[key] = int32(len(t.entries))
	return int32(len(t.entries)) - 1
}

func (t *funcTable) append(e int32, s funcSym) {
	t.syms = append(t.syms, s)
	i := int32(len(t.syms)) - 1
	en := &t.entries[e]
	if en.last < 0 {
		en.first = i
	} else {
		t.syms[en.last].next = i
	}
	en.last = i
	en.n++
}

// findAmbiguous marks keys with symbols at different addresses. An address of 0 at
// the head of the list does not count, and neither does the key that sorts last.
// Rule functions/table.
func (t *funcTable) findAmbiguous() {
	for i := range t.entries {
		e := &t.entries[i]
		prev := uint64(0)
		for s := e.first; s >= 0 && int32(i) != t.lastKey; s = t.syms[s].next {
			if prev != 0 && prev != t.syms[s].addr {
				e.ambiguous = true
				break
			}
			prev = t.syms[s].addr
		}
		if e.n > longChain {
			t.index(e)
		}
	}
}

// index makes e.at.
func (t *funcTable) index(e *funcEntry) {
	e.at = make(map[uint64]address)
	for s := e.first; s >= 0; s = t.syms[s].next {
		y := &t.syms[s]
		a := e.at[y.addr]
		a.opt = a.opt || y.opt
		if a.suffixed == 0 {
			a.suffixed = y.name
		}
		e.at[y.addr] = a
	}
}

// find returns what the symbols at addr say, false when none is there.
func (e *funcEntry) find(addr uint64) (a address, ok bool) {
	if e.at != nil {
		a, ok = e.at[addr]
		return a, ok
	}
	for s := e.first; s >= 0; s = e.table.syms[s].next {
		if y := &e.table.syms[s]; y.addr == addr {
			ok = true
			a.opt = a.opt || y.opt
			if a.suffixed == 0 {
				a.suffixed = y.name
			}
		}
	}
	return a, ok
}

// Lookup returns the entry with that key, -1 when there is none.
func (t *funcTable) Lookup(name graph.StrID) int32 {
	if int(name) < len(t.byName) && name != 0 {
		return t.byName[name] - 1
	}
	return -1
}

// hasOptimized tells whether a symbol at addr is a clone made by an optimization
// that changes parameters.
func (e *funcEntry) hasOptimized(addr uint64) bool {
	a, _ := e.find(addr)
	return addr != 0 && a.opt
}

// suffixed returns the whole name of the first symbol at addr that has a suffix.
func (e *funcEntry) suffixed(addr uint64) graph.StrID {
	if addr == 0 {
		return 0
	}
	a, _ := e.find(addr)
	return a.suffixed
}

// Prefixes of the symbols in .BTF_ids that matter here.
const (
	idsSet8 = "__BTF_ID__set8__"
	idsFunc = "__BTF_ID__func__"
)

const (
	set8Kfuncs = 1 << 0 // BTF_SET8_KFUNCS: the set holds kfuncs

	kfFastcall  = 1 << 12 // KF_FASTCALL
	kfArenaRet  = 1 << 13 // KF_ARENA_RET
	kfArenaArg1 = 1 << 14 // KF_ARENA_ARG1
	kfArenaArg2 = 1 << 15 // KF_ARENA_ARG2
)

// findKfuncs notes which functions the file's .BTF_ids lists as kfuncs. The symbols may be in another file, its debug file.
// Rule functions/kfuncs.
func (t *funcTable) findKfuncs(f, symbols *elfx.File, strs *graph.Strings) error {
	var ids *elfx.Section
	for i := range f.Sections {
		if f.Sections[i].Name == ".BTF_ids" {
			ids = &f.Sections[i]
		}
	}
	symtab := symbols.LastOfType(uint32(elf.SHT_SYMTAB))
	if ids == nil || symtab == nil {
		return nil
	}
	data, err := f.Raw(ids)
	if err != nil {
		return err
	}
	syms, err := symbols.SymbolsOf(symtab)
	if err != nil {
		return err
	}
	word := func(off uint64) (uint32, bool) {
		if off > uint64(len(data)) || uint64(len(data))-off < 4 {
			return 0, false
		}
		return f.Order().Uint32(data[off:]), true
	}
	isIDs := make([]bool, len(symbols.Sections))
	for i := range isIDs {
		isIDs[i] = symbols.Sections[i].Name == ids.Name
	}
	type span struct{ from, to uint64 }
	var sets []span
	var inIDs []elfx.Symbol
	for _, s := range syms {
		if int(s.Shndx) >= len(isIDs) || !isIDs[s.Shndx] {
			continue
		}
		inIDs = append(inIDs, s)
		if strings.HasPrefix(string(s.Name), idsSet8) {
			if flags, ok := word(s.Value - ids.Addr + 4); ok && flags&set8Kfuncs != 0 {
				sets = append(sets, span{s.Value, s.Value + s.Size})
			}
		}
	}
	if len(sets) == 0 {
		return nil
	}
	for _, s := range inIDs {
		name, ok := kfuncName(string(s.Name))
		if !ok {
			continue
		}
		for _, set := range sets {
			if s.Value >= set.from && s.Value < set.to {
				id, known := strs.Lookup([]byte(name))
				e := int32(-1)
				if known {
					e = t.Lookup(id)
				}
				if flags, ok := word(s.Value - ids.Addr + 4); ok && e >= 0 {
					t.entries[e].kfunc, t.entries[e].kflags = true, flags
				}
				break
			}
		}
	}
	return nil
}

// kfuncName returns the function that a symbol __BTF_ID__func__NAME__UNIQUE names.
func kfuncName(sym string) (string, bool) {
	name, ok := strings.CutPrefix(sym, idsFunc)
	if !ok {
		return "", false
	}
	i := strings.LastIndexByte(name, '_')
	if i < 1 || name[i-1] != '_' {
		return "", false
	}
	return name[:i-1], true
}

var errNoSymtab = errors.New("no .symtab: functions cannot be told from inlined copies")
