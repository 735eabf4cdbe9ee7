package elfx

import (
	"debug/elf"
	"sync"
)

// relocOp says what a relocation type does: the operation, and in the low bits the field's bytes.
type relocOp uint8

const (
	sizeMask relocOp = 0x0f

	opUnknown relocOp = 0
	// opNone: R_*_NONE, marks for linker relaxation, and offsets of thread local variables, which
	// elfutils leaves as they are, too.
	opNone    relocOp = 0x10
	opSet     relocOp = 0x20
	opAdd     relocOp = 0x30
	opSub     relocOp = 0x40
	opSet6    relocOp = 0x50
	opAdd6    relocOp = 0x60
	opSub6    relocOp = 0x70
	opSetULEB relocOp = 0x80
	opAddULEB relocOp = 0x90
	opSubULEB relocOp = 0xa0
)

// maxRelocType bounds the numbers in the tables below; AArch64's TLS types are the highest.
const maxRelocType = 1040

var arcTypes = map[uint32]relocOp{1: opSet | 1, 2: opSet | 2, 4: opSet | 4} // 8 16 32

// relocTypes lists the types that occur in debug sections, as `make machines` found them in what compilers write (build/machines/kept/relocations
// has its list), and those that differ from them in size alone. R_*_NONE is 0 everywhere.
var relocTypes = map[elf.Machine]map[uint32]relocOp{
	elf.EM_X86_64: {
		1: opSet | 8, 10: opSet | 4, 11: opSet | 4, 12: opSet | 2, 14: opSet | 1, // 64 32 32S 16 8
		17: opNone, 21: opNone, 25: opNone, // DTPOFF64 DTPOFF32 GOTOFF64
	},
	elf.EM_386: {
		1: opSet | 4, 20: opSet | 2, 22: opSet | 1, // 32 16 8
		9: opNone, 32: opNone, // GOTOFF (gcc -fpic, where a value is an address) TLS_LDO_32: libdw leaves both as they are
	},
	elf.EM_AARCH64: {
		256: opNone, 257: opSet | 8, 258: opSet | 4, 259: opSet | 2, // NONE ABS64 ABS32 ABS16
		1028: opNone, 1029: opNone, // TLS_DTPMOD64 TLS_DTPREL64
	},
	elf.EM_ARM: {
		2: opSet | 4, 5: opSet | 2, 8: opSet | 1, // ABS32 ABS16 ABS8
		18: opNone, 106: opNone, // TLS_DTPOFF32 TLS_LDO32
	},
	elf.EM_S390: {
		1: opSet | 1, 3: opSet | 2, 4: opSet | 4, 22: opSet | 8, // 8 16 32 64
		52: opNone, 53: opNone, 55: opNone, // TLS_LDO32 TLS_LDO64 TLS_DTPOFF
	},
	elf.EM_PPC64: {
		1: opSet | 4, 24: opSet | 4, 38: opSet | 8, 43: opSet | 8, // ADDR32 UADDR32 ADDR64 UADDR64
		78: opNone, // DTPREL64
	},
	elf.EM_PPC: {
		1: opSet | 4, 24: opSet | 4, // ADDR32 UADDR32
		78: opNone, // DTPREL32
	},
	elf.EM_RISCV: {
		1: opSet | 4, 2: opSet | 8, // 32 64
		8: opNone, 9: opNone, // TLS_DTPREL32 TLS_DTPREL64
		33: opAdd | 1, 34: opAdd | 2, 35: opAdd | 4, 36: opAdd | 8,
		37: opSub | 1, 38: opSub | 2, 39: opSub | 4, 40: opSub | 8,
		43: opNone, 51: opNone, // ALIGN RELAX
		52: opSub6 | 1, 53: opSet6 | 1,
		54: opSet | 1, 55: opSet | 2, 56: opSet | 4,
		60: opSetULEB | 1, 61: opSubULEB | 1,
	},
	elf.EM_LOONGARCH: {
		1: opSet | 4, 2: opSet | 8, // 32 64
		8: opNone, 9: opNone, // TLS_DTPREL32 TLS_DTPREL64
		47: opAdd | 1, 48: opAdd | 2, 49: opAdd | 3, 50: opAdd | 4, 51: opAdd | 8,
		52: opSub | 1, 53: opSub | 2, 54: opSub | 3, 55: opSub | 4, 56: opSub | 8,
		100: opNone, 102: opNone, // RELAX ALIGN
		105: opAdd6 | 1, 106: opSub6 | 1, 107: opAddULEB | 1, 108: opSubULEB | 1,
	},
	elf.EM_MIPS: {
		1: opSet | 2, 2: opSet | 4, 18: opSet | 8, // 16 32 64
		39: opNone, 41: opNone, // TLS_DTPREL32 TLS_DTPREL64
	},
	elf.EM_SPARCV9: {
		3: opSet | 4, 23: opSet | 4, 32: opSet | 8, 54: opSet | 8, // 32 UA32 64 UA64
		76: opNone, 77: opNone, // TLS_DTPOFF32 TLS_DTPOFF64
	},
	elf.EM_SPARC:  {3: opSet | 4, 23: opSet | 4, 76: opNone}, // 32 UA32 TLS_DTPOFF32
	elf.EM_68K:    {1: opSet | 4, 2: opSet | 2, 3: opSet | 1, 31: opNone},
	elf.EM_PARISC: {1: opSet | 4, 41: opSet | 4, 80: opSet | 8}, // DIR32 SECREL32 DIR64
	// The addend stands in place, and the entry's own is 0: both are added, which is right where it is the other way round, too.
	elf.EM_SH:           {1: opAdd | 4, 146: opNone, 150: opNone}, // DIR32
	elf.EM_ARC_COMPACT:  arcTypes,
	elf.EM_ARC_COMPACT2: arcTypes,
	elf.EM_ALPHA:        {1: opSet | 4, 2: opSet | 8},               // REFLONG REFQUAD
	elf.EM_QDSP6:        {6: opSet | 4, 7: opSet | 2, 8: opSet | 1}, // 32 16 8 of Hexagon
	// 32, as on SH; PDIFF8 PDIFF16 PDIFF32: the difference stands in place, for the linker to mend when it makes code shorter.
	elf.EM_XTENSA:      {1: opAdd | 4, 57: opNone, 58: opNone, 59: opNone},
	252 /* EM_CSKY */ : {1: opSet | 4},
	elf.EM_OPENRISC:    {1: opSet | 4, 2: opSet | 2, 3: opSet | 1},
	elf.EM_MICROBLAZE:  {1: opSet | 4},
	// libdw, and with it the reference, relocates nothing in BPF objects: addends stand in place, and section addresses are not added.
	elf.EM_BPF: {1: opNone, 2: opNone, 3: opNone, 4: opNone, 10: opNone}, // 64_64 64_ABS64 64_ABS32 64_NODYLD32 64_32
}

type relocTable [maxRelocType]relocOp

var (
	relocTables   = map[elf.Machine]*relocTable{}
	relocTablesMu sync.Mutex
)

// relocOps returns the table of a machine, nil when the machine is not known.
func relocOps(m elf.Machine) *relocTable {
	if m == elf.EM_SPARC32PLUS {
		m = elf.EM_SPARC
	}
	types := relocTypes[m]
	if types == nil {
		return nil
	}
	relocTablesMu.Lock()
	defer relocTablesMu.Unlock()
	t := relocTables[m]
	if t == nil {
		t = &relocTable{}
		t[0] = opNone
		for typ, op := range types {
			t[typ] = op
		}
		relocTables[m] = t
	}
	return t
}
