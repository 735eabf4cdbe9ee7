// Package btftest has the inputs that tests of several packages share: a BTF with every kind of type in it, and the BTF of a
// whole kernel.
package btftest

import (
	"encoding/binary"
	"math"
	"os"
	"testing"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/testinput"
)

// Orders are the two byte orders.
var Orders = []binary.ByteOrder{binary.LittleEndian, binary.BigEndian}

// EveryKind builds standalone BTF with every kind and every variant of a record in it. The test fails when a kind of the
// format is missing: who adds one adds it here.
func EveryKind(t testing.TB, order binary.ByteOrder) *btf.Types {
	t.Helper()
	b := btf.NewBuilder(nil)
	b.Order = order
	i := b.AddInt("int", 4, btf.Signed)
	b.AddIntBits("odd", 4, btf.IntInfo{Encoding: btf.Bool, Offset: 3, Bits: 5})
	node := b.Next() + 1
	ptr := b.AddPtr(node)
	if id := b.AddStruct("node", 24, btf.Member{Name: "next", Type: ptr}, btf.Member{Name: "v", Type: i, Bit: 64}, btf.Member{Type: i, Bit: 96}); id != node {
		t.Fatalf("Next said %d, node is %d", node, id)
	}
	b.AddStruct("bits", 8, btf.Member{Name: "a", Type: i, Bits: 3}, btf.Member{Name: "b", Type: i, Bit: 3, Bits: 29}, btf.Member{Name: "c", Type: i, Bit: 32})
	b.AddUnion("", 4, btf.Member{Name: "x", Type: i})
	b.AddStruct("empty", 0)
	b.AddArray(i, i, 7)
	b.AddEnum("e", 4, false, btf.Value{Name: "E0"}, btf.Value{Name: "E1", Value: math.MaxUint32})
	b.AddEnum("se", 4, true, btf.Value{Name: "S0", Value: Negative(-5)}, btf.Value{Name: "S1", Value: 5})
	b.AddEnum("fe", 4, false)
	b.AddEnum64("e64", 8, false, btf.Value{Name: "B0", Value: 1 << 63})
	b.AddEnum64("se64", 8, true, btf.Value{Name: "B1", Value: Negative(-1 << 40)})
	b.AddFwd("fs", false)
	b.AddFwd("fu", true)
	td := b.AddTypedef("node_t", node)
	b.AddVolatile(td)
	c := b.AddConst(i)
	b.AddRestrict(ptr)
	b.AddFloat("double", 8)
	p := b.AddFuncProto(0, btf.Param{Name: "n", Type: ptr}, btf.Param{Name: "c", Type: c}, btf.Param{})
	f := b.AddFunc("func", p, btf.Global)
	b.AddFuncProto(i)
	v := b.AddVar("v", i, btf.Static)
	v2 := b.AddVar("ext", td, btf.Extern)
	b.AddDatasec(".data", 40, btf.Entry{Var: v, Offset: 0, Size: 4}, btf.Entry{Var: v2, Offset: 8, Size: 24})
	b.AddDeclTag("kfunc", f, -1, false)
	b.AddDeclTag("arg", f, 1, true)
	b.AddPtr(b.AddTypeTag("user", i, false))
	b.AddTypeTag("rcu", i, true)
	ts, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[btf.Kind]bool{}
	for _, x := range ts.All() {
		seen[x.Kind()] = true
	}
	for k := btf.Kind(1); k < btf.NumKinds; k++ {
		if !seen[k] {
			t.Fatalf("no %v is there: it has to be added to EveryKind", k)
		}
	}
	return ts
}

// Negative is a negative value of an enum.
func Negative(v int64) uint64 { return uint64(v) }

// Parse is btf.Parse for BTF that has nothing wrong with it.
func Parse(t testing.TB, data []byte, base *btf.Types) *btf.Types {
	t.Helper()
	ts, err := btf.Parse(data, base)
	if err != nil {
		t.Fatal(err)
	}
	return ts
}

// Vmlinux returns the BTF of a kernel with 100,000 types: that of the file GOBTF_VMLINUX names, or the one in testdata.
func Vmlinux(t testing.TB) []byte {
	t.Helper()
	path := os.Getenv("GOBTF_VMLINUX")
	if path == "" {
		return testinput.Read(t, "vmlinux.btf")
	}
	data, _, err := btf.ReadSections(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Module returns standalone BTF of a small module of that kernel.
func Module(t testing.TB) []byte {
	t.Helper()
	return testinput.Read(t, "gobtf_demo.standalone.btf")
}
