package basecache

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/dedup"
	"github.com/gobtf/gobtf/internal/testinput"
)

var updateEntry = flag.Bool("update_entry", false, "write testdata/entry")

// kernel returns the BTF of a kernel.
func kernel(t testing.TB) []byte {
	t.Helper()
	return testinput.Read(t, "vmlinux.btf")
}

func parse(t testing.TB, data []byte) *btf.Base {
	t.Helper()
	ts, err := btf.Parse(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	return btf.NewBase(ts)
}

// kept returns a cache in a new folder with an entry for a BTF, and the entry's path.
func kept(t testing.TB, data []byte) (*Cache, string) {
	t.Helper()
	c := Open(filepath.Join(t.TempDir(), "a", "b"))
	if b := c.Find(bytes.NewReader(data), int64(len(data))); b != nil {
		t.Fatal("an empty cache knows it")
	}
	c.Keep(parse(t, data))
	list, err := os.ReadDir(c.dir)
	if err != nil || len(list) != 1 || !entryName.MatchString(list[0].Name()) {
		t.Fatalf("%v, %v", list, err)
	}
	return c, filepath.Join(c.dir, list[0].Name())
}

func find(c *Cache, data []byte) *btf.Base { return c.Find(bytes.NewReader(data), int64(len(data))) }

// equal compares all that a base knows with what it knows when it is made anew.
func equal(t *testing.T, got, want *btf.Base) {
	t.Helper()
	if !reflect.DeepEqual(got.Words(), want.Words()) || !bytes.Equal(got.Strings(), want.Strings()) || got.Len() != want.Len() || got.Form() != want.Form() {
		t.Fatal("other types")
	}
	if got.OnlyFlatArrays() != want.OnlyFlatArrays() {
		t.Error("OnlyFlatArrays")
	}
	if !reflect.DeepEqual(dedup.IndexOf(got).Tables(), dedup.IndexOf(want).Tables()) {
		t.Error("another index")
	}
	for id, x := range want.All() {
		if g := got.Type(id); g.Name() != x.Name() || !reflect.DeepEqual(g.Record(), x.Record()) {
			t.Fatalf("type %d: %s, want %s", id, g.Name(), x.Name())
		}
		name := []byte(x.Name())
		a, okA := got.Offset(name)
		b, okB := want.Offset(name)
		if a != b || okA != okB {
			t.Fatalf("%s at %d %v, want %d %v", name, a, okA, b, okB)
		}
	}
	if _, ok := got.Offset([]byte("no such string at all")); ok {
		t.Error("a string that is not there was found")
	}
}

func TestFind(t *testing.T) {
	data := kernel(t)
	c, _ := kept(t, data)
	b := find(c, data)
	if b == nil || !c.Knew(b) {
		t.Fatal("it does not know what was kept")
	}
	equal(t, b, parse(t, data))
	c.Keep(b) // is here already
	if list, _ := os.ReadDir(c.dir); len(list) != 1 {
		t.Error(list)
	}
	// Another BTF of the same name: it differs where the name does not look.
	other := bytes.Clone(data)
	other[len(other)/2] ^= 1
	if find(c, other) != nil {
		t.Error("a stale entry was taken")
	}
	if name1, _ := name(bytes.NewReader(data), int64(len(data))); name1 != c.asked {
		t.Error("the other has another name, and shows nothing")
	}
	if c.Find(bytes.NewReader(data[:len(data)-5]), int64(len(data))) != nil || c.Find(failing{}, int64(len(data))) != nil {
		t.Error("what cannot be read was found")
	}
	if find(c, data[:smallest-1]) != nil {
		t.Error("something small")
	}
	var none *Cache
	if find(none, data) != nil || none.Knew(b) {
		t.Error("no cache knows something")
	}
	none.Keep(b)
}

type failing struct{}

func (failing) ReadAt([]byte, int64) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestDamage: an entry that was changed, cut or extended is not taken, or nothing that counts was changed.
func TestDamage(t *testing.T) {
	data := kernel(t)
	c, path := kept(t, data)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	try := func(name string, entry []byte) {
		t.Helper()
		// As another run would do it: a file that is mapped here is not written to.
		if err := os.WriteFile(path+".new", entry, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
		if find(c, data) != nil {
			t.Errorf("%s: it was taken", name)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	places := []int{0, 15, 16, 20, 24, 28, 32, 40, 48, 56, 104, 112, len(good) - 1}
	for range 40 {
		places = append(places, rng.IntN(len(good)))
	}
	for _, at := range places {
		bad := bytes.Clone(good)
		bad[at] ^= byte(1 << rng.IntN(8))
		if at >= 112+len(data) && at < 112+(len(data)+7)&^7 {
			continue // between the BTF and the tables
		}
		try(fmt.Sprintf("byte %d", at), bad)
	}
	for _, n := range []int{0, 1, 50, 111, 200, len(good) / 2, len(good) - 8, len(good) - 1} {
		try(fmt.Sprintf("%d bytes", n), good[:n])
	}
	try("longer", append(bytes.Clone(good), 0))
	// Tables that lead out of their arrays or nowhere, with a checksum that is right.
	for name, change := range map[string]func(tb *btf.Tables, dt *dedup.Tables){
		"index out":          func(tb *btf.Tables, _ *dedup.Tables) { tb.Index[len(tb.Index)-1]++ },
		"index back":         func(tb *btf.Tables, _ *dedup.Tables) { tb.Index[5] = tb.Index[4] },
		"index short":        func(tb *btf.Tables, _ *dedup.Tables) { tb.Index = tb.Index[:100] },
		"no index":           func(tb *btf.Tables, _ *dedup.Tables) { tb.Index = nil },
		"string out":         func(tb *btf.Tables, _ *dedup.Tables) { tb.Strings[0] |= 0xffffffff },
		"strings full":       func(tb *btf.Tables, _ *dedup.Tables) { fill(tb.Strings) },
		"strings odd":        func(tb *btf.Tables, _ *dedup.Tables) { tb.Strings = tb.Strings[1:] },
		"no strings":         func(tb *btf.Tables, _ *dedup.Tables) { tb.Strings = nil },
		"slot out":           func(_ *btf.Tables, dt *dedup.Tables) { dt.Slot[0] |= 0xffffffff },
		"slots full":         func(_ *btf.Tables, dt *dedup.Tables) { fill(dt.Slot) },
		"no slots":           func(_ *btf.Tables, dt *dedup.Tables) { dt.Slot = nil },
		"before in a circle": func(_ *btf.Tables, dt *dedup.Tables) { dt.Before[9] = 9 },
		"before short":       func(_ *btf.Tables, dt *dedup.Tables) { dt.Before = dt.Before[1:] },
		"an id out":          func(_ *btf.Tables, dt *dedup.Tables) { dt.Comps[len(dt.Comps)-1] = 1 << 30 },
		"ids not rising":     func(_ *btf.Tables, dt *dedup.Tables) { dt.Enums[1] = dt.Enums[0] },
		"id 0":               func(_ *btf.Tables, dt *dedup.Tables) { dt.Open[0] = 0 },
	} {
		b := parse(t, data)
		tb, dt := *b.Tables(), dedup.IndexOf(b).Tables()
		change(&tb, &dt)
		if err := c.write(data, &tb, dt); err != nil {
			t.Fatal(err)
		}
		if find(c, data) != nil {
			t.Errorf("%s: it was taken", name)
		}
	}
	c.Keep(parse(t, data))
	if find(c, data) == nil {
		t.Error("a good entry in its place is not taken")
	}
}

func fill(s []uint64) {
	for i := range s {
		if s[i] == 0 {
			s[i] = 1
		}
	}
}

// TestWhose: folders and entries that others may change are not believed.
func TestWhose(t *testing.T) {
	data := kernel(t)
	for name, change := range map[string]func(c *Cache, path string) error{
		"":                    func(*Cache, string) error { return nil },
		"entry for the group": func(_ *Cache, path string) error { return os.Chmod(path, 0o660) },
		"entry for all":       func(_ *Cache, path string) error { return os.Chmod(path, 0o606) },
		"folder for all":      func(c *Cache, _ string) error { return os.Chmod(c.dir, 0o777) },
		"a link": func(_ *Cache, path string) error {
			if err := os.Rename(path, path+".x"); err != nil {
				return err
			}
			return os.Symlink(path+".x", path)
		},
		"two names": func(_ *Cache, path string) error { return os.Link(path, path+".x") },
		"of another": func(_ *Cache, path string) error {
			if os.Geteuid() != 0 {
				return os.Remove(path)
			}
			return os.Chown(path, 12345, 0)
		},
		"folder of another": func(c *Cache, path string) error {
			if os.Geteuid() != 0 {
				return os.Remove(path)
			}
			return os.Chown(c.dir, 12345, 0)
		},
	} {
		c, path := kept(t, data)
		if err := change(c, path); err != nil {
			t.Fatal(err)
		}
		if got := find(c, data); (got != nil) != (name == "") {
			t.Errorf("%s: found %v", name, got != nil)
		}
	}
	home := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", filepath.Join(home, "cache"))
	if c := Open(""); c == nil || c.dir != filepath.Join(home, "cache", "gobtf", "base") {
		t.Errorf("%v", c)
	}
	if err := os.Chmod(home, 0o777); err != nil {
		t.Fatal(err)
	}
	if Open("") != nil {
		t.Error("a cache in everybody's folder")
	}
	t.Setenv("XDG_CACHE_HOME", filepath.Join(home, "none", "cache"))
	if Open("") != nil || Open("no") != nil {
		t.Error("a cache without a place")
	}
}

// TestMany: many at once in one folder, and only the newest are kept.
func TestMany(t *testing.T) {
	data := kernel(t)
	dir := filepath.Join(t.TempDir(), "c")
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			c := Open(dir)
			b := find(c, data)
			if b == nil {
				b = parse(t, data)
				c.Keep(b)
			}
			if o, ok := b.Offset([]byte("task_struct")); !ok || b.StringBytes(o) == nil {
				t.Error("task_struct is not there")
			}
		}()
	}
	wg.Wait()
	list, _ := os.ReadDir(dir)
	if len(list) != 1 {
		t.Error(list)
	}
	for i := range 10 {
		path := filepath.Join(dir, fmt.Sprintf("%x-00000000", i))
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(-time.Duration(100+i) * time.Hour)
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	killed, other := filepath.Join(dir, ".5-00000000.1.2"), filepath.Join(dir, "README")
	for _, path := range []string{killed, other} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(-2 * time.Hour)
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	changed := bytes.Clone(data)
	changed[len(changed)-2] ^= 1 // in the last string
	c := Open(dir)
	find(c, changed)
	c.Keep(parse(t, changed))
	list, _ = os.ReadDir(dir)
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	// Two entries of this test, the six newest of the others, and a file that is none.
	if len(names) != entries+1 || find(c, data) == nil || find(c, changed) == nil {
		t.Errorf("%q", names)
	}
	for path, want := range map[string]bool{killed: false, other: true, filepath.Join(dir, "5-00000000"): true, filepath.Join(dir, "6-00000000"): false} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s: %v, want it there: %v", filepath.Base(path), err, want)
		}
	}
}

// TestVersion reads an entry that another process made. When it fails although the tables are right, their meaning has changed: entries of
// older programs must not be taken any more. Raise version, and make the entry again: go test ./internal/basecache -update_entry
func TestVersion(t *testing.T) {
	data, err := os.ReadFile("../../testdata/golden/splitbase.default.btf")
	if err != nil {
		t.Fatal(err)
	}
	const path = "testdata/entry"
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the entry is of a little-endian machine")
	}
	if *updateEntry {
		b := parse(t, data)
		dir := t.TempDir()
		c := &Cache{dir: dir, asked: "entry"}
		if err := c.write(data, b.Tables(), dedup.IndexOf(b).Tables()); err != nil {
			t.Fatal(err)
		}
		entry, err := os.ReadFile(filepath.Join(dir, "entry"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, entry, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	entry, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := read(entry, bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, b, parse(t, data))
}
