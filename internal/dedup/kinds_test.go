package dedup

import (
	"testing"

	"github.com/gobtf/gobtf/btf"
)

// TestKindSets: a phase is responsible for every kind, and only one.
func TestKindSets(t *testing.T) {
	for k := btf.Kind(1); k < btf.NumKinds; k++ {
		n := 0
		for _, set := range []kindSet{primKinds, compKinds, refKinds, selfKinds} {
			n += int(set >> k & 1)
		}
		if n != 1 {
			t.Errorf("%v is in %d of the sets primKinds, compKinds, refKinds and selfKinds", k, n)
		}
		// What equiv does with a pair of this kind: it follows one reference, a list of them, or none, or refuses it.
		n = 0
		for _, set := range []kindSet{chainKinds, tagKinds | 1<<btf.FuncProto | 1<<btf.Array, selfKinds | 1<<btf.DeclTag, primKinds} {
			n += int(set >> k & 1)
		}
		if n != 1 {
			t.Errorf("equiv has %d ways to compare %v", n, k)
		}
	}
}
