// Package dwarf2btf turns the units of debug information into BTF, one by one: the types of a unit as they stand in it, and its functions.
//
// Before it: whoever has the debug sections of a file, decompressed and, for an object, relocated. After it: package dedup, which merges
// units. It knows nothing of ELF, of files and of other units. Package encoder does the whole way from files to the BTF that pahole
// would write; it takes the same steps on a form that holds millions of types (internal/convert).
package dwarf2btf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/convert"
	"github.com/gobtf/gobtf/internal/graph"
)

// Sections are the debug sections of one file: .debug_info and so on. Those that the file lacks are nil.
type Sections struct {
	Info, Abbrev, Str, LineStr, StrOffsets, Addr, Loc, Loclists []byte
	Types                                                       []byte // .debug_types of DWARF 4
	BigEndian                                                   bool
}

// Options are the choices that change what a unit becomes. The zero value works: no floats, no 64-bit enums and no tags, for the oldest
// kernels.
type Options struct {
	Float   bool // a floating type is a FLOAT, else an INT of its size (rule types/base)
	Enum64  bool // an enum of 8 bytes is an ENUM64 (rule types/enum)
	TypeTag bool // btf_type_tag attributes become TYPE_TAGs (rule types/type-tags)
	DeclTag bool // btf_decl_tag attributes become DECL_TAGs (rule types/decl-tags)

	// Functions says which functions are wanted, by name: those that have a symbol. nil wants all.
	Functions func(name string) bool
}

// Unit is what became of a unit, or of several that refer to each other (rule units/merged).
type Unit struct {
	Name      string // as the compiler calls it: the path of its source
	Types     *btf.Types
	Functions []Function
	Notes     []string // what could not be converted, one line each
}

// Function is a function that the unit describes: a definition, or a copy of an inline one.
type Function struct {
	Name   string
	Addr   uint64 // 0: it has none
	Ret    btf.TypeID
	Params []Param // the last is void without a name where there are variable arguments
}

// Param is a parameter of a Function.
type Param struct {
	Name string
	Type btf.TypeID
}

// Converter converts the units of one file. One goroutine at a time may use it.
type Converter struct {
	conv   *convert.Converter
	worker *convert.Worker
	sized  *convert.Worker // for units that convert.ErrUnsized is about; made when there is one
	sec    convert.Sections
	shapes *graph.Shapes
	opt    Options
	big    bool
	names  []graph.StrID // of functions, by the number that Lookup gave
}

// New reads the headers of all units. Its errors name the section and the offset.
func New(sec Sections, opt Options) (*Converter, error) {
	c := &Converter{shapes: graph.NewShapes(graph.NewStrings()), opt: opt, big: sec.BigEndian}
	c.sec = convert.Sections{
		Info: bytes.NewReader(sec.Info), InfoBytes: sec.Info, InfoSize: uint64(len(sec.Info)), Types: sec.Types, Abbrev: sec.Abbrev, Str: sec.Str,
		LineStr: sec.LineStr, StrOffsets: sec.StrOffsets, Addr: sec.Addr, Loc: sec.Loc, Loclists: sec.Loclists, BigEndian: sec.BigEndian,
	}
	var err error
	if c.conv, err = c.converter(false); err != nil {
		return nil, err
	}
	c.worker = c.conv.NewWorker()
	return c, nil
}

func (c *Converter) converter(sized bool) (*convert.Converter, error) {
	return convert.New(c.sec, c.shapes, convert.Options{Float: c.opt.Float, Enum64: c.opt.Enum64, TypeTag: c.opt.TypeTag, DeclTag: c.opt.DeclTag, Functions: functions{c}, Sized: sized})
}

// convert converts a unit; again where a bitfield of it is of no type, so that what needs a size has one.
func (c *Converter) convert(i int, u *convert.Unit) error {
	err := c.worker.Convert(i, i, u)
	if !errors.Is(err, convert.ErrUnsized) {
		return err
	}
	if c.sized == nil {
		conv, err := c.converter(true)
		if err != nil {
			return err
		}
		c.sized = conv.NewWorker()
	}
	c.names, *u = c.names[:0], convert.Unit{}
	return c.sized.Convert(i, i, u)
}

// functions is how internal/convert asks which functions are wanted.
type functions struct{ c *Converter }

// Lookup numbers the names of functions that are wanted.
func (f functions) Lookup(name graph.StrID) int32 {
	c := f.c
	if c.opt.Functions != nil && !c.opt.Functions(c.shapes.Strs.String(name)) {
		return -1
	}
	c.names = append(c.names, name)
	return int32(len(c.names) - 1)
}

// Len returns the number of units; units that refer to each other count as one.
func (c *Converter) Len() int { return c.conv.Len() }

// Convert converts unit i of Len.
func (c *Converter) Convert(i int) (*Unit, error) {
	c.names = c.names[:0]
	var u convert.Unit
	if err := c.convert(i, &u); err != nil {
		return nil, err
	}
	types, err := c.types(&u)
	if err != nil {
		return nil, fmt.Errorf("unit %s: %w", u.Name, err)
	}
	out := &Unit{Name: u.Name, Types: types}
	for _, f := range u.Funcs {
		fn := Function{Name: c.shapes.Strs.String(c.names[f.Func]), Addr: f.Addr, Ret: btf.TypeID(f.Ret)}
		for _, p := range u.Params[f.Param : f.Param+f.NParm] {
			fn.Params = append(fn.Params, Param{c.shapes.Strs.String(p.Name), btf.TypeID(p.Type)})
		}
		out.Functions = append(out.Functions, fn)
	}
	for _, n := range u.Notes {
		out.Notes = append(out.Notes, n.String())
	}
	return out, nil
}

// types makes a BTF of a unit's types: local id n is type n.
func (c *Converter) types(u *convert.Unit) (*btf.Types, error) {
	g := graph.NewGraph(c.shapes, 0, len(u.Shape), len(u.Refs))
	index := uint32(u.FirstInt)
	if index == 0 {
		index = uint32(len(u.Shape)) + 1 // an INT that is added behind the types
	}
	for i, sh := range u.Shape {
		refs := u.Refs[u.RefOff[i]:u.RefOff[i+1]]
		for j, r := range refs {
			if r == convert.ArrayIndex {
				refs[j] = index
			}
		}
		g.Add(sh, refs...)
	}
	if u.HasArray && u.FirstInt == 0 {
		g.Add(c.shapes.Intern([]uint32{btf.InfoWord(btf.Int, 0, false), uint32(c.shapes.Strs.InternString("int")), 4, btf.Signed<<24 | 32}))
	}
	first := uint32(g.Len())
	for _, t := range u.Tail {
		ref := t.Ref
		if ref&convert.TailRef != 0 {
			ref = first + ref&^convert.TailRef
		}
		g.Add(t.Shape, ref)
	}
	sec := graph.NewStringSection(c.shapes.Strs, 0, nil)
	var all []btf.TypeID
	for id := btf.TypeID(1); id < g.Len(); id++ {
		all = append(all, id)
		sec.AddContent(c.shapes.Content(g.Shape[id]))
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if c.big {
		order = binary.BigEndian
	}
	return g.Types(all, sec, nil, order)
}
