package btf

import (
	"fmt"
	"strings"
)

// Describe returns a type as bpftool's raw dump prints it: a line, and one more per
// member, parameter, value or variable. The last line has no end.
func (t *Types) Describe(id TypeID) string {
	var b strings.Builder
	x := t.Type(id)
	k := x.Kind()
	fmt.Fprintf(&b, "[%d] %s %s", id, k, quoted(x.Name()))
	switch k {
	case Void:
	case Int:
		i := x.Int()
		fmt.Fprintf(&b, " size=%d bits_offset=%d nr_bits=%d encoding=%s", x.Size(), i.Offset, i.Bits, encodingName(i.Encoding))
	case Ptr, Typedef, Volatile, Const, Restrict:
		fmt.Fprintf(&b, " type_id=%d", x.Ref())
	case TypeTag:
		fmt.Fprintf(&b, " type_id=%d%s", x.Ref(), attribute(x))
	case DeclTag:
		fmt.Fprintf(&b, " type_id=%d component_idx=%d%s", x.Ref(), x.Component(), attribute(x))
	case Array:
		elem, index, n := x.Array()
		fmt.Fprintf(&b, " type_id=%d index_type_id=%d nr_elems=%d", elem, index, n)
	case Struct, Union:
		fmt.Fprintf(&b, " size=%d vlen=%d", x.Size(), x.Vlen())
		for m := range x.Members() {
			fmt.Fprintf(&b, "\n\t%s type_id=%d bits_offset=%d", quoted(m.Name), m.Type, m.Bit)
			if m.Bits != 0 {
				fmt.Fprintf(&b, " bitfield_size=%d", m.Bits)
			}
		}
	case Enum, Enum64:
		sign, suffix := "UNSIGNED", ""
		if x.Kflag() {
			sign = "SIGNED"
		}
		if k == Enum64 {
			suffix = "ULL"
			if x.Kflag() {
				suffix = "LL"
			}
		}
		fmt.Fprintf(&b, " encoding=%s size=%d vlen=%d", sign, x.Size(), x.Vlen())
		for v := range x.Values() {
			if x.Kflag() {
				fmt.Fprintf(&b, "\n\t%s val=%d%s", quoted(v.Name), int64(v.Value), suffix)
			} else {
				fmt.Fprintf(&b, "\n\t%s val=%d%s", quoted(v.Name), v.Value, suffix)
			}
		}
	case Fwd:
		b.WriteString(" fwd_kind=")
		if x.Kflag() {
			b.WriteString("union")
		} else {
			b.WriteString("struct")
		}
	case Func:
		fmt.Fprintf(&b, " type_id=%d linkage=%s", x.Ref(), LinkageName(x.Linkage()))
	case FuncProto:
		fmt.Fprintf(&b, " ret_type_id=%d vlen=%d", x.Ref(), x.Vlen())
		for p := range x.Params() {
			fmt.Fprintf(&b, "\n\t%s type_id=%d", quoted(p.Name), p.Type)
		}
	case Var:
		fmt.Fprintf(&b, " type_id=%d, linkage=%s", x.Ref(), LinkageName(x.Linkage()))
	case Datasec:
		fmt.Fprintf(&b, " size=%d vlen=%d", x.Size(), x.Vlen())
		for e := range x.Entries() {
			v := t.Type(e.Var)
			fmt.Fprintf(&b, "\n\ttype_id=%d offset=%d size=%d (%s %s)", e.Var, e.Offset, e.Size, v.Kind(), quoted(v.Name()))
		}
	case Float:
		fmt.Fprintf(&b, " size=%d", x.Size())
	}
	return b.String()
}

func quoted(name string) string {
	if name == "" {
		name = "(anon)"
	}
	return "'" + name + "'"
}

// attribute marks the form of tag that bpftool 7.1 does not know yet.
func attribute(x Type) string {
	if x.Kflag() {
		return " kflag=1"
	}
	return ""
}

func encodingName(e uint8) string {
	switch e {
	case 0:
		return "(none)"
	case Signed:
		return "SIGNED"
	case Char:
		return "CHAR"
	case Bool:
		return "BOOL"
	}
	return "UNKN"
}

// LinkageName returns the word for the linkage of a FUNC or VAR, "(unknown)" for what is none.
func LinkageName(l uint32) string {
	switch l {
	case Static:
		return "static"
	case Global:
		return "global"
	case Extern:
		return "extern"
	}
	return "(unknown)"
}
