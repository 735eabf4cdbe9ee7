package distill

import (
	"testing"

	"github.com/gobtf/gobtf/btf"
)

// TestReferable: of every kind it is decided whether a split type may refer to one in the base.
func TestReferable(t *testing.T) {
	never := kinds(btf.Func, btf.Var, btf.Datasec, btf.DeclTag)
	for k := btf.Kind(1); k < btf.NumKinds; k++ {
		if referable.has(k) == never.has(k) {
			t.Errorf("%v is in both sets, or in none", k)
		}
	}
}
