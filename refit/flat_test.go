package refit

import (
	"testing"

	"github.com/gobtf/gobtf/btf"
)

// TestFlattened: an ARRAY of ARRAYs becomes one, and the inner one stays if somebody else refers to it, were it the only inner one there is.
func TestFlattened(t *testing.T) {
	for name, shared := range map[string]bool{"its own": false, "shared": true} {
		b := btf.NewBuilder(nil)
		i := b.AddInt("int", 4, btf.Signed)
		inner := b.AddArray(i, i, 3)
		outer := b.AddArray(inner, i, 5)
		b.AddTypedef("grid", outer)
		if shared {
			b.AddTypedef("row", inner)
		}
		in, err := b.Types()
		if err != nil {
			t.Fatal(err)
		}
		got, err := flattened(in)
		if err != nil {
			t.Fatal(err)
		}
		var arrays []uint32
		for _, x := range got.All() {
			if x.Kind() == btf.Array {
				elem, _, n := x.Array()
				arrays = append(arrays, n)
				if got.Type(elem).Kind() != btf.Int {
					t.Errorf("%s: an array of %v", name, got.Type(elem).Kind())
				}
			}
		}
		want := []uint32{15}
		if shared {
			want = []uint32{3, 15}
		}
		if len(arrays) != len(want) || arrays[0] != want[0] || arrays[len(arrays)-1] != want[len(want)-1] {
			t.Errorf("%s: arrays of %v, want %v", name, arrays, want)
		}
	}
}
