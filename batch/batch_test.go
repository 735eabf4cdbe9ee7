package batch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/gobtf/gobtf/encoder"
	"github.com/gobtf/gobtf/internal/testinput"
)

// Each file is in one shard, the same whatever the order in which they are given, and no shard has far more than another.
func TestShards(t *testing.T) {
	var items []item
	for i := range 100 {
		items = append(items, item{path: fmt.Sprint(i), size: int64(1000000 / (i + 1))})
	}
	for _, of := range []int{1, 2, 3, 7, 150} {
		seen, least, most := map[string]int{}, int64(1<<62), int64(0)
		for i := 1; i <= of; i++ {
			sum := int64(0)
			for _, it := range (Shard{i, of}).of(items) {
				seen[it.path]++
				sum += it.size
			}
			least, most = min(least, sum), max(most, sum)
		}
		if len(seen) != len(items) {
			t.Errorf("%d shards have %d of %d files", of, len(seen), len(items))
		}
		for path, n := range seen {
			if n != 1 {
				t.Errorf("%d shards: file %s is in %d", of, path, n)
			}
		}
		if of < 4 && most-least > 1000000/2 {
			t.Errorf("%d shards: from %d to %d bytes", of, least, most)
		}
	}
	for s, want := range map[string]Shard{"": {1, 1}, "1/1": {1, 1}, "2/3": {2, 3}} {
		if got, err := ParseShard(s); err != nil || got != want {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"0/1", "2/1", "1", "1/0", "a/b", "1/2/3", "1/2 ", "-1/2"} {
		if _, err := ParseShard(s); err == nil {
			t.Errorf("%q is a shard", s)
		}
	}
}

// What takes too much together waits, and what takes too much alone goes alone.
func TestRoom(t *testing.T) {
	m := &room{limit: 10}
	m.enter(8)
	in := make(chan int64, 2)
	for _, n := range []int64{3, 100} {
		go func() { m.enter(n); in <- n }()
	}
	select {
	case n := <-in:
		t.Fatalf("%d goes in beside 8 of 10", n)
	case <-time.After(20 * time.Millisecond):
	}
	m.leave(8)
	first := <-in
	m.leave(first)
	if second := <-in; first+second != 103 {
		t.Errorf("%d and %d went in", first, second)
	}
}

// setup makes modules of a kernel.
func setup(t *testing.T, n int) (files []string, opt Options) {
	dir := t.TempDir()
	data := testinput.Read(t, "gobtf_demo.ko")
	for i := range n {
		path := filepath.Join(dir, fmt.Sprintf("m%d.ko", i))
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		files = append(files, path)
	}
	return files, Options{Encode: encoder.Options{Features: encoder.DefaultFeatures}, Base: testinput.File(t, "vmlinux.btf"), OutDir: filepath.Join(dir, "out"), Jobs: 2, Version: "test"}
}

// without returns a manifest's JSON without what differs from run to run.
func without(t *testing.T, m *Manifest) string {
	c := *m
	c.Files = slices.Clone(m.Files)
	for i := range c.Files {
		c.Files[i].Milliseconds = 0
	}
	b, err := json.Marshal(&c)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Files of one size are worked on in the order of their paths, however they are given; larger ones come first.
func TestOrder(t *testing.T) {
	items := []item{{path: "b", size: 5}, {path: "d", size: 9}, {path: "c", size: 5}, {path: "a", size: 5}, {path: "e", size: 1}}
	largestFirst(items)
	var got []string
	for _, it := range items {
		got = append(got, it.path)
	}
	if !slices.Equal(got, []string{"d", "a", "b", "c", "e"}) {
		t.Error(got)
	}
}

// A run that is stopped after any file and resumed ends with the same files and the same manifest as one that was not.
func TestStopped(t *testing.T) {
	files, opt := setup(t, 4)
	whole, err := Run(context.Background(), files, opt)
	if err != nil || whole.OK != 4 {
		t.Fatalf("%+v, %v", whole, err)
	}
	want := without(t, whole)
	outputs := func() (all []byte) {
		for _, f := range files {
			b, err := os.ReadFile(filepath.Join(opt.OutDir, filepath.Base(f)+".btf"))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, b...)
		}
		return all
	}
	bytesOf := outputs()
	for stop := 1; stop < 4; stop++ {
		if err := os.RemoveAll(opt.OutDir); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "manifest.json")
		opt.Done = nil
		j, err := NewJournal(path, opt)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		opt.Each = func(e *Entry, p Progress) {
			if err := j.Add(e); err != nil {
				t.Error(err)
			}
			if p.Files == stop {
				cancel()
			}
		}
		if _, err := Run(ctx, files, opt); !errors.Is(err, context.Canceled) {
			t.Fatalf("stopped after %d: %v", stop, err)
		}
		if err := j.End(false); err != nil {
			t.Fatal(err)
		}
		// The machine may have stopped in the middle of a line.
		b, err := os.ReadFile(journalOf(path))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(journalOf(path), b[:len(b)-10], 0o666); err != nil {
			t.Fatal(err)
		}
		if opt.Done, err = Read(path); err != nil {
			t.Fatal(err)
		}
		if n := len(opt.Done.Files); n != bytes.Count(b, []byte("\n"))-2 {
			t.Errorf("stopped after %d: the journal has %d", stop, n)
		}
		taken := 0
		opt.Each = func(e *Entry, _ Progress) {
			if old := opt.Done.find(e.Path); old != nil && old.Milliseconds == e.Milliseconds {
				taken++
			}
		}
		m, err := Run(context.Background(), files, opt)
		if err != nil {
			t.Fatal(err)
		}
		if got := without(t, m); got != want {
			t.Errorf("stopped after %d:\n%s\nwant\n%s", stop, got, want)
		}
		if taken < len(opt.Done.Files) {
			t.Errorf("stopped after %d: %d of %d are left alone", stop, taken, len(opt.Done.Files))
		}
		if !bytes.Equal(outputs(), bytesOf) {
			t.Errorf("stopped after %d: other bytes", stop)
		}
	}
	// Other flags, and all is done again.
	opt.Done, opt.Flags = whole, "others"
	again := 0
	opt.Each = func(e *Entry, _ Progress) { again++ }
	if m, err := Run(context.Background(), files, opt); err != nil || m.OK != 4 || m.Flags != "others" || again != 4 {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestNames(t *testing.T) {
	one := []item{{path: "/lib/modules/6.1/a/x.ko.xz", release: "6.1"}, {path: "/lib/modules/6.1/b/y.ko", release: "6.1"}}
	if err := nameOutputs(one, "o"); err != nil || one[0].out != "o/x.ko.btf" || one[1].out != "o/y.ko.btf" {
		t.Errorf("%+v, %v", one, err)
	}
	two := append(slices.Clone(one), item{path: "/lib/modules/6.2/a/x.ko.xz", release: "6.2"})
	if err := nameOutputs(two, "o"); err != nil || two[0].out != "o/6.1/x.ko.btf" || two[2].out != "o/6.2/x.ko.btf" {
		t.Errorf("%+v, %v", two, err)
	}
	if err := nameOutputs(append(one, item{path: "/lib/modules/6.1/c/x.ko", release: "6.1"}), "o"); err == nil {
		t.Error("two modules of one name have one output")
	}
}
