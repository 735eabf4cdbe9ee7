package dwarfscan

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"
)

func ulebOf(v uint64) []byte { return binary.AppendUvarint(nil, v) }

// abbrev returns one abbreviation; attrs are pairs of attribute and form, and for
// DW_FORM_implicit_const the constant's bytes are appended by the caller.
func abbrev(code uint64, tag Tag, children bool, attrs ...uint64) []byte {
	b := append(ulebOf(code), ulebOf(uint64(tag))...)
	if children {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	for _, v := range attrs {
		b = append(b, ulebOf(v)...)
	}
	return append(b, 0, 0)
}

func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func table(t testing.TB, f Format, abbrevs ...[]byte) *Table {
	t.Helper()
	tab := &Abbrevs{}
	if err := tab.Compile(append(cat(abbrevs...), 0), 0, f); err != nil {
		t.Fatal(err)
	}
	return &tab.Table
}

type formCase struct {
	code  uint64
	form  Form
	data  []byte
	val   uint64
	block []byte // not nil: the value is a place, and this is there
}

func formCases(f Format) (list []formCase) {
	const big = 0x8182838485868788
	fixed := func(n int, forms ...Form) {
		v := uint64(big)
		if n < 8 {
			v &= 1<<(8*n) - 1
		}
		for _, fm := range forms {
			list = append(list, formCase{uint64(fm), fm, f.num(n, v), v, nil})
		}
	}
	block := func(fm Form, length []byte, data string) {
		list = append(list, formCase{uint64(fm), fm, append(length, data...), 0, []byte(data)})
	}
	off := int(f.offsetSize())
	fixed(int(f.AddrSize), FormAddr)
	fixed(1, FormData1, FormRef1, FormFlag, FormStrx1, FormAddrx1)
	fixed(2, FormData2, FormRef2, FormStrx2, FormAddrx2)
	fixed(3, FormStrx3, FormAddrx3)
	fixed(4, FormData4, FormRef4, FormRefSup4, FormStrx4, FormAddrx4)
	fixed(8, FormData8, FormRef8, FormRefSup8, FormRefSig8)
	fixed(off, FormStrp, FormLineStrp, FormSecOffset, FormStrpSup)
	if f.Version <= 2 {
		fixed(int(f.AddrSize), FormRefAddr)
	} else {
		fixed(off, FormRefAddr)
	}
	for _, fm := range []Form{FormUdata, FormRefUdata, FormStrx, FormAddrx, FormLoclistx, FormRnglistx} {
		list = append(list, formCase{uint64(fm), fm, ulebOf(big), big, nil})
	}
	minus := int64(-300)
	list = append(list,
		formCase{uint64(FormSdata), FormSdata, []byte{0xd4, 0x7d}, uint64(minus), nil},
		formCase{uint64(FormFlagPresent), FormFlagPresent, nil, 1, nil},
		formCase{0x1f01, FormGNUAddrIndex, ulebOf(300), 300, nil},
		formCase{0x1f02, FormGNUStrIndex, ulebOf(301), 301, nil},
		formCase{0x1f20, FormGNURefAlt, f.offset(0x77), 0x77, nil},
		formCase{0x1f21, FormGNUStrpAlt, f.offset(0x78), 0x78, nil},
		formCase{0x2001, FormLLVMAddrxOffset, append(ulebOf(300), f.num(4, 0x1234)...), 300 | 0x1234<<32, nil},
		formCase{uint64(FormString), FormString, []byte("name\x00"), 0, []byte("name")},
		formCase{uint64(FormString), FormString, []byte{0}, 0, []byte{}})
	block(FormData16, nil, "0123456789abcdef")
	block(FormBlock1, []byte{3}, "abc")
	block(FormBlock2, f.num(2, 3), "abc")
	block(FormBlock4, f.num(4, 5), "abcde")
	block(FormBlock, []byte{2}, "ab")
	block(FormExprloc, []byte{0x80, 0}, "") // a length that is longer than it need be
	return list
}

const atDeclFile = 0x3a // not read of any tag

// Every form is read with its value, stepped over where it is not wanted, and read
// through DW_FORM_indirect; wherever the DIE is cut off there is an error.
func TestForms(t *testing.T) {
	for _, f := range formats() {
		for _, c := range formCases(f) {
			ind := append(ulebOf(c.code), c.data...)
			for _, how := range []struct {
				name  string
				attrs []uint64
				data  []byte
				want  bool
			}{
				{"read", []uint64{atType, c.code}, c.data, true},
				{"skipped", []uint64{atDeclFile, c.code}, c.data, false},
				{"skipped behind fixed ones", []uint64{atDeclFile, 0x05, atDeclFile, c.code}, append([]byte{9, 9}, c.data...), false},
				{"read behind fixed ones", []uint64{atDeclFile, 0x05, atDeclFile, 0x0b, atType, c.code}, append([]byte{9, 9, 9}, c.data...), true},
				{"indirect", []uint64{atType, uint64(FormIndirect)}, ind, true},
				{"indirect, skipped", []uint64{atDeclFile, uint64(FormIndirect)}, ind, false},
				{"given twice", []uint64{atType, c.code, atType, 0x05}, cat(c.data, []byte{9, 9}), true},
			} {
				name := fmt.Sprintf("%+v form %#x %s", f, c.code, how.name)
				attrs := append(how.attrs, atByteSize, uint64(FormData1))
				r := Reader{Tab: table(t, f, abbrev(1, TagMember, false, attrs...)), Buf: cat([]byte{1}, how.data, []byte{0x5a, 0xee})}
				var d DIE
				if !r.Next(&d) || r.Err != nil {
					t.Errorf("%s: not read: %v", name, r.Err)
					continue
				}
				if d.Tag != TagMember || d.Children || d.Off != 0 || r.Pos != len(r.Buf)-1 || d.Const(ByteSize) != 0x5a {
					t.Errorf("%s: tag %#x, next at %d of %d, byte size %#x", name, d.Tag, r.Pos, len(r.Buf), d.Const(ByteSize))
				}
				if d.Has(Type) != how.want {
					t.Errorf("%s: has it: %v", name, d.Has(Type))
				} else if how.want {
					checkValue(t, name, &r, &d, c)
				}
				whole := r.Buf[:len(r.Buf)-1]
				for n := 1; n < len(whole); n++ {
					r := Reader{Tab: r.Tab, Buf: whole[:n]}
					if r.Next(&d) || r.Err == nil || r.Pos != n {
						t.Errorf("%s: cut off after %d of %d bytes: error %v, position %d", name, n, len(whole), r.Err, r.Pos)
					}
				}
			}
		}
	}
}

func checkValue(t *testing.T, name string, r *Reader, d *DIE, c formCase) {
	t.Helper()
	if d.Form[Type] != c.form {
		t.Errorf("%s: form %#x", name, d.Form[Type])
	}
	if c.block == nil {
		if d.Val[Type] != c.val {
			t.Errorf("%s: value %#x, want %#x", name, d.Val[Type], c.val)
		}
		return
	}
	p, n := d.Block(Type)
	if p+n > len(r.Buf) || !bytes.Equal(r.Buf[p:p+n], c.block) {
		t.Errorf("%s: value at %d of %d bytes, want %q", name, p, n, c.block)
	}
}

func TestImplicitConst(t *testing.T) {
	f := Format{Version: 5, AddrSize: 8}
	ab := cat(ulebOf(1), ulebOf(uint64(TagMember)), []byte{0},
		[]byte{atDeclFile, 0x0b, atByteSize, 0x21}, []byte{0x7e}, // -2
		[]byte{atDeclFile, 0x21}, []byte{0x85, 0x01}, // not read
		[]byte{atBitSize, 0x0b, atDeclaration, 0x19, 0, 0})
	r := Reader{Tab: table(t, f, ab), Buf: []byte{1, 0x11, 0x22}}
	var d DIE
	if !r.Next(&d) || d.Val[ByteSize] != 1<<64-2 || d.Form[ByteSize] != FormImplicitConst || d.Const(BitSize) != 0x22 || !d.Flag(Declaration) || r.Pos != 3 {
		t.Errorf("%+v, position %d, %v", d, r.Pos, r.Err)
	}
	// It has no value to stand in the DIE.
	r = Reader{Tab: table(t, f, abbrev(1, TagMember, false, atType, uint64(FormIndirect))), Buf: []byte{1, 0x21, 5, 5}}
	if r.Next(&d) || r.Err == nil || !strings.Contains(r.Err.Error(), "unknown indirect form 0x21") {
		t.Errorf("indirect implicit_const: %v", r.Err)
	}
	// Nor may DW_FORM_indirect lead to itself.
	r = Reader{Tab: r.Tab, Buf: []byte{1, 0x16, 0x16, 0x0b, 1}}
	if r.Next(&d) || r.Err == nil {
		t.Error("indirect to indirect: no error")
	}
}

func TestCodes(t *testing.T) {
	f := Format{Version: 5, AddrSize: 8}
	one := func(code uint64, tag Tag) []byte { return abbrev(code, tag, false) }
	for _, c := range []struct {
		name string
		ab   [][]byte
		want map[uint64]Tag // 0: not there
	}{
		{"sequential", [][]byte{one(1, TagConst), one(2, TagVolatile)}, map[uint64]Tag{0: 0, 1: TagConst, 2: TagVolatile, 3: 0}},
		{"backwards", [][]byte{one(2, TagConst), one(1, TagVolatile)}, map[uint64]Tag{1: TagVolatile, 2: TagConst, 3: 0}},
		{"gap", [][]byte{one(1, TagConst), one(200, TagVolatile), one(1<<63, TagUnion)}, map[uint64]Tag{1: TagConst, 2: 0, 200: TagVolatile, 1 << 63: TagUnion}},
		{"twice", [][]byte{one(1, TagConst), one(1, TagVolatile), one(2, TagUnion)}, map[uint64]Tag{1: TagConst, 2: TagUnion, 3: 0}},
		{"twice behind a gap", [][]byte{one(7, TagConst), one(7, TagVolatile)}, map[uint64]Tag{1: 0, 2: 0, 7: TagConst}},
		{"none", nil, map[uint64]Tag{0: 0, 1: 0}},
	} {
		tab := table(t, f, c.ab...)
		for code, want := range c.want {
			var got Tag
			if a, _ := tab.Lookup(code); a != nil {
				got = a.Tag
			}
			if code != 0 && got != want {
				t.Errorf("%s: code %d is tag %#x, want %#x", c.name, code, got, want)
			}
			var d DIE
			r := Reader{Tab: tab, Buf: append(ulebOf(code), 0)}
			if ok := r.Next(&d); ok != (want != 0) || (r.Err != nil) != (want == 0 && code != 0) {
				t.Errorf("%s: DIE of code %d: %v, %v", c.name, code, ok, r.Err)
			}
		}
	}
}

func TestCompileBad(t *testing.T) {
	f := Format{Version: 4, AddrSize: 8}
	whole := append(cat(abbrev(1, TagStruct, true, atName, 8, atByteSize, 0x0b), abbrev(2, TagGNUAnnotation, false, atGNUAnnotation, 0x13)), 0)
	var tab Abbrevs
	for n := range whole {
		if err := tab.Compile(whole[:n:n], 0, f); err == nil || tab.chain != nil {
			t.Errorf("no error when only %d of %d bytes are there", n, len(whole))
		}
	}
	many := make([]uint64, 0, 2*maxAttrs+2)
	for range maxAttrs + 1 {
		many = append(many, atDeclFile, 0x0b)
	}
	for _, c := range []struct {
		name, want string
		data       []byte
		off        uint64
	}{
		{"offset", "lies outside", whole, uint64(len(whole)) + 1},
		{"form", "unknown form 0x7f", append(abbrev(1, TagConst, false, atType, 0x7f), 0), 0},
		{"form 0", "unknown form 0x0", append(abbrev(1, TagConst, false, atType, 0), 0), 0},
		{"large form", "unknown form 0x1f03", append(abbrev(1, TagConst, false, atType, 0x1f03), 0), 0},
		{"tag", "tag 0x13013 is out of range", []byte{1, 0x93, 0xe0, 0x04, 0, 0, 0, 0}, 0},
		{"attributes", "more than 4096 attributes", append(abbrev(1, TagConst, false, many...), 0), 0},
	} {
		if err := tab.Compile(c.data, c.off, f); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
	if err := tab.Compile(whole, 0, f); err != nil || !hasCode(&tab.Table, 2) {
		t.Errorf("not usable after errors: %v", err)
	}
}

// A table is compiled again when anything that it depends on is another.
func TestCompileAgain(t *testing.T) {
	var tab Abbrevs
	f := Format{Version: 4, AddrSize: 8}
	data := append(append(abbrev(1, TagConst, false, atType, 0x10), 0), append(abbrev(1, TagUnion, false, atName, 8), 0)...)
	second := uint64(bytes.IndexByte(data[1:], 1)) + 1
	var other = bytes.Clone(data)
	other[1] = byte(TagVolatile)
	g := f
	g.Offset64 = true
	for i, c := range []struct {
		data []byte
		off  uint64
		f    Format
		want Tag
		len  int
	}{
		{data, 0, f, TagConst, 5},
		{data, 0, f, TagConst, 5},
		{data, 0, g, TagConst, 9},
		{data, second, g, TagUnion, 2},
		{other, 0, g, TagVolatile, 9},
		{data, 0, g, TagConst, 9},
	} {
		if err := tab.Compile(c.data, c.off, c.f); err != nil {
			t.Fatal(err)
		}
		r, d := Reader{Tab: &tab.Table, Buf: []byte{1, 'x', 0, 0, 0, 0, 0, 0, 0, 0}}, DIE{}
		if c.want == TagUnion {
			r.Buf = r.Buf[:3]
			c.len = 3
		}
		if !r.Next(&d) || d.Tag != c.want || r.Pos != c.len {
			t.Errorf("%d: tag %#x, %d bytes, %v; want %+v", i, d.Tag, r.Pos, r.Err, c.want)
		}
	}
}

// SkipChildren ends behind the null entry whatever sibling references say, as long
// as they are of no use or right; wild ones cost no more than the rest of the unit.
func TestSkipChildren(t *testing.T) {
	f := Format{Version: 4, AddrSize: 8}
	tab := table(t, f,
		abbrev(1, TagLexicalBlock, true, atSibling, uint64(FormRef4)),
		abbrev(2, TagLexicalBlock, true),
		abbrev(3, TagLabel, false),
		abbrev(4, TagLexicalBlock, true, atSibling, uint64(FormRefUdata)),
		abbrev(5, TagLexicalBlock, true, atSibling, uint64(FormSecOffset)),
		abbrev(6, TagLexicalBlock, true, atSibling, uint64(FormRef8)))
	const base = 16
	inner := []byte{3, 2, 3, 2, 0, 0, 3, 0} // label, block{label, block{}}, label, null
	for _, c := range []struct {
		name string
		die  []byte // without its children
	}{
		{"none", []byte{2}},
		{"good", []byte{1, 13, 0, 0, 0}}, // DIE, children: from the unit's start 0+5+8
		{"good, udata", []byte{4, 10}},
		{"backward", []byte{1, 0, 0, 0, 0}},
		{"to its own children", []byte{1, 5, 0, 0, 0}},
		{"behind the buffer", []byte{1, 0xff, 0, 0, 0}},
		{"far behind the buffer", []byte{1, 0xff, 0xff, 0xff, 0xff}},
		{"wraps round", []byte{6, 0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
		{"wraps to negative", []byte{6, 0, 0, 0, 0, 0, 0, 0, 0x80}},
		{"not a reference", []byte{5, 14, 0, 0, 0}},
	} {
		buf := cat(make([]byte, base), c.die, inner, []byte{3, 3})
		end := base + len(c.die) + len(inner)
		r, d := Reader{Tab: tab, Buf: buf, Pos: base}, DIE{}
		if !r.Next(&d) {
			t.Fatalf("%s: %v", c.name, r.Err)
		}
		r.SkipChildren(&d, base)
		if r.Pos != end || r.Err != nil {
			t.Errorf("%s: at %d, want %d; %v", c.name, r.Pos, end, r.Err)
		}
		if !r.Next(&d) || d.Tag != TagLabel {
			t.Errorf("%s: the next DIE is not read: %v", c.name, r.Err)
		}
		for n := base + len(c.die); n < end; n++ { // cut off: an end or an error, not a hang
			r := Reader{Tab: tab, Buf: buf[:n], Pos: base}
			if r.Next(&d) {
				r.SkipChildren(&d, base)
			}
			if r.Pos > n {
				t.Errorf("%s: cut off at %d: position %d", c.name, n, r.Pos)
			}
		}
	}
	// Depth costs no stack.
	r, d := Reader{Tab: tab, Buf: bytes.Repeat([]byte{2}, 1<<20)}, DIE{}
	r.Next(&d)
	r.SkipChildren(&d, 0)
	if r.Pos != len(r.Buf) {
		t.Errorf("a million nested DIEs: stopped at %d", r.Pos)
	}
}

func TestAt(t *testing.T) {
	f := Format{Version: 4, AddrSize: 8}
	r := Reader{Tab: table(t, f, abbrev(1, TagBase, false, atByteSize, 0x0b), abbrev(2, TagConst, false)), Buf: []byte{1, 7, 2, 9, 0}, Pos: 2}
	for _, c := range []struct {
		pos int
		ok  bool
	}{{0, true}, {2, true}, {3, false}, {4, false}, {5, false}, {-1, false}, {math.MaxInt, false}} {
		var d DIE
		if ok := r.At(c.pos, &d); ok != c.ok || r.Pos != 2 || r.Err != nil {
			t.Errorf("At(%d) = %v; position %d, %v", c.pos, ok, r.Pos, r.Err)
		}
	}
}

func TestLEB128(t *testing.T) {
	for _, c := range []struct {
		b    []byte
		u    uint64
		s    int64
		next int
	}{
		{[]byte{0}, 0, 0, 1},
		{[]byte{0x7f}, 127, -1, 1},
		{[]byte{0x80, 0x01}, 128, 128, 2},
		{[]byte{0xff, 0x7f}, 16383, -1, 2},
		{[]byte{0x80, 0x80, 0}, 0, 0, 3},
		{[]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, 1<<64 - 1, -1, 10},
		{[]byte{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f}, 1 << 63, -1 << 63, 10},
		{[]byte{0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x05}, 1, 1, 12}, // bits behind 64
		{[]byte{0x80}, 0, 0, -1},
		{nil, 0, 0, -1},
	} {
		u, n := uleb(c.b, 0)
		s, m := sleb(c.b, 0)
		if u != c.u || s != c.s || n != c.next || m != c.next {
			t.Errorf("% x: %d, %d to %d, %d; want %d, %d to %d", c.b, u, s, n, m, c.u, c.s, c.next)
		}
	}
}

// FuzzReader: whatever the bytes are, reading ends, in place, within the buffer.
func FuzzReader(fz *testing.F) {
	for i, f := range formats() {
		for _, c := range formCases(f) {
			fz.Add(append(abbrev(1, TagMember, true, atSibling, uint64(FormRef1), atType, c.code, atDeclFile, c.code), 0), cat([]byte{1, 9}, c.data, c.data, []byte{0, 0}), uint8(i))
		}
	}
	fz.Fuzz(func(t *testing.T, ab, buf []byte, which uint8) {
		all := formats()
		f := all[int(which)%len(all)]
		var tab Abbrevs
		if tab.Compile(ab, 0, f) != nil {
			return
		}
		for _, o := range tab.ops {
			if o.form == FormRefAddr && o.code != opFixed && !Abbreviations(ab).Linked() {
				t.Error("the table has a ref_addr that Abbreviations does not see")
			}
		}
		r, d := Reader{Tab: &tab.Table, Buf: buf}, DIE{}
		for r.Pos < len(buf) {
			from := r.Pos
			if r.Next(&d) {
				for s := range numSlots {
					if f := d.Form[s]; d.Has(s) && (f.IsBlock() || f == FormString || f == FormData16) {
						if p, n := d.Block(s); p > len(buf) || n > len(buf)-p {
							t.Fatalf("block at %d of %d bytes in %d", p, n, len(buf))
						}
					}
				}
				if d.Off != from {
					t.Fatalf("DIE at %d says %d", from, d.Off)
				}
				if d.Children && from%3 == 0 {
					r.SkipChildren(&d, 0)
				}
			}
			if r.Pos <= from || r.Pos > len(buf) {
				t.Fatalf("from %d to %d in %d bytes", from, r.Pos, len(buf))
			}
		}
	})
}
