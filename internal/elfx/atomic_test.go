package elfx

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

func TestWriteFileAtomic(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m.btf")
	defer unix.Umask(unix.Umask(0o027))
	write := func(path, data string, inputs ...string) string {
		t.Helper()
		note, err := WriteFileAtomic(path, []byte(data), inputs...)
		if err != nil {
			t.Fatal(err)
		}
		return note
	}
	want := func(path, data string, mode os.FileMode) {
		t.Helper()
		b, err := os.ReadFile(path)
		if err != nil || string(b) != data {
			t.Errorf("%s: %q %v", path, b, err)
		}
		if st, _ := os.Stat(path); st.Mode() != mode {
			t.Errorf("%s: mode %v, want %v", path, st.Mode(), mode)
		}
	}
	write(path, "new")
	want(path, "new", 0o640)
	if err := os.Chmod(path, 0o604); err != nil {
		t.Fatal(err)
	}
	attr := unix.Setxattr(path, "user.gobtf", []byte("kept"), 0)
	write(path, "again")
	want(path, "again", 0o604)
	if attr == nil {
		b := make([]byte, 10)
		if n, err := unix.Getxattr(path, "user.gobtf", b); err != nil || string(b[:n]) != "kept" {
			t.Errorf("attribute %q %v", b, err)
		}
	}
	// Links are followed, to files that exist and to those that do not yet.
	link := filepath.Join(dir, "link")
	for _, to := range []string{"m.btf", "later.btf"} {
		os.Remove(link)
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
		write(link, "by link")
		if st, _ := os.Lstat(link); st.Mode().Type() != os.ModeSymlink {
			t.Error("the link was replaced")
		}
	}
	want(path, "by link", 0o604)
	want(filepath.Join(dir, "later.btf"), "by link", 0o640)
	if _, err := WriteFileAtomic(link, nil, path, filepath.Join(dir, "later.btf")); !errors.Is(err, ErrSameFile) {
		t.Error(err)
	}
	if _, err := WriteFileAtomic(dir, nil); !errors.Is(err, unix.EISDIR) || err.Error() != dir+": is a directory" {
		t.Error(err)
	}
	if _, err := WriteFileAtomic(filepath.Join(dir, "none", "x"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if err := os.Link(path, filepath.Join(dir, "second")); err != nil {
		t.Fatal(err)
	}
	if note := write(path, "x"); !strings.Contains(note, "2 hard links") {
		t.Errorf("note %q", note)
	}
	want(filepath.Join(dir, "second"), "x", 0o604)
	long := filepath.Join(dir, strings.Repeat("n", 255))
	write(long, "long name")
	want(long, "long name", 0o640)
	os.Remove(long)
	checkFolder(t, dir, "later.btf", "link", "m.btf", "second")
	write(os.DevNull, "nowhere")
}

func TestWriteStream(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := WriteFileAtomic("/dev/fd/"+strconv.Itoa(int(w.Fd())), []byte("by pipe")); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if b, _ := io.ReadAll(r); string(b) != "by pipe" {
		t.Errorf("%q", b)
	}
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Skip("no named pipes here:", err)
	}
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		if b, err := os.ReadFile(fifo); string(b) != "by name" || err != nil {
			t.Errorf("%q %v", b, err)
		}
	}()
	if _, err := WriteFileAtomic(fifo, []byte("by name")); err != nil {
		t.Error(err)
	}
	wg.Wait()
}

// A temporary file goes when its lock is free, and only then.
func TestCleanFolder(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{".a.ko.gobtf-1", ".a.ko.gobtf-2-1", ".a.ko.gobtf-x", "a.ko.gobtf-3"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	live, err := createTemp(filepath.Join(dir, "b.ko"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	cleanFolder(dir)
	checkFolder(t, dir, ".a.ko.gobtf-x", filepath.Base(live.Name()), "a.ko.gobtf-3")
}

// Several at once in one folder and on one file: some version wins, whole.
func TestConcurrentWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if _, err := WriteFileAtomic(path, bytes.Repeat([]byte{byte('a' + i)}, 1000)); err != nil {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
	b, err := os.ReadFile(path)
	if err != nil || len(b) != 1000 || bytes.Count(b, b[:1]) != 1000 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	checkFolder(t, filepath.Dir(path), "x")
}

// When something fails on the way the file is as it was.
func TestReplaceFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	src, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if _, err := replaceFile(path, content{src: src, keep: 4, tail: []byte("new")}); err == nil {
		t.Error("a file that became shorter is no error")
	}
	if b, _ := os.ReadFile(path); string(b) != "old" {
		t.Errorf("%q", b)
	}
	checkFolder(t, dir, "x")
}
