package encoder

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

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

// testSink is a sink in which only every second unit fits.
type testSink func(*convert.Unit) (func(), error)

func (k testSink) place(u *convert.Unit) (func(), error) { return k(u) }
func (k testSink) fits(u *convert.Unit) bool             { return u.Index%2 == 0 }

// TestInOrder: the error of the first unit in the file counts, whichever worker is first; a panic is an error that names its place.
func TestInOrder(t *testing.T) {
	c := converterOf(t, "enumorder")
	if c.Len() < 6 {
		t.Fatalf("%d units", c.Len())
	}
	bad := errors.New("bad")
	for _, jobs := range []int{1, 2, 8} {
		var order []int
		err := inOrder(context.Background(), c, 0, jobs, testSink(func(u *convert.Unit) (func(), error) {
			order = append(order, u.Index)
			if u.Index == 3 {
				return nil, bad
			}
			return nil, nil
		}))
		if err != bad || len(order) != 4 || order[0] != 0 || order[3] != 3 {
			t.Errorf("%d workers: error %v behind units %v", jobs, err, order)
		}
		err = inOrder(context.Background(), c, 0, jobs, testSink(func(u *convert.Unit) (func(), error) {
			var none []int
			return nil, map[bool]error{true: bad}[u.Index > 1 && none[u.Index] == 0]
		}))
		if err == nil || !strings.HasPrefix(err.Error(), "unit 2: internal error: runtime error: index out of range [2] with length 0 at parallel_test.go:") {
			t.Errorf("%d workers: error %v", jobs, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := inOrder(ctx, c, 0, 2, testSink(func(*convert.Unit) (func(), error) { return nil, nil })); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestFill: each unit is filled once, after it was placed, and nothing is being filled while one is placed that does not fit. A panic is
// the error of its unit.
func TestFill(t *testing.T) {
	c := converterOf(t, "enumorder")
	for _, jobs := range []int{1, 2, 8} {
		var filled, filling atomic.Int32
		err := inOrder(context.Background(), c, 0, jobs, testSink(func(u *convert.Unit) (func(), error) {
			i := int32(u.Index)
			if n := filling.Load(); i%2 == 1 && n != 0 {
				t.Errorf("%d workers: unit %d is placed while %d are filled", jobs, i, n)
			}
			if jobs == 1 && filled.Load() != i {
				t.Errorf("unit %d is placed when %d are filled", i, filled.Load())
			}
			filling.Add(1)
			return func() {
				filled.Add(1)
				time.Sleep(time.Millisecond)
				filling.Add(-1)
			}, nil
		}))
		if n := int(filled.Load()); err != nil || n != c.Len() {
			t.Errorf("%d workers: %d of %d units were filled: %v", jobs, n, c.Len(), err)
		}
		err = inOrder(context.Background(), c, 0, jobs, testSink(func(u *convert.Unit) (func(), error) {
			return func() {
				if u.Index == 2 {
					panic("bad")
				}
			}, nil
		}))
		if err == nil || !strings.HasPrefix(err.Error(), "unit 2: internal error: bad at parallel_test.go:") {
			t.Errorf("%d workers: error %v", jobs, err)
		}
	}
}
