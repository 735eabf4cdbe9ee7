package encoder

import (
	"debug/elf"

	"github.com/gobtf/gobtf/internal/convert"
)

// registersOf returns how a machine passes the first parameters
// (rule params/machines). Machines that are not in the table pass none.
// Rule params/machines.
func registersOf(m elf.Machine) convert.Registers {
	switch m {
	case elf.EM_X86_64:
		return convert.Registers{N: 6, DWARF: []int{5, 4, 1, 2, 8, 9}}
	case elf.EM_S390:
		return convert.Registers{N: 5, DWARF: []int{2, 3, 4, 5, 6}, OneSlot: true}
	case elf.EM_ARM, elf.EM_AARCH64:
		return convert.Registers{N: 8, DWARF: []int{0, 1, 2, 3, 4, 5, 6, 7}}
	case elf.EM_SPARC, elf.EM_SPARCV9:
		return convert.Registers{N: 6}
	case elf.EM_ARC, elf.EM_MIPS, elf.EM_PPC, elf.EM_PPC64, elf.EM_RISCV:
		return convert.Registers{N: 8}
	}
	return convert.Registers{}
}
