package dwarfscan

import (
	"fmt"
	"strings"
	"testing"
)

func locations(s *LocSections, f Format, off uint64) string {
	var list []string
	s.Locations(f, off, func(_ uint64, e []byte) bool {
		list = append(list, fmt.Sprintf("%q", e))
		return len(list) < 20
	})
	return strings.Join(list, " ")
}

func TestLoc4(t *testing.T) {
	for _, f := range formats() {
		if f.Version > 4 {
			continue
		}
		as := int(f.AddrSize)
		pair := func(a, b uint64) []byte { return cat(f.num(as, a), f.num(as, b)) }
		expr := func(s string) []byte { return cat(f.num(2, uint64(len(s))), []byte(s)) }
		sec := cat([]byte{9, 9, 9}, pair(1, 2), expr("a"), pair(1<<(8*as)-1, 0x100), pair(0, 4), expr(""), pair(4, 5), expr("bcd"), pair(0, 0), pair(6, 7), expr("not"))
		const want = `"a" "" "bcd"`
		if got := locations(&LocSections{Loc: sec}, f, 3); got != want {
			t.Errorf("%+v: %s, want %s", f, got, want)
		}
		for n := range sec {
			if got := locations(&LocSections{Loc: sec[:n]}, f, 3); !strings.HasPrefix(want, got) {
				t.Errorf("%+v: cut off after %d bytes: %s", f, n, got)
			}
		}
		n := 0
		(&LocSections{Loc: sec}).Locations(f, 3, func(uint64, []byte) bool { n++; return false })
		if n != 1 {
			t.Errorf("%+v: %d calls after false", f, n)
		}
	}
}

func TestLoclists(t *testing.T) {
	for _, f := range formats() {
		if f.Version < 5 {
			continue
		}
		a := f.num(int(f.AddrSize), 0x1000)
		expr := func(s string) []byte { return cat(ulebOf(uint64(len(s))), []byte(s)) }
		sec := cat([]byte{9, 9, 9},
			[]byte{lleBasex, 0x80, 1},
			[]byte{lleBase}, a,
			[]byte{lleViewPair, 1, 0x82, 1},
			[]byte{lleStartxEndx, 1, 2}, expr("startx_endx"),
			[]byte{lleStartxLen, 0x81, 1, 2}, expr("startx_length"),
			[]byte{lleOffsetPair, 1, 0x80, 2}, expr("offset_pair"),
			[]byte{lleDefault}, expr("default"),
			[]byte{lleStartEnd}, a, a, expr("start_end"),
			[]byte{lleStartLength}, a, []byte{5}, expr("start_length"),
			[]byte{lleDefault}, expr(""),
			[]byte{lleEnd, lleDefault}, expr("not"))
		const want = `"startx_endx" "startx_length" "offset_pair" "default" "start_end" "start_length" ""`
		if got := locations(&LocSections{Loclists: sec}, f, 3); got != want {
			t.Errorf("%+v:\n%s\nwant\n%s", f, got, want)
		}
		for n := range sec {
			if got := locations(&LocSections{Loclists: sec[:n]}, f, 3); !strings.HasPrefix(want, got) {
				t.Errorf("%+v: cut off after %d bytes: %s", f, n, got)
			}
		}
		if got := locations(&LocSections{Loclists: []byte{lleDefault, 1, 'a', 0x0a, lleDefault, 1, 'b', 0}}, f, 0); got != `"a"` {
			t.Errorf("%+v: behind an unknown kind: %s", f, got)
		}
		for _, off := range []uint64{uint64(len(sec)), uint64(len(sec)) + 1, 1 << 63, 1<<64 - 1} {
			if got := locations(&LocSections{Loclists: sec, Loc: sec}, f, off); got != "" {
				t.Errorf("%+v: list at %#x: %s", f, off, got)
			}
		}
	}
}

func TestLoclistOffset(t *testing.T) {
	for _, f := range formats() {
		s := &LocSections{Loclists: cat([]byte{9, 9, 9, 9}, f.offset(0x10), f.offset(0x20))}
		for _, c := range []struct {
			base, i, want uint64
			ok            bool
		}{
			{4, 0, 0x14, true},
			{4, 1, 0x24, true},
			{4, 2, 0, false},
			{4, 1 << 61, 0, false},
			{4, 1<<64 - 1, 0, false},
			{uint64(len(s.Loclists)), 0, 0, false},
			{uint64(len(s.Loclists)) + 1, 0, 0, false},
			{1<<64 - 1, 1, 0, false},
		} {
			if got, ok := s.LoclistOffset(f, c.base, c.i); got != c.want || ok != c.ok {
				t.Errorf("%+v: list %d of base %#x: %#x, %v; want %#x, %v", f, c.i, c.base, got, ok, c.want, c.ok)
			}
		}
	}
}

func TestNextOp(t *testing.T) {
	for _, f := range formats() {
		as := int(f.AddrSize)
		addr := uint64(0x11223344_55667788) & (1<<(8*as-1)<<1 - 1)
		implicit := f.offset(0x77)
		if f.Version <= 2 {
			implicit = f.num(as, 0x77)
		}
		neg := int64(-2)
		for _, c := range []struct {
			codes []byte
			args  []byte
			arg   uint64
			block string
		}{
			{[]byte{OpAddr}, f.num(as, addr), addr, ""},
			{[]byte{0x06, 0x12, 0x14, 0x16, 0x22, 0x24, 0x27, 0x29, 0x2e, OpLit0, OpLit31, OpReg0, OpReg31, 0x96, 0x97, 0x9b, 0x9c, OpStackValue, 0xe0, 0xf0}, nil, 0, ""},
			{[]byte{OpConst1u, 0x09, 0x15, 0x94, 0x95}, []byte{0xfe}, 0xfe, ""},
			{[]byte{0x0a, 0x0b, 0x28, 0x2f, 0x98}, f.num(2, 0x8182), 0x8182, ""},
			{[]byte{0x0c, 0x0d, 0x99, OpGNUParamRef}, f.num(4, 0x81828384), 0x81828384, ""},
			{[]byte{0x0e, 0x0f}, f.num(8, 0x8182838485868788), 0x8182838485868788, ""},
			{[]byte{0x9a}, f.offset(0x1234), 0x1234, ""},
			{[]byte{OpConstu, OpPlusUconst, OpRegx, OpPiece, OpAddrx, 0xa2, OpGNUAddrIndex, 0xfc, 0xa8, 0xa9, 0xf7, 0xf9}, []byte{0x80, 0x02}, 256, ""},
			{[]byte{OpConsts, OpBreg0, OpBreg31, OpFbreg}, []byte{0x7e}, uint64(neg), ""},
			{[]byte{OpBregx, 0x9d, 0xa5, 0xf5}, []byte{0x81, 0x01, 0xff, 0x00}, 129, ""},
			{[]byte{OpImplicitValue, OpEntryValue, OpGNUEntryValue}, []byte{2, 'a', 'b'}, 0, "ab"},
			{[]byte{OpEntryValue}, []byte{0}, 0, ""},
			{[]byte{0xa0, 0xf2}, append(implicit, 0x7f), 0x77, ""},
			{[]byte{0xa4, 0xf4}, []byte{0x80, 1, 3, 'x', 'y', 'z'}, 128, "xyz"},
			{[]byte{0xa6, 0xa7, 0xf6}, []byte{4, 0x80, 1}, 128, ""},
		} {
			for _, code := range c.codes {
				e := cat([]byte{code}, c.args, []byte{0x96})
				o, ok := NextOp(e, f)
				if !ok || o.Code != code || o.Arg != c.arg || string(o.Block) != c.block || o.Len != 1+len(c.args) {
					t.Errorf("%+v: op %#x: %+v, %v", f, code, o, ok)
				}
				for n := range 1 + len(c.args) {
					if o, ok := NextOp(e[:n], f); ok {
						t.Errorf("%+v: op %#x in %d bytes: %+v", f, code, n, o)
					}
				}
			}
		}
	}
	for _, e := range []string{"", "\x00", "\x01", "\xaa", "\xff", "\x9e\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"} {
		if o, ok := NextOp([]byte(e), Format{Version: 4, AddrSize: 8}); ok {
			t.Errorf("%q: %+v", e, o)
		}
	}
}

func TestSurvey(t *testing.T) {
	plain := abbrev(1, TagMember, false, atType, uint64(FormRef4))
	ref := abbrev(2, TagMember, false, atName, uint64(FormStrp), atType, uint64(FormRefAddr))
	// The constant is 0x10, which is not a form here.
	implicit := cat([]byte{1, byte(TagMember), 0, atType, byte(FormImplicitConst), 0x10, 0, 0})
	for _, c := range []struct {
		name string
		b    []byte
		want bool
	}{
		{"empty", nil, false},
		{"none", cat(plain, []byte{0}), false},
		{"in the first table", cat(plain, ref, []byte{0}), true},
		{"in the second table, behind padding", cat(plain, []byte{0, 0, 0, 0}, plain, ref, []byte{0}), true},
		{"implicit_const", cat(implicit, []byte{0}), false},
		{"behind implicit_const", cat(implicit, ref, []byte{0}), true},
		{"cut off", ref[:5], false},
		{"cut off inside a code", []byte{0x80, 0x80}, false},
	} {
		if got := Abbreviations(c.b).Linked(); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	imports := abbrev(3, TagImportedUnit, false, atImport, uint64(FormSecOffset))
	if s := Abbreviations(cat(plain, []byte{0})); s.Imports() || !s.Has(FormRef4) || s.Has(FormStrp) {
		t.Errorf("without an import: %+v", s)
	}
	if s := Abbreviations(cat(plain, imports, ref, []byte{0})); !s.Imports() || !s.Has(FormSecOffset) || !s.Has(FormStrp) || s.Has(FormData1) {
		t.Errorf("with an import: %+v", s)
	}
}

// FuzzLoclists: every list ends, and every expression lies in its section.
func FuzzLoclists(fz *testing.F) {
	fz.Add([]byte{lleBasex, 1, lleOffsetPair, 1, 2, 1, 'a', lleStartLength, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 'b', lleEnd}, uint64(0), uint64(0), uint8(12))
	fz.Add([]byte{1, 0, 2, 0, 1, 0, 'a', 0xff, 0xff, 9, 9, 0, 0, 0, 0}, uint64(0), uint64(1), uint8(18))
	fz.Fuzz(func(t *testing.T, sec []byte, off, index uint64, which uint8) {
		all := formats()
		f := all[int(which)%len(all)]
		s := &LocSections{Loc: sec, Loclists: sec}
		n := 0
		count := func(_ uint64, e []byte) bool {
			n++
			for len(e) > 0 {
				o, ok := NextOp(e, f)
				if !ok {
					break
				}
				if o.Len <= 0 || o.Len > len(e) || len(o.Block) > len(e) {
					t.Fatalf("%+v of % x", o, e)
				}
				e = e[o.Len:]
			}
			return true
		}
		s.Locations(f, off, count)
		if at, ok := s.LoclistOffset(f, off, index); ok {
			s.Locations(f, at, count)
		}
		if n > 2*len(sec) {
			t.Errorf("%d entries in %d bytes", n, len(sec))
		}
	})
}
