package distill

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gobtf/gobtf/btf"
)

// drawn is a type of a random base: refs are counted from the front and taken modulo what is there.
type drawn struct {
	kind  int
	name  string
	size  uint32
	bits  bool
	refs  [2]int
	extra uint8
}

func draw(rng *rand.Rand, names int) drawn {
	return drawn{
		kind: rng.IntN(13), name: string(rune('a' + rng.IntN(names))), size: 4 << rng.IntN(3), bits: rng.IntN(4) == 0,
		refs: [2]int{rng.IntN(1 << 16), rng.IntN(1 << 16)}, extra: uint8(rng.IntN(3)),
	}
}

// add appends the type that d describes; what it refers to stands before it.
func (d drawn) add(b *btf.Builder) {
	ref := func(i int) btf.TypeID { return btf.TypeID(d.refs[i] % int(b.Next())) }
	members := []btf.Member{{Name: "m", Type: ref(0)}, {Name: d.name, Type: ref(1), Bit: 32}}
	if d.bits {
		members[0].Bits = 3
	}
	switch d.kind {
	case 0:
		b.AddInt(d.name, d.size, d.extra)
	case 1:
		b.AddFloat(d.name, d.size)
	case 2:
		b.AddEnum(d.name, d.size, d.bits, btf.Value{Name: "v", Value: 1})
	case 3:
		b.AddEnum64(d.name, d.size, d.bits, btf.Value{Name: "v", Value: 1})
	case 4, 5:
		b.AddStruct(d.name, d.size, members...)
	case 6:
		b.AddUnion(d.name, d.size, members...)
	case 7:
		b.AddFwd(d.name, d.bits)
	case 8:
		b.AddTypedef(d.name, ref(0))
	case 9:
		b.AddPtr(ref(0))
	case 10:
		b.AddConst(ref(0))
	case 11:
		b.AddArray(ref(0), ref(1), d.size)
	default:
		b.AddStruct("", d.size, members...)
	}
}

func types(t *testing.T, list []drawn, base *btf.Types) *btf.Types {
	t.Helper()
	b := btf.NewBuilder(base)
	for _, d := range list {
		d.add(b)
	}
	x, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func describe(x *btf.Types) string {
	var b strings.Builder
	for id := range x.All() {
		fmt.Fprintln(&b, x.Describe(id))
	}
	return b.String()
}

// elf makes the smallest file that holds .BTF and .BTF.base.
func elf(own, base []byte) []byte {
	const names = "\x00.shstrtab\x00.BTF\x00.BTF.base\x00"
	le := binary.LittleEndian
	out := append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 57)...)
	sections := make([]byte, 64)
	add := func(name string, data []byte, kind uint32) {
		s := make([]byte, 64)
		le.PutUint32(s, uint32(strings.Index(names, name)))
		le.PutUint32(s[4:], kind)
		le.PutUint64(s[24:], uint64(len(out)))
		le.PutUint64(s[32:], uint64(len(data)))
		le.PutUint64(s[48:], 1)
		sections = append(sections, s...)
		out = append(out, data...)
		out = append(out, make([]byte, -len(out)&7)...)
	}
	add(".shstrtab", []byte(names), 3)
	add(".BTF\x00", own, 1)
	add(".BTF.base", base, 1)
	le.PutUint16(out[16:], 1)  // ET_REL
	le.PutUint16(out[18:], 62) // EM_X86_64
	le.PutUint32(out[20:], 1)
	le.PutUint64(out[40:], uint64(len(out)))
	le.PutUint16(out[52:], 64)
	le.PutUint16(out[58:], 64)
	le.PutUint16(out[60:], uint16(len(sections)/64))
	le.PutUint16(out[62:], 1)
	return append(out, sections...)
}

// TestLibbpf relocates random modules as libbpf does, whose bpftool (7.5 and newer) GOBTF_BPFTOOL names: the same types, or
// refused by both. GOBTF_RELOCATIONS says how many (300).
func TestLibbpf(t *testing.T) {
	tool := os.Getenv("GOBTF_BPFTOOL")
	if tool == "" {
		t.Skip("GOBTF_BPFTOOL names no bpftool")
	}
	n := 300
	if s := os.Getenv("GOBTF_RELOCATIONS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	dir := os.Getenv("GOBTF_BPFTOOL_TMP")
	if dir == "" {
		dir = t.TempDir()
	}
	base, file := filepath.Join(dir, "base.btf"), filepath.Join(dir, "file")
	write := func(name string, data []byte) {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	dump := func() (string, error) {
		out, err := exec.Command(tool, "-B", base, "btf", "dump", "file", file).CombinedOutput()
		return string(out), err
	}
	relocated, refused := 0, map[string]int{}
	for seed := 0; seed < n && !t.Failed(); seed++ {
		rng := rand.New(rand.NewPCG(uint64(seed), 1))
		names := 2 + seed%7
		var old, target, mine []drawn
		for range 2 + rng.IntN(14) {
			d := draw(rng, names)
			old = append(old, d)
			switch rng.IntN(24) {
			case 0:
				continue
			case 1:
				d.size = 4 << rng.IntN(3)
			case 2:
				d.kind = rng.IntN(13)
			case 3:
				d.bits = !d.bits
			case 4:
				target = append(target, draw(rng, names))
			}
			target = append(target, d)
		}
		if rng.IntN(2) == 0 {
			rng.Shuffle(len(target), func(i, j int) { target[i], target[j] = target[j], target[i] })
		}
		for range 1 + rng.IntN(6) {
			mine = append(mine, draw(rng, names))
		}
		from, to := types(t, old, nil), types(t, target, nil)
		own, small, err := Distill(types(t, mine, from))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		moved, _, err := Relocate(own, to)
		write(base, to.Append(nil))
		write(file, elf(own.Append(nil), small.Append(nil)))
		want, failed := dump()
		if err != nil || failed != nil {
			if (err == nil) != (failed == nil) {
				t.Errorf("seed %d: gobtf: %v; libbpf: %v\n%s\ndistilled base\n%sbase\n%s", seed, err, failed, want, describe(small), describe(to))
			}
			var misfit *MisfitError
			said := false
			if errors.As(err, &misfit) {
				for _, m := range misfit.Misfits {
					said = said || strings.Contains(want, m.Message(to))
				}
			}
			if !said {
				t.Errorf("seed %d: %v; libbpf says\n%s", seed, err, want)
			}
			refused[fmt.Sprint(err != nil)]++
			continue
		}
		write(file, moved.Append(nil))
		got, err := dump()
		if err != nil || got != want {
			t.Errorf("seed %d: %v\nwant\n%s\ngot\n%s", seed, err, want, got)
		}
		relocated++
	}
	t.Logf("%d relocated alike, %d refused by both", relocated, refused["true"])
	if relocated == 0 || refused["true"] == 0 {
		t.Error("nothing of one sort: the test shows nothing")
	}
}
