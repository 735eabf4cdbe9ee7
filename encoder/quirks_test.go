package encoder_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/encoder"
	"github.com/gobtf/gobtf/module"
)

// bothOutputs encodes a fixture's object on a base as pahole 1.32 does and as gobtf does by itself.
func bothOutputs(t *testing.T, name string, base *btf.Types) (quirks, repaired *btf.Types) {
	t.Helper()
	encode := func(quirks bool) *btf.Types {
		opt := encoder.Options{Features: encoder.DefaultFeatures, Base: btf.NewBase(base), Quirks: quirks}
		res, err := encoder.EncodeFiles(context.Background(), []string{filepath.Join(testdata, "obj", name+".elf")}, opt)
		if err != nil {
			t.Fatal(err)
		}
		ts, err := btf.Parse(res.BTF, base)
		if err != nil {
			t.Fatal(err)
		}
		return ts
	}
	quirks, repaired = encode(true), encode(false)
	if a, b := len(repaired.Append(nil)), len(quirks.Append(nil)); a > b {
		t.Errorf("repaired it has %d bytes, more than pahole's %d", a, b)
	}
	return quirks, repaired
}

// own returns kind and name of a BTF's types without its base's.
func own(ts *btf.Types) (all []string) {
	for id := ts.Start(); int(id) < ts.Len(); id++ {
		x := ts.Type(id)
		all = append(all, fmt.Sprint(x.Kind(), " ", x.Name()))
	}
	return all
}

// find returns the only type of this kind and name, the base's included.
func find(t *testing.T, ts *btf.Types, kind btf.Kind, name string) (btf.TypeID, btf.Type) {
	t.Helper()
	var found []btf.TypeID
	for id := btf.TypeID(1); int(id) < ts.Len(); id++ {
		if x := ts.Type(id); x.Kind() == kind && x.Name() == name {
			found = append(found, id)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%v %s: types %v, want one", kind, name, found)
	}
	return found[0], ts.Type(found[0])
}

// A module's u32 and myid_t are the base's. pahole 1.32 has them again, and with them all that is built on them.
func TestTypedefsOfBase(t *testing.T) {
	base := readGolden(t, "splitbase.default")
	quirks, repaired := bothOutputs(t, "splitmod", base)
	golden, err := os.ReadFile(filepath.Join(testdata, "golden", "splitmod.quirks.on.splitbase.default.btf"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(quirks.Append(nil), golden) {
		t.Error("with quirks it is not what the reference wrote")
	}
	copies := []string{"TYPEDEF u32", "TYPEDEF myid_t", "FUNC_PROTO ", "PTR "} // the last two are of ops.open
	rest := []string{
		"STRUCT fwd_in_base", "STRUCT dup", "ENUM fwdenum", "STRUCT changed", "STRUCT uses", "PTR ", "STRUCT modonly", "ARRAY ", "ARRAY ", "PTR ",
		"FUNC_PROTO ", "FUNC close_it", "FUNC_PROTO ", "FUNC init", "FUNC_PROTO ", "FUNC open_it",
	}
	if d := cmp.Diff(slices.Concat(copies, rest), own(quirks)); d != "" {
		t.Errorf("with quirks (-want +got):\n%s", d)
	}
	if d := cmp.Diff(rest, own(repaired)); d != "" {
		t.Errorf("without quirks (-want +got):\n%s", d)
	}

	inBase, _ := find(t, base, btf.Typedef, "myid_t")
	for _, x := range []struct {
		ts   *btf.Types
		want btf.TypeID
	}{{quirks, quirks.Start() + 1}, {repaired, inBase}} {
		_, fn := find(t, x.ts, btf.Func, "open_it")
		params := slices.Collect(x.ts.Type(fn.Ref()).Params())
		if len(params) != 2 || params[1].Type != x.want {
			t.Errorf("open_it has parameters %+v, want the second one of type %d", params, x.want)
		}
	}
}

// A base by pahole 1.31 or older has int b[2][2] as one array of 4: p13 is found there when the object's is one as well.
func TestFlatBase(t *testing.T) {
	b := btf.NewBuilder(nil)
	integer, char := b.AddInt("int", 4, btf.Signed), b.AddInt("char", 1, btf.Signed)
	flat := b.AddArray(integer, integer, 4)
	inBase := b.AddStruct("p13", 17, btf.Member{Name: "a", Type: char}, btf.Member{Name: "b", Type: flat, Bit: 8})
	base, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	quirks, repaired := bothOutputs(t, "packed", base)
	if id, _ := find(t, repaired, btf.Struct, "p13"); id != inBase {
		t.Errorf("without quirks p13 is type %d, want the base's %d", id, inBase)
	}

	// With quirks it is copied, with an array of arrays.
	var elems []uint32
	for id := quirks.Start(); int(id) < quirks.Len(); id++ {
		if x := quirks.Type(id); x.Kind() == btf.Struct && x.Name() == "p13" {
			elem, _, outer := quirks.Type(slices.Collect(x.Members())[1].Type).Array()
			_, _, inner := quirks.Type(elem).Array()
			elems = append(elems, outer, inner)
		}
	}
	if !slices.Equal(elems, []uint32{2, 2}) {
		t.Errorf("with quirks p13.b has dimensions %v, want a copy with 2 and 2", elems)
	}
}

// TestDistilledInPlace: .BTF and .BTF.base that --pahole_quirks writes into a file are the reference's (make fixtures has run it in place,
// the only way in which it distils). Unnamed enums are the module's own, not the base's.
func TestDistilledInPlace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "dmod.elf")
	data, err := os.ReadFile(filepath.Join(testdata, "obj", "dmod.elf"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := module.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	opt := encoder.Options{Features: encoder.DefaultFeatures | encoder.DistilledBase, Quirks: true, Base: btf.NewBase(readGolden(t, "dbase.default"))}
	res, err := encoder.Encode(context.Background(), []*module.File{f}, opt)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := encoder.WriteInPlace(f, res, opt); err != nil {
		t.Fatal(err)
	}
	after, err := module.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer after.Close()
	own, base, err := after.BTF()
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][]byte{"own": own, "base": base} {
		want, err := os.ReadFile(filepath.Join(testdata, "golden", "dmod.distilled."+name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf(".BTF (%s): %d bytes, the reference's are %d", name, len(got), len(want))
		}
	}
	small, err := btf.Parse(base, nil)
	if err != nil {
		t.Fatal(err)
	}
	for id, x := range small.All() {
		if x.Name() == "" {
			t.Errorf("the base has type %d without a name: %v", id, x.Kind())
		}
	}
}

// TestEmptyStrings encodes an object on its own BTF, so that no name is new. (WithStrings.)
func TestEmptyStrings(t *testing.T) {
	for _, name := range []string{"types", "dbase"} {
		alone, err := encoder.EncodeFiles(context.Background(), []string{filepath.Join(testdata, "obj", name+".elf")}, encoder.Options{Features: encoder.DefaultFeatures})
		if err != nil {
			t.Fatal(err)
		}
		base, err := btf.Parse(alone.BTF, nil)
		if err != nil {
			t.Fatal(err)
		}
		for quirks, want := range map[bool]string{true: "", false: "\x00"} {
			opt := encoder.Options{Features: encoder.DefaultFeatures, Base: btf.NewBase(base), Quirks: quirks}
			res, err := encoder.EncodeFiles(context.Background(), []string{filepath.Join(testdata, "obj", name+".elf")}, opt)
			if err != nil {
				t.Fatal(err)
			}
			h, err := btf.ParseHeader(res.BTF)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(res.BTF[len(res.BTF)-int(h.StrLen):]); got != want {
				t.Errorf("%s, quirks %v: strings %q, want %q", name, quirks, got, want)
			}
		}
	}
}
