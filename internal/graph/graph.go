// Package graph holds types by the million while they are being made: contents interned once (Shapes), names interned once
// (Strings), and a list of types whose references are words beside them (Graph).
//
// In: contents and references, from internal/convert a unit at a time. Out: the type section and the string section of a BTF.
// Nothing here is decided: which types survive is internal/dedup's question, and in which order they come is encoder's.
package graph

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/intern"
)

// StrID is the number of an interned string. 0 is the empty string. Numbers are
// given in order of arrival, so nothing may be ordered by them; the place in a
// string section is decided at the end, by the order of first addition.
type StrID uint32

// Strings interns names. Many goroutines may use it at once.
//
// Its memory and its work may be bounded: names of a crafted file can be the ends of one long string, so that a file of 100 KB has
// names of gigabytes. See Limit.
type Strings struct {
	tab   *intern.Bytes
	first intern.Uint64s

	limit uint64 // of bytes; 0: none
	bytes atomic.Uint64
	long  atomic.Uint64 // bytes of long names that were looked up, known or not
	full  atomic.Bool

	longest atomic.Int64
}

// NewStrings returns a table that holds only the empty string.
func NewStrings() *Strings {
	s := &Strings{tab: intern.NewBytes()}
	s.tab.Intern(nil)
	return s
}

const (
	longName = 4096 // bytes; no name of a kernel has 300
	maxAgain = 16   // how many times the limit may be spent on looking at long names
)

// Expect makes room for so many strings.
func (s *Strings) Expect(n int) { s.tab.Expect(n) }

// Limit bounds the bytes of all different names together. It is set before the table is shared.
func (s *Strings) Limit(n uint64) { s.limit = n }

// Longest returns the length of the longest string.
func (s *Strings) Longest() int { return int(s.longest.Load()) }

// Full reports whether there were more names than the limit allows. What was interned since is the empty string.
func (s *Strings) Full() bool { return s.full.Load() }

// Intern returns b's number; b is copied.
func (s *Strings) Intern(b []byte) StrID {
	if s.full.Load() {
		return 0
	}
	if len(b) > longName && s.limit != 0 && s.long.Add(uint64(len(b))) > maxAgain*s.limit {
		s.full.Store(true)
	}
	id, isNew := s.tab.Intern(b)
	if isNew {
		n := int64(len(b))
		for old := s.longest.Load(); old < n && !s.longest.CompareAndSwap(old, n); old = s.longest.Load() {
		}
	}
	if isNew && s.bytes.Add(uint64(len(b))) > s.limit && s.limit != 0 {
		s.full.Store(true)
	}
	return StrID(id)
}

// InternString is Intern for a string.
func (s *Strings) InternString(b string) StrID { return s.Intern([]byte(b)) }

// Lookup returns b's number if it has one.
func (s *Strings) Lookup(b []byte) (StrID, bool) { id, ok := s.tab.Lookup(b); return StrID(id), ok }

// Bytes returns the string, which must not be changed.
func (s *Strings) Bytes(id StrID) []byte { return s.tab.At(uint32(id)) }

// String returns the string.
func (s *Strings) String(id StrID) string { return string(s.tab.At(uint32(id))) }

// Len returns how many different strings there are, the empty one included.
func (s *Strings) Len() int { return s.tab.Len() }

// First returns the smallest place that added string id (see Lower).
func (s *Strings) First(id StrID) uint64 { return s.first.At(uint32(id)) }

// Lower notes that place added string id and reports whether no smaller place had.
func (s *Strings) Lower(id StrID, place uint64) bool { return s.first.Lower(uint32(id), place) }

// Shape is a type's kind and the number of its content: everything in its record
// but the references. Two types with equal shapes differ in references only. The
// kind is in the upper 5 bits. The zero Shape is void's.
type Shape uint32

const shapeKindShift = 27

// Kind returns the shape's kind.
func (s Shape) Kind() btf.Kind { return btf.Kind(s >> shapeKindShift) }

// Index returns the content's number: dense from 0 over all kinds.
func (s Shape) Index() uint32 { return uint32(s) & (1<<shapeKindShift - 1) }

// Shapes interns contents: what a record says besides its references, in the words of btf.AppendContent, with StrIDs for names.
// References are kept apart, in Graph.Refs. Many goroutines may intern at once.
type Shapes struct {
	Strs  *Strings
	tab   *intern.Words
	first intern.Uint64s
}

// NewShapes returns a table that holds only void's content, under Shape 0.
func NewShapes(strs *Strings) *Shapes {
	s := &Shapes{Strs: strs, tab: intern.NewWords()}
	s.tab.Intern([]uint32{0, 0, 0})
	return s
}

// Expect makes room for so many contents.
func (s *Shapes) Expect(n int) { s.tab.Expect(n) }

// Intern returns the shape of a content, which is copied.
func (s *Shapes) Intern(content []uint32) Shape {
	id, _ := s.tab.Intern(content)
	return Shape(uint32(btf.InfoKind(content[0]))<<shapeKindShift | id)
}

// Lookup returns the shape of a content if it is known.
func (s *Shapes) Lookup(content []uint32) (Shape, bool) {
	id, ok := s.tab.Lookup(content)
	return Shape(uint32(btf.InfoKind(content[0]))<<shapeKindShift | id), ok
}

// Content returns the words of a shape, which must not be changed.
func (s *Shapes) Content(sh Shape) []uint32 { return s.tab.At(sh.Index()) }

// Name returns a shape's name.
func (s *Shapes) Name(sh Shape) StrID { return StrID(s.tab.At(sh.Index())[1]) }

// Len returns how many different contents there are; Shape.Index is less than it.
func (s *Shapes) Len() int { return s.tab.Len() }

// First and Lower are to shapes what Strings.First and Strings.Lower are to strings.
func (s *Shapes) First(sh Shape) uint64 { return s.first.At(sh.Index()) }

// Lower notes that place added shape sh and reports whether no smaller place had.
func (s *Shapes) Lower(sh Shape, place uint64) bool { return s.first.Lower(sh.Index(), place) }

// Graph is a list of types in emission order, as they are before dedup. Entry 0
// is void when the graph has no base; on a base of n types (void included) entry
// i is type n+i, there is no entry for void, and references below n are the base's.
type Graph struct {
	Shapes *Shapes
	Start  btf.TypeID // id of entry 0: 0 without a base, the base's type count on one
	Shape  []Shape    // of entry i
	RefOff []uint32   // entry i's references are Refs[RefOff[i]:RefOff[i+1]]; len(Shape)+1 entries
	Refs   []uint32   // TypeIDs, in the order of btf.AppendRefs
}

// NewGraph returns a graph with room for n types and r references. start is 0
// without a base, else the base's type count, void included.
func NewGraph(s *Shapes, start btf.TypeID, n, r int) *Graph {
	g := &Graph{Shapes: s, Start: start, Shape: make([]Shape, 0, n+1), RefOff: make([]uint32, 1, n+2), Refs: make([]uint32, 0, r)}
	if start == 0 {
		g.Add(0)
	}
	return g
}

// Add appends a type and returns its id. The references are copied.
func (g *Graph) Add(sh Shape, refs ...uint32) btf.TypeID {
	id := g.Start + btf.TypeID(len(g.Shape))
	g.Shape = append(g.Shape, sh)
	g.Refs = append(g.Refs, refs...)
	g.RefOff = append(g.RefOff, uint32(len(g.Refs)))
	return id
}

// Len returns the id that the next type gets.
func (g *Graph) Len() btf.TypeID { return g.Start + btf.TypeID(len(g.Shape)) }

// AddTypes appends the own types of t. References among them follow to the ids that they get here; those to the base of t stay,
// so the base of t must be that of the graph, or none.
func (g *Graph) AddTypes(t *btf.Types) {
	start := uint32(t.Start())
	up := uint32(max(g.Len(), 1)) - start // the first type of a graph without a base gets 1
	name := func(off uint32) uint32 { return uint32(g.Shapes.Strs.Intern(t.StringBytes(off))) }
	var content []uint32
	for _, x := range t.All() {
		rec := x.Record()
		content = btf.AppendContent(content[:0], rec, name)
		at := len(g.Refs)
		g.Refs = btf.AppendRefs(g.Refs, rec)
		for i, r := range g.Refs[at:] {
			if r >= start {
				g.Refs[at+i] = r + up
			}
		}
		g.Shape = append(g.Shape, g.Shapes.Intern(content))
		g.RefOff = append(g.RefOff, uint32(len(g.Refs)))
	}
}

// Types returns the types that keep lists, in that order, with the strings of a section; base is what they continue, or nil.
// The references in g must be final.
func (g *Graph) Types(keep []btf.TypeID, sec *StringSection, base *btf.Types, order binary.ByteOrder) (*btf.Types, error) {
	return btf.New(AppendRecords(nil, g, keep, sec.Offsets()), sec.Bytes(), base, order)
}
