// Package btfids fills in .BTF_ids: the section where a kernel or a module keeps the BTF ids of types and functions that it
// names in its source (BTF_ID, BTF_SET, BTF_KFUNCS_START). It does what the kernel's resolve_btfids does, in its order
// (rules btfids/symbols, btfids/resolve, btfids/sorted): sets are counted and sorted, since the kernel searches them by bisection.
//
// Before it: an ELF file and its BTF. After it: internal/elfx writes the section back.
package btfids

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/elfx"
	"github.com/gobtf/gobtf/internal/shown"
)

// SectionName is the section's name, Prefix that of the symbols that say what goes where.
const (
	SectionName = ".BTF_ids"
	Prefix      = "__BTF_ID__"
)

// kind is what a symbol asks for.
type kind uint8

const (
	kindStruct kind = iota
	kindUnion
	kindTypedef
	kindFunc
	kindSet8
	kindSet
	numTypes = kindFunc + 1
)

// kindNames in the order in which the kernel's tool tries them as prefixes.
var kindNames = [...]string{"struct", "union", "typedef", "func", "set8", "set"}

// MaxPlaces is how many places may want one name, as in the kernel's tool.
const MaxPlaces = 100

// request is a name that some places of the section want the id of.
type request struct {
	kind kind
	name string
	at   []int // offsets in the section
	id   btf.TypeID
	dup  btf.TypeID // another type that has the name
}

// set is a list that the kernel searches by bisection.
type set struct {
	name  string
	at    int // of its count
	n     int // entries
	pairs bool
}

// Section is a .BTF_ids section with what its symbols ask for.
type Section struct {
	Data  []byte // a copy of its contents, which Resolve changes
	Order binary.ByteOrder

	path     string
	requests []*request // in the order of the symbols
	byName   [numTypes]map[string]*request
	sets     []set
}

// SymbolError is a symbol of .BTF_ids that says nothing sensible.
type SymbolError struct {
	Path, Symbol string
	Cause        string
}

func (e *SymbolError) Error() string {
	return fmt.Sprintf("%s: section %s: %s", e.Path, SectionName, e.Text())
}

// Text is the error without file and section.
func (e *SymbolError) Text() string { return "symbol " + shown.Name(e.Symbol) + ": " + e.Cause }

// Read collects the requests of an ELF file. It returns nil when the file has no .BTF_ids or no symbol table: there is
// nothing to do then.
// Rule btfids/symbols.
func Read(f *elfx.File) (*Section, error) {
	sec := f.Section(SectionName)
	symtab := f.Section(".symtab")
	if sec == nil || symtab == nil {
		return nil, nil
	}
	data, err := f.Raw(sec)
	if err != nil {
		return nil, err
	}
	s := &Section{Data: bytes.Clone(data), Order: f.Order(), path: f.Path}
	syms, err := f.SymbolsOf(symtab)
	if err != nil {
		return nil, err
	}
	for _, y := range syms {
		if int(y.Shndx) != sec.Index || !bytes.HasPrefix(y.Name, []byte(Prefix)) {
			continue
		}
		if err := s.add(string(y.Name), y.Value-sec.Addr, y.Size); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// add notes what one symbol asks for. off is its place in the section.
func (s *Section) add(symbol string, off, size uint64) error {
	fail := func(format string, args ...any) error {
		return &SymbolError{s.path, symbol, fmt.Sprintf(format, args...)}
	}
	if off%4 != 0 || off > uint64(len(s.Data)) || uint64(len(s.Data))-off < 4 {
		return fail("it lies at %#x of %#x bytes", off, len(s.Data))
	}
	k, name, err := parseSymbol(symbol)
	if err != nil {
		return fail("%v", err)
	}
	if k == kindSet || k == kindSet8 {
		step := uint64(4)
		if k == kindSet8 {
			step = 8
		}
		if size < step || size > uint64(len(s.Data))-off {
			return fail("a set of %d bytes at %#x of %#x", size, off, len(s.Data))
		}
		for _, x := range s.sets {
			if x.name == name && x.pairs == (k == kindSet8) {
				return fail("there are two sets of this name")
			}
		}
		s.sets = append(s.sets, set{name, int(off), int(size/step) - 1, k == kindSet8})
		return nil
	}
	r := s.byName[k][name]
	if r == nil {
		r = &request{kind: k, name: name}
		if s.byName[k] == nil {
			s.byName[k] = map[string]*request{}
		}
		s.byName[k][name] = r
		s.requests = append(s.requests, r)
	}
	if len(r.at) == MaxPlaces {
		return fail("more than %d places want this name", MaxPlaces)
	}
	r.at = append(r.at, int(off))
	return nil
}

// parseSymbol takes __BTF_ID__KIND__NAME__UNIQUE apart; sets have no UNIQUE.
// Rule btfids/symbols.
func parseSymbol(symbol string) (k kind, name string, err error) {
	rest := strings.TrimPrefix(symbol, Prefix)
	for i, p := range kindNames {
		if !strings.HasPrefix(rest, p) {
			continue
		}
		k, rest = kind(i), rest[len(p):]
		if !strings.HasPrefix(rest, "__") {
			return 0, "", fmt.Errorf("no name behind %q", p)
		}
		name = rest[2:]
		if k != kindSet && k != kindSet8 {
			// The last underscore must be the second of two: what is behind it makes the symbol unique.
			i := strings.LastIndexByte(name, '_')
			if i < 1 || name[i-1] != '_' {
				return 0, "", errors.New("its name does not end in __ and a number")
			}
			name = name[:i-1]
		}
		if name == "" {
			return 0, "", errors.New("its name is empty")
		}
		return k, name, nil
	}
	return 0, "", fmt.Errorf("unsupported prefix (there are %s)", strings.Join(kindNames[:], ", "))
}

// Warning is something that the kernel's tool warns of and goes on.
type Warning struct {
	Name       string
	Unresolved bool       // no type has the name: the id stays 0
	Used, Dup  btf.TypeID // else: of two types the first is used
}

func (w Warning) String() string {
	if w.Unresolved {
		return "unresolved symbol " + shown.Name(w.Name)
	}
	return fmt.Sprintf("multiple IDs found for '%s': %d, %d - using %d", shown.Name(w.Name), w.Used, w.Dup, w.Used)
}

// Resolve writes the ids of t, its base included, into Data, and sorts the sets. A name that several types have gets
// the lowest id, as in the kernel's tool.
// Rule btfids/resolve.
func (s *Section) Resolve(t *btf.Types) []Warning {
	var warnings []Warning
	for _, r := range s.requests {
		r.id, r.dup = 0, 0
	}
	for r, id := range s.matches(t) {
		if r.id == 0 {
			r.id = id
		} else {
			warnings = append(warnings, Warning{Name: r.name, Used: r.id, Dup: id})
		}
	}
	for _, r := range s.requests {
		if r.id == 0 {
			warnings = append(warnings, Warning{Name: r.name, Unresolved: true})
		}
		for _, off := range r.at {
			s.put(off, uint32(r.id))
		}
	}
	for _, x := range s.sets {
		s.put(x.at, uint32(x.n))
		s.sort(x)
	}
	return warnings
}

// kinds are the kinds of types that symbols ask for.
var kinds = map[btf.Kind]kind{btf.Struct: kindStruct, btf.Union: kindUnion, btf.Typedef: kindTypedef, btf.Func: kindFunc}

// matches goes through the types that have the kind and name of a request, in the order of their ids.
func (s *Section) matches(t *btf.Types) iter.Seq2[*request, btf.TypeID] {
	return func(yield func(*request, btf.TypeID) bool) {
		wanted := uint32(0)
		for k, to := range kinds {
			if len(s.byName[to]) > 0 {
				wanted |= 1 << k
			}
		}
		for id := btf.TypeID(1); int(id) < t.Len() && wanted != 0; id++ {
			rec := t.Record(id)
			k := btf.InfoKind(rec[1])
			if wanted>>k&1 == 0 || rec[0] == 0 {
				continue
			}
			if r := s.byName[kinds[k]][string(t.StringBytes(rec[0]))]; r != nil && !yield(r, id) {
				return
			}
		}
	}
}

// Renumber replaces every id in the section by what f makes of it, and sorts the sets again: for a module whose types
// got other ids. Where ids are is known from the symbols.
func (s *Section) Renumber(f func(btf.TypeID) btf.TypeID) {
	for _, r := range s.requests {
		for _, off := range r.at {
			s.put(off, uint32(f(btf.TypeID(s.word(off)))))
		}
	}
	for _, x := range s.sets {
		s.sort(x)
	}
}

// IDs returns the names that the section asks for with the ids that it holds now, by the symbols' order.
func (s *Section) IDs(f func(kind, name string, id btf.TypeID)) {
	for _, r := range s.requests {
		f(kindNames[r.kind], r.name, btf.TypeID(s.word(r.at[0])))
	}
}

// Lists tells whether the section has places outside of sets: a kernel does not relocate those when a module brings a
// base of its own (rule forms/relocate).
func (s *Section) Lists() bool {
	for _, r := range s.requests {
		for _, off := range r.at {
			if !slices.ContainsFunc(s.sets, func(x set) bool { return off > x.at && off < x.at+x.size() }) {
				return true
			}
		}
	}
	return false
}

func (x set) size() int {
	if x.pairs {
		return 8 * (x.n + 1)
	}
	return 4 * (x.n + 1)
}

// sort orders a set by its ids, as signed numbers; the flags of a pair go with its id.
// Rule btfids/sorted.
func (s *Section) sort(x set) {
	if x.pairs {
		at := x.at + 8
		pairs := make([][2]uint32, x.n)
		for i := range pairs {
			pairs[i] = [2]uint32{s.word(at + 8*i), s.word(at + 8*i + 4)}
		}
		slices.SortStableFunc(pairs, func(a, b [2]uint32) int { return cmp.Compare(int32(a[0]), int32(b[0])) })
		for i, p := range pairs {
			s.put(at+8*i, p[0])
			s.put(at+8*i+4, p[1])
		}
		return
	}
	at := x.at + 4
	ids := make([]uint32, x.n)
	for i := range ids {
		ids[i] = s.word(at + 4*i)
	}
	slices.SortFunc(ids, func(a, b uint32) int { return cmp.Compare(int32(a), int32(b)) })
	for i, id := range ids {
		s.put(at+4*i, id)
	}
}

func (s *Section) word(off int) uint32   { return s.Order.Uint32(s.Data[off:]) }
func (s *Section) put(off int, v uint32) { s.Order.PutUint32(s.Data[off:], v) }
