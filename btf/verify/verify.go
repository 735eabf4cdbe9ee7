// Package verify checks BTF as a kernel does.
//
// Level 1 is what a kernel checks of its own BTF and of a module's when it loads them: header, sections, strings, each
// record by itself, and chains of modifiers. Level 2 (Options.Full) adds what BPF_BTF_LOAD checks of BTF from user space, how
// types refer to each other, and relations that no kernel checks but that break those who read the types.
//
// Before it: bytes, of the encoder or of a file. After it: findings, the first of which is what a kernel stops at. The rules
// are those of kernel/bpf/btf.c in Linux 5.10 to 7.2, found by reading and by asking kernels (docs/verify.md).
package verify

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gobtf/gobtf/btf"
)

// Options say by which kernel's rules a BTF is checked. The zero value is level 1 of the newest kernel known.
type Options struct {
	Kernel Kernel
	// Full is level 2.
	Full bool
	// PointerSize in bytes is that of the machine the types are of: 8 (also when 0) or 4. Only Full needs it.
	PointerSize int
	// Max bounds the findings that are returned; 0 is 100.
	Max int
}

// Finding is one thing a kernel does not take, or that breaks readers.
type Finding struct {
	ID     btf.TypeID // of the type, 0 when it is about the header or a section
	Kind   btf.Kind
	Name   string // of the type
	Member string // member, enumerator, parameter or entry, as far as there is one
	// Rule is what should hold. Message is what a kernel says, empty where none says anything.
	Rule, Message string
	// Since tells which kernels say so, where not all do: "up to 6.18", "since 6.0".
	Since string
	// Level is 1 or 2.
	Level int
}

// String is one line: "type 12, STRUCT foo, member bar: RULE (kernel: MESSAGE; since 6.0)".
func (f Finding) String() string {
	var b strings.Builder
	if f.ID != 0 {
		fmt.Fprintf(&b, "type %d, %v", f.ID, f.Kind)
		if f.Name != "" {
			fmt.Fprintf(&b, " %s", f.Name)
		}
		if f.Member != "" {
			fmt.Fprintf(&b, ", %s", f.Member)
		}
		b.WriteString(": ")
	}
	b.WriteString(f.Rule)
	var more []string
	if f.Message != "" {
		more = append(more, "kernel: "+f.Message)
	}
	if f.Since != "" {
		more = append(more, f.Since)
	}
	if len(more) > 0 {
		fmt.Fprintf(&b, " (%s)", strings.Join(more, "; "))
	}
	return b.String()
}

// ErrBase is wrapped by errors about the base of a split BTF.
var ErrBase = errors.New("base")

// Check checks a whole BTF: header, types and strings. base is what it continues if it is split, else nil; it is taken to be
// good. The findings are in the order in which a kernel meets what they are about; none is good.
func Check(data []byte, base *btf.Types, opt Options) []Finding {
	c := checker{opt: opt, rules: opt.Kernel.rules(), base: base, max: opt.Max}
	if c.max == 0 {
		c.max = 100
	}
	c.run(data)
	return c.found
}

// CheckOn checks a .BTF on its own small base: what a .BTF.base has is looked at first, and where there is none (nil), base is
// what the types continue. An error is about a .BTF.base that has findings of no rule and cannot be read.
func CheckOn(own, small []byte, base *btf.Types, opt Options) ([]Finding, error) {
	if small != nil {
		if found := Check(small, nil, opt); len(found) > 0 {
			return found, nil
		}
		var err error
		if base, err = btf.Parse(small, nil); err != nil {
			return nil, fmt.Errorf(".BTF.base: %w", err)
		}
	}
	return Check(own, base, opt), nil
}

// checker goes through one BTF.
type checker struct {
	opt   Options
	rules rules
	base  *btf.Types
	max   int
	found []Finding

	words    []uint32 // of the type section, in native order
	rest     int      // bytes behind the last whole word
	at       []uint32 // where each own record begins in words; one more for the end
	strs     []byte
	start    uint32 // id of the first own type
	strStart uint32 // offset of the first own string

	good []uint64 // a bit for each byte of strs: an identifier begins there
}

// errStop ends a check that has found enough.
var errStop = errors.New("enough")

func (c *checker) run(data []byte) {
	defer func() {
		if p := recover(); p != nil && p != errStop {
			panic(p)
		}
	}()
	c.start = 1
	if c.base != nil {
		c.start, c.strStart = uint32(c.base.Len()), c.base.StringsStart()+uint32(len(c.base.Strings()))
	}
	if !c.sections(data) {
		return
	}
	whole := c.metas()
	if !whole {
		return // where the next record begins is not known
	}
	if c.opt.Full {
		c.resolve()
	}
	c.chains()
	if c.opt.Full {
		c.relations()
	}
}

// add keeps a finding.
func (c *checker) add(f Finding) {
	if f.Level == 0 {
		f.Level = 1
	}
	c.found = append(c.found, f)
	if len(c.found) >= c.max {
		panic(errStop)
	}
}

// say is about no type.
func (c *checker) say(message, rule string, args ...any) {
	c.add(Finding{Rule: fmt.Sprintf(rule, args...), Message: message})
}

// typ is about a type.
func (c *checker) typ(id uint32, rec []uint32, message, rule string, args ...any) {
	c.add(Finding{ID: btf.TypeID(id), Kind: btf.InfoKind(rec[1]), Name: c.text(rec[0]), Rule: fmt.Sprintf(rule, args...), Message: message})
}

// part is about a part of a type, whose name is at nameOff.
func (c *checker) part(id uint32, rec []uint32, what string, nameOff uint32, message, rule string, args ...any) {
	c.add(Finding{
		ID: btf.TypeID(id), Kind: btf.InfoKind(rec[1]), Name: c.text(rec[0]), Member: strings.TrimRight(what+" "+c.text(nameOff), " "),
		Rule: fmt.Sprintf(rule, args...), Message: message,
	})
}

// record returns the words of a type, nil when there is none of this id. Void has three zeros.
func (c *checker) record(id uint32) []uint32 {
	if id >= c.start {
		i := id - c.start
		if int64(i) >= int64(len(c.at)-1) {
			return nil
		}
		return c.words[c.at[i]:c.at[i+1]]
	}
	if c.base == nil {
		return voidRecord
	}
	return c.base.Record(btf.TypeID(id))
}

var voidRecord = []uint32{0, 0, 0}

// nameFits tells whether an offset lies inside of the strings.
func (c *checker) nameFits(off uint32) bool {
	return off <= btf.KernelMaxNameOff && (off < c.strStart || off-c.strStart < uint32(len(c.strs)))
}

// str returns the string at an offset that fits.
func (c *checker) str(off uint32) []byte {
	if off < c.strStart {
		return c.base.StringBytes(off)
	}
	s := c.strs[off-c.strStart:]
	for i, b := range s {
		if b == 0 {
			return s[:i]
		}
	}
	return s
}

// text is a name for a finding.
func (c *checker) text(off uint32) string {
	if off == 0 || !c.nameFits(off) {
		return ""
	}
	s := c.str(off)
	return string(s[:min(len(s), 128)])
}
