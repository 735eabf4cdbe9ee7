package verify

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/gobtf/gobtf/btf"
)

// TestNameLength tries names around the longest that kernels take: 512 bytes since 6.1, 128 before. Linux 6.18 was seen to load a STRUCT, a
// TYPEDEF, a VAR and a DATASEC with names of 512 bytes, and to refuse 513.
func TestNameLength(t *testing.T) {
	for _, c := range []struct {
		kernel Kernel
		n      int
		good   bool
	}{
		{Kernel{6, 18}, 511, true}, {Kernel{6, 18}, 512, true}, {Kernel{6, 18}, 513, false},
		{Kernel{6, 1}, 512, true}, {Kernel{6, 1}, 513, false},
		{Kernel{6, 0}, 127, true}, {Kernel{6, 0}, 128, true}, {Kernel{6, 0}, 129, false},
	} {
		strs := "\x00" + strings.Repeat("n", c.n) + "\x00int\x00"
		words := []uint32{uint32(c.n) + 2, btf.InfoWord(btf.Int, 0, false), 4, 32, 1, btf.InfoWord(btf.Struct, 0, false), 0}
		ts, err := btf.New(words, []byte(strs), nil, binary.LittleEndian)
		if err != nil {
			t.Fatal(err)
		}
		found := Check(ts.AppendForm(nil, btf.Header24), nil, Options{Kernel: c.kernel})
		if (len(found) == 0) != c.good {
			t.Errorf("%v, %d bytes: %v", c.kernel, c.n, found)
		}
	}
}
