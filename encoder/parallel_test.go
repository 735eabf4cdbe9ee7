package encoder

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/gobtf/gobtf/internal/convert"
	"github.com/gobtf/gobtf/internal/elfx"
	"github.com/gobtf/gobtf/internal/graph"
)

// converterOf is that of a fixture.
func converterOf(t *testing.T, name string) *convert.Converter {
	t.Helper()
	f, err := elfx.Open("../testdata/obj/" + name + ".elf")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	get := func(name string) []byte {
		s := f.Section(name)
		if s == nil {
			return nil
		}
		b, err := f.Data(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	info := get(".debug_info")
	c, err := convert.New(convert.Sections{Info: bytes.NewReader(info), InfoBytes: info, InfoSize: uint64(len(info)), Abbrev: get(".debug_abbrev"),
		Str: get(".debug_str"), LineStr: get(".debug_line_str")}, graph.NewShapes(graph.NewStrings()), convert.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestInOrder: the error of the first unit in the file counts, whichever worker is first; a panic is an error that names its place.
func TestInOrder(t *testing.T) {
	c := converterOf(t, "enumorder")
	if c.Len() < 6 {
		t.Fatalf("%d units", c.Len())
	}
	bad := errors.New("bad")
	for _, jobs := range []int{1, 2, 8} {
		var order []int
		err := inOrder(context.Background(), c, 0, jobs, func(u *convert.Unit) error {
			order = append(order, u.Index)
			if u.Index == 3 {
				return bad
			}
			return nil
		})
		if err != bad || len(order) != 4 || order[0] != 0 || order[3] != 3 {
			t.Errorf("%d workers: error %v behind units %v", jobs, err, order)
		}
		err = inOrder(context.Background(), c, 0, jobs, func(u *convert.Unit) error {
			var none []int
			return map[bool]error{true: bad}[u.Index > 1 && none[u.Index] == 0]
		})
		if err == nil || !strings.HasPrefix(err.Error(), "unit 2: internal error: runtime error: index out of range [2] with length 0 at parallel_test.go:") {
			t.Errorf("%d workers: error %v", jobs, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := inOrder(ctx, c, 0, 2, func(*convert.Unit) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
