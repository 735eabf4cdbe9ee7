package archive

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/blakesmith/ar"
)

const dir = "../../testdata/packages/"

// contents lists what is in a package: NAME SIZE FIRST-BYTES.
func contents(t testing.TB, path string, limit int64) ([]string, error) {
	t.Helper()
	var list []string
	err := Walk(context.Background(), path, limit, func(f *File) error {
		body := f.Body
		if f.Path != "" {
			b, err := os.ReadFile(f.Path)
			if err != nil {
				return err
			}
			body = bytes.NewReader(b)
		}
		b, err := io.ReadAll(body)
		if err != nil {
			return err
		}
		if int64(len(b)) != f.Size { // a shorter one is an error of Read
			t.Errorf("%s: %d bytes, want %d", f.Name, len(b), f.Size)
		}
		list = append(list, fmt.Sprintf("%s %d %.4q", f.Name, f.Size, b))
		return nil
	})
	return list, err
}

const (
	vmlinux = `3832 "\x7fELF"`
	module  = `6088 "\x7fELF"`
)

var (
	debian = []string{
		"usr/lib/debug/boot/vmlinux-6.0.0-demo " + vmlinux, "usr/lib/debug/lib/modules/6.0.0-demo/kernel/fs/splitmod.ko " + module, `usr/share/doc/demo/vmlinux-gdb.py 10 "no m"`,
	}
	fedora = []string{"usr/lib/debug/lib/modules/6.0.0-demo/kernel/fs/splitmod.ko.debug " + module, "usr/lib/debug/lib/modules/6.0.0-demo/vmlinux " + vmlinux}
	arch   = []string{"usr/lib/debug/usr/lib/modules/6.0.0-demo/vmlinux " + vmlinux}
)

var packages = []struct {
	name string
	want []string
}{{"demo.deb", debian}, {"demo.ddeb", debian}, {"demo-gz.rpm", fedora}, {"demo-zst.rpm", fedora}, {"demo-xz.rpm", fedora}, {"demo.pkg.tar.zst", arch}}

// TestWalk: the files of each kind of package, in order; links are left out. xz is read by the program, and by the library where there is none.
func TestWalk(t *testing.T) {
	for _, path := range []string{os.Getenv("PATH"), t.TempDir()} {
		t.Setenv("PATH", path)
		for _, p := range packages {
			got, err := contents(t, dir+p.name, 1<<20)
			if err != nil || !slices.Equal(got, p.want) {
				t.Errorf("%s: %q, %v; want %q", p.name, got, err, p.want)
			}
		}
	}
}

func TestFolder(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "boot"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "boot", "vmlinux"), []byte("abcdef"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("boot/vmlinux", filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	got, err := contents(t, root, 1)
	if err != nil || !slices.Equal(got, []string{`boot/vmlinux 6 "abcd"`}) {
		t.Errorf("%q, %v", got, err)
	}
}

func write(t testing.TB, b []byte) string {
	path := filepath.Join(t.TempDir(), "package")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestDamaged: packages that are cut or changed somewhere end with a line that names them, never with a panic, and never as if all were well
// when files are missing.
func TestDamaged(t *testing.T) {
	for _, p := range packages {
		good, err := os.ReadFile(dir + p.name)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "x")
		try := func(what string, b []byte) {
			if err := os.WriteFile(path, b, 0o644); err != nil {
				t.Fatal(err)
			}
			got, err := contents(t, path, 1<<20)
			if err == nil && !slices.Equal(got, p.want) && what == "cut" {
				t.Errorf("%s %s to %d bytes: %q without an error", p.name, what, len(b), got)
			}
			if err != nil && (!strings.HasPrefix(err.Error(), path+": ") || strings.Contains(err.Error(), "\n")) {
				t.Errorf("%s %s: %q", p.name, what, err)
			}
		}
		for n := 0; n < len(good); n += 1 + len(good)/40 {
			try("cut", good[:n])
		}
		for n := 0; n < len(good); n += 1 + len(good)/60 {
			for _, x := range []byte{0x01, 0x80, 0xff} {
				b := slices.Clone(good)
				b[n] ^= x
				try(fmt.Sprintf("with %#x at %d", x, n), b)
			}
		}
		for n := 0; n < min(len(good), 400); n++ { // headers
			b := slices.Clone(good)
			b[n] ^= 0xff
			try(fmt.Sprintf("turned at %d", n), b)
		}
	}
}

// TestHeaders: an rpm whose header says that it has more than fits into it is refused before anybody makes room for that.
func TestHeaders(t *testing.T) {
	good, err := os.ReadFile(dir + "demo-gz.rpm")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		off  int
		want string
	}{{96 + 8, "a header of"}, {96 + 12, "a header of"}, {96 + 16 + 12, "values in"}} {
		b := slices.Clone(good)
		binary.BigEndian.PutUint32(b[c.off:], 0x7fffffff)
		if _, err := contents(t, write(t, b), 1<<20); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("at %d: %v, want %q", c.off, err, c.want)
		}
	}
}

// TestLimit: what unpacks to more than it may is given up.
func TestLimit(t *testing.T) {
	for _, p := range packages {
		if _, err := contents(t, dir+p.name, 3000); !errors.Is(err, ErrTooBig) || !strings.Contains(err.Error(), "3000 bytes: unpacks to more than that (--max_unpacked)") {
			t.Errorf("%s: %v", p.name, err)
		}
	}
}

func TestNotPackage(t *testing.T) {
	for _, c := range []struct{ text, want string }{{"", ErrNotPackage.Error()}, {strings.Repeat("not a package ", 100), ErrNotPackage.Error()}, {"!<arch>\n", "no data.tar is in it"}} {
		if _, err := contents(t, write(t, []byte(c.text)), 1<<20); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.10q: %v, want %q", c.text, err, c.want)
		}
	}
	if _, err := contents(t, filepath.Join(t.TempDir(), "nosuch"), 1); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	var b bytes.Buffer
	a := ar.NewWriter(&b)
	if err := errors.Join(a.WriteGlobalHeader(), a.WriteHeader(&ar.Header{Name: "debian-binary", Size: 4, ModTime: time.Unix(0, 0)})); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Write([]byte("2.0\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := contents(t, write(t, b.Bytes()), 1<<20); err == nil || !strings.Contains(err.Error(), "no data.tar is in it") {
		t.Error(err)
	}
}

// TestStop: the error of who listens comes back as it is, and an interrupted run ends.
func TestStop(t *testing.T) {
	mine := errors.New("mine")
	for _, p := range packages {
		n := 0
		if err := Walk(context.Background(), dir+p.name, 1<<20, func(*File) error { n++; return mine }); err != mine || n != 1 {
			t.Errorf("%s: %v after %d", p.name, err, n)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, p := range packages {
		if err := Walk(ctx, dir+p.name, 1<<20, func(*File) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", p.name, err)
		}
	}
	if err := Walk(ctx, dir, 1, func(*File) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestNames: what stands in front of a path is no part of it.
func TestNames(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range []string{"./a/x", "/b/x", "c/x", "../d/x"} {
		if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: 1}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte("1")); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := contents(t, write(t, b.Bytes()), 1<<20)
	if want := []string{`a/x 1 "1"`, `b/x 1 "1"`, `c/x 1 "1"`, `./d/x 1 "1"`}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
}

func FuzzWalk(f *testing.F) {
	for _, p := range packages {
		b, err := os.ReadFile(dir + p.name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		_ = Walk(context.Background(), path, 1<<20, func(f *File) error {
			_, err := io.Copy(io.Discard, f.Body)
			return err
		})
	})
}
