package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gobtf/gobtf/btf"
)

// base has an int, a struct with one member and a function that takes it.
func build(member string, size uint32, extra bool) []byte {
	b := btf.NewBuilder(nil)
	i := b.AddInt("int", 4, btf.Signed)
	if extra {
		b.AddTypedef("number", i)
	}
	s := b.AddStruct("point", size, btf.Member{Name: member, Type: i})
	p := b.AddFuncProto(i, btf.Param{Name: "at", Type: b.AddPtr(s)})
	b.AddFunc("move", p, btf.Static)
	ts, err := b.Types()
	if err != nil {
		panic(err)
	}
	return ts.Append(nil)
}

func TestRun(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	one := write("one", build("x", 4, false))
	for _, c := range []struct {
		name string
		data []byte
		same bool
		want []string
	}{
		{"same", build("x", 4, false), true, []string{"same: "}},
		{"other member", build("y", 4, false), false, []string{
			"first differing type: id 2\n", "A   STRUCT point size 4, 1 members", "*     x: [1] INT int at bit 0", "*     y: [1] INT int at bit 0",
			`first differing string: number 3`, `A "x", B "y"`,
		}},
		{"other size", build("x", 8, false), false, []string{"A * STRUCT point size 4", "B * STRUCT point size 8", "strings: equal"}},
		{"one type more", build("x", 4, true), false, []string{"types: A 5, B 6", "TYPEDEF: A 0, B 1", "1 more in B: TYPEDEF number", "first differing type: id 2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			same, err := run(&out, "", one, write("two", c.data), 1)
			if err != nil || same != c.same {
				t.Fatalf("same %v, error %v", same, err)
			}
			for _, w := range c.want {
				if !strings.Contains(out.String(), w) {
					t.Errorf("no %q in\n%s", w, out.String())
				}
			}
		})
	}
	for n := range build("x", 4, false) {
		if _, err := run(&strings.Builder{}, "", one, write("cut", build("x", 4, false)[:n]), 1); err == nil {
			t.Errorf("cut after %d bytes: no error", n)
		}
	}
}
