package btf_test

import (
	"fmt"
	"slices"
	"testing"

	. "github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/btftest"
)

// TestCodec takes every record apart and puts it together again, with other names in between.
func TestCodec(t *testing.T) {
	ts := btftest.EveryKind(t, btftest.Orders[0])
	const far = 1000
	offsets := make([]uint32, far, far+len(ts.Strings()))
	for off := range ts.Strings() {
		offsets = append(offsets, uint32(off))
	}
	for id, x := range ts.All() {
		rec := x.Record()
		content := AppendContent([]uint32{7}, rec, func(off uint32) uint32 { return off + far })[1:]
		refs := AppendRefs([]uint32{7}, rec)[1:]
		if n := NumRefs(rec[1]); n != len(refs) {
			t.Errorf("type %d, %v: %d references, NumRefs says %d", id, x.Kind(), len(refs), n)
		}
		var names, want []uint32
		EachContentName(content, func(w *uint32) { names = append(names, *w-far) })
		EachName(rec, func(w *uint32) { want = append(want, *w) })
		if !slices.Equal(names, want) {
			t.Errorf("type %d, %v: names %v of the content, %v of the record", id, x.Kind(), names, want)
		}
		if again := AppendRecord([]uint32{7}, content, refs, offsets)[1:]; !slices.Equal(again, rec) {
			t.Errorf("type %d, %v: %v came back as %v", id, x.Kind(), rec, again)
		}
		EachContentName(content, func(w *uint32) { *w -= far })
		again := AppendRecord([]uint32{7}, content, refs, nil)[1:]
		if !slices.Equal(again, rec) {
			t.Errorf("type %d, %v: %v came back as %v", id, x.Kind(), rec, again)
		}
	}
}

// TestContent has the contents by hand: what the words of each kind are.
func TestContent(t *testing.T) {
	b := NewBuilder(nil)
	i := b.AddInt("int", 4, Signed)
	b.AddPtr(i)
	b.AddArray(i, 2, 7)
	b.AddStruct("s", 8, Member{Name: "a", Type: i}, Member{Name: "b", Type: 2, Bit: 32})
	b.AddEnum("e", 4, false, Value{Name: "E0", Value: 9})
	b.AddEnum64("l", 8, false, Value{Name: "E0", Value: 1<<32 | 2})
	p := b.AddFuncProto(i, Param{Name: "a", Type: i}, Param{})
	b.AddFunc("f", p, Global)
	v := b.AddVar("v", i, Extern)
	b.AddDatasec(".d", 40, Entry{Var: v, Offset: 8, Size: 4})
	b.AddDeclTag("g", v, -1, false)
	ts, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range []string{
		1:  `"int" 4, 1000020 |`,
		2:  `"" 0,  | 1`,
		3:  `"" 0, 7 | 1 2`,
		4:  `"s" 8, "a" 0 "b" 20 | 1 2`,
		5:  `"e" 4, "E0" 9 |`,
		6:  `"l" 8, "E0" 2 1 |`,
		7:  `"" 0, "a" "" | 1 1 0`,
		8:  `"f" 0,  | 7`,
		9:  `"v" 0, 2 | 1`,
		10: `".d" 28, 8 4 | 9`,
		11: `"g" 0, ffffffff | 9`,
	} {
		if id == 0 {
			continue
		}
		rec := ts.Record(TypeID(id))
		const isName = 1 << 24
		content := AppendContent(nil, rec, func(off uint32) uint32 { return off | isName })
		text := map[int]string{}
		EachContentName(content, func(w *uint32) {
			for at := range content {
				if &content[at] == w {
					text[at] = fmt.Sprintf("%q", ts.StringBytes(*w&^isName))
				}
			}
		})
		got := fmt.Sprintf("%s %x, ", text[1], content[2])
		for at, w := range content[3:] {
			if at > 0 {
				got += " "
			}
			if s := text[3+at]; s != "" {
				got += s
			} else {
				got += fmt.Sprintf("%x", w)
			}
		}
		got += " |"
		for _, r := range AppendRefs(nil, rec) {
			got += fmt.Sprintf(" %x", r)
		}
		if content[0] != rec[1] || got != want {
			t.Errorf("type %d is %s, want %s", id, got, want)
		}
	}
}
