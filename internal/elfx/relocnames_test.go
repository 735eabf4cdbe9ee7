package elfx

import (
	"debug/elf"
	"regexp"
	"strconv"
	"testing"
)

// names that say what a relocation does: R_MACHINE_ followed by ADD, SUB or SET with a width, by a width alone, or by ABS, ADDR, DIR, DATA, UA with one.
var telling = regexp.MustCompile(`^R_(?:X86_64|386|AARCH64|ARM|RISCV|LARCH|PPC64|PPC|390|SPARC|MIPS)_(ADD|SUB|SET|ABS|ADDR|UA|UADDR|)(6|8|16|24|32|64)(?:_ULEB128|_SEC)?$`)

// TestRelocationNames: the operation and the size of the types in the table are those that their names say. The names are those of Go's debug/elf, which
// has them from the machines' own documents.
func TestRelocationNames(t *testing.T) {
	name := map[elf.Machine]func(uint32) string{
		elf.EM_X86_64:    func(n uint32) string { return elf.R_X86_64(n).String() },
		elf.EM_386:       func(n uint32) string { return elf.R_386(n).String() },
		elf.EM_AARCH64:   func(n uint32) string { return elf.R_AARCH64(n).String() },
		elf.EM_ARM:       func(n uint32) string { return elf.R_ARM(n).String() },
		elf.EM_RISCV:     func(n uint32) string { return elf.R_RISCV(n).String() },
		elf.EM_LOONGARCH: func(n uint32) string { return elf.R_LARCH(n).String() },
		elf.EM_PPC64:     func(n uint32) string { return elf.R_PPC64(n).String() },
		elf.EM_PPC:       func(n uint32) string { return elf.R_PPC(n).String() },
		elf.EM_S390:      func(n uint32) string { return elf.R_390(n).String() },
		elf.EM_SPARCV9:   func(n uint32) string { return elf.R_SPARC(n).String() },
		elf.EM_MIPS:      func(n uint32) string { return elf.R_MIPS(n).String() },
	}
	checked := 0
	for m, of := range name {
		if len(relocTypes[m]) == 0 {
			t.Errorf("%v: no types", m)
		}
		for n := range uint32(maxRelocType) {
			op := relocTypes[m][n]
			parts := telling.FindStringSubmatch(of(n))
			if op == opUnknown || op == opNone || parts == nil {
				continue
			}
			checked++
			bits, err := strconv.Atoi(parts[2])
			if err != nil {
				t.Fatal(err)
			}
			want := opSet
			switch parts[1] {
			case "ADD":
				want = opAdd
			case "SUB":
				want = opSub
			}
			if bits == 6 {
				want += opSet6 - opSet
			}
			if want |= relocOp((bits + 7) / 8); op != want {
				t.Errorf("%s: %#x, want %#x", of(n), op, want)
			}
		}
	}
	if checked < 50 {
		t.Errorf("only %d types have names that tell", checked)
	}
}
