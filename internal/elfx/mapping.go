package elfx

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/gobtf/gobtf/internal/filekind"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
	"golang.org/x/sys/unix"
)

const (
	// maxWhole is the most a file that is compressed as a whole may grow to, and the most that is
	// read from something that cannot be mapped. Debug vmlinux files of all-yes kernels have 3 GB.
	maxWhole = 8 << 30
	// maxDict bounds the dictionary (xz) and the window (zstd) that a file may ask for.
	// xz -9 uses 64 MiB, zstd --ultra --long 128 MiB.
	maxDict = 256 << 20
)

// Mapping is the contents of a whole file: mapped, or in memory when it was compressed.
type Mapping struct {
	Data        []byte
	Compression string // "", "gzip", "zstd", "xz"

	origin *origin  // the open file and its folder; nil for pipes and other streams
	file   *os.File // origin's, when Data is just its bytes
	mapped bool
}

var opened, decompressed atomic.Int64

// Opened returns how many files this process has opened, and how many of them it has decompressed as a whole. Tests look at it: each
// file shall be opened once.
func Opened() (files, unpacked int64) { return opened.Load(), decompressed.Load() }

// Map opens path and gives its contents, decompressed if the file is compressed as a whole. It does not care what the file holds. A
// pipe, such as /dev/stdin or the shell's <(...), is read to its end; other devices are refused.
func Map(path string) (*Mapping, error) {
	m, err := mapPath(path)
	if err != nil {
		return nil, &Error{path, "", cause(err)}
	}
	opened.Add(1)
	m.register(path)
	return m, nil
}

func mapPath(path string) (*Mapping, error) {
	st, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case st.IsDir():
		return nil, unix.EISDIR
	case st.Mode()&os.ModeDevice != 0 && st.Mode()&os.ModeCharDevice != 0:
		return nil, errors.New("is a character device")
	case st.Mode()&os.ModeDevice != 0:
		return nil, errors.New("is a block device")
	case st.Mode().Type() == os.ModeSocket:
		return nil, errors.New("is a socket")
	case !st.Mode().IsRegular():
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		b, err := readLimited(f, maxWhole, 0)
		if err != nil {
			return nil, err
		}
		return unpacked(&Mapping{Data: b}, path)
	}
	o, err := openOrigin(path)
	if err != nil {
		return nil, err
	}
	m, err := mapFile(o, path)
	if err != nil {
		o.close()
		return nil, err
	}
	return m, nil
}

// MapFile gives the contents of a regular file that is open already, which need not have a name any more. path is used in messages. The file
// must stay open until Close, which leaves it open; nothing can be written back.
func MapFile(f *os.File, path string) (*Mapping, error) {
	o := &origin{file: f}
	if err := unix.Fstat(int(f.Fd()), &o.st); err != nil {
		return nil, &Error{path, "", err}
	}
	m, err := mapFile(o, path)
	if err != nil {
		return nil, &Error{path, "", cause(err)}
	}
	m.origin = nil
	opened.Add(1)
	m.register(path)
	return m, nil
}

// cause takes the operation and the path off an error of package os: Error has the path already.
func cause(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	var le *os.LinkError
	if errors.As(err, &le) {
		return le.Err
	}
	var se *os.SyscallError
	if errors.As(err, &se) {
		return se.Err
	}
	return err
}

func mapFile(o *origin, path string) (*Mapping, error) {
	m := &Mapping{origin: o}
	size := o.st.Size
	if size > 0 && int64(int(size)) == size {
		b, err := unix.Mmap(int(o.file.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_PRIVATE)
		if err == nil {
			m.Data, m.file, m.mapped = b, o.file, true
		}
	}
	if !m.mapped {
		// Files of sysfs, such as /sys/kernel/btf/vmlinux on older kernels.
		b, err := readLimited(o.file, maxWhole, size)
		if err != nil {
			return nil, cause(err)
		}
		m.Data = b
	}
	return unpacked(m, path)
}

// unpacked decompresses a file that is compressed as a whole. On an error m holds nothing any more.
func unpacked(m *Mapping, path string) (*Mapping, error) {
	kind := sniff(m.Data)
	if kind == "" {
		return m, nil
	}
	decompressed.Add(1)
	var plain []byte
	m.register(path)
	err := Guard(func() (err error) {
		plain, err = decompressWhole(kind, m.Data)
		return err
	})
	if m.mapped {
		m.unregister()
		unix.Munmap(m.Data)
	}
	if err != nil {
		return nil, fmt.Errorf("%s data: %w", kind, err)
	}
	return &Mapping{Data: plain, Compression: kind, origin: m.origin}, nil
}

// Close gives the memory back: Data and everything that points into it must no longer be used.
func (m *Mapping) Close() error {
	var err error
	if m.mapped {
		m.unregister()
		err = unix.Munmap(m.Data)
	}
	m.Data, m.mapped = nil, false
	if m.origin != nil {
		err = errors.Join(err, m.origin.close())
		m.origin, m.file = nil, nil
	}
	return err
}

func sniff(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte{0x1f, 0x8b, 8}):
		return "gzip"
	case bytes.HasPrefix(b, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return "zstd"
	case bytes.HasPrefix(b, []byte{0xfd, '7', 'z', 'X', 'Z', 0}):
		return "xz"
	}
	return ""
}

// Decompress returns the contents of a file that is compressed as a whole, with what Map knows, and the kernel in an image to boot from.
func Decompress(b []byte) ([]byte, error) {
	if filekind.IsBootImage(b) {
		return bootKernel(b)
	}
	kind := sniff(b)
	if kind == "" {
		return nil, errors.New("decompress it first")
	}
	return decompressWhole(kind, b)
}

var (
	errTooLarge = errors.New("larger than gobtf accepts")
	errTooDense = fmt.Errorf("unpacks to more than %d times its size, as no module or kernel does (--max_unpacked=SIZE accepts it)", maxRatio)
	errNeither  = errors.New("what it unpacks to is neither ELF nor BTF")
)

const (
	// maxRatio is how many times its size compressed data may unpack to. Modules and debug sections unpack to 4 to 20 times theirs.
	maxRatio = 100
	// minUnpacked may always come out: short sections with much of the same are short.
	minUnpacked = 1 << 20
)

var maxUnpacked atomic.Uint64

// SetMaxUnpacked lets any compressed file or section unpack to n bytes, whatever its own size, and none to more. 0 is the default: 100
// times its size, and 8 GiB, which is three times the debug vmlinux of a kernel with all options. It holds for the whole process.
func SetMaxUnpacked(n uint64) { maxUnpacked.Store(n) }

// unpackLimit returns how many bytes n compressed bytes may unpack to, and what is wrong when there are more.
func unpackLimit(n int) (limit uint64, err error) {
	if m := maxUnpacked.Load(); m != 0 {
		return m, fmt.Errorf("unpacks to more than --max_unpacked=%d", m)
	}
	limit = max(minUnpacked, maxRatio*uint64(n))
	if limit >= maxWhole {
		return maxWhole, errTooLarge
	}
	return limit, errTooDense
}

func decompressWhole(kind string, b []byte) ([]byte, error) {
	var r io.Reader
	switch kind {
	case "gzip":
		zr, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return nil, err
		}
		r = zr
	case "zstd":
		zr, err := zstdReader(b)
		if err != nil {
			return nil, err
		}
		defer zr.Close()
		r = zr
	case "xz":
		if err := checkXZ(b); err != nil {
			return nil, err
		}
		zr, err := xz.ReaderConfig{SingleStream: true}.NewReader(bytes.NewReader(b))
		if err != nil {
			return nil, err
		}
		r = zr
	}
	// The beginning is looked at before the rest is unpacked.
	start := make([]byte, 4)
	switch n, err := io.ReadFull(r, start); {
	case err != nil && err != io.EOF && err != io.ErrUnexpectedEOF:
		return nil, err
	case !bytes.HasPrefix(start[:n], []byte("\x7fELF")) && !filekind.IsBTF(start[:n]):
		return nil, errNeither
	}
	return readUnpacked(io.MultiReader(bytes.NewReader(start), r), len(b))
}

func zstdReader(b []byte) (*zstd.Decoder, error) {
	return zstd.NewReader(bytes.NewReader(b), zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxWhole), zstd.WithDecoderMaxWindow(maxDict))
}

// readUnpacked reads what n compressed bytes unpack to, up to their limit.
func readUnpacked(r io.Reader, n int) ([]byte, error) {
	limit, tooMuch := unpackLimit(n)
	// Modules compress to about a quarter.
	out, err := readLimited(r, int64(limit), min(4*int64(n), int64(limit)))
	if errors.Is(err, errTooLarge) {
		err = tooMuch
	}
	return out, err
}

// readLimited reads r to its end into memory that grows with what really comes, not with what is
// promised. hint is the expected size.
func readLimited(r io.Reader, limit, hint int64) ([]byte, error) {
	b := make([]byte, 0, min(max(hint, 0), 64<<20)+512)
	for {
		if len(b) == cap(b) {
			if int64(len(b)) > limit {
				return nil, errTooLarge
			}
			grown := make([]byte, len(b), len(b)+len(b)/2)
			copy(grown, b)
			b = grown
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if int64(len(b)) > limit {
			return nil, errTooLarge
		}
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return nil, err
		}
	}
}
