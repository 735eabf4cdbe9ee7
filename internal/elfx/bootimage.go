package elfx

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"

	"github.com/gobtf/gobtf/internal/filekind"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// MapBTF opens path as Map does, for what wants its BTF alone: of an image to boot from it gives the kernel that is in it, an ELF file, or
// where the kernel is not one, its BTF. Nothing can be written back then.
func MapBTF(path string) (*Mapping, error) {
	m, err := Map(path)
	if err != nil || !filekind.IsBootImage(m.Data) {
		return m, err
	}
	var kernel []byte
	err = Guard(func() (err error) {
		if kernel, err = bootKernel(m.Data); err != nil || bytes.HasPrefix(kernel, []byte("\x7fELF")) {
			return err
		}
		if kernel = bytes.Clone(filekind.BTFIn(kernel)); kernel == nil {
			return errors.New("no BTF is in this kernel")
		}
		return nil
	})
	m.Close()
	if err != nil {
		return nil, &Error{path, "", err}
	}
	return &Mapping{Data: kernel}, nil
}

var (
	errNoKernel  = errors.New("an image to boot from (vmlinuz) in which no compressed kernel was found that gobtf can unpack (gzip, xz, zstd, lz4)")
	errXZMissing = errors.New("an image to boot from (vmlinuz) whose kernel is compressed with xz and a filter for machine code: gobtf needs the program xz for it")
)

// bootKernel returns the kernel in an image to boot from: an ELF file, or the kernel as it stands in memory, which is the image itself where
// it is not compressed.
func bootKernel(b []byte) ([]byte, error) {
	err := error(nil)
	found := false
	for piece := range filekind.Kernels(b) {
		found = true
		kernel, e := decompressKernel(piece)
		if e == nil && (bytes.HasPrefix(kernel, []byte("\x7fELF")) || bytes.Contains(kernel, []byte("Linux version "))) {
			return kernel, nil
		}
		if errors.Is(e, errXZMissing) {
			err = e
		}
	}
	switch {
	case err != nil:
		return nil, err
	case found || !bytes.Contains(b, []byte("Linux version ")):
		return nil, errNoKernel
	}
	return b, nil
}

// decompressKernel unpacks what b begins with. What follows the compressed data does not count.
func decompressKernel(b []byte) ([]byte, error) {
	var r io.Reader
	switch kind := sniff(b); {
	case bytes.HasPrefix(b, []byte(filekind.LZ4)):
		r = lz4.NewReader(bytes.NewReader(b[:lz4Size(b)]))
	case kind == "gzip":
		zr, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return nil, err
		}
		zr.Multistream(false)
		r = zr
	case kind == "zstd":
		zr, err := zstdReader(b)
		if err != nil {
			return nil, err
		}
		defer zr.Close()
		r = oneFrame{zr}
	case kind == "xz":
		return xzKernel(b)
	default:
		return nil, errNoKernel
	}
	return readUnpacked(r, len(b))
}

// lz4Size returns how many bytes LZ4 data in the old format has that b begins with: blocks, each behind its size, without an end mark.
func lz4Size(b []byte) int {
	const longest = 8<<20 + 8<<20/255 + 16 // 8 MiB that do not compress
	end := len(filekind.LZ4)
	for end+4 <= len(b) {
		n := binary.LittleEndian.Uint32(b[end:])
		if n == 0 || n > longest || int(n) > len(b)-end-4 {
			break
		}
		end += 4 + int(n)
	}
	return end
}

// oneFrame ends where what follows a zstd frame is no other frame.
type oneFrame struct{ r io.Reader }

func (o oneFrame) Read(b []byte) (int, error) {
	n, err := o.r.Read(b)
	if errors.Is(err, zstd.ErrMagicMismatch) {
		err = io.EOF
	}
	return n, err
}

// xzKernel has the program xz unpack b. Kernels are compressed with a filter for their machine's code before LZMA2, which the Go library does
// not know.
func xzKernel(b []byte) ([]byte, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cmd := xzCommand(ctx, b, "--decompress", "--stdout", "--single-stream", "--format=xz", "--memlimit=512MiB")
	if cmd == nil {
		return nil, errXZMissing
	}
	pipe, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, err
	}
	out, err := readUnpacked(pipe, len(b))
	cancel() // what has not come by now is not wanted
	ended := cmd.Wait()
	switch {
	case err != nil:
		return nil, err
	case len(out) == 0 && ended != nil:
		return nil, ended
	}
	return out, nil
}
