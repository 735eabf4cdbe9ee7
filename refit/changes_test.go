package refit

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gobtf/gobtf/btf"
)

// A change is one line: what it was and is, what moved, who is hurt by it.
func TestChangeString(t *testing.T) {
	for _, c := range []struct {
		c      Change
		want   string
		breaks bool
	}{
		{Change{Kind: btf.Struct, Name: "net_device", Was: 2496, Is: 2504, Funcs: 3}, "struct net_device: 2496 -> 2504 bytes, used by 3 functions", false},
		{Change{Kind: btf.Struct, Name: "a", Was: 8, Is: 8, Moved: []string{"x moved"}, Funcs: 1, Structs: 1}, "struct a: 8 bytes as before, x moved, used by 1 function, pointed to by 1 struct", true},
		{Change{Kind: btf.Union, Name: "b", Was: 8, Is: 4, Moved: []string{"x is gone", "y"}, Embedded: []string{"s"}}, "union b: 8 -> 4 bytes, x is gone and 1 more, inside of s", true},
		{Change{Kind: btf.Struct, Name: "c", Was: 8, Is: 16, Embedded: []string{"p", "q", "r"}}, "struct c: 8 -> 16 bytes, inside of p, q, r", true},
		{Change{Kind: btf.Struct, Name: "c", Was: 8, Is: 16, Embedded: []string{"p", "q", "r", "s"}, Structs: 2}, "struct c: 8 -> 16 bytes, inside of p, q, r and 1 more, pointed to by 2 structs", true},
		{Change{Kind: btf.Struct, Name: "d", Was: 8, Is: 8, Embedded: []string{"p"}}, "struct d: 8 bytes as before, inside of p", false},
	} {
		if got := c.c.String(); got != c.want || c.c.Breaks() != c.breaks {
			t.Errorf("%q, breaks %v; want %q, %v", got, c.c.Breaks(), c.want, c.breaks)
		}
	}
}

// The error names three structs, and counts the others.
func TestDifferCounts(t *testing.T) {
	for n := range 6 {
		r := &Report{Changes: []Change{{Kind: btf.Struct, Name: "harmless", Was: 1, Is: 2, Structs: 1}}}
		for i := range n {
			r.Changes = append(r.Changes, Change{Kind: btf.Struct, Name: fmt.Sprint("s", i), Moved: []string{"m"}, Structs: 1})
		}
		err := differ("m.ko", r, Options{})
		if n == 0 {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		more := ""
		if n > 3 {
			more = fmt.Sprintf("; and %d more", n-3)
		}
		if !errors.Is(err, ErrDiffers) || strings.Count(err.Error(), "struct s") != min(n, 3) || !strings.HasSuffix(err.Error(), "pointed to by 1 struct"+more) || strings.Contains(err.Error(), "harmless") {
			t.Errorf("%d: %v", n, err)
		}
		if err := differ("m.ko", r, Options{Force: true}); err != nil {
			t.Errorf("%d, forced: %v", n, err)
		}
	}
}
