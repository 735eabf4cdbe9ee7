package dump

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/testinput"
)

func parse(t *testing.T, data []byte, base *btf.Types) *btf.Types {
	t.Helper()
	ts, err := btf.Parse(data, base)
	if err != nil {
		t.Fatal(err)
	}
	return ts
}

// vmlinux is the BTF of the kernel that the bundled module was built for.
func vmlinux(t *testing.T) (*btf.Types, string) {
	return parse(t, testinput.Read(t, "vmlinux.btf"), nil), testinput.File(t, "vmlinux.btf")
}

func sample() *btf.Types {
	b := btf.NewBuilder(nil)
	i := b.AddInt("int", 4, btf.Signed)                        // 1
	c := b.AddInt("char", 1, btf.Char)                         // 2
	p := b.AddPtr(4)                                           // 3
	b.AddStruct("node", 24, btf.Member{Name: "next", Type: p}, // 4
		btf.Member{Name: "tag", Type: c, Bit: 64}, btf.Member{Name: "n", Type: i, Bit: 96}, btf.Member{Name: "last", Type: c, Bit: 128})
	f := b.AddFuncProto(i, btf.Param{Name: "x", Type: p}) // 5
	b.AddFunc("walk", f, btf.Static)                      // 6
	b.AddFunc("wait", f, btf.Global)                      // 7
	b.AddTypedef("node_t", 4)                             // 8
	ts, err := b.Types()
	if err != nil {
		panic(err)
	}
	return ts
}

func TestSelect(t *testing.T) {
	ts := sample()
	for _, c := range []struct {
		name string
		sel  Selection
		want string
	}{
		{"all", Selection{}, "1 2 3 4 5 6 7 8"},
		{"by name", Selection{Names: []string{"node"}}, "4"},
		{"by pattern", Selection{Names: []string{"wa*"}}, "6 7"},
		{"a kind in front", Selection{Names: []string{"struct n*"}}, "4"},
		{"not that kind", Selection{Names: []string{"union node"}}, `no type is called "union node"`},
		{"by kind", Selection{Kinds: []btf.Kind{btf.Int}}, "1 2"},
		{"by kind and name", Selection{Kinds: []btf.Kind{btf.Typedef}, Names: []string{"n*"}}, "8"},
		{"by id", Selection{IDs: []btf.TypeID{2, 7}}, "2 7"},
		{"with what it needs", Selection{Names: []string{"walk"}, Deps: true}, "1 2 3 4 5 6"},
		{"no such id", Selection{IDs: []btf.TypeID{9}}, "there is no type 9: the last is 8"},
		{"no such name", Selection{Names: []string{"x"}}, `no type is called "x"`},
		{"no pattern", Selection{Names: []string{"[x"}}, `"[x": syntax error in pattern`},
	} {
		ids, err := Select(ts, c.sel)
		var got []string
		for _, id := range ids {
			got = append(got, strconv.Itoa(int(id)))
		}
		s := strings.Join(got, " ")
		if err != nil {
			s = err.Error()
		}
		if s != c.want {
			t.Errorf("%s: %s, want %s", c.name, s, c.want)
		}
	}
}

// TestJSON: every type of a kernel is there, and says what the types say.
func TestJSON(t *testing.T) {
	ts, _ := vmlinux(t)
	ids, err := Select(ts, Selection{})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := JSON(&b, ts, ids); err != nil {
		t.Fatal(err)
	}
	var all struct {
		Schema  string
		FirstID int `json:"first_id"`
		Types   []struct {
			ID                   int
			Kind, Name           string
			Size, Type, Elements int
			Members              []struct {
				Name            string
				Type, Bit, Bits int
			}
			Values []struct {
				Name  string
				Value json.Number
			}
			Params []struct {
				Name string
				Type int
			}
		}
	}
	if err := json.Unmarshal(b.Bytes(), &all); err != nil {
		t.Fatal(err)
	}
	if all.Schema != Schema || all.FirstID != 1 || len(all.Types) != len(ids) {
		t.Fatalf("%s, from %d, %d types of %d", all.Schema, all.FirstID, len(all.Types), len(ids))
	}
	for _, x := range all.Types {
		y := ts.Type(btf.TypeID(x.ID))
		if x.Kind != y.Kind().String() || x.Name != y.Name() || x.Size != int(y.Size()) {
			t.Fatalf("type %d: %+v", x.ID, x)
		}
		i := 0
		for m := range y.Members() {
			if g := x.Members[i]; g.Name != m.Name || g.Type != int(m.Type) || g.Bit != int(m.Bit) || g.Bits != int(m.Bits) {
				t.Fatalf("type %d: member %d: %+v", x.ID, i, g)
			}
			i++
		}
		i = 0
		for v := range y.Values() {
			want := strconv.FormatUint(v.Value, 10)
			if y.Kflag() {
				want = strconv.FormatInt(int64(v.Value), 10)
			}
			if g := x.Values[i]; g.Name != v.Name || g.Value.String() != want {
				t.Fatalf("type %d: value %d: %+v, want %s", x.ID, i, g, want)
			}
			i++
		}
	}
	if s := string(appendString(nil, "a\"\\\n\x7f\xffü")); s != `"a\"\\\u000a\u007f`+"\ufffd"+`ü"` {
		t.Errorf("a string: %s", s)
	}
}

func TestLayout(t *testing.T) {
	ts := sample()
	l, err := LayoutOf(ts, 8, 8) // behind the typedef
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := l.Text(&b); err != nil {
		t.Fatal(err)
	}
	const want = `struct node: 24 bytes, 1 cache line
  offset   size
       0      8   struct node *next
       8      1   char tag
       9          (hole: 3 bytes)
      12      4   int n
      16      1   char last
      17          (hole: 7 bytes)
4 members of 14 bytes; 1 hole of 3 bytes; padding 7 bytes
`
	if b.String() != want {
		t.Errorf("%s", b.String())
	}
	if _, err := LayoutOf(ts, 1, 8); err == nil || err.Error() != "INT int has no members" {
		t.Errorf("an int: %v", err)
	}
	for _, c := range []struct{ from, to, bytes, bits uint32 }{{0, 0, 0, 0}, {8, 0, 0, 0}, {0, 32, 4, 0}, {3, 8, 0, 5}, {3, 5, 0, 2}, {3, 32, 3, 5}, {3, 33, 3, 6}, {8, 35, 3, 3}} {
		if bytes, bits := gap(c.from, c.to); bytes != c.bytes || bits != c.bits {
			t.Errorf("from %d to %d: %d bytes, %d bits", c.from, c.to, bytes, bits)
		}
	}
}

// TestC: what is written for a kernel is C, which gcc takes where there is one. It is bpftool's (TestBpftool).
func TestC(t *testing.T) {
	ts, _ := vmlinux(t)
	var b bytes.Buffer
	if err := C(&b, ts, nil, 8); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"struct task_struct {\n", "\nstruct list_head {\n\tstruct list_head *next;\n\tstruct list_head *prev;\n};\n", "\ntypedef __u32 u32;\n"} {
		if strings.Count(b.String(), want) == 0 {
			t.Errorf("no %q", want)
		}
	}
	path := filepath.Join(t.TempDir(), "vmlinux.c")
	if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("no gcc here")
	}
	if out, err := exec.Command(gcc, "-std=gnu11", "-w", "-fsyntax-only", path).CombinedOutput(); err != nil {
		t.Errorf("gcc: %v: %.1000s", err, out)
	}
}

// TestHostile: types that contain themselves, and gaps that no kernel has, are errors.
func TestHostile(t *testing.T) {
	build := func(f func(b *btf.Builder)) *btf.Types {
		b := btf.NewBuilder(nil)
		f(b)
		ts, err := b.Types()
		if err != nil {
			t.Fatal(err)
		}
		return ts
	}
	for name, ts := range map[string]*btf.Types{
		"a struct in itself": build(func(b *btf.Builder) { b.AddStruct("s", 4, btf.Member{Name: "s", Type: 1}) }),
		"an array of itself": build(func(b *btf.Builder) { b.AddArray(1, 1, 4) }),
		"a ring of typedefs": build(func(b *btf.Builder) { b.AddTypedef("a", 2); b.AddTypedef("b", 1) }),
		"a gap":              build(func(b *btf.Builder) { b.AddStruct("s", 1<<27, btf.Member{Name: "c", Type: b.AddInt("char", 1, 0)}) }),
	} {
		ids, err := Select(ts, Selection{})
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := C(&out, ts, ids, 8); err == nil {
			t.Errorf("%s: %s", name, out.String()[len(cHead):])
		}
	}
	// A ring of pointers is fine.
	var out bytes.Buffer
	ring := build(func(b *btf.Builder) { b.AddStruct("s", 8, btf.Member{Name: "s", Type: 2}); b.AddPtr(1) })
	if err := C(&out, ring, []btf.TypeID{1}, 8); err != nil || !strings.Contains(out.String(), "struct s {\n\tstruct s *s;\n};\n") {
		t.Errorf("a struct that points to itself: %v\n%s", err, out.String())
	}
}

// TestBpftool: the raw form and C are bpftool's, line for line, of a kernel, of a module on it, and of either byte order. GOBTF_BPFTOOL names a
// bpftool of 7.5 or newer.
func TestBpftool(t *testing.T) {
	tool := os.Getenv("GOBTF_BPFTOOL")
	if tool == "" {
		t.Skip("no GOBTF_BPFTOOL: scripts/fetch/bpftool makes one")
	}
	base, path := vmlinux(t)
	module, split := testinput.Read(t, "gobtf_demo.split.btf"), testinput.File(t, "gobtf_demo.split.btf")
	check := func(ts *btf.Types, size uint32, args ...string) {
		t.Helper()
		ids, err := Select(ts, Selection{})
		if err != nil {
			t.Fatal(err)
		}
		var own bytes.Buffer
		if err := Raw(&own, ts, ids); err != nil {
			t.Fatal(err)
		}
		theirs, err := exec.Command(tool, args...).Output()
		if err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		compare := func(form string, own, theirs []byte) {
			if bytes.Equal(own, theirs) {
				return
			}
			a, b := strings.Split(string(own), "\n"), strings.Split(string(theirs), "\n")
			for i := range min(len(a), len(b)) {
				if a[i] != b[i] {
					t.Errorf("%v, %s: line %d: %q, bpftool has %q", args, form, i+1, a[i], b[i])
					return
				}
			}
			t.Errorf("%v, %s: %d lines, bpftool has %d", args, form, len(a), len(b))
		}
		compare("raw", own.Bytes(), theirs)
		own.Reset()
		if err := C(&own, ts, nil, size); err != nil {
			t.Fatal(err)
		}
		if theirs, err = exec.Command(tool, append(args, "format", "c")...).Output(); err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		compare("C", own.Bytes(), theirs)
	}
	check(base, 8, "btf", "dump", "file", path)
	check(parse(t, module, base), 8, "-B", path, "btf", "dump", "file", split)
	goldens, err := filepath.Glob("../../testdata/golden/*.kbuild.btf")
	if err != nil || len(goldens) < 50 {
		t.Fatalf("%d goldens, %v", len(goldens), err)
	}
	big := 0
	for _, g := range goldens {
		data, err := os.ReadFile(g)
		if err != nil {
			t.Fatal(err)
		}
		if ts, err := btf.Parse(data, nil); err == nil && ts.Len() > 1 {
			if ts.BigEndian() {
				big++
			}
			check(ts, ts.AddressSize(), "btf", "dump", "file", g)
		}
	}
	if big == 0 {
		t.Error("no golden is big endian")
	}
}

var (
	paholeSize = regexp.MustCompile(`/\* size: (\d+), cachelines: (\d+), members: (\d+)`)
	paholeSum  = regexp.MustCompile(`/\* sum members: (\d+), holes: (\d+), sum holes: (\d+) \*/`)
	paholePad  = regexp.MustCompile(`^\t/\* padding: (\d+) \*/`)
)

// TestPahole: sizes, holes and padding are those that pahole tells, of all structs without bitfields whose name is theirs alone (it
// counts what bitfields leave by their types' storage, and this by bits). GOBTF_REFERENCE names pahole.
func TestPahole(t *testing.T) {
	tool := os.Getenv("GOBTF_REFERENCE")
	if tool == "" {
		t.Skip("no GOBTF_REFERENCE: scripts/fetch/reference makes one")
	}
	ts, path := vmlinux(t)
	byName := map[string][]btf.TypeID{}
	for id, x := range ts.All() {
		if x.Kind() == btf.Struct && x.Name() != "" {
			byName[x.Name()] = append(byName[x.Name()], id)
		}
	}
	out, err := exec.Command(tool, "-F", "btf", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	checked, name, bitfields := 0, "", false
	var want [7]uint32 // size, cache lines, members, sum, holes, sum of holes, padding
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		line := lines.Text()
		number := func(s string) uint32 { n, _ := strconv.Atoi(s); return uint32(n) }
		switch {
		case strings.HasPrefix(line, "struct ") && strings.HasSuffix(line, " {"):
			name, bitfields, want = strings.Fields(line)[1], false, [7]uint32{}
		case strings.Contains(line, "bitfield") || strings.Contains(line, "bit hole") || strings.Contains(line, "bit_padding"):
			bitfields = true
		case strings.HasPrefix(line, "}") && name != "":
			if ids := byName[name]; len(ids) == 1 && !bitfields && want[0] > 0 {
				l, err := LayoutOf(ts, ids[0], 8)
				if err != nil {
					t.Fatal(err)
				}
				got := [7]uint32{l.Size, l.CacheLines, uint32(l.Members), l.Sum, uint32(l.Holes), l.SumHoles, l.Padding}
				if want[3] == 0 {
					got[3], got[4], got[5] = 0, 0, 0 // pahole sums up where there are holes
					if l.Holes > 0 {
						got[4] = uint32(l.Holes)
					}
				}
				if !slices.Equal(got[:], want[:]) {
					t.Errorf("struct %s: %v, pahole says %v", name, got, want)
				}
				checked++
			}
			name = ""
		default:
			if m := paholeSize.FindStringSubmatch(line); m != nil {
				want[0], want[1], want[2] = number(m[1]), number(m[2]), number(m[3])
			}
			if m := paholeSum.FindStringSubmatch(line); m != nil {
				want[3], want[4], want[5] = number(m[1]), number(m[2]), number(m[3])
			}
			if m := paholePad.FindStringSubmatch(line); m != nil {
				want[6] = number(m[1])
			}
		}
	}
	if checked < 500 {
		t.Errorf("%d structs were compared", checked)
	}
	t.Logf("%d structs", checked)
}
