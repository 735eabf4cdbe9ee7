// Package core reads what a BPF object asks of a kernel's types (CO-RE: compile once, run everywhere), answers it as libbpf does when it
// loads the object, and cuts the kernel's BTF down to what the answers need.
//
// In: the sections .BTF and .BTF.ext of BPF objects, and *btf.Types of kernels and modules. Out: *btf.Types.
//
// Before it: btf. After it: cmd/gobtf.
//
// The records are those of the kernel's include/uapi/linux/bpf.h (struct bpf_core_relo) and Documentation/bpf/btf.rst; how a local type finds
// its like in a kernel was found by experiments with bpftool 7.8.
package core

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/gobtf/gobtf/btf"
)

// Kind says what a relocation asks.
type Kind uint32

// The kinds of enum bpf_core_relo_kind.
const (
	FieldByteOffset Kind = iota // where a member is, in bytes
	FieldByteSize
	FieldExists
	FieldSigned
	FieldLShift // how far a bitfield is shifted left, and then
	FieldRShift // right, to be read out of 64 bits
	TypeIDLocal // the id of a type of the object itself: nothing is asked of the kernel
	TypeIDTarget
	TypeExists
	TypeSize
	EnumValueExists
	EnumValue
	TypeMatches
	numKinds
)

var kindNames = [numKinds]string{
	"offset", "size", "existence", "signedness", "left shift", "right shift", "local id", "id", "existence", "size", "existence", "value", "match",
}

// String says what is asked for, in a word or two.
func (k Kind) String() string {
	if k < numKinds {
		return kindNames[k]
	}
	return "kind " + strconv.FormatUint(uint64(k), 10)
}

func (k Kind) ofType() bool  { return k >= TypeIDLocal && k <= TypeSize || k == TypeMatches }
func (k Kind) ofValue() bool { return k == EnumValueExists || k == EnumValue }

// Relocation is one question of a BPF object to the kernel that it is loaded into.
type Relocation struct {
	Section string     // of the program
	Offset  uint32     // of the instruction in that section, in bytes
	Type    btf.TypeID // of the object's own types
	Access  string     // the way to a member or element, as 0:1:2; the number of an enum's value; "0" for a type as such
	Kind    Kind
}

// ErrExt: a section .BTF.ext is not what it should be.
var ErrExt = errors.New("broken .BTF.ext")

const (
	extHeader   = 24 // up to the line info; CO-RE's offsets follow
	extWithCORE = 32
	relocation  = 16 // bytes of a record
)

// Relocations reads the CO-RE relocations of a .BTF.ext section. own are the types of the same object. A section of a compiler that knew
// nothing of CO-RE has none.
func Relocations(ext []byte, own *btf.Types) ([]Relocation, error) {
	order := own.Order()
	bad := func(format string, a ...any) error { return fmt.Errorf("%w: "+format, append([]any{ErrExt}, a...)...) }
	if len(ext) < extHeader {
		return nil, bad("%d bytes are no header", len(ext))
	}
	if m := order.Uint16(ext); m != btf.Magic {
		return nil, bad("its magic number is %#x", m)
	}
	head := order.Uint32(ext[4:])
	if head < extHeader || uint64(head) > uint64(len(ext)) {
		return nil, bad("its header of %d bytes does not fit into %d", head, len(ext))
	}
	if head < extWithCORE {
		return nil, nil
	}
	body := ext[head:]
	off, size := order.Uint32(ext[24:]), order.Uint32(ext[28:])
	if size == 0 {
		return nil, nil
	}
	if uint64(off)+uint64(size) > uint64(len(body)) || size < 4 {
		return nil, bad("relocations at %#x with %#x bytes end behind it", off, size)
	}
	body = body[off:][:size]
	rec := order.Uint32(body)
	if rec < relocation || rec%4 != 0 {
		return nil, bad("a relocation has %d bytes", rec)
	}
	var list []Relocation
	for body = body[4:]; len(body) > 0; {
		if len(body) < 8 {
			return nil, bad("%d bytes are left", len(body))
		}
		name, err := own.String(order.Uint32(body))
		if err != nil {
			return nil, bad("name of a section: %v", err)
		}
		n := order.Uint32(body[4:])
		if body = body[8:]; n == 0 || uint64(n)*uint64(rec) > uint64(len(body)) {
			return nil, bad("section %s: %d relocations do not fit into %d bytes", name, n, len(body))
		}
		for ; n > 0; n-- {
			r, err := readRelocation(body, order, own)
			if err != nil {
				return nil, bad("section %s: %v", name, err)
			}
			r.Section = name
			list = append(list, r)
			body = body[rec:]
		}
	}
	return list, nil
}

func readRelocation(b []byte, order binary.ByteOrder, own *btf.Types) (Relocation, error) {
	r := Relocation{Offset: order.Uint32(b), Type: btf.TypeID(order.Uint32(b[4:])), Kind: Kind(order.Uint32(b[12:]))}
	if int(r.Type) >= own.Len() {
		return r, fmt.Errorf("instruction at %#x: there is no type %d", r.Offset, r.Type)
	}
	if r.Kind >= numKinds {
		return r, fmt.Errorf("instruction at %#x: %s is not known", r.Offset, r.Kind)
	}
	var err error
	if r.Access, err = own.String(order.Uint32(b[8:])); err != nil {
		return r, fmt.Errorf("instruction at %#x: %w", r.Offset, err)
	}
	return r, nil
}

// essential returns a name without its flavour: struct task_struct___old is a task_struct to CO-RE.
func essential(name string) string {
	for i := len(name) - 5; i >= 0; i-- {
		if name[i] != '_' && name[i+1:i+4] == "___" && name[i+4] != '_' {
			return name[:i+1]
		}
	}
	return name
}

// access reads 0:1:2.
func access(s string) ([]uint32, error) {
	if s == "" {
		return nil, errors.New("no way to a member is given")
	}
	var list []uint32
	for _, part := range strings.Split(s, ":") {
		n, err := strconv.ParseUint(part, 10, 31)
		if err != nil {
			return nil, fmt.Errorf("%q is no way to a member", s)
		}
		if len(list) == maxDepth {
			return nil, fmt.Errorf("members lie deeper than %d", maxDepth)
		}
		list = append(list, uint32(n))
	}
	return list, nil
}
