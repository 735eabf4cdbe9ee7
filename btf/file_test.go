package btf_test

import (
	"bytes"
	"compress/gzip"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/btftest"
)

// elfWith makes an ELF file that has nothing but sections.
func elfWith(order binary.ByteOrder, sections ...elfSec) []byte {
	names, body := []byte{0}, make([]byte, 64)
	shdr := make([]elf.Section64, 1)
	for _, s := range append(sections, elfSec{name: ".shstrtab", typ: elf.SHT_STRTAB}) {
		h := elf.Section64{Name: uint32(len(names)), Type: uint32(s.typ), Off: uint64(len(body)), Size: uint64(len(s.data))}
		names = append(append(names, s.name...), 0)
		if s.name == ".shstrtab" {
			s.data, h.Size = names, uint64(len(names))
		}
		if s.typ != elf.SHT_NOBITS {
			body = append(body, s.data...)
		}
		shdr = append(shdr, h)
	}
	hdr := elf.Header64{Type: uint16(elf.ET_REL), Machine: uint16(elf.EM_X86_64), Version: 1, Ehsize: 64, Shoff: uint64(len(body)),
		Shentsize: 64, Shnum: uint16(len(shdr)), Shstrndx: uint16(len(shdr) - 1)}
	copy(hdr.Ident[:], "\x7fELF\x02\x01\x01")
	if order == binary.ByteOrder(binary.BigEndian) {
		hdr.Ident[elf.EI_DATA] = byte(elf.ELFDATA2MSB)
	}
	var b bytes.Buffer
	binary.Write(&b, order, hdr)
	copy(body, b.Bytes())
	b.Reset()
	binary.Write(&b, order, shdr)
	return append(body, b.Bytes()...)
}

type elfSec struct {
	name string
	typ  elf.SectionType
	data []byte
}

func gzipped(data []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(data)
	z.Close()
	return b.Bytes()
}

func TestReadFile(t *testing.T) {
	base := btftest.EveryKind(t, binary.LittleEndian)
	raw := base.Append(nil)
	big := btftest.EveryKind(t, binary.BigEndian).Append(nil)
	b := NewBuilder(base)
	b.AddPtr(4)
	splitTypes, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	split := splitTypes.Append(nil)
	btf := func(data []byte) elfSec { return elfSec{".BTF", elf.SHT_PROGBITS, data} }
	own := func(data []byte) elfSec { return elfSec{".BTF.base", elf.SHT_PROGBITS, data} }
	le, be := binary.LittleEndian, binary.BigEndian

	tests := []struct {
		name string
		data []byte
		base *Types
		err  string // FILE stands for the path
		own  int    // own types, if there is no error
	}{
		{"raw", raw, nil, "", base.Len() - 1},
		{"raw big", big, nil, "", base.Len() - 1},
		{"elf", elfWith(le, btf(raw)), nil, "", base.Len() - 1},
		{"elf big", elfWith(be, btf(big)), nil, "", base.Len() - 1},
		{"gzip", gzipped(raw), nil, "", base.Len() - 1},
		{"elf gzip", gzipped(elfWith(le, btf(raw))), nil, "", base.Len() - 1},
		{"split", split, base, "", 1},
		{"elf split", elfWith(le, btf(split)), base, "", 1},
		{"own base", elfWith(le, btf(split), own(raw)), nil, "", 1},
		{"own base and another", elfWith(le, btf(split), own(raw)), base, "FILE: .BTF.base: has its own base: relocate it to the other one", 0},
		{"broken own base", elfWith(le, btf(split), own(raw[:60])), nil, "FILE: .BTF.base: BTF header+0x8: truncated: type section ends at 0x254, but 0x24 bytes follow the header", 0},
		{"split without base", split, nil, "FILE: BTF strings+0x0: truncated: string section is empty", 0},
		{"empty", nil, nil, "FILE: BTF header+0x0: truncated: 0 bytes of at least 24", 0},
		{"text", []byte("hello, world"), nil, "FILE: neither BTF nor an ELF file: it is text", 0},
		{"truncated", raw[:100], nil, "FILE: BTF header+0x8: truncated: type section ends at 0x254, but 0x4c bytes follow the header", 0},
		{"no section", elfWith(le), nil, "FILE: no .BTF section", 0},
		{"no content", elfWith(le, elfSec{".BTF", elf.SHT_NOBITS, raw}), nil, "FILE: .BTF: section has no content in this file", 0},
		{"elf, broken", elfWith(le, btf(raw))[:70], nil, "FILE: broken ELF: ", 0},
		{"elf of 4 bytes", []byte("\x7fELF"), nil, "FILE: broken ELF: ", 0},
		{"xz", []byte("\xfd7zXZ\x00..."), nil, "FILE: compressed with xz: decompress it first", 0},
		{"zstd", []byte("\x28\xb5\x2f\xfd..."), nil, "FILE: compressed with zstd: decompress it first", 0},
		{"broken gzip", gzipped(raw)[:60], nil, "FILE: gzip: unexpected EOF", 0},
	}
	dir := t.TempDir()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(dir, strings.ReplaceAll(tt.name, " ", "-"))
			if err := os.WriteFile(path, tt.data, 0o666); err != nil {
				t.Fatal(err)
			}
			ts, err := ReadFile(path, tt.base)
			if tt.err != "" {
				if err == nil {
					t.Fatal("no error")
				}
				got := strings.Replace(err.Error(), path, "FILE", 1)
				if !strings.HasPrefix(got, tt.err) || got != tt.err && !strings.HasSuffix(tt.err, ": ") || strings.Contains(got, "\n") {
					t.Errorf("error is\n%s, want\n%s", got, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if n := ts.Len() - int(ts.Start()); n != tt.own {
				t.Errorf("%d own types, want %d", n, tt.own)
			}
			if strings.Contains(tt.name, "big") != ts.BigEndian() {
				t.Error("wrong byte order")
			}
		})
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none"): "FILE: no such file or directory",
		dir:                        "FILE: is a directory",
	} {
		if _, err := ReadFile(path, nil); err == nil || strings.Replace(err.Error(), path, "FILE", 1) != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// A broken ELF file gives an error, never a panic.
func TestBrokenELF(t *testing.T) {
	data := elfWith(binary.LittleEndian, elfSec{".BTF", elf.SHT_PROGBITS, valid(t)})
	for i := range data {
		for _, v := range []byte{0, 0x7f, 0xff} {
			old := data[i]
			data[i] = v
			if c, err := ElfContents(bytes.NewReader(data)); err == nil {
				Parse(c.BTF(), nil)
			}
			data[i] = old
		}
		ElfContents(bytes.NewReader(data[:i]))
	}
}

// TestReadBase: what an ELF file says besides its types comes with them, and who can decompress is asked to.
func TestReadBase(t *testing.T) {
	long := bytes.Repeat([]byte("no banner here. "), 8189) // 131024 bytes: what follows begins in one piece that is read and ends in the next
	banner := []byte("Linux version 6.12.1-x (gcc) #1 SMP\n\x00")
	elfOf := func(rodata []byte) []byte {
		return elfWith(binary.LittleEndian, elfSec{".BTF", elf.SHT_PROGBITS, valid(t)}, elfSec{".rodata", elf.SHT_PROGBITS, rodata})
	}
	far := map[string][]byte{}
	for cut := range 40 {
		far[fmt.Sprint("far ", cut)] = append(bytes.Clone(long[:65536-160-cut]), banner...)
		far[fmt.Sprint("over the edge ", cut)] = append(bytes.Clone(long[:65536-cut]), banner...)
	}
	type file struct {
		data    []byte
		release string
		machine elf.Machine
	}
	files := map[string]file{
		"BTF":       {data: valid(t)},
		"vmlinux":   {elfOf(append([]byte("\x00abc"), banner...)), "6.12.1-x", elf.EM_X86_64},
		"at end":    {elfOf(banner[:23]), "6.12.1-x", elf.EM_X86_64},
		"format":    {elfOf([]byte("Linux version %s (")), "", elf.EM_X86_64},
		"no space":  {elfOf([]byte("Linux version 6")), "", elf.EM_X86_64},
		"no banner": {elfOf(long), "", elf.EM_X86_64},
		"gzip":      {gzipped(elfOf(banner)), "6.12.1-x", elf.EM_X86_64},
		"xz":        {append([]byte("\xfd7zXZ\x00"), elfOf(banner)...), "6.12.1-x", elf.EM_X86_64},
	}
	for name, rodata := range far {
		files[name] = file{elfOf(rodata), "6.12.1-x", elf.EM_X86_64}
	}
	unpack := func(b []byte) ([]byte, error) {
		if z, err := gzip.NewReader(bytes.NewReader(b)); err == nil {
			return io.ReadAll(z)
		}
		return b[6:], nil
	}
	for name, f := range files {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, f.data, 0o644); err != nil {
			t.Fatal(err)
		}
		b, err := ReadBase(path, unpack, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if b.Len() != 3 || b.Release != f.release || elf.Machine(b.Machine) != f.machine {
			t.Errorf("%s: %d types of release %q for %v, want %q for %v", name, b.Len(), b.Release, elf.Machine(b.Machine), f.release, f.machine)
		}
		if _, err := ReadBase(path, nil, nil); (err != nil) != (name == "xz") {
			t.Errorf("%s: without help: %v", name, err)
		}
	}
}
