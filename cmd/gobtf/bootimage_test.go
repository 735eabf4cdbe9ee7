package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/module"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// compress returns b compressed as a kernel build does it: kernels that xz compresses pass a filter for their machine's code first.
func compress(t *testing.T, how string, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	switch how {
	case "gzip":
		w = gzip.NewWriter(&out)
	case "zstd":
		z, err := zstd.NewWriter(&out)
		if err != nil {
			t.Fatal(err)
		}
		w = z
	case "lz4":
		z := lz4.NewWriter(&out)
		if err := z.Apply(lz4.LegacyOption(true)); err != nil {
			t.Fatal(err)
		}
		w = z
	case "xz":
		cmd := exec.Command("xz", "--check=crc32", "--x86", "--lzma2=dict=32MiB", "--stdout")
		cmd.Stdin = bytes.NewReader(b)
		packed, err := cmd.Output()
		if err != nil {
			t.Skip("no xz program")
		}
		return packed
	}
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// sized appends a size in 4 bytes, as kernel builds do behind everything that is not gzip, which has it already.
func sized(how string, packed, plain []byte) []byte {
	if how == "gzip" {
		return packed
	}
	return binary.LittleEndian.AppendUint32(packed, uint32(len(plain)))
}

// bzImage, zboot and zImage make images to boot from with the fields that Debian's have, and nothing else.
func bzImage(payload []byte) []byte {
	b := make([]byte, 5*512+0x100)
	b[0x1f1] = 4
	copy(b[0x202:], "HdrS\x0f\x02")
	binary.LittleEndian.PutUint32(b[0x248:], 0x100)
	binary.LittleEndian.PutUint32(b[0x24c:], uint32(len(payload)))
	return append(append(b, payload...), bytes.Repeat([]byte{0xcc}, 3000)...)
}

func zboot(payload []byte) []byte {
	b := make([]byte, 0x400)
	copy(b, "MZ\x00\x00zimg")
	binary.LittleEndian.PutUint32(b[8:], 0x400)
	binary.LittleEndian.PutUint32(b[12:], uint32(len(payload)))
	copy(b[56:], "\xcd\x23\x82\x81")
	return append(append(b, payload...), bytes.Repeat([]byte{0xcc}, 3000)...)
}

func zImage(payload []byte) []byte {
	b := make([]byte, 0x400)
	copy(b[36:], "\x18\x28\x6f\x01")
	copy(b[0x100:], "\x1f\x8b\x08\x00 by chance") // what only looks like compressed data
	copy(b[0x200:], "\x28\xb5\x2f\xfd by chance")
	return append(append(b, payload...), bytes.Repeat([]byte{0xcc}, 3000)...)
}

func s390Image(payload []byte) []byte {
	b := zImage(payload)
	clear(b[:64])
	copy(b[8:], "\x02\x00\x00\x18\x60\x00\x00\x50\x02\x00\x00\x68\x60\x00\x00\x50")
	return b
}

// memory is a kernel as it stands in memory: its banner, BTF of a built-in BPF program, its own BTF and something behind it.
func memory(own []byte, big bool) []byte {
	small, mark := []byte{0x9f, 0xeb, 1, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}, []byte{0x9f, 0xeb, 1, 0}
	if big {
		small, mark = []byte{0xeb, 0x9f, 1, 0, 0, 0, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0}, []byte{0xeb, 0x9f, 1, 0}
	}
	b := make([]byte, 5000)
	copy(b, "MZ")
	copy(b[56:], "ARM\x64")
	b = append(b, "Linux version 6.12.7-image (me@here) #1\n\x00"...)
	b = append(append(b, mark...), bytes.Repeat([]byte{0xff}, 60)...) // a header that fits nothing
	b = append(append(b, small...), 7)
	b = append(append(b, own...), small...)
	return append(b, make([]byte, 1000)...)
}

// TestBootImage reads a kernel's BTF out of images to boot from, in each form and compression that kernels have, by all that reads BTF: it
// is the same as the vmlinux has.
func TestBootImage(t *testing.T) {
	dir := t.TempDir()
	vmlinux := filepath.Join(dir, "vmlinux")
	elf, err := os.ReadFile("../../testdata/image/x86_64-lld-empty.elf")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(vmlinux, elf, 0o600); err != nil {
		t.Fatal(err)
	}
	output(t, "-J", vmlinux)
	if elf, err = os.ReadFile(vmlinux); err != nil {
		t.Fatal(err)
	}
	own, _, err := btf.ReadSections(vmlinux)
	if err != nil {
		t.Fatal(err)
	}
	bigELF, err := os.ReadFile("../../testdata/image/s390x-lld-empty.elf")
	if err != nil {
		t.Fatal(err)
	}
	big := filepath.Join(dir, "s390x")
	if err := os.WriteFile(big, bigELF, 0o600); err != nil {
		t.Fatal(err)
	}
	output(t, "-J", big)
	bigOwn, _, err := btf.ReadSections(big)
	if err != nil {
		t.Fatal(err)
	}
	mem, bigMem := memory(own, false), memory(bigOwn, true)
	type image struct {
		name    string
		data    []byte
		own     []byte
		release string
	}
	images := []image{{"Image", mem, own, "6.12.7-image"}}
	for _, how := range []string{"gzip", "zstd", "lz4", "xz"} {
		if _, err := exec.LookPath("xz"); how == "xz" && err != nil {
			continue
		}
		images = append(images,
			image{"bzImage " + how, bzImage(sized(how, compress(t, how, elf), elf)), own, ""},
			image{"zboot " + how, zboot(sized(how, compress(t, how, mem), mem)), own, "6.12.7-image"},
			image{"zImage " + how, zImage(sized(how, compress(t, how, mem), mem)), own, "6.12.7-image"},
			image{"s390 " + how, s390Image(sized(how, compress(t, how, bigMem), bigMem)), bigOwn, "6.12.7-image"})
	}
	for _, i := range images {
		t.Run(i.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "vmlinuz")
			if err := os.WriteFile(path, i.data, 0o600); err != nil {
				t.Fatal(err)
			}
			b, err := module.ReadBTF(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(b.Own, i.own) {
				t.Errorf("%d bytes of BTF, want the %d of vmlinux", len(b.Own), len(i.own))
			}
			base, err := module.ReadBase(path)
			if err != nil {
				t.Fatal(err)
			}
			want, err := btf.Parse(i.own, nil)
			if err != nil {
				t.Fatal(err)
			}
			if base.Types.Len() != want.Len() || base.Release != i.release {
				t.Errorf("a base of %d types, release %q, want %d and %q", base.Types.Len(), base.Release, want.Len(), i.release)
			}
			if got := output(t, "verify", path); !strings.Contains(got, " bytes of standalone BTF: good") {
				t.Errorf("verify: %s", got)
			}
			// Nothing is written into an image: it is no ELF file.
			var said bytes.Buffer
			if rc := run(context.Background(), []string{"gobtf", "-J", path}, io.Discard, &said); rc != 1 || !strings.Contains(said.String(), "image to boot from (vmlinuz)") {
				t.Errorf("-J: %d, %s", rc, said.String())
			}
		})
	}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"cut":             {bzImage(compress(t, "zstd", elf)[:200])[:2900], "no compressed kernel was found"},
		"no payload":      {bzImage(nil), "no compressed kernel was found"},
		"only the header": {bzImage(nil)[:0x210], "no compressed kernel was found"},
		"far away":        {bzImage(nil)[:1000], "no compressed kernel was found"},
		"no kernel":       {zImage(compress(t, "gzip", []byte("something else"))), "no compressed kernel was found"},
		"no BTF":          {bytes.ReplaceAll(mem, []byte("\xeb\x01\x00"), []byte("\xeb\x01\x01")), "BTF"},
		"bomb":            {bzImage(compress(t, "zstd", make([]byte, 64<<20))), "no compressed kernel was found"},
	} {
		path := filepath.Join(t.TempDir(), "vmlinuz")
		if err := os.WriteFile(path, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		for reader, err := range map[string]error{
			"ReadBTF":  func() error { _, err := module.ReadBTF(path); return err }(),
			"ReadBase": func() error { _, err := module.ReadBase(path); return err }(),
		} {
			if err == nil || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %s: %v, want %q", name, reader, err, c.want)
			}
		}
	}
}
