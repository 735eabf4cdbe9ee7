package distill

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/gobtf/gobtf/btf"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(name, ".zst") {
		d, err := zstd.NewReader(nil)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if data, err = d.DecodeAll(data, nil); err != nil {
			t.Fatal(err)
		}
	}
	return data
}

func parse(t testing.TB, name string, base *btf.Types) *btf.Types {
	t.Helper()
	x, err := btf.Parse(read(t, name), base)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// splits returns split BTFs: our module on Debian's vmlinux, and the small ones.
func splits(t testing.TB) map[string]*btf.Types {
	t.Helper()
	all := map[string]*btf.Types{"module": parse(t, "module/gobtf_demo.split.btf.zst", parse(t, "module/vmlinux.btf.zst", nil))}
	paths, err := filepath.Glob("../testdata/golden/*.on.*.btf")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no split goldens: %v", err)
	}
	for _, p := range paths {
		name := filepath.Base(p)
		_, base, _ := strings.Cut(name, ".on.")
		all[name] = parse(t, "golden/"+name, parse(t, "golden/"+base, nil))
	}
	return all
}

// same says whether two types mean the same: equal records, names compared as strings, and references to the same.
func same(a, b *btf.Types, x, y btf.TypeID, seen map[[2]btf.TypeID]bool) bool {
	key := [2]btf.TypeID{x, y}
	if seen[key] {
		return true
	}
	seen[key] = true
	ra, rb := a.Record(x), b.Record(y)
	if len(ra) != len(rb) {
		return false
	}
	shape := func(t *btf.Types, rec []uint32) (words, refs []uint32, names []string) {
		words = append([]uint32(nil), rec...)
		btf.EachName(words, func(w *uint32) { names = append(names, string(t.StringBytes(*w))); *w = 0 })
		btf.EachRef(words, func(w *uint32) { refs = append(refs, *w); *w = 0 })
		return words, refs, names
	}
	wa, refA, na := shape(a, ra)
	wb, refB, nb := shape(b, rb)
	for i := range wa {
		if wa[i] != wb[i] {
			return false
		}
	}
	if strings.Join(na, "\x00") != strings.Join(nb, "\x00") {
		return false
	}
	for i := range refA {
		if !same(a, b, btf.TypeID(refA[i]), btf.TypeID(refB[i]), seen) {
			return false
		}
	}
	return true
}

// TestDistillRelocate: what is distilled and then relocated to the base it came from means what it meant.
func TestDistillRelocate(t *testing.T) {
	for name, x := range splits(t) {
		own, base, err := Distill(x)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for id, d := range base.All() {
			if n := len(d.Record()); n > 4 {
				t.Errorf("%s: type %d of the distilled base has %d words", name, id, n)
			}
		}
		moved, ids, err := Relocate(own, x.Base())
		var misfit *MisfitError
		if errors.As(err, &misfit) {
			// A base with two types of one name and size, as the small ones have, leaves no certain partner.
			if name == "module" || strings.Contains(err.Error(), "not in the base") {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for d := btf.TypeID(1); int(d) < base.Len(); d++ {
			if k, l := base.Type(d), x.Type(ids[d]); k.Name() != l.Name() {
				t.Errorf("%s: %q of the distilled base became %q", name, k.Name(), l.Name())
			}
		}
		t.Run(name, func(t *testing.T) { meansTheSame(t, x, moved) })
	}
}

// meansTheSame reports the first of x's own types whose counterpart of the same id in moved means something else.
func meansTheSame(t *testing.T, x, moved *btf.Types) {
	t.Helper()
	seen := map[[2]btf.TypeID]bool{}
	for id := x.Start(); int(id) < x.Len(); id++ {
		if !same(x, moved, id, id, seen) {
			t.Errorf("type %d is not what it was: %s\n%s", id, x.Describe(id), moved.Describe(id))
			return
		}
	}
}

// TestShift: types that were moved and moved back are what they were, and mean the same on the way.
func TestShift(t *testing.T) {
	vmlinux := parse(t, "module/vmlinux.btf.zst", nil)
	module := parse(t, "module/gobtf_demo.standalone.btf", nil)
	for _, share := range []bool{false, true} {
		up, err := Shift(module, vmlinux, share)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[[2]btf.TypeID]bool{}
		n := 0
		for id := btf.TypeID(1); int(id) < module.Len(); id++ {
			if k := module.Type(id).Kind(); share && (k == btf.Int || k == btf.Float) {
				n++
				continue
			}
			to := id + btf.TypeID(vmlinux.Len()) - 1 - btf.TypeID(n)
			if !same(module, up, id, to, seen) {
				t.Fatalf("share %v: type %d became %s", share, id, up.Describe(to))
			}
		}
		if share == (up.Len()-vmlinux.Len() == module.Len()-1) {
			t.Errorf("share %v: %d types of %d", share, up.Len()-vmlinux.Len(), module.Len()-1)
		}
		// Read again from bytes, as a kernel does.
		if _, err := btf.Parse(up.AppendForm(nil, btf.Header24), vmlinux); err != nil {
			t.Error(err)
		}
		back, err := Unshift(up)
		if share {
			if err == nil {
				t.Error("types that share the base's were taken for their own")
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := back.AppendForm(nil, btf.Header24); !bytes.Equal(got, read(t, "module/gobtf_demo.standalone.btf")) {
			t.Error("not what it was")
		}
	}
}

func TestPortable(t *testing.T) {
	for _, name := range []string{"module/gobtf_demo.standalone.btf", "golden/types_s390x.kbuild.btf"} {
		x := parse(t, name, nil)
		own, base, err := Portable(x)
		if err != nil {
			t.Fatal(err)
		}
		raw := base.AppendForm(nil, btf.Header24)
		if len(raw) != 45 { // a header, one INT, "int" (rule forms/portable)
			t.Errorf("%s: a base of %d bytes, not 45", name, len(raw))
		}
		again, err := btf.Parse(raw, nil)
		if err != nil {
			t.Fatal(err)
		}
		if own, err = btf.Parse(own.AppendForm(nil, btf.Header24), again); err != nil {
			t.Fatal(err)
		}
		if own.Len() != x.Len()+1 || own.Describe(2)[1:] == x.Describe(1) {
			t.Errorf("%s: %d types of %d", name, own.Len(), x.Len())
		}
		back, err := Unshift(own)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(back.AppendForm(nil, btf.Header24), read(t, name)) {
			t.Errorf("%s: not what it was", name)
		}
	}
}

// TestRelocateOddities has the kernel's rules one by one.
func TestRelocateOddities(t *testing.T) {
	type base = func(b *btf.Builder)
	for _, tc := range []struct {
		name          string
		own, from, to base
		want          string // of the error; "" fits
		embed         bool
	}{
		{name: "a struct by pointer may have another size",
			from: func(b *btf.Builder) { b.AddStruct("s", 8) }, to: func(b *btf.Builder) { b.AddStruct("s", 16) }},
		{name: "a struct by value may not", embed: true,
			from: func(b *btf.Builder) { b.AddStruct("s", 8) }, to: func(b *btf.Builder) { b.AddStruct("s", 16) },
			want: "STRUCT s: size 8 here, 16 in the base (a struct of the module has it by value)"},
		{name: "of two structs of a name the one of that size",
			from: func(b *btf.Builder) { b.AddStruct("s", 8) }, to: func(b *btf.Builder) { b.AddStruct("s", 16); b.AddStruct("s", 8) }},
		{name: "of two structs of a name none of that size",
			from: func(b *btf.Builder) { b.AddStruct("s", 4) }, to: func(b *btf.Builder) { b.AddStruct("s", 16); b.AddStruct("s", 8) },
			want: "STRUCT s: size 4 here, 16 in the base, size 4 here, 8 in the base"},
		{name: "two structs of a name and size",
			from: func(b *btf.Builder) { b.AddStruct("s", 8) },
			to: func(b *btf.Builder) {
				b.AddStruct("s", 8)
				b.AddStruct("s", 8, btf.Member{Name: "a", Type: b.AddInt("int", 4, btf.Signed)})
			},
			want: "STRUCT s: types 1 and 3 of the base both fit"},
		{name: "a union may be the partner of a struct",
			from: func(b *btf.Builder) { b.AddStruct("s", 8) }, to: func(b *btf.Builder) { b.AddUnion("s", 8) }},
		{name: "a declaration may be the partner of a struct",
			from: func(b *btf.Builder) { b.AddStruct("s", 8) }, to: func(b *btf.Builder) { b.AddFwd("s", false) }},
		{name: "a declaration and a struct are two",
			from: func(b *btf.Builder) { b.AddStruct("s", 8) }, to: func(b *btf.Builder) { b.AddFwd("s", false); b.AddStruct("s", 8) },
			want: "STRUCT s: types 1 and 2 of the base both fit"},
		{name: "a struct by value and a declaration are one", embed: true,
			from: func(b *btf.Builder) { b.AddStruct("s", 8) }, to: func(b *btf.Builder) { b.AddFwd("s", false); b.AddStruct("s", 8) }},
		{name: "unless the declaration comes last", embed: true,
			from: func(b *btf.Builder) { b.AddStruct("s", 8) }, to: func(b *btf.Builder) { b.AddStruct("s", 8); b.AddFwd("s", false) },
			want: "STRUCT s: types 1 and 2 of the base both fit"},
		{name: "a declaration's partner is a struct without bitfields",
			from: func(b *btf.Builder) { b.AddFwd("s", false) }, to: func(b *btf.Builder) { b.AddStruct("s", 8) }},
		{name: "but not one with bitfields",
			from: func(b *btf.Builder) { b.AddFwd("s", false) },
			to: func(b *btf.Builder) {
				b.AddStruct("s", 8, btf.Member{Name: "a", Type: b.Next() + 1, Bits: 3})
				b.AddInt("int", 4, btf.Signed)
			},
			want: "FWD s: STRUCT in the base"},
		{name: "and not a union",
			from: func(b *btf.Builder) { b.AddFwd("s", false) }, to: func(b *btf.Builder) { b.AddUnion("s", 8) },
			want: "FWD s: UNION in the base"},
		{name: "an enum's partner may have 64 bits",
			from: func(b *btf.Builder) { b.AddEnum("s", 8, false) }, to: func(b *btf.Builder) { b.AddEnum64("s", 8, false, btf.Value{Name: "v"}) }},
		{name: "an int needs its encoding",
			from: func(b *btf.Builder) { b.AddInt("s", 4, btf.Signed) }, to: func(b *btf.Builder) { b.AddInt("s", 4, 0) },
			want: "INT s: another encoding in the base"},
		{name: "a float needs its size",
			from: func(b *btf.Builder) { b.AddFloat("s", 4) }, to: func(b *btf.Builder) { b.AddFloat("s", 8) },
			want: "FLOAT s: size 4 here, FLOAT of size 8 in the base"},
		{name: "nothing of that name",
			from: func(b *btf.Builder) { b.AddFloat("s", 4) }, to: func(b *btf.Builder) { b.AddFloat("t", 4) },
			want: "FLOAT s: not in the base"},
		{name: "a typedef is not distilled",
			from: func(b *btf.Builder) { b.AddTypedef("s", 0) }, to: func(b *btf.Builder) { b.AddFloat("t", 4) },
			want: "type 1, TYPEDEF \"s\": nothing that a distilled base may hold"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			make := func(f base, on *btf.Types) *btf.Types {
				b := btf.NewBuilder(on)
				f(b)
				x, err := b.Types()
				if err != nil {
					t.Fatal(err)
				}
				return x
			}
			from, to := make(tc.from, nil), make(tc.to, nil)
			own := make(func(b *btf.Builder) {
				if tc.embed {
					b.AddStruct("own", 8, btf.Member{Name: "m", Type: 1})
				} else {
					b.AddPtr(1)
				}
			}, from)
			moved, ids, err := Relocate(own, to)
			if tc.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if got := moved.Type(moved.Start()).Ref(); !tc.embed && got != ids[1] {
					t.Errorf("refers to %d, want %d", got, ids[1])
				}
				return
			}
			if err == nil || !strings.HasSuffix(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	b := btf.NewBuilder(nil)
	fn := b.AddFunc("f", b.AddFuncProto(0), btf.Static)
	base, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	s := btf.NewBuilder(base)
	s.AddDeclTag("tag", fn, -1, false)
	split, err := s.Types()
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Distill(split); err == nil || !strings.Contains(err.Error(), `refers to FUNC "f" of the base`) {
		t.Errorf("Distill: %v", err)
	}
	if _, _, err := Distill(base); err == nil {
		t.Error("Distill takes standalone types")
	}
	if _, err := Shift(split, base, false); err == nil {
		t.Error("Shift takes split types")
	}
	if _, _, err := Relocate(split, base); err == nil {
		t.Error("Relocate takes the base it is on")
	}
	if _, err := Unshift(split); err == nil {
		t.Error("Unshift takes types that refer to their base")
	}
}

// FuzzMove: whatever can be parsed can be distilled, relocated and shifted, or refused, without a panic.
func FuzzMove(f *testing.F) {
	for _, name := range []string{"splitmod.quirks.on.splitbase.default.btf", "splitfwd.quirks.on.mergefwd.kbuild.btf"} {
		if data, err := os.ReadFile("../testdata/golden/" + name); err == nil {
			f.Add(data, []byte{})
		}
	}
	small := read(f, "golden/intnever.kbuild.btf")
	f.Add(small, small)
	f.Fuzz(func(t *testing.T, data, on []byte) {
		base, err := btf.Parse(on, nil)
		if err != nil {
			if base, err = btf.Parse(small, nil); err != nil {
				t.Fatal(err)
			}
		}
		x, err := btf.Parse(data, base)
		if err == nil {
			if own, _, err := Distill(x); err == nil {
				moved, _, err := Relocate(own, base)
				var misfit *MisfitError
				switch {
				case errors.As(err, &misfit) && strings.Contains(err.Error(), "not in the base"):
					t.Error(err)
				case err == nil:
					meansTheSame(t, x, moved)
				}
			}
			_, _ = Unshift(x)
		}
		if x, err = btf.Parse(data, nil); err == nil {
			if up, err := Shift(x, base, false); err == nil {
				if back, err := Unshift(up); err != nil || back.Len() != x.Len() {
					t.Errorf("not undone: %v", err)
				}
			}
			_, _ = Shift(x, base, true)
		}
	})
}
