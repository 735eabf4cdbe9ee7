package verify

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gobtf/gobtf/btf"
)

// image makes a BTF of records and strings, without any check.
func image(strs string, words ...uint32) []byte {
	return btf.AppendFile(nil, btf.Header24, bytesOf(words), []byte(strs), binary.LittleEndian)
}

func info(k btf.Kind, vlen int, kflag bool) uint32 { return btf.InfoWord(k, vlen, kflag) }

var (
	intRec = []uint32{1, info(btf.Int, 0, false), 4, 32}
	enum   = []uint32{1, info(btf.Enum, 1, true), 4, 1, 5}
)

func join(list ...[]uint32) (all []uint32) {
	for _, l := range list {
		all = append(all, l...)
	}
	return all
}

// TestKernels is about what kernels differ in: each of these BTFs is good for those from one version on, or up to one.
func TestKernels(t *testing.T) {
	const strs = "\x00int\x00a.b\x00sec tion\x00"
	long := "\x00" + strings.Repeat("x", 200) + "\x00"
	for _, tc := range []struct {
		name      string
		data      []byte
		good, bad []Kernel
		message   string
	}{
		{"FLOAT", image(strs, 1, info(btf.Float, 0, false), 4), []Kernel{{5, 13}, {6, 1}, {}}, []Kernel{{5, 10}}, "Invalid kind:16"},
		{"DECL_TAG", image(strs, join(intRec, []uint32{5, info(btf.Typedef, 0, false), 1, 1, info(btf.DeclTag, 0, false), 2, 0xffffffff})...),
			[]Kernel{{6, 6}}, []Kernel{{5, 15}, {5, 10}}, "Invalid"},
		{"TYPE_TAG", image(strs, join(intRec, []uint32{1, info(btf.TypeTag, 0, false), 1})...), []Kernel{{5, 17}, {7, 2}}, []Kernel{{5, 16}}, "Invalid kind:18"},
		{"attribute", image(strs, join(intRec, []uint32{1, info(btf.TypeTag, 0, true), 1})...), []Kernel{{6, 15}, {7, 2}}, []Kernel{{6, 12}, {6, 1}}, "Invalid btf_info kind_flag"},
		{"ENUM64", image(strs, 1, info(btf.Enum64, 1, false), 8, 1, 5, 6), []Kernel{{6, 0}}, []Kernel{{5, 19}}, "Invalid kind:19"},
		{"signed ENUM", image(strs, enum...), []Kernel{{6, 0}}, []Kernel{{5, 19}}, "Invalid btf_info kind_flag"},
		{"dots", image(strs, join(intRec, []uint32{5, info(btf.Typedef, 0, false), 1})...), []Kernel{{6, 12}}, []Kernel{{6, 1}}, "Invalid name"},
		{"dots in a variable", image(strs, join(intRec, []uint32{5, info(btf.Var, 0, false), 1, 0})...), []Kernel{{5, 10}, {6, 1}, {6, 12}}, nil, ""},
		{"a section's name", image(strs, join(intRec, []uint32{1, info(btf.Var, 0, false), 1, 0, 9, info(btf.Datasec, 1, false), 4, 2, 0, 4})...),
			[]Kernel{{6, 12}}, []Kernel{{6, 1}}, "Invalid name"},
		{"a long name", image(long, 1, info(btf.Int, 0, false), 4, 32, 1, info(btf.Typedef, 0, false), 1), []Kernel{{6, 1}}, []Kernel{{5, 15}}, "Invalid name"},
		{"a tag behind const", image(strs, join(intRec, []uint32{1, info(btf.TypeTag, 0, false), 1, 0, info(btf.Const, 0, false), 2})...),
			[]Kernel{{5, 17}, {7, 1}, {7, 2}}, []Kernel{{5, 18}, {6, 12}, {7, 0}}, "Type tags don't precede modifiers"},
		{"info bits", image(strs, 1, info(btf.Int, 0, false)|1<<29, 4, 32), nil, []Kernel{{6, 12}, {5, 10}}, "Invalid btf_info"},
		{"a layout section", btf.AppendFile(nil, btf.HeaderLayout, bytesOf(intRec), []byte(strs), binary.LittleEndian),
			[]Kernel{{7, 2}}, []Kernel{{6, 12}, {6, 19}}, "Unsupported btf_header"},
		{"a header of 32 bytes", btf.AppendFile(nil, btf.Header32, bytesOf(intRec), []byte(strs), binary.LittleEndian),
			[]Kernel{{7, 2}, {6, 12}, {5, 10}}, nil, ""},
	} {
		for _, k := range tc.good {
			if found := Check(tc.data, nil, Options{Kernel: k}); len(found) > 0 {
				t.Errorf("%s: Linux %v: %v", tc.name, k, found[0])
			}
		}
		for _, k := range tc.bad {
			found := Check(tc.data, nil, Options{Kernel: k})
			if len(found) == 0 || !strings.Contains(found[0].Message, tc.message) {
				t.Errorf("%s: Linux %v: found %v, not %q", tc.name, k, found, tc.message)
			}
		}
	}
}

// TestChain is about the number of modifiers in a row.
func TestChain(t *testing.T) {
	words := join(intRec)
	for i := range 40 {
		words = append(words, 0, info(btf.Const, 0, false), uint32(i+1))
	}
	// From the far end first, so that none is known to be good yet.
	var back []uint32
	for i := range 40 {
		back = append(back, 0, info(btf.Const, 0, false), uint32(i+2))
	}
	back = append(back, intRec...)
	if found := Check(image("\x00int\x00", words...), nil, Options{}); len(found) > 0 {
		t.Errorf("in order: %v", found[0])
	}
	found := Check(image("\x00int\x00", back...), nil, Options{})
	if len(found) == 0 || found[0].Message != "Max chain length or cycle detected" {
		t.Errorf("the wrong way round: %v", found)
	}
	loop := image("\x00int\x00", 0, info(btf.Const, 0, false), 2, 0, info(btf.Volatile, 0, false), 1)
	if found := Check(loop, nil, Options{}); len(found) == 0 || found[0].Message != "Max chain length or cycle detected" {
		t.Errorf("a loop: %v", found)
	}
	if found := Check(loop, nil, Options{Kernel: Kernel{6, 1}}); len(found) > 0 {
		t.Errorf("6.1 follows no further: %v", found)
	}
}

// TestSplit is about BTF on a base: ids and names continue the base's, and what lies outside of both is found.
func TestSplit(t *testing.T) {
	base, err := btf.Parse(image("\x00int\x00", intRec...), nil)
	if err != nil {
		t.Fatal(err)
	}
	good := image("foo\x00", 5, info(btf.Typedef, 0, false), 1)
	if found := Check(good, base, Options{Full: true}); len(found) > 0 {
		t.Errorf("good: %v", found)
	}
	if found := Check(image("", 1, info(btf.Typedef, 0, false), 1), base, Options{Full: true}); len(found) > 0 {
		t.Errorf("without strings of its own: %v", found)
	}
	if found := Check(good, nil, Options{}); len(found) == 0 {
		t.Error("alone it is no BTF")
	}
	found := Check(image("foo\x00", 9, info(btf.Typedef, 0, false), 1), base, Options{})
	if len(found) == 0 || !strings.HasPrefix(found[0].Message, "Invalid name_offset") {
		t.Errorf("a name behind all strings: %v", found)
	}
	found = Check(image("foo\x00", 5, info(btf.Ptr, 0, false), 99), base, Options{Full: true})
	if len(found) == 0 || found[0].ID != 2 || found[0].Message != "Invalid name" {
		t.Errorf("a pointer with a name: %v", found)
	}
	found = Check(image("foo\x00", 0, info(btf.Ptr, 0, false), 99), base, Options{Full: true})
	if len(found) != 1 || found[0].ID != 2 || found[0].Level != 2 {
		t.Errorf("a pointer to nothing: %v", found)
	}
	if found = Check(image("foo\x00", 0, info(btf.Ptr, 0, false), 99), base, Options{}); len(found) > 0 {
		t.Errorf("level 1 does not follow references: %v", found)
	}
}

// TestTwins is about relations that no kernel looks at.
func TestTwins(t *testing.T) {
	found := Check(image("\x00int\x00", join(intRec, intRec)...), nil, Options{Full: true})
	if len(found) != 1 || found[0].ID != 2 || found[0].Message != "" {
		t.Errorf("two equal types: %v", found)
	}
}

// TestPointerSize is about machines of 32 bits: a pointer at the end of a struct.
func TestPointerSize(t *testing.T) {
	data := image("\x00int\x00", join(intRec, []uint32{0, info(btf.Ptr, 0, false), 1, 1, info(btf.Struct, 1, false), 4, 1, 2, 0})...)
	if found := Check(data, nil, Options{Full: true, PointerSize: 4}); len(found) > 0 {
		t.Errorf("4 bytes: %v", found)
	}
	if found := Check(data, nil, Options{Full: true}); len(found) != 1 || found[0].Message != "Member exceeds struct_size" {
		t.Errorf("8 bytes: %v", found)
	}
}

// TestGoldens has every golden checked in its own byte order: the split ones on their base, none may panic, and level 1 finds
// nothing but what docs/verify.md lists.
func TestGoldens(t *testing.T) {
	const dir = "../../testdata/golden/"
	paths, err := filepath.Glob(dir + "*.btf")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var base *btf.Types
		if _, on, split := strings.Cut(filepath.Base(path), ".on."); split {
			if base, err = btf.ReadFile(dir+on, nil); err != nil {
				t.Fatal(err)
			}
		}
		for _, k := range []Kernel{{5, 10}, {5, 15}, {6, 1}, {6, 12}, {}} {
			Check(data, base, Options{Kernel: k, Full: true})
		}
		for _, f := range Check(data, base, Options{}) {
			name, _, _ := strings.Cut(filepath.Base(path), ".")
			odd := f.Message == "Invalid name" || f.Message == "Invalid offset" || f.Message == "Member bits_offset exceeds its struct size" || f.Message == "Invalid member bits_offset" ||
				f.Message == "Invalid elem" || f.Message == "Invalid type_id"
			if !odd || !oddNames[name] {
				t.Errorf("%s: %v", path, f)
			}
		}
	}
}

// oddNames are fixtures with names that no kernel takes, variables on top of each other, or members of no type.
var oddNames = map[string]bool{
	"badname": true, "cxx": true, "cxx_d4": true, "cxxunits": true, "langs": true, "rust": true, "rustmix": true, "zeroaddr": true, "zeroaddr_rel": true,
	"adaplain": true, "attrforms": true, "memberexpr": true, "memberexpr_d2": true, "vlamember": true, "vlamember_o1": true,
}

func TestParseKernel(t *testing.T) {
	for in, want := range map[string]Kernel{"6.12": {6, 12}, "6.12.117+deb13": {6, 12}, "7.2-rc1": {7, 2}, "5.10.0-30-amd64": {5, 10}} {
		if got, err := ParseKernel(in); err != nil || got != want {
			t.Errorf("%s: %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "6", "six.one", "6.", "3.10", "6.x"} {
		if k, err := ParseKernel(in); err == nil {
			t.Errorf("%q is taken for %v", in, k)
		}
	}
}

func FuzzCheck(f *testing.F) {
	f.Add(image("\x00int\x00", intRec...), uint8(12), false)
	f.Add(image("\x00int\x00", join(intRec, enum)...), uint8(0), true)
	base, err := btf.Parse(image("\x00int\x00", intRec...), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte, minor uint8, split bool) {
		on := base
		if !split {
			on = nil
		}
		found := Check(data, on, Options{Kernel: Kernel{6, int(minor)}, Full: true})
		for _, x := range found {
			_ = x.String()
		}
		if parsed, err := btf.Parse(data, on); err == nil && len(found) == 0 && parsed.Len() > btf.KernelMaxID {
			t.Error("more types than a kernel takes")
		}
	})
}

// TestMessages: what is wrong with a record or a section, in the kernel's words and in ours.
func TestMessages(t *testing.T) {
	const strs = "\x00int\x00a.b\x00"
	layout := func(size uint32) []byte {
		b := bytesOf([]uint32{1<<16 | 0xeb9f, 32, 0, 16, 16 + size, uint32(len(strs)), 16, size})
		return append(append(append(b, bytesOf(intRec)...), make([]byte, size)...), strs...)
	}
	for _, c := range []struct {
		name, message, rule string
		data                []byte
	}{
		{"an INT of 136 bits", "nr_bits exceeds 128", "an INT of 136 bits", image(strs, 1, info(btf.Int, 0, false), 32, 136)},
		{"an INT of 129 bits", "nr_bits exceeds 128", "an INT of 129 bits", image(strs, 1, info(btf.Int, 0, false), 32, 129)},
		{"an INT of 33 bits", "nr_bits exceeds type_size", "33 bits do not fit into 4 bytes", image(strs, 1, info(btf.Int, 0, false), 4, 33)},
		{"an encoding of two", "Unsupported encoding", "encoding 3", image(strs, 1, info(btf.Int, 0, false), 4, 3<<24|32)},
		{"bits without a meaning", "Invalid int_data:10000020", "its word 0x10000020 has bits that mean nothing", image(strs, 1, info(btf.Int, 0, false), 4, 1<<28|32)},
		{"an external variable", "Linkage not supported", "linkage 2: only static and global variables are taken", image(strs, join(intRec, []uint32{1, info(btf.Var, 0, false), 1, 2})...)},
		{"a variable of no type", "Invalid type_id", "is of type 0", image(strs, join(intRec, []uint32{1, info(btf.Var, 0, false), 0, 1})...)},
		{"a FLOAT of 6 bytes", "Invalid type_size", "a FLOAT of 6 bytes", image(strs, 1, info(btf.Float, 0, false), 6)},
		{"a layout of 2 bytes", "Layout section is too small", "the layout section has 2 bytes", layout(2)},
		{"a layout of 6 bytes", "layout_len is not multiple of 4", "the layout section has 6 bytes", layout(6)},
	} {
		found := Check(c.data, nil, Options{Full: true})
		if len(found) == 0 || found[0].Message != c.message || found[0].Rule != c.rule {
			t.Errorf("%s: %+v", c.name, found)
		}
	}
	for _, good := range [][]byte{image(strs, 1, info(btf.Int, 0, false), 16, 128), image(strs, 1, info(btf.Int, 0, false), 4, 4<<24|32), image(strs, join(intRec, []uint32{1, info(btf.Var, 0, false), 1, 1})...)} {
		if found := Check(good, nil, Options{}); len(found) > 0 {
			t.Errorf("good: %v", found)
		}
	}
}

func TestDistilledBase(t *testing.T) {
	base, err := btf.Parse(image("\x00int\x00", intRec...), nil)
	if err != nil {
		t.Fatal(err)
	}
	own, err := btf.Parse(image("foo\x00", 5, info(btf.Typedef, 0, false), 1), base)
	if err != nil {
		t.Fatal(err)
	}
	if found := DistilledBase(own, false); len(found) > 0 {
		t.Errorf("good: %v", found)
	}
	if found := DistilledBase(own, true); len(found) != 1 || !strings.Contains(found[0].Rule, "BTF_ID lists") || found[0].Level != 2 {
		t.Errorf("with lists: %v", found)
	}
	if base, err = btf.Parse(image("\x00"), nil); err != nil {
		t.Fatal(err)
	}
	if own, err = btf.Parse(image("int\x00", intRec...), base); err != nil {
		t.Fatal(err)
	}
	if found := DistilledBase(own, false); len(found) != 1 || !strings.Contains(found[0].Rule, "no types") || found[0].Level != 2 {
		t.Errorf("an empty base: %v", found)
	}
}

// TestNewestKind: the rules of the newest kernel know every kind that this repository does.
func TestNewestKind(t *testing.T) {
	if r := Newest.rules(); r.maxKind != btf.NumKinds-1 {
		t.Errorf("Linux %v knows kinds up to %v, and the last one is %v", Newest, r.maxKind, btf.Kind(btf.NumKinds-1))
	}
}

// bytesOf writes words as a little-endian machine has them.
func bytesOf(words []uint32) (b []byte) {
	for _, w := range words {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}
