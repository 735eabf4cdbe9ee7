package dump

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/gobtf/gobtf/btf"
)

// C writes types as C declarations that gcc and clang compile, as "bpftool btf dump file ... format c" does (7.8): a vmlinux.h. Types of
// the base are among them. With ids only these, and what they need.
//
// Each type is written once, after what it needs whole. Where types need each other by pointer, one is declared first. What has the name of
// another type gets a number behind it (foo___2). Anonymous types are written where they are used.
func C(w io.Writer, ts *btf.Types, ids []btf.TypeID, as uint32) error {
	b := bufio.NewWriterSize(w, 1<<16)
	d := newCDumper(b, ts, as)
	b.WriteString(cHead)
	all := ids == nil
	if all {
		ids = cOrder(ts)
	}
	var err error
	for _, id := range ids {
		if err = d.dump(id); err != nil {
			break
		}
	}
	if err == nil && all {
		d.kfuncs() // their prototypes need all types
	}
	b.WriteString(cTail)
	return cmp.Or(err, b.Flush())
}

const cHead = `#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

#ifndef __ksym
#define __ksym __attribute__((section(".ksyms")))
#endif

#ifndef __weak
#define __weak __attribute__((weak))
#endif

#ifndef __bpf_fastcall
#if __has_attribute(bpf_fastcall)
#define __bpf_fastcall __attribute__((bpf_fastcall))
#else
#define __bpf_fastcall
#endif
#endif

`

const cTail = `#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif /* __VMLINUX_H__ */
`

// ordering says how far a type has come in the search for what must be written before it.
type ordering uint8

const (
	unordered ordering = iota
	inOrdering
	ordered
)

// writing says how far a type has come in being written.
type writing uint8

const (
	unwritten writing = iota
	inWriting
	written
)

type cState struct {
	order      ordering
	write      writing
	forward    bool // a declaration has been written
	referenced bool // some type refers to it: an anonymous enum that nothing refers to stands alone
	named      bool // name is settled
}

type cDumper struct {
	*bufio.Writer
	ts     *btf.Types
	as     uint32 // size of an address
	state  []cState
	names  map[btf.TypeID]string // those that got a number
	tags   map[string]int        // how often a name of a struct, union or enum has been given
	idents map[string]int        // the same of typedefs and enum values
	queue  []btf.TypeID
	stack  []btf.TypeID // declarations being written
	align  map[btf.TypeID]uint32
	bad    error // what cannot be written
}

func newCDumper(w *bufio.Writer, ts *btf.Types, as uint32) *cDumper {
	d := &cDumper{Writer: w, ts: ts, as: as, state: make([]cState, ts.Len()), names: map[btf.TypeID]string{}, tags: map[string]int{}, idents: map[string]int{}, align: map[btf.TypeID]uint32{}}
	d.state[0] = cState{order: ordered, write: written} // void is always there
	for id := btf.TypeID(1); int(id) < ts.Len(); id++ {
		t := ts.Type(id)
		if t.Kind() == btf.FuncProto { // what it returns does not count
			for p := range t.Params() {
				d.state[p.Type].referenced = true
			}
			continue
		}
		for r := range t.Refs() {
			d.state[r].referenced = true
		}
	}
	return d
}

// dump writes a type, and before it all that it needs.
func (d *cDumper) dump(id btf.TypeID) error {
	d.queue = d.queue[:0]
	if _, err := d.order(id, false, 0); err != nil {
		return err
	}
	for _, q := range d.queue {
		d.emit(q, 0, 0)
	}
	return d.bad
}

// maxLevels bounds how deep types may be nested in each other.
const maxLevels = 5000

// order appends to the queue what has to be written for a type, in the order in which it has to be. strong: whoever refers to the type needs
// its definition, which a declaration does not replace.
func (d *cDumper) order(id btf.TypeID, pointed bool, depth int) (strong bool, err error) {
	if depth > maxLevels {
		return false, fmt.Errorf("type %d: nested deeper than %d", id, maxLevels)
	}
	s := &d.state[id]
	if s.order == ordered {
		return true, nil
	}
	t := d.ts.Type(id)
	k := t.Kind()
	named := t.NameOff() != 0
	if s.order == inOrdering {
		if (k == btf.Struct || k == btf.Union) && pointed && named {
			return false, nil // a declaration will do
		}
		return false, fmt.Errorf("type %d, %s %s, contains itself", id, k, t.Name())
	}
	switch k {
	case btf.Void, btf.Int, btf.Float, btf.Func, btf.Var, btf.Datasec, btf.DeclTag:
		s.order = ordered
		return false, nil
	case btf.Ptr:
		strong, err = d.order(t.Ref(), true, depth+1)
		s.order = ordered
		return strong, err
	case btf.Array:
		elem, _, _ := t.Array()
		return d.order(elem, false, depth+1)
	case btf.Struct, btf.Union:
		if pointed && named {
			return false, nil
		}
		s.order = inOrdering
		for m := range t.Members() {
			if _, err := d.order(m.Type, false, depth+1); err != nil {
				return false, err
			}
		}
		if named {
			d.queue = append(d.queue, id)
		}
		s.order = ordered
		return true, nil
	case btf.Enum, btf.Enum64, btf.Fwd:
		if named || !s.referenced {
			d.queue = append(d.queue, id)
		}
		s.order = ordered
		return true, nil
	case btf.Typedef:
		strong, err = d.order(t.Ref(), pointed, depth+1)
		if err != nil || pointed && !strong {
			return false, err
		}
		d.queue = append(d.queue, id)
		s.order = ordered
		return true, nil
	case btf.Const, btf.Volatile, btf.Restrict, btf.TypeTag:
		return d.order(t.Ref(), pointed, depth+1)
	case btf.FuncProto:
		if strong, err = d.order(t.Ref(), pointed, depth+1); err != nil {
			return false, err
		}
		for p := range t.Params() {
			more, err := d.order(p.Type, pointed, depth+1)
			if err != nil {
				return false, err
			}
			strong = strong || more
		}
		return strong, nil
	}
	return false, nil
}

// emit writes a type of the queue; inside is the type that it is needed for, 0 when it is its own turn.
func (d *cDumper) emit(id, inside btf.TypeID, depth int) {
	s := &d.state[id]
	if id == 0 || s.write == written || depth > maxLevels {
		return
	}
	t := d.ts.Type(id)
	k := t.Kind()
	if s.write == inWriting {
		d.emitAgain(id, inside, t)
		return
	}
	switch k {
	case btf.Int:
		if real := polyTypes[t.Name()]; real != "" {
			fmt.Fprintf(d, "typedef %s %s;\n\n", real, t.Name())
		}
		s.write = written
	case btf.Enum, btf.Enum64:
		if inside == 0 {
			d.enum(id, t, 0)
			d.WriteString(";\n\n")
		}
		s.write = written
	case btf.Fwd:
		d.forward(id, t)
		d.WriteString(";\n\n")
		s.write = written
	case btf.Ptr, btf.Const, btf.Volatile, btf.Restrict, btf.TypeTag:
		d.emit(t.Ref(), inside, depth+1)
	case btf.Array:
		elem, _, _ := t.Array()
		d.emit(elem, inside, depth+1)
	case btf.Typedef:
		s.write = inWriting
		d.emit(t.Ref(), id, depth+1)
		if !s.forward && t.Name() != "__builtin_va_list" { // the compiler has that
			d.typedef(id, t)
			d.WriteString(";\n\n")
		}
		s.write = written
	case btf.Struct, btf.Union:
		s.write = inWriting
		switch {
		case inside == 0 || t.NameOff() == 0: // the members are written, and need their types
			of := id
			if t.NameOff() == 0 {
				of = inside
			}
			for m := range t.Members() {
				d.emit(m.Type, of, depth+1)
			}
		case !s.forward && id != inside:
			d.forward(id, t)
			d.WriteString(";\n\n")
			s.forward = true
		}
		s.write = unwritten
		if inside == 0 {
			d.record(id, t, 0)
			d.WriteString(";\n\n")
			s.write = written
		}
	case btf.FuncProto:
		d.emit(t.Ref(), inside, depth+1)
		for p := range t.Params() {
			d.emit(p.Type, inside, depth+1)
		}
	case btf.Void, btf.Float, btf.Func, btf.Var, btf.Datasec, btf.DeclTag: // nothing is declared for them
	}
}

// emitAgain writes the declaration of a type that is being written and that something inside of it refers to.
func (d *cDumper) emitAgain(id, inside btf.TypeID, t btf.Type) {
	s := &d.state[id]
	if s.forward {
		return
	}
	switch t.Kind() {
	case btf.Struct, btf.Union:
		if id == inside || t.NameOff() == 0 {
			return
		}
		d.forward(id, t)
		d.WriteString(";\n\n")
		s.forward = true
	case btf.Typedef:
		if t.Name() != "__builtin_va_list" {
			d.typedef(id, t)
			d.WriteString(";\n\n")
		}
		s.forward = true
	default: // other kinds: they cannot be declared without being defined
	}
}

// polyTypes are types that compilers for ARM have and others do not.
var polyTypes = map[string]string{
	"__Poly8_t": "unsigned char", "__Poly16_t": "unsigned short", "__Poly64_t": "unsigned long long", "__Poly128_t": "unsigned __int128",
}

// tag is the name of a struct, union or enum, with a number when another one has it already.
func (d *cDumper) tag(id btf.TypeID, t btf.Type) string { return d.name(id, t, d.tags) }

func (d *cDumper) name(id btf.TypeID, t btf.Type, given map[string]int) string {
	name := t.Name()
	if name == "" {
		return ""
	}
	s := &d.state[id]
	if !s.named {
		s.named = true
		if k := t.Kind(); k == btf.Fwd || k == btf.Enum && t.Vlen() == 0 {
			return name // a declaration of whichever has the name
		}
		if given[name]++; given[name] > 1 {
			d.names[id] = fmt.Sprintf("%s___%d", name, given[name])
		}
	}
	if n := d.names[id]; n != "" {
		return n
	}
	return name
}

// forward writes a struct, union or FWD as "struct NAME".
func (d *cDumper) forward(id btf.TypeID, t btf.Type) {
	word := "struct"
	if t.Kind() == btf.Union || t.Kind() == btf.Fwd && t.Kflag() {
		word = "union"
	}
	d.WriteString(word)
	if t.NameOff() != 0 || t.Kind() == btf.Fwd {
		d.WriteByte(' ')
	}
	d.WriteString(d.tag(id, t))
}

func (d *cDumper) typedef(id btf.TypeID, t btf.Type) {
	name := d.name(id, t, d.idents)
	if t.Ref() == 0 && name == "__gnuc_va_list" {
		d.WriteString("typedef __builtin_va_list __gnuc_va_list") // old compilers make it void
		return
	}
	d.WriteString("typedef ")
	d.declare(t.Ref(), name, 0)
}

func (d *cDumper) indent(level int) {
	for range level {
		d.WriteByte('\t')
	}
}

func (d *cDumper) enum(id btf.TypeID, t btf.Type, level int) {
	d.WriteString("enum")
	if t.NameOff() != 0 {
		d.WriteByte(' ')
	}
	d.WriteString(d.tag(id, t))
	if t.Vlen() == 0 {
		return
	}
	d.WriteString(" {")
	wide := false
	for v := range t.Values() {
		d.WriteByte('\n')
		d.indent(level + 1)
		d.WriteString(v.Name)
		if d.idents[v.Name]++; d.idents[v.Name] > 1 {
			fmt.Fprintf(d, "___%d", d.idents[v.Name])
		}
		d.WriteString(" = ")
		if t.Kflag() {
			d.WriteString(strconv.FormatInt(int64(v.Value), 10))
		} else {
			d.WriteString(strconv.FormatUint(v.Value, 10))
		}
		if t.Kind() == btf.Enum64 {
			if t.Kflag() {
				d.WriteString("LL")
			} else {
				d.WriteString("ULL")
			}
			wide = wide || v.Value>>32 != 0
		}
		d.WriteByte(',')
	}
	d.WriteByte('\n')
	d.indent(level)
	d.WriteByte('}')
	switch {
	case t.Size() == 1:
		d.WriteString(" __attribute__((mode(byte)))")
	case t.Size() == 8 && d.as == 8 && !wide: // no value makes the compiler take 8 bytes by itself
		d.WriteString(" __attribute__((mode(word)))")
	}
}

// record writes the definition of a struct or union, an anonymous one where it is used.
func (d *cDumper) record(id btf.TypeID, t btf.Type, level int) {
	if level > maxLevels {
		return
	}
	isStruct := t.Kind() == btf.Struct
	align := d.alignOf(id, 0)
	packed := isStruct && d.packed(t)
	if isStruct {
		d.WriteString("struct")
	} else {
		d.WriteString("union")
	}
	if t.NameOff() != 0 {
		d.WriteByte(' ')
	}
	d.WriteString(d.tag(id, t))
	d.WriteString(" {")
	off, wasBits := int32(0), false // counted in 32 bits with a sign, as bpftool does: what lies beyond is before all others
	for m := range t.Members() {
		memberAlign := uint32(1)
		if !packed {
			memberAlign = d.alignOf(m.Type, 0)
		}
		d.padding(off, int32(m.Bit), int32(memberAlign), wasBits && m.Bits != 0, level+1)
		d.WriteByte('\n')
		d.indent(level + 1)
		d.declare(m.Type, m.Name, level+1)
		if wasBits = m.Bits != 0; wasBits {
			fmt.Fprintf(d, ": %d", m.Bits)
			off = int32(m.Bit + m.Bits)
		} else {
			off = int32(m.Bit) + 8*int32(d.ts.SizeOf(m.Type, d.as))
		}
		d.WriteByte(';')
	}
	if isStruct {
		d.padding(off, int32(8*t.Size()), int32(align), false, level+1)
	}
	if t.Vlen() > 0 || t.Size() > 0 {
		d.WriteByte('\n')
		d.indent(level)
	}
	d.WriteByte('}')
	if packed {
		d.WriteString(" __attribute__((packed))")
	}
}

// alignOf returns the alignment in bytes that a compiler gives a type; 0 for what has none. A struct that is packed has 1.
func (d *cDumper) alignOf(id btf.TypeID, depth int) uint32 {
	if depth > maxLevels {
		return 0
	}
	t := d.ts.Type(id)
	switch t.Kind() {
	case btf.Int, btf.Enum, btf.Enum64, btf.Float:
		return min(d.as, t.Size())
	case btf.Ptr:
		return d.as
	case btf.Typedef, btf.Const, btf.Volatile, btf.Restrict, btf.TypeTag:
		return d.alignOf(t.Ref(), depth+1)
	case btf.Array:
		elem, _, _ := t.Array()
		return d.alignOf(elem, depth+1)
	case btf.Struct, btf.Union:
		if a, ok := d.align[id]; ok {
			return a
		}
		d.align[id] = 1 // in a ring, which no compiler makes
		most := uint32(1)
		for m := range t.Members() {
			a := d.alignOf(m.Type, depth+1)
			if a == 0 {
				most = 0
				break
			}
			most = max(most, a)
			if m.Bits == 0 && m.Bit%(8*a) != 0 {
				most = 1
				break
			}
		}
		if most > 0 && t.Size()%most != 0 {
			most = 1
		}
		d.align[id] = most
		return most
	default: // other kinds: they are no values
		return 0
	}
}

// packed tells whether a struct's members or its size are where only the attribute puts them.
func (d *cDumper) packed(t btf.Type) bool {
	most := uint32(1)
	for m := range t.Members() {
		a := d.alignOf(m.Type, 0)
		if a != 0 && m.Bits == 0 && m.Bit%(8*a) != 0 {
			return true
		}
		most = max(most, a)
	}
	return t.Size()%most != 0
}

// padding fills the bits between two places with unnamed bitfields, where the compiler would not leave as many by itself. align is that of
// what follows, in bytes; inBits: it continues a bitfield.
func (d *cDumper) padding(from, to, align int32, inBits bool, level int) {
	if from >= to {
		return
	}
	pads := [...]struct {
		name string
		bits int32
	}{{"long", int32(d.as) * 8}, {"int", 32}, {"short", 16}, {"char", 8}}
	line := func(name string, bits int32) {
		d.WriteByte('\n')
		d.indent(level)
		fmt.Fprintf(d, "%s: %d;", name, bits)
	}
	up := func(n, to int32) int32 { return (n + to - 1) / to * to }
	// The largest type that has a boundary before the end: its zero width moves on to that boundary.
	pad, at := pads[0], int32(0)
	for _, pad = range pads {
		if at = up(from, pad.bits); at <= to {
			break
		}
	}
	if at > from && at <= to {
		if inBits || at == to && up(from, max(1, align*8)) != at || at != to && to-at <= at-from {
			n := int32(0)
			if inBits {
				n = at - from
			}
			line(pad.name, n)
		}
		from = at
	}
	if lines := (to - from) / pad.bits; lines > maxPadding {
		d.bad = fmt.Errorf("a struct has %d bits between two members: no kernel has such", to-from)
		return
	}
	for from < to {
		n := min(to-from, pad.bits)
		if n < pad.bits {
			for i := len(pads) - 1; i >= 0; i-- { // the smallest that has room, which reads best
				if pad = pads[i]; pad.bits >= n {
					break
				}
			}
		}
		line(pad.name, n)
		from += n
	}
}

// maxPadding bounds the lines of padding in one place; the longest of a kernel has a few hundred.
const maxPadding = 1 << 16

// declare writes the declaration of a name: base type, what is around the name, the name.
func (d *cDumper) declare(id btf.TypeID, name string, level int) {
	start := len(d.stack)
	for n := 0; n < maxChain; n++ {
		d.stack = append(d.stack, id)
		t := d.ts.Type(id)
		switch t.Kind() {
		case btf.Ptr, btf.Const, btf.Volatile, btf.Restrict, btf.TypeTag, btf.FuncProto:
			id = t.Ref()
			continue
		case btf.Array:
			id, _, _ = t.Array()
			continue
		default: // other kinds: the declaration begins with them
		}
		break
	}
	end := len(d.stack)
	d.chain(start, &end, name, level)
	d.stack = d.stack[:start]
}

// chain writes the types of a declaration that lie in stack[from:*end], the last first.
func (d *cDumper) chain(from int, end *int, name string, level int) {
	wasPtr := true
	for *end > from {
		*end--
		id := d.stack[*end]
		t := d.ts.Type(id)
		k := t.Kind()
		switch k {
		case btf.Void:
			d.qualifiers(from, end)
			d.WriteString("void")
		case btf.Int, btf.Float:
			d.qualifiers(from, end)
			d.WriteString(t.Name())
		case btf.Struct, btf.Union:
			d.qualifiers(from, end)
			if t.NameOff() == 0 {
				d.record(id, t, level)
			} else {
				d.forward(id, t)
			}
		case btf.Enum, btf.Enum64:
			d.qualifiers(from, end)
			if t.NameOff() == 0 {
				d.enum(id, t, level)
			} else {
				d.WriteString("enum ")
				d.WriteString(d.tag(id, t))
			}
		case btf.Fwd:
			d.qualifiers(from, end)
			d.forward(id, t)
		case btf.Typedef:
			d.qualifiers(from, end)
			d.WriteString(d.name(id, t, d.idents))
		case btf.Ptr:
			if !wasPtr {
				d.WriteByte(' ')
			}
			d.WriteByte('*')
		case btf.Volatile:
			d.WriteString(" volatile")
		case btf.Const:
			d.WriteString(" const")
		case btf.Restrict:
			d.WriteString(" restrict")
		case btf.TypeTag:
			d.qualifiers(from, end)
			if t.Kflag() {
				fmt.Fprintf(d, " __attribute__((%s))", t.Name())
			} else {
				fmt.Fprintf(d, " __attribute__((btf_type_tag(\"%s\")))", t.Name())
			}
		case btf.Array:
			d.arrayAround(from, end, t, name, wasPtr, level)
			return
		case btf.FuncProto:
			d.dropQualifiers(from, end)
			if *end > from {
				d.WriteString(" (")
				d.chain(from, end, name, level)
				d.WriteByte(')')
			} else {
				d.spaced(name, wasPtr)
			}
			d.params(t, level)
			return
		case btf.Func, btf.Var, btf.Datasec, btf.DeclTag: // nothing is declared of such a type
			return
		}
		wasPtr = k == btf.Ptr
	}
	d.spaced(name, wasPtr)
}

func (d *cDumper) arrayAround(from int, end *int, t btf.Type, name string, wasPtr bool, level int) {
	d.dropQualifiers(from, end) // gcc gives arrays those of their elements
	_, _, n := t.Array()
	if *end == from {
		d.spaced(name, wasPtr)
	} else {
		more := d.ts.Type(d.stack[*end-1]).Kind() == btf.Array
		if name != "" && !wasPtr {
			d.WriteByte(' ')
		}
		if !more {
			d.WriteByte('(')
		}
		d.chain(from, end, name, level)
		if !more {
			d.WriteByte(')')
		}
	}
	fmt.Fprintf(d, "[%d]", n)
}

func (d *cDumper) spaced(name string, wasPtr bool) {
	if name != "" && !wasPtr {
		d.WriteByte(' ')
	}
	d.WriteString(name)
}

// qualifiers writes those that stand in front of a type.
func (d *cDumper) qualifiers(from int, end *int) {
	for *end > from {
		switch d.ts.Type(d.stack[*end-1]).Kind() {
		case btf.Volatile:
			d.WriteString("volatile ")
		case btf.Const:
			d.WriteString("const ")
		case btf.Restrict:
			d.WriteString("restrict ")
		default: // other kinds: they are no qualifiers
			return
		}
		*end--
	}
}

func (d *cDumper) dropQualifiers(from int, end *int) {
	for *end > from {
		switch d.ts.Type(d.stack[*end-1]).Kind() {
		case btf.Volatile, btf.Const, btf.Restrict:
			*end--
		default: // other kinds: they are no qualifiers
			return
		}
	}
}

func (d *cDumper) params(t btf.Type, level int) {
	var list []btf.Param
	for p := range t.Params() {
		list = append(list, p)
	}
	if len(list) == 0 || len(list) == 1 && list[0].Type == 0 {
		d.WriteString("(void)")
		return
	}
	d.WriteByte('(')
	for i, p := range list {
		if i > 0 {
			d.WriteString(", ")
		}
		if i == len(list)-1 && p.Type == 0 {
			d.WriteString("...")
			break
		}
		d.declare(p.Type, p.Name, level)
	}
	d.WriteByte(')')
}

// kfuncs writes the prototypes of functions that BPF programs may call.
func (d *cDumper) kfuncs() {
	type kfunc struct {
		name string
		id   btf.TypeID
	}
	tagged := map[btf.TypeID]*kfunc{}
	var list []*kfunc
	fast := map[btf.TypeID]bool{}
	for id := btf.TypeID(1); int(id) < d.ts.Len(); id++ {
		t := d.ts.Type(id)
		if t.Kind() != btf.DeclTag || t.Component() != -1 || d.ts.Type(t.Ref()).Kind() != btf.Func {
			continue
		}
		switch f := t.Ref(); t.Name() {
		case "bpf_kfunc":
			if tagged[f] == nil {
				k := &kfunc{name: d.ts.Type(f).Name(), id: f}
				tagged[f] = k
				list = append(list, k)
			}
		case "bpf_fastcall":
			fast[f] = true
		}
	}
	slices.SortStableFunc(list, func(a, b *kfunc) int { return strings.Compare(a.name, b.name) })
	d.WriteString("\n/* BPF kfuncs */\n#ifndef BPF_NO_KFUNC_PROTOTYPES\n")
	for _, k := range list {
		d.WriteString("extern ")
		if fast[k.id] {
			d.WriteString("__bpf_fastcall ")
		}
		d.declare(d.ts.Type(k.id).Ref(), k.name, 0)
		d.WriteString(" __weak __ksym;\n")
	}
	d.WriteString("#endif\n\n")
}

// cOrder is the order in which types are asked for: enums, integers, structs, prototypes and what is made of them, by name. The order of
// what has equal names is that of a hash of what they have, so that it does not depend on ids. bpftool sorts void with the others and then
// passes over the first of all, which is an anonymous enum of any kernel; this does the same.
func cOrder(ts *btf.Types) []btf.TypeID {
	type key struct {
		id        btf.TypeID
		rank      int
		name, own string
		hash      uint64
	}
	o := &cSorter{ts: ts}
	keys := make([]key, 0, ts.Len())
	for id := btf.TypeID(0); int(id) < ts.Len(); id++ {
		keys = append(keys, key{id, o.rank(id, false), o.sortName(id, false), ts.Type(id).Name(), o.hash(id, true, 0)})
	}
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), strings.Compare(a.name, b.name), strings.Compare(a.own, b.own), cmp.Compare(a.hash, b.hash), cmp.Compare(a.id, b.id))
	})
	ids := make([]btf.TypeID, 0, len(keys))
	for _, k := range keys[1:] {
		ids = append(ids, k.id)
	}
	return ids
}

type cSorter struct{ ts *btf.Types }

const lastRank = 10

// rank groups types by their kind; what refers to a type goes with it when it has a name.
func (o *cSorter) rank(id btf.TypeID, named bool) int {
	for range maxChain {
		t := o.ts.Type(id)
		named = named || t.NameOff() != 0
		switch t.Kind() {
		case btf.Enum, btf.Enum64:
			if named {
				return 1
			}
			return 0
		case btf.Int, btf.Float:
			return 2
		case btf.Struct, btf.Union:
			if named {
				return 3
			}
			return lastRank
		case btf.FuncProto:
			if named {
				return 4
			}
			return lastRank
		case btf.Array:
			if !named {
				return lastRank
			}
			id, _, _ = t.Array()
		case btf.TypeTag, btf.Const, btf.Ptr, btf.Volatile, btf.Restrict, btf.Typedef, btf.DeclTag:
			if !named {
				return lastRank
			}
			id = t.Ref()
		default: // other kinds: they come last
			return lastRank
		}
	}
	return lastRank
}

// sortName is the name that a type is sorted by: that of what it leads to. An anonymous enum goes by its first value.
func (o *cSorter) sortName(id btf.TypeID, reached bool) string {
	for range maxChain {
		t := o.ts.Type(id)
		switch t.Kind() {
		case btf.Enum, btf.Enum64:
			if !reached && t.NameOff() == 0 {
				for v := range t.Values() {
					return v.Name
				}
			}
			return t.Name()
		case btf.Array:
			id, _, _ = t.Array()
		case btf.TypeTag, btf.Const, btf.Ptr, btf.Volatile, btf.Restrict, btf.Typedef, btf.DeclTag:
			id = t.Ref()
		default: // other kinds: they have a name of their own, or none
			return t.Name()
		}
		reached = true
	}
	return ""
}

func mixHash(h, v uint64) uint64 { return h*31 + v }

func (o *cSorter) nameHash(h uint64, off uint32) uint64 {
	if off == 0 {
		return h
	}
	s := uint64(0)
	for _, c := range o.ts.StringBytes(off) {
		s = s*31 + uint64(int64(int8(c)))
	}
	return mixHash(h, s)
}

// hash tells types of one name apart. members: those of a struct count, with the names of their types.
func (o *cSorter) hash(id btf.TypeID, members bool, depth int) uint64 {
	t := o.ts.Type(id)
	h := o.nameHash(0, t.NameOff())
	if depth > maxChain {
		return h
	}
	switch t.Kind() {
	case btf.Enum, btf.Enum64:
		for v := range t.Values() {
			h = o.nameHash(h, v.NameOff)
		}
	case btf.Struct, btf.Union:
		if members {
			for m := range t.Members() {
				h = o.nameHash(h, m.NameOff)
				h = mixHash(h, o.hash(m.Type, false, depth+1))
			}
		}
	case btf.TypeTag, btf.Const, btf.Ptr, btf.Volatile, btf.Restrict, btf.Typedef, btf.DeclTag:
		h = mixHash(h, o.hash(t.Ref(), members, depth+1))
	case btf.Array:
		elem, _, n := t.Array()
		h = mixHash(h, uint64(n))
		h = mixHash(h, o.hash(elem, members, depth+1))
	default: // other kinds: the name is all
	}
	return h
}
