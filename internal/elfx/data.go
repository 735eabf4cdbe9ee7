package elfx

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"
)

// maxSection is the most a compressed section may grow to; DWARF of 32-bit format ends there.
const maxSection = 4 << 30

// maxDeflate is the best that deflate can do: one bit for a match of 258 bytes, twice.
const maxDeflate = 1032

// cell holds contents that are not just bytes of the file. They are made once.
type cell struct {
	once sync.Once
	data []byte
	err  error
}

// Raw returns the bytes of a section as they are in the file; none for SHT_NOBITS.
func (f *File) Raw(s *Section) ([]byte, error) {
	if s.Type == uint32(elf.SHT_NOBITS) || s.Type == uint32(elf.SHT_NULL) {
		return nil, nil
	}
	if !f.has(s.Off, s.Size) {
		return nil, f.outside("section "+s.label(), s.Off, s.Size)
	}
	return f.data[s.Off : s.Off+s.Size : s.Off+s.Size], nil
}

func (s *Section) label() string {
	if s.Name == "" {
		return fmt.Sprintf("[%d]", s.Index)
	}
	return s.Name
}

// Data returns the contents of a section: bytes of the mapped file, or a private copy when the
// section is compressed or, in a relocatable file, has relocations that debug information needs.
// A section is decompressed and relocated once, on the first call. The bytes must not be changed.
func (f *File) Data(s *Section) ([]byte, error) {
	rels := f.relocations(s)
	if !s.compressed() && len(rels) == 0 {
		return f.Raw(s)
	}
	f.mu.Lock()
	c := f.cells[s.Index]
	if c == nil {
		c = &cell{}
		if f.cells == nil {
			f.cells = map[int]*cell{}
		}
		f.cells[s.Index] = c
	}
	f.mu.Unlock()
	c.once.Do(func() { c.data, c.err = f.make(s, rels) })
	return c.data, c.err
}

func (f *File) make(s *Section, rels []*Section) ([]byte, error) {
	raw, err := f.Raw(s)
	if err != nil {
		return nil, err
	}
	b, fresh, err := f.decompress(s, raw)
	if err != nil {
		return nil, f.fail("section "+s.label(), "%w", err)
	}
	if len(rels) > 0 && len(b) > 0 {
		if !fresh {
			own := make([]byte, len(b))
			if err := f.read(own, s.Off); err != nil {
				return nil, err
			}
			b = own
		}
		for _, r := range rels {
			if err := f.relocate(s, b, r); err != nil {
				return nil, err
			}
		}
	}
	return b, nil
}

// read copies bytes of the file to b. By pread, where there is a file: pages that are needed once
// would only be mapped in to be copied.
func (f *File) read(b []byte, off uint64) error {
	if f.m.file == nil {
		copy(b, f.data[off:])
		return nil
	}
	_, err := f.m.file.ReadAt(b, int64(off))
	if err == io.EOF {
		return &Error{f.Path, "", ErrShrunk} // there was room for it when the headers were read
	}
	if err != nil {
		return f.fail(fmt.Sprintf("%#x bytes at %#x", len(b), off), "%w", cause(err))
	}
	return nil
}

// ReleaseAll is Release for all sections.
func (f *File) ReleaseAll() {
	f.mu.Lock()
	clear(f.cells)
	f.mu.Unlock()
}

// Release forgets the private copy of a section that Data made; a later Data makes it again.
func (f *File) Release(s *Section) {
	f.mu.Lock()
	delete(f.cells, s.Index)
	f.mu.Unlock()
}

func (s *Section) compressed() bool {
	return s.Flags&uint64(elf.SHF_COMPRESSED) != 0 || strings.HasPrefix(s.Name, ".zdebug")
}

// ReaderAt gives access to a section whose contents are just bytes of the file, by pread: what is read that way does not stay in memory.
// Relocations are applied to what is read. It reports nil for all other sections.
func (f *File) ReaderAt(s *Section) (io.ReaderAt, error) {
	if s.compressed() || s.Type == uint32(elf.SHT_NOBITS) || !f.has(s.Off, s.Size) {
		return nil, nil
	}
	switch rels := f.relocations(s); len(rels) {
	case 0:
	case 1:
		x, err := f.relocatedReader(s, rels[0])
		if x == nil || err != nil {
			return nil, err
		}
		return x, nil
	default:
		return nil, nil
	}
	if f.m.file == nil {
		return bytes.NewReader(f.data[s.Off : s.Off+s.Size]), nil
	}
	return io.NewSectionReader(f.m.file, int64(s.Off), int64(s.Size)), nil
}

var (
	errChdr = errors.New("compression header is cut off")
	errSize = errors.New("claimed size of the uncompressed data is impossible")
)

// decompress returns the contents of a section; fresh says that they are a private copy.
func (f *File) decompress(s *Section, b []byte) (out []byte, fresh bool, err error) {
	if s.Type == uint32(elf.SHT_NOBITS) {
		return nil, false, nil
	}
	if s.Flags&uint64(elf.SHF_COMPRESSED) != 0 {
		n := pick(f.Class64, 24, 12)
		if len(b) < n {
			return nil, false, errChdr
		}
		typ, size := elf.CompressionType(f.u32(b)), uint64(0)
		if f.Class64 {
			size = f.u64(b[8:])
		} else {
			size = uint64(f.u32(b[4:]))
		}
		switch b = b[n:]; typ {
		case elf.COMPRESS_ZLIB:
			out, err = inflate(b, size)
		case elf.COMPRESS_ZSTD:
			out, err = unzstd(b, size)
		default:
			err = fmt.Errorf("unknown compression type %d", typ)
		}
		return out, true, err
	}
	if strings.HasPrefix(s.Name, ".zdebug") && bytes.HasPrefix(b, []byte("ZLIB")) {
		if len(b) < 12 {
			return nil, false, errChdr
		}
		out, err = inflate(b[12:], binary.BigEndian.Uint64(b[4:]))
		return out, true, err
	}
	return b, false, nil
}

func inflate(b []byte, size uint64) ([]byte, error) {
	if size > maxSection || size > uint64(len(b))*maxDeflate || int64(int(size)) != int64(size) {
		return nil, fmt.Errorf("%w: %d from %d bytes of zlib data", errSize, size, len(b))
	}
	if limit, err := unpackLimit(len(b)); size > limit {
		return nil, err
	}
	zr, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	out := make([]byte, size)
	if _, err := io.ReadFull(zr, out); err != nil {
		return nil, fmt.Errorf("zlib data: %w", err)
	}
	// One more read meets the checksum, and must meet the end.
	if n, err := io.ReadFull(zr, make([]byte, 1)); n != 0 {
		return nil, fmt.Errorf("%w: more than %d bytes in zlib data", errSize, size)
	} else if err != io.EOF {
		return nil, fmt.Errorf("zlib data: %w", err)
	}
	return out, nil
}

// maxZstdWindow is what a decoder may hold however small the section is: compilers
// write frames whose window is larger than what they hold (8 MiB at their default level).
const maxZstdWindow = 8 << 20

func unzstd(b []byte, size uint64) ([]byte, error) {
	// The smallest zstd block, 4 bytes, makes at most 128 KiB.
	if size > maxSection || size > uint64(len(b))<<15 || int64(int(size)) != int64(size) {
		return nil, fmt.Errorf("%w: %d from %d bytes of zstd data", errSize, size, len(b))
	}
	if limit, err := unpackLimit(len(b)); size > limit {
		return nil, err
	}
	zr, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(max(size, maxZstdWindow)), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return nil, err
	}
	defer zr.Close()
	out, err := zr.DecodeAll(b, make([]byte, 0, size))
	if err != nil {
		return nil, fmt.Errorf("zstd data: %w", err)
	}
	if uint64(len(out)) != size {
		return nil, fmt.Errorf("%w: %d bytes in zstd data, %d claimed", errSize, len(out), size)
	}
	return out, nil
}

// Drop gives the pages of b back to the system, when b is part of the mapped file: they are read
// again when they are needed again. The pages at both ends, which others may share, stay.
func (f *File) Drop(b []byte) { f.advise(b, unix.MADV_DONTNEED) }

// WillNeed asks the system to read the pages of b ahead.
func (f *File) WillNeed(b []byte) { f.advise(b, unix.MADV_WILLNEED) }

func (f *File) advise(b []byte, advice int) {
	from := offsetIn(f.data, b)
	if !f.m.mapped || from < 0 {
		return
	}
	page := unix.Getpagesize()
	to := (from + len(b)) &^ (page - 1)
	if from = (from + page - 1) &^ (page - 1); from < to {
		unix.Madvise(f.data[from:to], advice) // advice only: nothing depends on it
	}
}

// offsetIn returns where in whole b starts, -1 when b is not part of it.
func offsetIn(whole, b []byte) int {
	if len(whole) == 0 || len(b) == 0 {
		return -1
	}
	d := addr(b) - addr(whole)
	if d >= uintptr(len(whole)) || d+uintptr(len(b)) > uintptr(len(whole)) {
		return -1
	}
	return int(d)
}
