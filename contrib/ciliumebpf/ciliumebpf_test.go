package ciliumebpf

import (
	"os"
	"testing"

	cbtf "github.com/cilium/ebpf/btf"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/diff"
	"github.com/gobtf/gobtf/internal/testinput"
)

func vmlinux(t *testing.T) *btf.Types {
	t.Helper()
	ts, err := btf.Parse(testinput.Read(t, "vmlinux.btf"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return ts
}

// TestThere: a kernel's types, and split BTF on them, have the same ids and names on the other side.
func TestThere(t *testing.T) {
	base := vmlinux(t)
	spec, err := Spec(base, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := btf.NewBuilder(base)
	var task btf.TypeID
	for id, x := range base.All() {
		if x.Kind() == btf.Struct && x.Name() == "task_struct" {
			task = id
		}
	}
	own := b.AddStruct("mine", 8, btf.Member{Name: "task", Type: b.AddPtr(task)})
	ts, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Spec(ts, nil); err == nil {
		t.Error("split BTF without a base")
	}
	split, err := Spec(ts, spec)
	if err != nil {
		t.Fatal(err)
	}
	var mine *cbtf.Struct
	if err := split.TypeByName("mine", &mine); err != nil {
		t.Fatal(err)
	}
	if id, err := split.TypeID(mine); err != nil || id != cbtf.TypeID(own) {
		t.Errorf("mine is %d, %v, here %d", id, err, own)
	}
	to, ok := mine.Members[0].Type.(*cbtf.Pointer)
	if !ok || to.Target.TypeName() != "task_struct" {
		t.Errorf("its member is %v", mine.Members[0].Type)
	}
	if id, err := split.TypeID(to.Target); err != nil || id != cbtf.TypeID(task) {
		t.Errorf("task_struct is %d, %v, here %d", id, err, task)
	}
}

// TestAndBack: what comes back means the same, and has the same ids.
func TestAndBack(t *testing.T) {
	data, err := os.ReadFile("../../testdata/golden/types.kbuild.btf")
	if err != nil {
		t.Fatal(err)
	}
	ts, err := btf.Parse(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := Spec(ts, nil)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Types(spec)
	if err != nil {
		t.Fatal(err)
	}
	if r := diff.Compare(ts, back, diff.Options{}); !r.Same {
		t.Errorf("removed %v, added %v, changed %v", r.Removed, r.Added, r.Changed)
	}
	if back.Len() != ts.Len() {
		t.Fatalf("%d types, %d before", back.Len(), ts.Len())
	}
	for id, x := range ts.All() {
		if y := back.Type(id); y.Kind() != x.Kind() || y.Name() != x.Name() {
			t.Errorf("%d is %v %s, before %v %s", id, y.Kind(), y.Name(), x.Kind(), x.Name())
		}
	}
}
