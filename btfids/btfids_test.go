package btfids

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/elfx"
)

const testdata = "../testdata"

// put copies a file of testdata into dir, decompressed, and returns where it is.
func put(t *testing.T, dir, name string) string {
	t.Helper()
	data := read(t, name)
	if strings.HasSuffix(name, ".zst") {
		z, err := zstd.NewReader(nil)
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		if data, err = z.DecodeAll(data, nil); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, strings.TrimSuffix(filepath.Base(name), ".zst"))
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(testdata, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestGoldens compares with what Debian's resolve_btfids wrote.
func TestGoldens(t *testing.T) {
	for _, tc := range []struct {
		name, object, btf, base string
		warnings                int
	}{
		{"kfunc", "obj/kfunc.elf", "golden/kfunc.kbuild.btf", "", 1},
		{"kfunc_rel", "obj/kfunc_rel.elf", "golden/kfunc_rel.kbuild.btf", "", 1},
		{"kfunc_s390x", "obj/kfunc_s390x.elf", "golden/kfunc_s390x.kbuild.btf", "", 1}, // big-endian
		{"gobtf_demo", "module/gobtf_demo.ko.zst", "btfids/gobtf_demo.btf", "module/vmlinux.btf.zst", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			object := put(t, dir, tc.object)
			before, err := os.ReadFile(object)
			if err != nil {
				t.Fatal(err)
			}
			job := Job{Object: object, BTF: filepath.Join(testdata, tc.btf)}
			if tc.base != "" {
				job.Base, job.Distill = put(t, dir, tc.base), true
			}
			n := 0
			job.Warn = func(string, ...any) { n++ }
			job.Files = true
			if err := job.Run(); err != nil {
				t.Fatal(err)
			}
			want := map[string]string{".BTF": "btf7", SectionName: "ids7"}
			if tc.base != "" {
				want[".BTF.base"] = "base7"
			}
			for suffix, golden := range want {
				got, err := os.ReadFile(object + suffix)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, read(t, "btfids/"+tc.name+"."+golden)) {
					t.Errorf("%s differs from %s.%s", suffix, tc.name, golden)
				}
			}
			if now, _ := os.ReadFile(object); !bytes.Equal(now, before) {
				t.Error("the object was changed")
			}
			if n != tc.warnings {
				t.Errorf("%d warnings, want %d", n, tc.warnings)
			}
			job.Files, job.Distill = false, false
			if err := job.Run(); err != nil {
				t.Fatal(err)
			}
			if got := section(t, object); !bytes.Equal(got, read(t, "btfids/"+tc.name+".ids6")) {
				t.Errorf("in place: differs from %s.ids6", tc.name)
			}
			if err := Patch(object, filepath.Join(testdata, "btfids", tc.name+".ids7")); err != nil {
				t.Fatal(err)
			}
			if got := section(t, object); !bytes.Equal(got, read(t, "btfids/"+tc.name+".ids7")) {
				t.Error("what was patched in is not there")
			}
			if err := Patch(object, job.BTF); err == nil || !strings.Contains(err.Error(), "bytes and") {
				t.Errorf("another size was patched in: %v", err)
			}
			job.Strict = true
			if err := job.Run(); errors.Is(err, ErrUnresolved) != (tc.warnings > 0) {
				t.Errorf("strict: %v", err)
			}
		})
	}
}

func section(t *testing.T, path string) []byte {
	t.Helper()
	f, err := elfx.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := f.Raw(f.Section(SectionName))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(data)
}

func TestParseSymbol(t *testing.T) {
	for symbol, want := range map[string]string{
		"__BTF_ID__struct__sk_buff__12":        "struct sk_buff",
		"__BTF_ID__func__vfs_read__56612":      "func vfs_read",
		"__BTF_ID__func__a___b__1":             "func a___b",
		"__BTF_ID__func____x64_sys_read__1":    "func __x64_sys_read",
		"__BTF_ID__union__u__0":                "union u",
		"__BTF_ID__typedef__t__0":              "typedef t",
		"__BTF_ID__set8__my_ids":               "set8 my_ids",
		"__BTF_ID__set__my_ids":                "set my_ids",
		"__BTF_ID__set__my__ids":               "set my__ids",
		"__BTF_ID__func__x1":                   "error does not end in",
		"__BTF_ID__func__x1_2":                 "error does not end in",
		"__BTF_ID__func__1":                    "error does not end in",
		"__BTF_ID__func____1":                  "error is empty",
		"__BTF_ID__func___":                    "error does not end in",
		"__BTF_ID__func":                       "error no name behind",
		"__BTF_ID__structfoo__1":               "error no name behind",
		"__BTF_ID__enum__e__1":                 "error unsupported prefix",
		"__BTF_ID__":                           "error unsupported prefix",
		"__BTF_ID__set__":                      "error is empty",
		"__BTF_ID__func__\xff\xfe__1":          "func \xff\xfe",
		"__BTF_ID__func__" + "_" + "__1" + "_": "error does not end in",
	} {
		k, name, err := parseSymbol(symbol)
		got := fmt.Sprint(kindNames[k], " ", name)
		if err != nil {
			got = "error " + err.Error()
		}
		if after, ok := strings.CutPrefix(want, "error "); ok && (err == nil || !strings.Contains(got, after)) || !ok && got != want {
			t.Errorf("%s: %s, want %s", symbol, got, want)
		}
	}
}

// types are: 1 INT int, 2 STRUCT s, 3 FUNC f, 4 FUNC g, 5 FUNC f, 6 TYPEDEF s.
func types(t testing.TB) *btf.Types {
	t.Helper()
	b := btf.NewBuilder(nil)
	i := b.AddInt("int", 4, btf.Signed)
	b.AddStruct("s", 4, btf.Member{Name: "a", Type: i})
	p := b.AddFuncProto(0)
	b.AddFunc("f", p, btf.Static)
	b.AddFunc("g", p, btf.Static)
	b.AddFunc("f", p, btf.Static)
	b.AddTypedef("s", i)
	x, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func words(order binary.ByteOrder, w ...uint32) []byte {
	b := make([]byte, 4*len(w))
	for i, v := range w {
		order.PutUint32(b[4*i:], v)
	}
	return b
}

func TestResolve(t *testing.T) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		s := &Section{Data: make([]byte, 64), Order: order, path: "x.ko"}
		s.put(8+4, 7)  // flags of g
		s.put(16+4, 9) // flags of f
		s.put(4, 1)    // flags of the set8
		for _, y := range []struct {
			name      string
			off, size uint64
		}{
			{"__BTF_ID__set8__k", 0, 32}, {"__BTF_ID__func__g__1", 8, 4}, {"__BTF_ID__func__f__2", 16, 4}, {"__BTF_ID__func__none__3", 24, 4},
			{"__BTF_ID__set__l", 32, 16}, {"__BTF_ID__typedef__s__4", 36, 4}, {"__BTF_ID__struct__s__5", 40, 4}, {"__BTF_ID__func__f__6", 44, 4},
			{"__BTF_ID__struct__s__7", 48, 4},
		} {
			if err := s.add(y.name, y.off, y.size); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		for _, w := range s.Resolve(types(t)) {
			got = append(got, w.String())
		}
		if want := "multiple IDs found for 'f': 4, 6 - using 4|unresolved symbol none"; strings.Join(got, "|") != want {
			t.Errorf("warnings %q, want %q", got, want)
		}
		want := words(order, 3, 1, 0, 0, 4, 9, 5, 7, 3, 2, 4, 7, 2, 0, 0, 0)
		if !bytes.Equal(s.Data, want) {
			t.Errorf("%v:\n got %x\nwant %x", order, s.Data, want)
		}
		if !s.Lists() {
			t.Error("the list behind the sets was not seen")
		}
	}
}

func TestRefusedSymbols(t *testing.T) {
	s := &Section{Data: make([]byte, 16), Order: binary.LittleEndian, path: "x.ko"}
	if err := s.add("__BTF_ID__set__l", 0, 8); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name      string
		off, size uint64
		want      string
	}{
		{"__BTF_ID__func__f__1", 16, 4, "it lies at 0x10"},
		{"__BTF_ID__func__f__1", 1 << 63, 4, "it lies at"},
		{"__BTF_ID__func__f__1", 2, 4, "it lies at"},
		{"__BTF_ID__set__m", 8, 12, "a set of 12 bytes"},
		{"__BTF_ID__set__m", 8, 0, "a set of 0 bytes"},
		{"__BTF_ID__set__l", 8, 8, "two sets of this name"},
		{"__BTF_ID__func__x1", 8, 4, "does not end in"},
	} {
		err := s.add(tc.name, tc.off, tc.size)
		var se *SymbolError
		if !errors.As(err, &se) || !strings.Contains(err.Error(), tc.want) || se.Symbol != tc.name {
			t.Errorf("%s at %#x: %v, want %s", tc.name, tc.off, err, tc.want)
		}
	}
	for i := 0; i < MaxPlaces; i++ {
		if err := s.add(fmt.Sprintf("__BTF_ID__func__many__%d", i), 4, 4); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.add("__BTF_ID__func__many__100", 4, 4); err == nil {
		t.Error("more places than the kernel's tool takes")
	}
}

// TestImplicitArgs: KF_IMPLICIT_ARGS in a set gives a kfunc two prototypes.
func TestImplicitArgs(t *testing.T) {
	b := btf.NewBuilder(nil)
	i := b.AddInt("int", 4, btf.Signed)
	aux := b.AddPtr(b.AddStruct("bpf_prog_aux", 0))
	proto := b.AddFuncProto(i, btf.Param{Name: "a", Type: i}, btf.Param{Name: "aux", Type: b.AddConst(aux)})
	k := b.AddFunc("k", proto, btf.Static)
	b.AddDeclTag("bpf_kfunc", k, -1, false)
	b.AddDeclTag("bpf_fastcall", k, -1, true)
	plain := b.AddFunc("plain", proto, btf.Static)
	b.AddDeclTag("bpf_kfunc", plain, -1, false)
	x, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	s := &Section{Data: words(binary.LittleEndian, 0, 1, 0, kfImplicitArgs, 0, 1<<3), Order: binary.LittleEndian}
	for off, name := range map[uint64]string{0: "__BTF_ID__set8__s", 8: "__BTF_ID__func__k__1", 16: "__BTF_ID__func__plain__2"} {
		if err := s.add(name, off, 24-off); err != nil {
			t.Fatal(err)
		}
	}
	y, err := implicitArgs(x, s, func(string, ...any) {})
	if err != nil {
		t.Fatal(err)
	}
	if y.Len() != x.Len()+3 {
		t.Fatalf("%d types were added, want FUNC, DECL_TAG and FUNC_PROTO", y.Len()-x.Len())
	}
	n := btf.TypeID(x.Len())
	for id, want := range map[btf.TypeID]string{
		n:     fmt.Sprintf("[%d] FUNC 'k_impl' type_id=%d linkage=static", n, proto),
		n + 1: fmt.Sprintf("[%d] DECL_TAG 'bpf_fastcall' type_id=%d component_idx=-1 kflag=1", n+1, n),
		n + 2: fmt.Sprintf("[%d] FUNC_PROTO '(anon)' ret_type_id=%d vlen=1\n\t'a' type_id=%d", n+2, i, i),
		k:     fmt.Sprintf("[%d] FUNC 'k' type_id=%d linkage=static", k, n+2),
		plain: x.Describe(plain),
	} {
		if got := y.Describe(id); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	// Once more changes the prototype again, but adds no second k_impl.
	z, err := implicitArgs(y, s, func(string, ...any) {})
	if err != nil || z.Len() != y.Len()+1 {
		t.Errorf("a second time %d types were added: %v", z.Len()-y.Len(), err)
	}
}

func TestSortByName(t *testing.T) {
	x := types(t)
	y, err := sortByName(x)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range y.All() {
		got = append(got, v.Name())
	}
	if s := strings.Join(got, ","); s != ",f,f,g,int,s,s" {
		t.Errorf("order %s", s)
	}
	if y.Type(2).Ref() != 1 || y.Type(6).Kind() != btf.Struct || y.Type(7).Ref() != 5 {
		t.Errorf("references: %s", y.Describe(7))
	}
}

func TestStandalone(t *testing.T) {
	if !Standalone(read(t, "golden/kfunc.kbuild.btf")) {
		t.Error("standalone BTF was not recognised")
	}
	paths, _ := filepath.Glob(testdata + "/golden/*.on.*.btf")
	for _, p := range append(paths, testdata+"/btfids/gobtf_demo.btf", testdata+"/btfids/gobtf_demo.btf7") {
		data, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if Standalone(data) {
			t.Errorf("%s was taken for standalone", p)
		}
	}
}

func FuzzSymbols(f *testing.F) {
	f.Add("__BTF_ID__func__f__1", uint64(8), uint64(4), []byte("0123456789abcdef"))
	f.Add("__BTF_ID__set8__f", uint64(0), uint64(16), []byte("0123456789abcdef"))
	f.Fuzz(func(t *testing.T, name string, off, size uint64, data []byte) {
		s := &Section{Data: data, Order: binary.BigEndian}
		if s.add(name, off, size) != nil {
			return
		}
		_ = s.add("__BTF_ID__func__f__9", 0, 4)
		n := len(s.Data)
		s.Resolve(types(t))
		s.Renumber(func(id btf.TypeID) btf.TypeID { return id + 1 })
		s.Lists()
		s.kfuncFlags("f")
		if len(s.Data) != n {
			t.Error("the section grew")
		}
	})
}
