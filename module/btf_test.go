package module

import (
	"debug/elf"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gobtf/gobtf/btf"
)

func place(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte{0x9f, 0xeb}, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBases(t *testing.T) {
	const module = "/kernel/fs/a.ko.xz"
	for _, c := range []struct {
		name    string
		files   []string
		module  string
		release string
		want    []string
	}{
		{"sysfs", []string{"sys/kernel/btf/vmlinux"}, "sys/kernel/btf/a", "", []string{"sys/kernel/btf/vmlinux"}},
		{"the base itself", nil, "sys/kernel/btf/vmlinux", "", nil},
		{"a build", []string{"src/vmlinux"}, "src/drivers/net/a.ko", "", []string{"src/vmlinux"}},
		{"headers beside the modules", []string{"r/lib/modules/6.1/build/vmlinux"}, "r/lib/modules/6.1" + module, "", []string{"r/lib/modules/6.1/build/vmlinux"}},
		{"Debian's debug package", []string{"r/usr/lib/debug/boot/vmlinux-6.1", "r/usr/lib/debug/boot/vmlinux-6.2"}, "r/usr/lib/debug/lib/modules/6.1" + module, "", []string{"r/usr/lib/debug/boot/vmlinux-6.1"}},
		{"modules beside it", []string{"r/usr/lib/debug/boot/vmlinux-6.1"}, "r/lib/modules/6.1" + module, "6.2", []string{"r/usr/lib/debug/boot/vmlinux-6.1"}},
		{"usr merged", []string{"r/boot/vmlinux-6.1"}, "r/usr/lib/modules/6.1" + module, "", []string{"r/boot/vmlinux-6.1"}},
		{"Fedora's debug package", []string{"r/usr/lib/debug/lib/modules/6.1/vmlinux"}, "r/lib/modules/6.1" + module, "", []string{"r/usr/lib/debug/lib/modules/6.1/vmlinux"}},
		{"the image", []string{"r/boot/vmlinuz-6.1", "r/lib/modules/6.1/vmlinuz"}, "r/lib/modules/6.1" + module, "", []string{"r/boot/vmlinuz-6.1", "r/lib/modules/6.1/vmlinuz"}},
		{"the image last", []string{"r/boot/vmlinuz-6.1", "r/boot/vmlinux-6.1"}, "r/lib/modules/6.1" + module, "", []string{"r/boot/vmlinux-6.1", "r/boot/vmlinuz-6.1"}},
		{"nothing", nil, "a.ko", "0.0.0-none", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, err := filepath.EvalSymlinks(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			place(t, dir, append(c.files, c.module)...)
			var want []string
			for _, w := range c.want {
				want = append(want, filepath.Join(dir, w))
			}
			b := &BTF{Path: filepath.Join(dir, c.module), Release: c.release}
			if got := b.Bases(); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// TestReadKernelBase: the first file that has BTF is taken, and where none has, the error is the likeliest one's.
func TestReadKernelBase(t *testing.T) {
	root := t.TempDir()
	if _, _, err := ReadKernelBase(root, "6.1", nil); !errors.Is(err, ErrNoKernelBTF) || !strings.HasPrefix(err.Error(), "kernel 6.1: no BTF of it") {
		t.Errorf("nothing there: %v", err)
	}
	place(t, root, "lib/modules/6.1/build/vmlinux", "boot/vmlinux-6.1")
	if _, _, err := ReadKernelBase(root, "6.1", nil); !errors.Is(err, btf.ErrTruncated) || !strings.Contains(err.Error(), "build/vmlinux: ") {
		t.Errorf("only broken ones: %v", err)
	}
	good, err := btf.NewBuilder(nil).Types()
	if err != nil {
		t.Fatal(err)
	}
	want := filepath.Join(root, "boot/vmlinux-6.1")
	if err := os.WriteFile(want, good.Append(nil), 0o644); err != nil {
		t.Fatal(err)
	}
	if b, path, err := ReadKernelBase(root, "6.1", nil); err != nil || b == nil || path != want {
		t.Errorf("got %q, %v, want %q", path, err, want)
	}
	if _, path, err := ReadKernelBase(root, "", nil); err == nil {
		t.Errorf("no release: %s", path)
	}
}

func TestReadBTF(t *testing.T) {
	dir := t.TempDir()
	b := btf.NewBuilder(nil)
	i := b.AddInt("int", 4, btf.Signed)
	whole, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	b = btf.NewBuilder(whole)
	b.AddTypedef("number", i)
	split, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"whole": whole.Append(nil), "split": split.Append(nil), "text": []byte("text"), "empty": {}} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"text", "empty"} {
		if _, err := ReadBTF(filepath.Join(dir, name)); !errors.Is(err, ErrNoBTF) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, base := range map[string]*btf.Types{"whole": nil, "split": whole} {
		got, err := ReadBTF(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got.Split() != (base != nil) {
			t.Errorf("%s: Split is %v", name, got.Split())
		}
		ts, err := got.Parse(base)
		if err != nil || ts.Base() != base {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What a file says of itself: its machine, the size of an address, whether it was linked.
func TestFile(t *testing.T) {
	for _, c := range []struct {
		name    string
		machine elf.Machine
		address int
		object  bool
	}{
		{"types.elf", elf.EM_X86_64, 8, false},
		{"types_i386.elf", elf.EM_386, 4, false},
		{"clones_rel.elf", elf.EM_X86_64, 8, true},
	} {
		f, err := Open("../testdata/obj/" + c.name)
		if err != nil {
			t.Fatal(err)
		}
		if f.Machine() != c.machine || f.PointerSize() != c.address || f.Relocatable() != c.object {
			t.Errorf("%s: %v, addresses of %d bytes, relocatable %v", c.name, f.Machine(), f.PointerSize(), f.Relocatable())
		}
		f.Close()
	}
}
