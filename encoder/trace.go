package encoder

import (
	"bufio"
	"fmt"
	"io"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/convert"
	"github.com/gobtf/gobtf/internal/graph"
)

// tracer writes what -V asks for: the lines of the reference, types in the order in
// which they are added. A nil tracer writes nothing.
type tracer struct {
	w         *bufio.Writer
	file      *input
	header    bool
	variables bool // are wanted

	fake map[btf.TypeID]uint32 // bits that INTs of the unit have in the DWARF, where they have none in BTF

	functionsNow bool // FUNC_PROTOs are those of functions, whose parameters have at least an empty name
}

func newTracer(w io.Writer, file *input, features Features) *tracer {
	if w == nil {
		return nil
	}
	return &tracer{w: bufio.NewWriter(w), file: file, variables: features&(Var|GlobalVar) != 0}
}

func (tr *tracer) flush() {
	if tr != nil {
		tr.w.Flush()
	}
}

// types prints the types from one id to before another.
func (tr *tracer) types(t *table, from uint32, to btf.TypeID) {
	if tr == nil {
		return
	}
	tr.begin()
	for id := btf.TypeID(from); id < to; id++ {
		tr.one(t, id)
	}
}

// unit prints a unit's types, which end before to. off turns a LocalID into an id.
func (tr *tracer) unit(t *table, u *convert.Unit, off uint32, to btf.TypeID) {
	if tr == nil {
		return
	}
	tr.fake = make(map[btf.TypeID]uint32, len(u.FakeInts))
	for _, f := range u.FakeInts {
		tr.fake[btf.TypeID(uint32(f.ID)+off)] = f.Bits
	}
	tr.types(t, off+1, to)
}

// begin prints what comes before everything else.
func (tr *tracer) begin() {
	if tr.header {
		return
	}
	tr.header = true
	if tr.file.elf.Section(percpuSection) == nil {
		fmt.Fprintf(tr.w, "btf_encoder__new: '%s' doesn't have '%s' section\n", tr.file.path, percpuSection)
	}
	fmt.Fprintf(tr.w, "File %s:\n", tr.file.path)
}

func (tr *tracer) one(t *table, id btf.TypeID) {
	g := t.g
	i := id - g.Start
	sh, refs := g.Shape[i], g.Refs[g.RefOff[i]:g.RefOff[i+1]]
	w := g.Shapes.Content(sh)
	str := func(id uint32) string {
		if id == 0 {
			return "(anon)"
		}
		return t.strs.String(graph.StrID(id))
	}
	member := func(id uint32) string {
		if id == 0 {
			return "(null)"
		}
		return t.strs.String(graph.StrID(id))
	}
	fmt.Fprintf(tr.w, "[%d] %v %s", id, sh.Kind(), str(w[1]))
	switch sh.Kind() {
	case btf.Int:
		bits, ok := tr.fake[id]
		if !ok {
			bits = w[3] & 0xff
		}
		fmt.Fprintf(tr.w, " size=%d nr_bits=%d encoding=%s\n", w[2], bits, intEncoding(w[3]>>24))
	case btf.Float:
		fmt.Fprintf(tr.w, " size=%d nr_bits=%d\n", w[2], w[2]*8)
	case btf.Ptr, btf.Const, btf.Volatile, btf.Restrict, btf.Typedef, btf.Func, btf.TypeTag:
		fmt.Fprintf(tr.w, " type_id=%d\n", refs[0])
	case btf.Array:
		fmt.Fprintf(tr.w, " type_id=%d index_type_id=%d nr_elems=%d\n", refs[0], refs[1], w[3])
	case btf.Fwd:
		fmt.Fprintf(tr.w, " %s\n", map[bool]string{false: "struct", true: "union"}[btf.InfoKflag(w[0])])
	case btf.Struct, btf.Union:
		fmt.Fprintf(tr.w, " size=%d\n", w[2])
		bitfields := false // the reference prints a member as it adds it: sizes begin with the first bitfield
		for j, r := range refs {
			off, bits := w[4+2*j], uint32(0)
			if btf.InfoKflag(w[0]) {
				off, bits = off&0xffffff, off>>24
			}
			if bitfields = bitfields || bits > 0; !bitfields {
				fmt.Fprintf(tr.w, "\t%s type_id=%d bits_offset=%d\n", str(w[3+2*j]), r, off)
			} else {
				fmt.Fprintf(tr.w, "\t%s type_id=%d bitfield_size=%d bits_offset=%d\n", str(w[3+2*j]), r, bits, off)
			}
		}
	case btf.Enum:
		fmt.Fprintf(tr.w, " size=%d\n", w[2])
		for j := 3; j < len(w); j += 2 {
			if btf.InfoKflag(w[0]) {
				fmt.Fprintf(tr.w, "\t%s val=%d\n", member(w[j]), int32(w[j+1]))
			} else {
				fmt.Fprintf(tr.w, "\t%s val=%d\n", member(w[j]), w[j+1])
			}
		}
	case btf.Enum64:
		fmt.Fprintf(tr.w, " size=%d\n", w[2])
		for j := 3; j < len(w); j += 3 {
			v := uint64(w[j+1]) | uint64(w[j+2])<<32
			if btf.InfoKflag(w[0]) {
				fmt.Fprintf(tr.w, "\t%s val=%d\n", member(w[j]), int64(v))
			} else {
				fmt.Fprintf(tr.w, "\t%s val=%d\n", member(w[j]), v)
			}
		}
	case btf.FuncProto:
		tr.proto(t, w, refs)
	case btf.Var:
		fmt.Fprintf(tr.w, " type=%d linkage=%d\n", refs[0], w[3])
	case btf.Datasec:
		fmt.Fprintf(tr.w, " size=%d vlen=%d\n", w[2], len(refs))
		for j, r := range refs {
			fmt.Fprintf(tr.w, "\ttype=%d offset=%d size=%d\n", r, w[3+2*j], w[4+2*j])
		}
	case btf.DeclTag:
		fmt.Fprintf(tr.w, " type_id=%d component_idx=%d\n", refs[0], int32(w[3]))
	case btf.Void:
		fmt.Fprintln(tr.w)
	}
}

func (tr *tracer) proto(t *table, w, refs []uint32) {
	fmt.Fprintf(tr.w, " return=%d args=(", refs[0])
	if len(refs) == 1 {
		fmt.Fprint(tr.w, "void")
	}
	for i, r := range refs[1:] {
		if i > 0 {
			fmt.Fprint(tr.w, ", ")
		}
		name := w[3+i]
		switch {
		case r == 0 && i == len(refs)-2: // a last parameter of type void is taken for it, whatever its name
			fmt.Fprint(tr.w, "vararg")
		case name == 0 && !tr.functionsNow:
			fmt.Fprintf(tr.w, "%d (null)", r)
		default:
			fmt.Fprintf(tr.w, "%d %s", r, t.strs.String(graph.StrID(name)))
		}
	}
	fmt.Fprintln(tr.w, ")")
}

func intEncoding(e uint32) string {
	switch e {
	case 1:
		return "SIGNED"
	case 2:
		return "CHAR"
	case 4:
		return "BOOL"
	case 0:
		return "(none)"
	}
	return "UNKN"
}

// lateFunctions tells that all units are there.
func (tr *tracer) lateFunctions() {
	if tr != nil {
		tr.functionsNow = true
	}
}

// search names the functions of a unit that have no symbol, and announces the unit's variables.
func (tr *tracer) search(t *table, u *convert.Unit) {
	if tr == nil {
		return
	}
	for _, name := range u.Missing {
		fmt.Fprintf(tr.w, "could not find function '%s' in the ELF functions table\n", t.strs.String(name))
	}
	if tr.variables {
		tr.begin()
		fmt.Fprintf(tr.w, "search cu '%s' for percpu global variables.\n", u.Name)
	}
}

func (tr *tracer) variable(t *table, u *convert.Unit, v *convert.Var, id btf.TypeID) {
	if tr == nil {
		return
	}
	name := t.strs.String(t.g.Shapes.Name(u.Tail[v.Tail].Shape))
	fmt.Fprintf(tr.w, "Variable '%s' from CU '%s' at address %#x encoded\n", name, u.Name, v.Offset)
	tr.one(t, id)
}

// skipping says why a function is not written, in the reference's words.
func (tr *tracer) skipping(t *table, e *funcEntry, why string, args ...any) {
	if tr == nil {
		return
	}
	fmt.Fprintf(tr.w, "%s : skipping BTF encoding of function due to ", t.strs.String(e.name))
	fmt.Fprintf(tr.w, why+"\n", args...)
}

// mismatch says in which parameter, counted from 0, two prototypes of a function differ.
func (tr *tracer) mismatch(t *table, e *funcEntry, i int, a, b graph.StrID) {
	if tr == nil {
		return
	}
	ne, x, y := "!=", t.strs.String(a), t.strs.String(b)
	if y == "" {
		ne = ""
	}
	tr.skipping(t, e, "param type mismatch for param#%d %s %s %s", i+1, x, ne, y)
}

var skipText = [...]string{
	skipUnexpected:   "unexpected register usage for parameter",
	skipInconsistent: "inconsistet prototype", // sic
	skipUncertain:    "uncertain parameter location",
	skipReordered:    "reordered parameters",
	skipOptimized:    "optimized parameters",
	skipAmbiguous:    "ambiguous address",
}
