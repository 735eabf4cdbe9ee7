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
	if note := write(path, "x"); note != "it had 2 hard links: the new contents are under this name alone" {
		t.Errorf("note %q", note)
	}
	want(path, "x", 0o604)
	want(filepath.Join(dir, "second"), "by link", 0o604)
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

// A temporary file of gobtf's goes when its lock is free, and only then. What somebody else called nearly so stays.
func TestRemoveStale(t *testing.T) {
	dir := t.TempDir()
	ours := ".gobtf-0123456789abcdef0123456789abcdef.tmp"
	for _, name := range []string{ours, ".notes.gobtf-2024", ".gobtf-0123.tmp", "a.ko.gobtf-3"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := ".gobtf-ffffffffffffffffffffffffffffffff.tmp"
	if err := os.Symlink("a.ko.gobtf-3", filepath.Join(dir, link)); err != nil {
		t.Fatal(err)
	}
	e, err := openEntry(filepath.Join(dir, "b.ko"))
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	live := &pending{entry: e}
	if err := live.create(0o600); err != nil {
		t.Fatal(err)
	}
	defer live.drop()
	e.removeStale()
	checkFolder(t, dir, ".gobtf-0123.tmp", live.name, link, ".notes.gobtf-2024", "a.ko.gobtf-3")
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
	o, err := openOrigin(path)
	if err != nil {
		t.Fatal(err)
	}
	defer o.close()
	if _, err := prepare(o.entry, o, content{src: o.file, keep: 4, tail: []byte("new")}); err == nil || err.Error() != "the file became shorter meanwhile" {
		t.Errorf("error %v", err)
	}
	if b, _ := os.ReadFile(path); string(b) != "old" {
		t.Errorf("%q", b)
	}
	checkFolder(t, dir, "x")
}

// TestOtherFile: what comes under the name after the file was opened stays, and nothing is written through a link.
func TestOtherFile(t *testing.T) {
	for name, exchange := range map[string]func(path, victim string) error{
		"another file": func(path, _ string) error {
			if err := os.Remove(path); err != nil {
				return err
			}
			return os.WriteFile(path, []byte("other"), 0o600)
		},
		"a link": func(path, victim string) error {
			if err := os.Remove(path); err != nil {
				return err
			}
			return os.Symlink(victim, path)
		},
		"nothing": func(path, _ string) error { return os.Remove(path) },
	} {
		dir := t.TempDir()
		path, victim := filepath.Join(dir, "x"), filepath.Join(t.TempDir(), "victim")
		for _, p := range []string{path, victim} {
			if err := os.WriteFile(p, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		o, err := openOrigin(path)
		if err != nil {
			t.Fatal(err)
		}
		p, err := prepare(o.entry, o, content{tail: []byte("new")})
		if err != nil {
			t.Fatal(err)
		}
		if err := exchange(path, victim); err != nil {
			t.Fatal(err)
		}
		if err := p.replaceOld(); !errors.Is(err, ErrChanged) {
			t.Errorf("%s: %v", name, err)
		}
		p.drop()
		o.close()
		if b, _ := os.ReadFile(victim); string(b) != "old" {
			t.Errorf("%s: the victim is %q", name, b)
		}
		if list, _ := os.ReadDir(dir); name != "nothing" && len(list) != 1 || name == "nothing" && len(list) != 0 {
			t.Errorf("%s: %v", name, list)
		}
	}
}

// TestTakeLink: what is written takes the place of the link that the file was opened by, with the file's owner and mode. Where something else
// has come there meanwhile, nothing is written.
func TestTakeLink(t *testing.T) {
	for name, exchange := range map[string]func(link, victim string) error{
		"": func(string, string) error { return nil },
		"another link": func(link, victim string) error {
			// Beside the old one, so that it is not the same file.
			if err := os.Symlink(victim, link+".new"); err != nil {
				return err
			}
			return os.Rename(link+".new", link)
		},
		"a file":  func(link, victim string) error { return os.Rename(victim, link) },
		"nothing": func(link, _ string) error { return os.Remove(link) },
	} {
		dir := t.TempDir()
		file, victim, link := filepath.Join(t.TempDir(), "file"), filepath.Join(dir, "victim"), filepath.Join(dir, "link")
		for _, p := range []string{file, victim} {
			if err := os.WriteFile(p, []byte("old"), 0o604); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Link(file, file+".2"); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(file, link); err != nil {
			t.Fatal(err)
		}
		o, err := openOrigin(link)
		if err == nil {
			err = o.takeLink(link)
		}
		if err != nil {
			t.Fatal(err)
		}
		p, err := prepare(o.entry, o, content{tail: []byte("new")})
		if err != nil {
			t.Fatal(err)
		}
		if len(p.notes) > 0 {
			t.Errorf("%s: %q", name, p.notes)
		}
		if err := exchange(link, victim); err != nil {
			t.Fatal(err)
		}
		switch err := p.replaceOld(); {
		case name == "":
			st, e := os.Lstat(link)
			if err != nil || e != nil || st.Mode() != 0o604 {
				t.Errorf("%v, %v, %v", err, e, st.Mode())
			}
			if b, _ := os.ReadFile(link); string(b) != "new" {
				t.Errorf("in the place of the link is %q", b)
			}
		case !errors.Is(err, ErrChanged):
			t.Errorf("%s: %v", name, err)
		}
		p.drop()
		o.close()
		for _, f := range []string{file, file + ".2"} {
			if b, _ := os.ReadFile(f); string(b) != "old" {
				t.Errorf("%s: the file is %q", name, b)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := openOrigin(path)
	if err != nil {
		t.Fatal(err)
	}
	defer o.close()
	if err := o.takeLink(path); err == nil || !strings.Contains(err.Error(), "is no symbolic link") {
		t.Error(err)
	}
}

// TestMovedFolder: the new file goes into the folder that was opened, wherever it is now.
func TestMovedFolder(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "d")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "x")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := openOrigin(path)
	if err != nil {
		t.Fatal(err)
	}
	defer o.close()
	if err := os.Rename(dir, filepath.Join(top, "moved")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(t.TempDir(), dir); err != nil {
		t.Fatal(err)
	}
	p, err := prepare(o.entry, o, content{tail: []byte("new")})
	if err != nil {
		t.Fatal(err)
	}
	defer p.drop()
	if err := p.replaceOld(); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(filepath.Join(top, "moved", "x")); string(b) != "new" {
		t.Errorf("%q", b)
	}
	checkFolder(t, filepath.Join(top, "moved"), "x")
	if list, err := os.ReadDir(dir); err != nil || len(list) != 0 {
		t.Errorf("where the link leads: %v, %v", list, err)
	}
}

// TestModes: what was setuid is not any more, and says so.
func TestModes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, []byte("old"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o755|os.ModeSetuid|os.ModeSetgid); err != nil {
		t.Fatal(err)
	}
	note, err := WriteFileAtomic(path, []byte("new"))
	if err != nil || note != "it was setuid or setgid, which is not carried over to new contents" {
		t.Errorf("note %q, error %v", note, err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode() != 0o755 {
		t.Errorf("mode %v, error %v", st.Mode(), err)
	}
}

// TestSeveral: all outputs are written, or none; those that were there come back.
func TestSeveral(t *testing.T) {
	dir := t.TempDir()
	a, b, c := filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "c")
	if err := os.WriteFile(a, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	outputs := []Output{{a, []byte("new a")}, {b, []byte("new b")}, {c, []byte("new c")}}
	if _, err := WriteFilesAtomic(outputs); err != nil {
		t.Fatal(err)
	}
	for _, o := range outputs {
		if got, _ := os.ReadFile(o.Path); !bytes.Equal(got, o.Data) {
			t.Errorf("%s: %q", o.Path, got)
		}
	}
	checkFolder(t, dir, "a", "b", "c")
	// The last one cannot come under its name, which has become a folder's since it was prepared.
	os.Remove(b)
	os.Remove(c)
	var files []*pending
	for _, o := range outputs {
		st, err := os.Stat(o.Path)
		p, err := beside(Output{o.Path, []byte("newer")}, st, err, nil)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, p)
	}
	if err := os.Mkdir(c, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := installAll(files); !errors.Is(err, os.ErrExist) {
		t.Errorf("error %v", err)
	}
	for _, p := range files {
		p.drop()
		p.entry.close()
	}
	if got, _ := os.ReadFile(a); string(got) != "new a" {
		t.Errorf("a is %q", got)
	}
	checkFolder(t, dir, "a", "c")
}

func TestDevicesAreRefused(t *testing.T) {
	if _, err := Map(os.DevNull); err == nil || err.Error() != "/dev/null: is a character device" {
		t.Errorf("error %v", err)
	}
	if _, err := Map(t.TempDir()); !errors.Is(err, unix.EISDIR) {
		t.Errorf("error %v", err)
	}
}

// TestPipe: a pipe is read to its end, by the name that the shell gives it.
func TestPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	go func() {
		w.Write(bytes.Repeat([]byte("x"), 100000))
		w.Close()
	}()
	m, err := Map("/dev/fd/" + strconv.Itoa(int(r.Fd())))
	if err != nil || len(m.Data) != 100000 {
		t.Fatalf("%v", err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}
