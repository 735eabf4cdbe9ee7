package batch

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"errors"
	"path/filepath"

	"github.com/gobtf/gobtf/module"
	"github.com/ulikunitz/xz"
)

// btfhubOut returns where a kernel's BTF is in the tree of BTFHub: ID/VERSION/ARCH/RELEASE.btf.tar.xz below OutDir.
func (r *run) btfhubOut(f *module.File, it *item) (string, error) {
	if it.release == "" {
		it.release, _ = f.Release()
	}
	if it.release == "" || it.release != filepath.Base(it.release) {
		return "", errors.New("neither its path nor its contents say which release it is")
	}
	return filepath.Join(r.opt.OutDir, r.opt.BTFHub, hubArch(f), it.release+".btf.tar.xz"), nil
}

// hubArch is what BTFHub, and else uname -m, calls a machine.
func hubArch(f *module.File) string {
	little := !f.BigEndian()
	switch f.Machine() {
	case elf.EM_X86_64:
		return "x86_64"
	case elf.EM_AARCH64:
		return "arm64"
	case elf.EM_386:
		return "i386"
	case elf.EM_ARM:
		return "arm"
	case elf.EM_PPC64:
		if little {
			return "ppc64le"
		}
		return "ppc64"
	case elf.EM_S390:
		return "s390x"
	case elf.EM_RISCV:
		return "riscv64"
	case elf.EM_LOONGARCH:
		return "loongarch64"
	case elf.EM_MIPS:
		if f.PointerSize() == 8 {
			return "mips64"
		}
		return "mips"
	}
	return f.Machine().String()
}

// btfhubFile packs one BTF as BTFHub does: a tar with RELEASE.btf in it, compressed by xz. Times and owners are always the same.
func btfhubFile(release string, data []byte) ([]byte, error) {
	var b bytes.Buffer
	z, err := xz.NewWriter(&b)
	if err != nil {
		return nil, err
	}
	t := tar.NewWriter(z)
	if err := t.WriteHeader(&tar.Header{Name: release + ".btf", Mode: 0o644, Size: int64(len(data)), Typeflag: tar.TypeReg, Format: tar.FormatUSTAR}); err != nil {
		return nil, err
	}
	if _, err := t.Write(data); err != nil {
		return nil, err
	}
	if err := errors.Join(t.Close(), z.Close()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
