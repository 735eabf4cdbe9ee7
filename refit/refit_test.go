package refit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/verify"
	"github.com/gobtf/gobtf/btfids"
	"github.com/gobtf/gobtf/internal/elfx"
	"github.com/gobtf/gobtf/module"
)

const moduleDir = "../testdata/module/"

func unpack(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(moduleDir + name)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	if data, err = z.DecodeAll(data, nil); err != nil {
		t.Fatal(err)
	}
	return data
}

// bases are the vmlinux that the bundled module was built for, and others made of it.
type bases struct {
	ours, moved, changed, grown *btf.Types
}

var makeBases = sync.OnceValues(func() (*bases, error) {
	data, err := os.ReadFile(moduleDir + "vmlinux.btf.zst")
	if err != nil {
		return nil, err
	}
	z, err := zstd.NewReader(nil)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	if data, err = z.DecodeAll(data, nil); err != nil {
		return nil, err
	}
	b := &bases{}
	if b.ours, err = btf.Parse(data, nil); err != nil {
		return nil, err
	}
	if b.moved, err = edit(b.ours, 3, nil); err != nil {
		return nil, err
	}
	// The first of two neighbours in task_struct is elsewhere: code that was compiled before reads it from the wrong place.
	b.changed, err = edit(b.ours, 3, func(x btf.Type, rec []uint32) {
		if x.Kind() == btf.Struct && x.Name() == "list_head" {
			rec[2] += 8
			rec[5] += 64
			rec[8] += 64
		}
	})
	if err != nil {
		return nil, err
	}
	// It is longer at its end, which nobody who points to it notices.
	b.grown, err = edit(b.ours, 3, func(x btf.Type, rec []uint32) {
		if x.Kind() == btf.Struct && x.Name() == "task_struct" {
			rec[2] += 64
		}
	})
	return b, err
})

func theBases(t testing.TB) *bases {
	t.Helper()
	b, err := makeBases()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// edit makes another kernel's BTF: n types and a string ahead of all others, and what change does to records.
func edit(t *btf.Types, n int, change func(x btf.Type, rec []uint32)) (*btf.Types, error) {
	const ahead = "gobtf_test"
	strs := append([]byte("\x00"+ahead+"\x00"), t.Strings()[1:]...)
	var words []uint32
	for i := range n {
		words = append(words, 1, btf.InfoWord(btf.Fwd, 0, i%2 == 1), 0)
	}
	for id, x := range t.All() {
		rec := slices.Clone(t.Record(id))
		if change != nil {
			change(x, rec)
		}
		btf.EachRef(rec, func(w *uint32) {
			if *w != 0 {
				*w += uint32(n)
			}
		})
		btf.EachName(rec, func(w *uint32) {
			if *w != 0 {
				*w += uint32(len(ahead)) + 1
			}
		})
		words = append(words, rec...)
	}
	return btf.New(words, strs, nil, t.Order())
}

// built returns the bundled module with BTF of a form, built on a base, and without its DWARF unless that is wanted.
func built(t testing.TB, form Form, on *btf.Types, dwarf bool) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "m.ko")
	if err := os.WriteFile(path, unpack(t, "gobtf_demo.ko.zst"), 0o666); err != nil {
		t.Fatal(err)
	}
	// The vermagic is 6.12's; a base without a release is compared with none.
	if _, err := AddFile(context.Background(), path, btf.NewBase(on), "", form, Options{}); err != nil {
		t.Fatal(err)
	}
	if !dwarf {
		strip(t, path)
	}
	return path
}

// strip takes the debug information out.
func strip(t testing.TB, path string) {
	t.Helper()
	f, err := elfx.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	var set []elfx.NamedData
	for _, s := range f.Sections {
		if strings.HasPrefix(s.Name, ".debug_") || strings.HasPrefix(s.Name, ".rela.debug_") {
			set = append(set, elfx.NamedData{Name: s.Name, Remove: true})
		}
	}
	f.Close()
	if _, err := elfx.SetSections(path, set, elfx.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
}

// opened is a module that stays open until the test ends.
func opened(t testing.TB, path string) *subject {
	t.Helper()
	f, err := module.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	m, err := readSubject(f)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// load reads a module's BTF as a kernel with this base does.
func load(t testing.TB, path string, base *btf.Types) (*btf.Types, *btfids.Section) {
	t.Helper()
	m := opened(t, path)
	var err error
	if m.sec != nil {
		if base, err = btf.Parse(m.sec, nil); err != nil {
			t.Fatal(err)
		}
	}
	own, err := btf.Parse(m.own, base)
	if err != nil {
		t.Fatal(err)
	}
	if found := verify.Check(m.own, base, verify.Options{Full: true}); len(found) > 0 {
		t.Fatalf("%s: %v", path, found[0])
	}
	return own, m.ids
}

// meaning lists own types with what they refer to, by name, so that numbers do not count.
func meaning(t *btf.Types) (lines []string) {
	for id, x := range t.All() {
		s := fmt.Sprintf("%v %q %d %d:", x.Kind(), x.Name(), x.Size(), x.Vlen())
		for to := range x.Refs() {
			r := t.Type(to)
			s += fmt.Sprintf(" %v %q %d", r.Kind(), r.Name(), r.Size())
		}
		for m := range x.Members() {
			s += fmt.Sprintf(" .%s@%d:%d", m.Name, m.Bit, m.Bits)
		}
		_ = id
		lines = append(lines, s)
	}
	slices.Sort(lines)
	return lines
}

// idsRight tells whether every id in .BTF_ids is the type it names.
func idsRight(t *testing.T, own *btf.Types, ids *btfids.Section) {
	t.Helper()
	n := 0
	ids.IDs(func(kind, name string, id btf.TypeID) {
		n++
		if x := own.Type(id); x.Name() != name {
			t.Errorf(".BTF_ids: %s %s is type %d, which is %v %q", kind, name, id, x.Kind(), x.Name())
		}
	})
	if n == 0 {
		t.Error(".BTF_ids has no ids")
	}
}

// TestRebase moves the module in every form to a kernel whose types have other numbers, and wants what encoding it there gives.
func TestRebase(t *testing.T) {
	b := theBases(t)
	want, _ := load(t, built(t, Split, b.moved, false), b.moved)
	onto := btf.NewBase(b.moved)
	for _, tc := range []struct {
		name   string
		form   Form
		dwarf  bool
		from   *btf.Types
		find   *btf.Types
		source string
	}{
		{"DWARF", Split, true, nil, nil, "its DWARF"},
		{"split", Split, false, b.ours, nil, "its split BTF and the base of --from"},
		{"split, its base is found", Split, false, nil, b.ours, "its split BTF and the base it was built on"},
		{"split, --from counts", Split, false, b.ours, b.moved, "its split BTF and the base of --from"},
		{"raw", Raw, false, nil, nil, "its raw BTF"},
		{"shifted", Shifted, false, nil, nil, "its shifted BTF"},
		{"shifted, its base is known", Shifted, false, b.ours, nil, "its shifted BTF"},
		{"portable", Portable, false, nil, nil, "its portable BTF"},
		{"distilled", Distilled, false, nil, nil, "its .BTF.base"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := built(t, tc.form, b.ours, tc.dwarf)
			opt := Options{From: tc.from, Form: Split}
			if tc.find != nil {
				opt.FindFrom = func(release string) *btf.Types {
					if release != "6.12.117+deb13-cloud-amd64" {
						t.Errorf("the base of %q is looked for", release)
					}
					return tc.find
				}
			}
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			check := opt
			check.Check = true
			if _, err := RebaseFile(context.Background(), path, onto, check); err != nil {
				t.Fatalf("--check: %v", err)
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
				t.Error("--check wrote the file")
			}
			r, err := RebaseFile(context.Background(), path, onto, opt)
			if err != nil {
				t.Fatal(err)
			}
			if r.Source != tc.source || r.After != Split || r.Before != tc.form || !r.IDs || len(r.Changes) > 0 {
				t.Errorf("%v; source %q, changes %v", r, r.Source, r.Changes)
			}
			own, ids := load(t, path, b.moved)
			if got := meaning(own); !slices.Equal(got, meaning(want)) {
				t.Errorf("%d types, encoding it there gives %d: %s", len(got), want.Len()-int(want.Start()), firstOther(got, meaning(want)))
			}
			idsRight(t, own, ids)
			again, err := RebaseFile(context.Background(), path, onto, Options{})
			if err != nil || !again.Fits || again.Source != "" {
				t.Errorf("the second time: %v, %v", again, err)
			}
		})
	}
}

func firstOther(got, want []string) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("%s, want %s", got[i], want[i])
		}
	}
	return "one list is the beginning of the other"
}

// TestShifted: --form=shifted only renumbers.
func TestShifted(t *testing.T) {
	b := theBases(t)
	path := built(t, Shifted, b.ours, false)
	before, _ := load(t, path, b.ours)
	if _, err := RebaseFile(context.Background(), path, btf.NewBase(b.moved), Options{Form: Shifted}); err != nil {
		t.Fatal(err)
	}
	after, ids := load(t, path, b.moved)
	if !slices.Equal(meaning(before), meaning(after)) || after.Start() != before.Start()+3 {
		t.Errorf("types from %d became types from %d: %s", before.Start(), after.Start(), firstOther(meaning(after), meaning(before)))
	}
	idsRight(t, after, ids)
}

// TestDiffers: a struct that the module was compiled with is another now.
func TestDiffers(t *testing.T) {
	b := theBases(t)
	for _, form := range []Form{Split, Raw, Portable, Distilled} { // the last two fit as they are: a kernel would take them
		path := built(t, form, b.ours, form == Split || form == Distilled)
		before, _ := os.ReadFile(path)
		_, err := RebaseFile(context.Background(), path, btf.NewBase(b.changed), Options{})
		if strings.Count(fmt.Sprint(err), "struct list_head:") > 1 {
			t.Errorf("%s: it is named twice: %v", form, err)
		}
		if !errors.Is(err, ErrDiffers) || !strings.Contains(err.Error(), "struct list_head: 16 -> 24 bytes, next at byte 8, not 0") {
			t.Errorf("%s: %v", form, err)
		}
		if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
			t.Errorf("%s: it was written all the same", form)
		}
		if r, err := RebaseFile(context.Background(), path, btf.NewBase(b.changed), Options{Force: true, Form: Split}); err != nil || len(r.Changes) == 0 {
			t.Errorf("%s: --force: %v, %v", form, r, err)
		}
		load(t, path, b.changed)
	}
}

// TestStale: where something wrote BTF and left the .BTF.base of another one, rebase mends the module, and nothing of gobtf does so.
func TestStale(t *testing.T) {
	b := theBases(t)
	onto := btf.NewBase(b.ours)
	distilled := opened(t, built(t, Distilled, b.ours, false))
	for _, dwarf := range []bool{true, false} {
		path := built(t, Split, b.ours, dwarf)
		if _, err := elfx.SetSections(path, []elfx.NamedData{{Name: ".BTF.base", Data: distilled.sec}}, elfx.WriteOptions{}); err != nil {
			t.Fatal(err)
		}
		r, err := RebaseFile(context.Background(), path, onto, Options{Check: true})
		if err != nil || r.Fits || !strings.Contains(r.Why, "its .BTF.base belongs to other BTF") {
			t.Errorf("DWARF %v: %+v, %v", dwarf, r, err)
		}
		if _, err := RebaseFile(context.Background(), path, onto, Options{}); err != nil {
			t.Fatalf("DWARF %v: %v", dwarf, err)
		}
		if m := opened(t, path); m.sec != nil {
			t.Errorf("DWARF %v: .BTF.base is still there", dwarf)
		}
		own, ids := load(t, path, b.ours)
		idsRight(t, own, ids)
	}
	path := built(t, Distilled, b.ours, true)
	f, err := module.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := elfx.SetSections(path, []elfx.NamedData{{Name: ".BTF.ext", Data: []byte("lines")}}, elfx.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := AddFile(context.Background(), path, onto, "", Split, Options{}); err != nil {
		t.Fatal(err)
	}
	m := opened(t, path)
	if m.sec != nil || m.ELF().Section(".BTF.ext") != nil {
		t.Error("add leaves sections of the BTF that was there")
	}
	load(t, path, b.ours)
}

// TestJoined: several copies of one struct are one change.
func TestJoined(t *testing.T) {
	var list []Change
	for _, c := range []Change{
		{Kind: btf.Struct, Name: "a", Was: 8, Is: 16, Funcs: 1, Embedded: []string{"x"}},
		{Kind: btf.Union, Name: "a", Was: 1, Is: 2, Structs: 1},
		{Kind: btf.Struct, Name: "a", Was: 8, Is: 16, Funcs: 2, Structs: 3, Embedded: []string{"x", "y"}, Moved: []string{"no member m"}},
	} {
		list = joined(list, c)
	}
	if len(list) != 2 || list[0].Funcs != 3 || list[0].Structs != 3 || !slices.Equal(list[0].Embedded, []string{"x", "y"}) || !list[0].Breaks() || list[1].Structs != 1 {
		t.Errorf("%+v", list)
	}
	const want = "struct a: 8 -> 16 bytes, no member m, inside of x, y, used by 3 functions, pointed to by 3 structs"
	if got := list[0].String(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestGrown: a struct that is longer at its end and that the module only points to is reported, and is no harm.
func TestGrown(t *testing.T) {
	b := theBases(t)
	path := built(t, Raw, b.ours, false)
	r, err := RebaseFile(context.Background(), path, btf.NewBase(b.grown), Options{Form: Split})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Changes) != 1 || r.Changes[0].Name != "task_struct" || r.Changes[0].Breaks() {
		t.Errorf("changes %v", r.Changes)
	}
	own, ids := load(t, path, b.grown)
	idsRight(t, own, ids)
	// The kernel's own struct is referred to, not a copy: a BPF program may pass one.
	for id, x := range own.All() {
		if x.Name() == "task_struct" {
			t.Errorf("type %d is a task_struct of the module's own", id)
		}
	}
}

// TestRefused is about what there is no way for.
func TestRefused(t *testing.T) {
	b := theBases(t)
	onto := btf.NewBase(b.moved)
	split := built(t, Split, b.ours, false)
	for _, tc := range []struct {
		name string
		do   func() error
		want error
		says string
	}{
		{"split BTF of a base that is not known", func() error { _, err := RebaseFile(context.Background(), split, onto, Options{}); return err }, ErrNoSource, "without --from"},
		{"split BTF and the wrong --from", func() error {
			_, err := RebaseFile(context.Background(), split, onto, Options{From: b.moved})
			return err
		}, ErrNoSource, "on --from"},
		{"split BTF whose base is not to be had", func() error {
			_, err := RebaseFile(context.Background(), split, onto, Options{FindFrom: func(string) *btf.Types { return nil }})
			return err
		}, ErrNoSource, "without --from"},
		{"split BTF of another build of its kernel", func() error {
			_, err := RebaseFile(context.Background(), split, onto, Options{FindFrom: func(string) *btf.Types { return b.moved }})
			return err
		}, ErrNoSource, "without --from"},
		{"no BTF", func() error {
			path := filepath.Join(t.TempDir(), "m.ko")
			os.WriteFile(path, unpack(t, "gobtf_demo.ko.zst"), 0o666)
			_, err := RebaseFile(context.Background(), path, onto, Options{})
			return err
		}, ErrNoBTF, "gobtf add"},
		{"add without DWARF", func() error {
			_, err := AddFile(context.Background(), split, btf.NewBase(b.ours), "", Split, Options{})
			return err
		}, ErrNoDWARF, "before it is stripped"},
		{"add for another kernel", func() error {
			_, err := AddFile(context.Background(), split, btf.NewBase(b.ours), "6.1.0-1-amd64", Split, Options{})
			return err
		}, ErrOtherKernel, "the base is of 6.1.0-1-amd64"},
		{"no ELF file", func() error { _, err := RebaseFile(context.Background(), "refit.go", onto, Options{}); return err }, nil, "refit.go: "},
	} {
		err := tc.do()
		if err == nil || tc.want != nil && !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

// TestRecognise: each form is told from its bytes alone, and from no other base.
func TestRecognise(t *testing.T) {
	b := theBases(t)
	for _, form := range []Form{Split, Raw, Shifted, Portable, Distilled} {
		m := opened(t, built(t, form, b.ours, false))
		f, err := Recognise(m.own, m.sec, b.ours, nil)
		if err != nil || f.Form != form {
			t.Errorf("%s on its base: %v, %v", form, f, err)
		}
		f, err = Recognise(m.own, m.sec, b.moved, nil)
		if form == Split {
			if !errors.Is(err, ErrUnknownBase) {
				t.Errorf("split on another base: %v, %v", f, err)
			}
		} else if err != nil || f.Form != form {
			t.Errorf("%s on another base: %v, %v", form, f, err)
		}
	}
	// Void has the same number on every base. Where it stands in a wrong place, that is no sign of another one.
	own := btf.NewBuilder(b.ours)
	proto := own.AddFuncProto(1, btf.Param{Name: "first", Type: 0}, btf.Param{Name: "second", Type: 1})
	own.AddFunc("takes_nothing_first", proto, btf.Static)
	split, err := own.Types()
	if err != nil {
		t.Fatal(err)
	}
	if f, err := Recognise(split.Append(nil), nil, b.ours, nil); err != nil || f.Form != Split || !f.OnOnto {
		t.Errorf("with a parameter of no type: %v, %v", f, err)
	}
	// References that make no sense, and names that do: faults of two types, as pahole writes it for an array of functions.
	own = btf.NewBuilder(b.ours)
	proto = own.AddFuncProto(0)
	own.AddArray(proto, 1, 0)
	own.AddArray(proto, 1, 3)
	for _, name := range []string{"first", "second", "third"} {
		own.AddStruct(name, 0)
	}
	if split, err = own.Types(); err != nil {
		t.Fatal(err)
	}
	for _, on := range []struct {
		base  *btf.Types
		other bool
	}{{b.ours, false}, {b.moved, true}} {
		there, err := btf.Parse(split.Append(nil), on.base)
		if err != nil {
			t.Fatal(err)
		}
		f, err := fit(there)
		if err == nil || f.other() != on.other {
			t.Errorf("with an array of functions: %+v, %v; another base: want %v", f, err, on.other)
		}
	}
}

// FuzzRecognise feeds bytes that a file may hold to what reads them, relocates them and puts them on a base. No panic.
func FuzzRecognise(f *testing.F) {
	b := btf.NewBuilder(nil)
	i := b.AddInt("int", 4, btf.Signed)
	b.AddStruct("s", 8, btf.Member{Name: "a", Type: i}, btf.Member{Name: "b", Type: i, Bit: 32})
	base, err := b.Types()
	if err != nil {
		f.Fatal(err)
	}
	own := btf.NewBuilder(base)
	own.AddPtr(2)
	split, err := own.Types()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(base.Append(nil), []byte(nil), true)
	f.Add(split.Append(nil), base.Append(nil), false)
	f.Add(split.Append(nil), []byte(nil), true)
	onto := btf.NewBase(base)
	f.Fuzz(func(t *testing.T, own, section []byte, from bool) {
		if len(section) == 0 {
			section = nil
		}
		var old *btf.Types
		if from {
			old = base
		}
		found, err := Recognise(own, section, base, old)
		if err != nil {
			return
		}
		r := &Report{}
		s := sources{&subject{path: "x"}, found, nil, kernel{onto}, Options{Force: true, From: old}, r}
		switch {
		case found.Whole != nil:
			s.whole()
		case !found.OnOnto:
			s.split()
		}
		_ = r.String()
	})
}

// TestOpenedOnce: a compressed module is opened and decompressed once, whatever is done with it.
func TestOpenedOnce(t *testing.T) {
	b := theBases(t)
	plain, err := os.ReadFile(built(t, Split, b.ours, true))
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	w, err := xz.WriterConfig{CheckSum: xz.CRC32}.NewWriter(&packed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "gobtf_demo.ko.xz")
	onto := btf.NewBase(b.moved)
	for name, do := range map[string]func() error{
		"rebase": func() error {
			r, err := RebaseFile(context.Background(), path, onto, Options{})
			if err == nil && r.Source == "" {
				t.Error("rebase had nothing to do")
			}
			return err
		},
		"add":    func() error { _, err := AddFile(context.Background(), path, onto, "", Split, Options{}); return err },
		"verify": func() error { _, err := Verify(path, b.ours, nil, false, 0); return err },
	} {
		if err := os.WriteFile(path, packed.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		files, unpacked := elfx.Opened()
		if err := do(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		f, u := elfx.Opened()
		if f-files != 1 || u-unpacked != 1 {
			t.Errorf("%s opened %d files and decompressed %d", name, f-files, u-unpacked)
		}
	}
}
