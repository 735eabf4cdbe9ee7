package filekind

import (
	"bytes"
	"encoding/binary"
	"iter"
)

// A kernel is booted from an image (vmlinuz) that has it compressed or as it will stand in memory. The forms, each of which was looked at in
// a kernel of Debian's:
//
//	x86: bzImage       "HdrS" at 0x202; the boot protocol's header says where the compressed ELF file is (Documentation/arch/x86/boot.rst)
//	loong64, arm64: EFI zboot   "zimg" at 4, then where the compressed Image is and how large (drivers/firmware/efi/libstub/zboot-header.S)
//	arm64, riscv64, loong64: Image   the kernel as it stands in memory, with a mark at 56 (Documentation/arch/arm64/booting.rst, riscv/boot-image-header.rst)
//	arm: zImage        a mark at 36; nothing says where the compressed kernel is
//	s390: bzImage      channel programs at 8 (arch/s390/boot/ipl_parm.c, head.S); nothing says where the compressed kernel is
//
// The kernel is either an ELF file, with a section .BTF, or an image of memory, in which its BTF has to be looked for.
const (
	imageMark = 56
	armMark   = 36
	x86Mark   = 0x202
	x86Header = 0x250 // where the part of the header ends that is read here
)

func at(b []byte, off int, magic string) bool {
	return len(b) >= off && bytes.HasPrefix(b[off:], []byte(magic))
}

// IsBootImage tells whether b, a file or its first 1,024 bytes, is an image to boot a kernel from.
func IsBootImage(b []byte) bool {
	return at(b, x86Mark, "HdrS") || isZboot(b) || isImage(b) || isZImage(b) || isS390(b)
}

func isZboot(b []byte) bool { return at(b, 0, "MZ") && at(b, 4, "zimg") }

func isImage(b []byte) bool {
	return at(b, imageMark, "ARM\x64") || at(b, imageMark, "RSC\x05") || at(b, 0, "MZ") && at(b, imageMark, "\xcd\x23\x82\x81")
}

func isS390(b []byte) bool {
	return at(b, 8, "\x02\x00\x00\x18\x60\x00\x00\x50\x02\x00\x00\x68\x60\x00\x00\x50")
}

func isZImage(b []byte) bool {
	return at(b, armMark, "\x18\x28\x6f\x01") || at(b, armMark, "\x01\x6f\x28\x18")
}

// maxTries bounds the places of an image where something that looks like the beginning of compressed data is tried.
const maxTries = 16

// LZ4 is the magic number of LZ4's old format, which kernels are compressed to and nothing else is today.
const LZ4 = "\x02\x21\x4c\x18"

var compressions = []string{"\x1f\x8b\x08\x00", "\xfd7zXZ\x00", "\x28\xb5\x2f\xfd", LZ4} // gzip without a name, xz, zstd

// Kernels yields the pieces of an image that may be its compressed kernel, the likeliest first. Each begins with the compression's magic
// number. Behind the compressed data there may be more: its size, in 4 bytes, or the rest of the image. It yields nothing where the kernel is
// not compressed.
func Kernels(b []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		var off, size uint64
		switch {
		case at(b, x86Mark, "HdrS") && len(b) >= x86Header:
			sectors := uint64(b[0x1f1])
			if sectors == 0 {
				sectors = 4 // what the protocol says of images older than 2.00
			}
			off = (sectors+1)*512 + uint64(binary.LittleEndian.Uint32(b[0x248:]))
			size = uint64(binary.LittleEndian.Uint32(b[0x24c:]))
		case isZboot(b) && len(b) >= 16:
			off, size = uint64(binary.LittleEndian.Uint32(b[8:])), uint64(binary.LittleEndian.Uint32(b[12:]))
		case isZImage(b), isS390(b):
			size = uint64(len(b))
		default:
			return
		}
		if off >= uint64(len(b)) {
			return
		}
		piece := b[off:min(off+size, uint64(len(b)))]
		for tries := 0; tries < maxTries; tries++ {
			next := -1
			for _, magic := range compressions {
				if i := bytes.Index(piece, []byte(magic)); i >= 0 && (next < 0 || i < next) {
					next = i
				}
			}
			if next < 0 || !yield(piece[next:]) {
				return
			}
			piece = piece[next+1:]
		}
	}
}

// BTFIn returns the BTF in a kernel as it stands in memory, nil when there is none: the largest piece whose header fits what is there. A kernel
// also has BTF in it that belongs to its built-in BPF programs, which is smaller.
func BTFIn(image []byte) []byte {
	var best []byte
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		mark := []byte{0, 0, 1, 0} // version 1, no flags
		order.PutUint16(mark, 0xeb9f)
		for rest := image; ; {
			i := bytes.Index(rest, mark)
			if i < 0 {
				break
			}
			rest = rest[i:]
			if n := btfSize(rest, order); n > len(best) {
				best = rest[:n]
			}
			rest = rest[len(mark):]
		}
	}
	return best
}

// btfSize returns how many bytes the BTF has that b begins with, 0 when it is none: types directly behind the header and strings directly
// behind them, as all encoders write it, which begin and end with NUL.
func btfSize(b []byte, order binary.ByteOrder) int {
	const header = 24
	if len(b) < header {
		return 0
	}
	var f [5]uint64 // hdr_len, type_off, type_len, str_off, str_len
	for i := range f {
		f[i] = uint64(order.Uint32(b[4+4*i:]))
	}
	strings := f[0] + f[3]
	end := strings + f[4]
	switch {
	case f[0] < header || f[0] > 1<<10 || f[1] != 0 || f[3] != f[2] || f[4] == 0 || end > uint64(len(b)):
		return 0
	case b[strings] != 0 || b[end-1] != 0:
		return 0
	}
	return int(end)
}
