package dwarfgen

import (
	"fmt"
	"math/rand/v2"
)

var (
	randomTags = []uint64{TagArray, TagClass, TagEnum, TagParameter, TagMember, TagPointer, TagStruct, TagSubroutine, TagTypedef, TagUnion, TagSubrange,
		TagBase, TagConst, TagEnumerator, TagSubprogram, TagVariable, TagVolatile, TagImportedUnit, TagLexicalBlock, TagInlined, TagGNUAnnotation,
		TagLLVMAnnotation, 0x10, 0x18, 0x1c, 0x1f, 0x20, 0x37, 0x38, 0x39, 0x3b, 0x42, 0x47, 0x4b, 0x4109}
	randomNames = []string{"", "a", "b", "int", "f", "g", "v", "s", "u", "btf_decl_tag", "btf_type_tag", "x y", "\x1b[2J", "bpf_kfunc"}
	randomNums  = []uint64{0, 1, 2, 3, 4, 7, 8, 16, 31, 32, 63, 64, 127, 128, 255, 4096, 65535, 65536, 1<<24 - 1, 1 << 24, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1 << 63, 1<<64 - 1}
	randomOps   = []byte{0x03, 0x08, 0x10, 0x11, 0x12, 0x22, 0x23, 0x50, 0x51, 0x55, 0x70, 0x75, 0x91, 0x93, 0x96, 0x9c, 0x9d, 0x9f, 0xa1, 0xa3, 0xe0, 0xed, 0xf3, 0xfb}
)

// Random makes a file that is well-formed as DWARF is encoded, and senseless otherwise: entries of any kind below entries of any kind,
// references to any of them, attributes and forms that do not belong together. The same seed makes the same file.
func Random(seed uint64) *Object {
	r := rand.New(rand.NewPCG(seed, 7))
	o := object()
	for range 1 + r.IntN(3) {
		m := &random{r: r, kinds: 2 + r.IntN(20)}
		i := Int()
		m.all = []*DIE{i}
		u := CU(i)
		u.Version = 2 + r.IntN(4)
		n := 1 + r.IntN(60)
		for range n {
			m.add(u.Root, 0)
		}
		for _, d := range m.all[1:] {
			m.attrs(d)
		}
		if r.IntN(8) == 0 {
			u.Root.Attrs[1].Val = uint64(r.IntN(64)) // another language
		}
		o.Units = append(o.Units, u)
	}
	for k := range r.IntN(10) {
		o.Symbols = append(o.Symbols, Symbol{Name: randomNames[r.IntN(len(randomNames))], Value: text + uint64(k%4), Size: uint64(r.IntN(9)),
			Info: byte(r.IntN(3)<<4 | r.IntN(4)), Section: uint16(r.IntN(4))})
	}
	o.Str = []byte("\x00str\x00longer string\x00")
	if r.IntN(3) == 0 {
		o.Type = 1
	}
	return o
}

type random struct {
	r     *rand.Rand
	kinds int
	all   []*DIE
}

func (m *random) add(to *DIE, depth int) {
	d := New(randomTags[m.r.IntN(min(m.kinds, len(randomTags)))])
	to.Kids = append(to.Kids, d)
	m.all = append(m.all, d)
	for depth < 6 && m.r.IntN(3) == 0 {
		m.add(d, depth+1)
	}
	d.Open = m.r.IntN(4) == 0
}

func (m *random) attrs(d *DIE) {
	r := m.r
	any := m.all[r.IntN(len(m.all))]
	if r.IntN(3) > 0 {
		d.Attrs = append(d.Attrs, Name(randomNames[r.IntN(len(randomNames))]))
	} else if r.IntN(4) == 0 {
		d.Attrs = append(d.Attrs, Attr{AtName, FormStrp, uint64(r.IntN(24))})
	}
	if r.IntN(5) > 0 {
		d.Attrs = append(d.Attrs, Type(any))
	}
	for _, at := range []uint64{AtByteSize, AtMemberLoc, AtEncoding, AtUpperBound, AtConst, AtBitSize, AtDataBitOffset, AtLocation, AtLowPC, AtHighPC, AtSibling, AtImport, 0x0c, 0x37, 0x20, 0x36} {
		if r.IntN(5) > 0 {
			continue
		}
		n := randomNums[r.IntN(len(randomNums))]
		switch r.IntN(8) {
		case 0:
			d.Attrs = append(d.Attrs, Attr{at, FormData1, n})
		case 1:
			d.Attrs = append(d.Attrs, Attr{at, FormData4, n})
		case 2:
			e := make([]byte, r.IntN(6))
			for i := range e {
				e[i] = randomOps[r.IntN(len(randomOps))]
			}
			d.Attrs = append(d.Attrs, Attr{at, FormExprloc, e})
		case 3:
			d.Attrs = append(d.Attrs, Ref(at, any))
		default:
			d.Attrs = append(d.Attrs, Num(at, n%(1<<uint(1+r.IntN(63)))))
		}
	}
	for _, at := range []uint64{AtDeclaration, AtExternal, AtPrototyped} {
		if r.IntN(4) == 0 {
			d.Attrs = append(d.Attrs, Flag(at))
		}
	}
	if r.IntN(8) == 0 {
		d.Attrs = append(d.Attrs, Ref([]uint64{AtOrigin, AtSpec}[r.IntN(2)], any))
	}
	if d.Tag == TagSubprogram && r.IntN(2) == 0 {
		d.Attrs = append(d.Attrs, Attr{AtLowPC, FormAddr, text + uint64(r.IntN(4))}, Name(fmt.Sprintf("f%d", r.IntN(4))))
	}
}
