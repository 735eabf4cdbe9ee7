package batch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobtf/gobtf/internal/testinput"
	"github.com/gobtf/gobtf/module"
)

// Results come in the order of the files, one at a time, whoever is ready first; as many are worked on at once as were asked for, and
// no more than memory has room for.
func TestInOrder(t *testing.T) {
	for _, c := range []struct {
		jobs   int
		memory uint64
		most   int64 // at once
	}{{1, 0, 1}, {4, 0, 4}, {4, 2 * 10 * memoryFactor, 2}, {4, 1, 1}, {100, 0, 20}} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			var files []Input
			for i := range 20 {
				files = append(files, Input{fmt.Sprint(i), 10})
			}
			var now, most, telling atomic.Int64
			var got []string
			err := InOrder(t.Context(), files, c.jobs, c.memory, func(path string) (string, error) {
				n := now.Add(1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				var i int
				_, _ = fmt.Sscan(path, &i)
				time.Sleep(time.Duration(25-i) * time.Millisecond / 2) // the last ones are ready first
				now.Add(-1)
				return "result " + path, errors.New(path)
			}, func(path, result string, err error) {
				if telling.Add(1) != 1 || result != "result "+path || err.Error() != path {
					t.Errorf("%s: %s, %v, %d at a time", path, result, err, telling.Load())
				}
				got = append(got, path)
				telling.Add(-1)
			})
			if err != nil || len(got) != 20 || !slices.IsSortedFunc(got, func(a, b string) int {
				var x, y int
				_, _ = fmt.Sscan(a, &x)
				_, _ = fmt.Sscan(b, &y)
				return x - y
			}) {
				t.Errorf("%v, %v", err, got)
			}
			if m := most.Load(); m > c.most || m < min(2, c.most) {
				t.Errorf("%d at once", m)
			}
		})
	}
}

// What was begun when the end comes is finished and told of, in order; nothing else is begun.
func TestInOrderEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	files := make([]Input, 50)
	begun, told := 0, 0
	err := InOrder(ctx, files, 1, 0, func(string) (int, error) {
		if begun++; begun == 3 {
			cancel()
		}
		return begun, nil
	}, func(_ string, n int, _ error) {
		if told++; n != told {
			t.Errorf("result %d is told as number %d", n, told)
		}
	})
	if err != context.Canceled || begun < 3 || begun > 4 || told != begun {
		t.Errorf("%v: %d begun, %d told", err, begun, told)
	}
}

// A file that another process cuts while it is read is that file's error, in whatever goroutine: the others go on.
func TestInOrderCut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cut")
	if err := os.WriteFile(path, testinput.Read(t, "gobtf_demo.ko"), 0o644); err != nil {
		t.Fatal(err)
	}
	var said []string
	err := InOrder(t.Context(), []Input{{"first", 1}, {path, 1}, {"last", 1}}, 2, 0, func(p string) (sum byte, err error) {
		if p != path {
			return 0, nil
		}
		f, err := module.Open(p)
		if err != nil {
			return 0, err
		}
		defer f.Close()
		names, err := f.Section(".debug_str")
		if err != nil {
			return 0, err
		}
		if err := os.Truncate(p, 0); err != nil {
			return 0, err
		}
		for _, b := range names {
			sum += b
		}
		return sum, nil
	}, func(p string, _ byte, err error) { said = append(said, fmt.Sprint(filepath.Base(p), " ", err != nil)) })
	if want := []string{"first false", "cut true", "last false"}; err != nil || !slices.Equal(said, want) {
		t.Errorf("%v, %q; want %q", err, said, want)
	}
}

func TestModules(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b/x.ko", "a.ko.xz", "a.ko.zst", "c.ko.gz", "notes.txt", "x.ko.bak", "vmlinux"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("a.ko.xz", filepath.Join(dir, "link.ko")); err != nil {
		t.Fatal(err)
	}
	list, err := Modules(dir)
	var got []string
	for _, f := range list {
		name, _ := filepath.Rel(dir, f.Path)
		got = append(got, name)
		if f.Size != int64(len(name)) {
			t.Errorf("%s: %d bytes", name, f.Size)
		}
	}
	if want := []string{"a.ko.xz", "a.ko.zst", "b/x.ko", "c.ko.gz"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	if _, err := Modules(filepath.Join(dir, "none")); err == nil {
		t.Error("a folder that is not there has no modules")
	}
}

// TestLinks: links to modules elsewhere, and not those inside of the folder, to nothing, to folders, or of other names.
func TestLinks(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "in")
	for _, name := range []string{"in/a.ko", "in/sub/b.ko", "out/c.ko", "out/d.ko/e", "inside/f.ko"} {
		path := filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{
		"l1.ko": "../out/c.ko", "sub/l2.ko": filepath.Join(top, "out/c.ko"), "l3.ko": "../inside/f.ko", "l4.ko": "l1.ko",
		"inner.ko": "a.ko", "nowhere.ko": "none.ko", "folder.ko": "../out/d.ko", "other": "../out/c.ko", "around.ko": "../in/sub/b.ko",
	} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	list, err := Links(dir)
	var got []string
	for _, f := range list {
		name, _ := filepath.Rel(dir, f.Path)
		got = append(got, fmt.Sprint(name, " ", f.Size))
	}
	if want := []string{"l1.ko 8", "l3.ko 11", "l4.ko 8", "sub/l2.ko 8"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	if _, err := Links(filepath.Join(dir, "none")); err == nil {
		t.Error("a folder that is not there has no links")
	}
}
