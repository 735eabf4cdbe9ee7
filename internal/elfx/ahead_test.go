package elfx

import (
	"bytes"
	"debug/elf"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestCopyAhead: a copy that was begun early makes no difference to what is written, and is gone if nothing is.
func TestCopyAhead(t *testing.T) {
	defer func(n uint64) { worthCopying = n }(worthCopying)
	worthCopying = 0
	b := module(testELF{class64: true, typ: elf.ET_REL, machine: elf.EM_X86_64}).build()
	set := []NamedData{{Name: ".BTF", Data: bytes.Repeat([]byte("types"), 1000)}}
	large := add(t, b, set...)
	for name, c := range map[string]struct {
		before []byte
		set    NamedData
		touch  bool // someone writes to the file once it has been copied
		unused bool
	}{
		"longer":      {before: b, set: set[0]},
		"shorter":     {before: large, set: NamedData{Name: ".BTF", Data: []byte("few")}},
		"removed":     {before: large, set: NamedData{Name: ".BTF", Remove: true}},
		"touched":     {before: b, set: set[0], touch: true},
		"not written": {before: b, unused: true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "m.ko")
			if err := os.WriteFile(path, c.before, 0o640); err != nil {
				t.Fatal(err)
			}
			want := bytes.Clone(c.before)
			f, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			text := f.Section(".text")
			f.CopyAhead()
			<-f.ahead.done
			if f.ahead.p == nil || f.ahead.n != int64(len(c.before)) {
				t.Fatalf("%d of %d bytes copied", f.ahead.n, len(c.before))
			}
			if c.touch {
				w, err := os.OpenFile(path, os.O_WRONLY, 0)
				if err != nil {
					t.Fatal(err)
				}
				want[text.Off] ^= 0xff
				if _, err := w.WriteAt(want[text.Off:text.Off+1], int64(text.Off)); err != nil {
					t.Fatal(err)
				}
				w.Close()
				if err := os.Chtimes(path, time.Time{}, time.Now().Add(time.Second)); err != nil { // clocks of file systems are coarse
					t.Fatal(err)
				}
			}
			if !c.unused {
				if _, err := f.SetSections([]NamedData{c.set}, WriteOptions{}); err != nil {
					t.Fatal(err)
				}
				want = add(t, want, c.set)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			checkFile(t, path, "", want)
			checkFolder(t, dir, "m.ko")
		})
	}
}

// TestCopyAheadRefused: what cannot be written is not copied, nor what is written anew as a whole.
func TestCopyAheadRefused(t *testing.T) {
	defer func(n uint64) { worthCopying = n }(worthCopying)
	worthCopying = 0
	b := module(testELF{class64: true, typ: elf.ET_REL, machine: elf.EM_X86_64}).build()
	dir := t.TempDir()
	path := filepath.Join(dir, "m.ko")
	if err := os.WriteFile(path, compressAs(t, "zstd", b), 0o640); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.CopyAhead(); f.ahead != nil {
		t.Error("a compressed file is copied")
	}
	g := reopen(t, b)
	if g.CopyAhead(); g.ahead != nil {
		t.Error("bytes are copied")
	}
}
