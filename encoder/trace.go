package encoder

import (
	"bufio"
	"fmt"
	"io"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/dwarf2btf"
)

// tracer writes what -V asks for: the lines of the reference, types in the order in
// which they are added. A nil tracer writes nothing.
type tracer struct {
	w      *bufio.Writer
	file   string
	header bool
}

func newTracer(w io.Writer, file string) *tracer {
	if w == nil {
		return nil
	}
	return &tracer{w: bufio.NewWriter(w), file: file}
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
	if !tr.header {
		tr.header = true
		fmt.Fprintf(tr.w, "File %s:\n", tr.file)
	}
	for id := btf.TypeID(from); id < to; id++ {
		tr.one(t, id)
	}
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
		return t.strs.String(btf.StrID(id))
	}
	member := func(id uint32) string {
		if id == 0 {
			return "(null)"
		}
		return t.strs.String(btf.StrID(id))
	}
	fmt.Fprintf(tr.w, "[%d] %v %s", id, sh.Kind(), str(w[1]))
	switch sh.Kind() {
	case btf.Int:
		fmt.Fprintf(tr.w, " size=%d nr_bits=%d encoding=%s\n", w[2], w[3]&0xff, intEncoding(w[3]>>24))
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
	default:
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
		case r == 0 && name == 0 && i == len(refs)-2:
			fmt.Fprint(tr.w, "vararg")
		case name == 0:
			fmt.Fprintf(tr.w, "%d (null)", r)
		default:
			fmt.Fprintf(tr.w, "%d %s", r, t.strs.String(btf.StrID(name)))
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

// variables announces a unit's variables.
func (tr *tracer) variables(u *dwarf2btf.Unit) {
	if tr != nil && u.SeeksVars {
		fmt.Fprintf(tr.w, "search cu '%s' for percpu global variables.\n", u.Name)
	}
}

func (tr *tracer) variable(t *table, u *dwarf2btf.Unit, v *dwarf2btf.Var, id btf.TypeID) {
	if tr == nil {
		return
	}
	name := t.strs.String(t.g.Shapes.Name(u.Tail[v.Tail].Shape))
	fmt.Fprintf(tr.w, "Variable '%s' from CU '%s' at address %#x encoded\n", name, u.Name, v.Offset)
	tr.one(t, id)
}

// skipped says why a function is not written, in the reference's words.
func (tr *tracer) skipped(t *table, e *funcEntry, why skipReason) {
	if tr == nil {
		return
	}
	fmt.Fprintf(tr.w, "%s : skipping BTF encoding of function due to %s\n", t.strs.String(e.name), skipText[why])
}

var skipText = [...]string{
	skipUnexpected:   "unexpected register usage for parameter",
	skipInconsistent: "inconsistet prototype", // sic
	skipUncertain:    "uncertain parameter location",
	skipReordered:    "reordered parameters",
	skipOptimized:    "optimized parameters",
	skipAmbiguous:    "ambiguous address",
}
