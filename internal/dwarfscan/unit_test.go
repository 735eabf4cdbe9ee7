package dwarfscan

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// num returns v in n bytes of f's byte order.
func (f Format) num(n int, v uint64) []byte {
	b := make([]byte, n)
	for i := range b {
		if f.BigEndian {
			b[n-1-i] = byte(v >> (8 * i))
		} else {
			b[i] = byte(v >> (8 * i))
		}
	}
	return b
}

func (f Format) offset(v uint64) []byte { return f.num(int(f.offsetSize()), v) }

// unit returns a unit with that kind (DWARF 5) and contents behind its header.
func (f Format) unit(kind uint8, abbrevOff uint64, types bool, dies ...byte) []byte {
	b := f.num(2, uint64(f.Version))
	if f.Version >= 5 {
		b = append(append(b, kind, f.AddrSize), f.offset(abbrevOff)...)
	} else {
		b = append(append(b, f.offset(abbrevOff)...), f.AddrSize)
	}
	switch {
	case types, f.Version >= 5 && (kind == UnitType || kind == UnitSplitTyp):
		b = append(append(b, f.num(8, 0x1122334455667788)...), f.offset(0x21)...)
	case f.Version >= 5 && (kind == UnitSkeleton || kind == UnitSplit):
		b = append(b, f.num(8, 0x1122334455667788)...)
	}
	b = append(b, dies...)
	if f.Offset64 {
		return append(append(f.num(4, 0xffffffff), f.num(8, uint64(len(b)))...), b...)
	}
	return append(f.num(4, uint64(len(b))), b...)
}

// formats are all combinations of version, offset size and byte order.
func formats() (list []Format) {
	for v := uint16(2); v <= 5; v++ {
		for i := range 4 {
			list = append(list, Format{Version: v, AddrSize: 8, Offset64: i&1 != 0, BigEndian: i&2 != 0})
		}
	}
	return append(list, Format{Version: 4, AddrSize: 4}, Format{Version: 5, AddrSize: 4, BigEndian: true}, Format{Version: 2, AddrSize: 2})
}

func headers(b []byte, f Format, types bool) ([]Unit, error) {
	return Units(bytes.NewReader(b), uint64(len(b)), f.BigEndian, types)
}

func TestUnits(t *testing.T) {
	for _, f := range formats() {
		kinds := []uint8{UnitCompile}
		if f.Version >= 5 {
			kinds = append(kinds, UnitType, UnitPartial, UnitSkeleton, UnitSplit, UnitSplitTyp)
		}
		for _, kind := range kinds {
			t.Run(fmt.Sprintf("%+v kind %d", f, kind), func(t *testing.T) {
				b := f.unit(kind, 0x1234, false, 1, 2, 3)
				one := len(b)
				units, err := headers(append(b, b...), f, false)
				if err != nil || len(units) != 2 {
					t.Fatalf("%d units, %v", len(units), err)
				}
				for i, u := range units {
					if u.Format != f || u.Off != uint64(i*one) || u.Size != uint64(one) || u.AbbrevOff != 0x1234 || u.Kind != kind || int(u.First) != one-3 {
						t.Errorf("unit %d: %+v", i, u)
					}
				}
				wantSig, wantOff := uint64(0), uint64(0)
				if kind == UnitType || kind == UnitSplitTyp {
					wantSig, wantOff = 0x1122334455667788, 0x21
				} else if kind == UnitSkeleton || kind == UnitSplit {
					wantSig = 0x1122334455667788
				}
				if u := units[0]; u.Signature != wantSig || u.TypeOff != wantOff {
					t.Errorf("signature %#x, type at %#x", u.Signature, u.TypeOff)
				}
				for n := 1; n < one; n++ {
					if _, err := headers(b[:n], f, false); err == nil {
						t.Errorf("no error when only %d of %d bytes are there", n, one)
					}
				}
			})
		}
	}
	f := Format{Version: 4, AddrSize: 8}
	u, err := headers(f.unit(0, 0, true, 0), f, true)
	if err != nil || len(u) != 1 || u[0].Kind != UnitType || u[0].TypeOff != 0x21 || u[0].Signature != 0x1122334455667788 {
		t.Errorf(".debug_types: %+v, %v", u, err)
	}
	if u, err := headers(nil, f, false); err != nil || len(u) != 0 {
		t.Errorf("empty section: %v, %v", u, err)
	}
}

func TestUnitsBad(t *testing.T) {
	f := Format{Version: 4, AddrSize: 8}
	good := f.unit(0, 0, false, 1, 2, 3)
	with := func(at int, v ...byte) []byte {
		b := bytes.Clone(good)
		copy(b[at:], v)
		return b
	}
	for _, c := range []struct {
		name string
		b    []byte
		want string
	}{
		{"version 1", with(4, 1), "+0x0: DWARF version 1"},
		{"version 6", with(4, 6), "+0x0: DWARF version 6"},
		{"address size", with(10, 3), "+0x0: address size 3"},
		{"reserved length", with(0, 0xf1, 0xff, 0xff, 0xff), "+0x0: unit length 0xfffffff1 is reserved"},
		{"length of a 64-bit unit", append([]byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0x80}, good...), "impossible"},
		{"longer than the section", with(0, byte(len(good)-3)), "truncated"},
		{"smaller than its header", with(0, 3), "smaller than its header"},
		{"length 0", with(0, 0), "smaller than its header"},
		{"second unit", append(bytes.Clone(good), with(4, 9)...), fmt.Sprintf("+%#x: DWARF version 9", len(good))},
	} {
		if _, err := headers(c.b, f, false); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
	// The section's size is a claim too.
	if _, err := Units(bytes.NewReader(good), uint64(len(good))+100, false, false); err == nil {
		t.Error("no error for a section that is shorter than said")
	}
}
