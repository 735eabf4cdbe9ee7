package encoder

import (
	"strings"
	"testing"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/graph"
)

// TestDatasecFull has more variables in a section than a record can count.
func TestDatasecFull(t *testing.T) {
	for _, c := range []struct {
		n, entries int
		lost       string
	}{
		{maxEntries, maxEntries, ""},
		{maxEntries + 3, maxEntries, "65538 variables: a DATASEC has room for 65535, and the last 3 are left out of it"},
	} {
		tab := newTable(graph.NewShapes(graph.NewStrings()), 0, 0, 0)
		vars := make([]variable, c.n)
		for i := range vars {
			vars[i] = variable{id: 1, offset: uint32(4 * (c.n - i)), size: 4}
		}
		err := tab.datasec(".data", vars)
		if (err == nil) != (c.lost == "") || err != nil && !strings.Contains(err.Error(), c.lost) {
			t.Errorf("%d: %v, want %q", c.n, err, c.lost)
		}
		w := tab.g.Shapes.Content(tab.g.Shape[len(tab.g.Shape)-1])
		if n := btf.InfoVlen(w[0]); n != c.entries || w[3] != 4 || w[2] != uint32(4*c.entries)+4 {
			t.Errorf("%d: %d entries from %d, size %d", c.n, n, w[3], w[2])
		}
	}
}
