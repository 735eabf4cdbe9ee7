// Package basecache keeps what is found out about a kernel's BTF in a folder of the user's: where each type and each string is, and dedup's
// index. A build of many modules reads and indexes the base once, and each later module maps the result.
//
// An entry holds the BTF itself. It is taken only when the file that is asked about has the same bytes, all of them, so that a stale entry is
// never taken; its name, made of the size and a part of the contents, only says where to look. Its tables have a checksum, and are looked
// through so far that no table leads out of its array. Entries are written under another name and renamed, so that builds may run side by
// side. Folder and entry must belong to the user alone: nobody else's tables are believed.
package basecache

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"
	"unsafe"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/dedup"
	"github.com/gobtf/gobtf/internal/elfx"
	"golang.org/x/sys/unix"
)

// version is that of the entries. It rises with each change of btf.Tables or dedup.Tables, of their meaning or of the functions that hash
// for them: TestVersion notices.
const version = 1

const (
	magic = "gobtf base cache"
	// smallest is the size from which on a BTF is kept: smaller ones are indexed in less time than it takes to look.
	smallest = 512 << 10
	largest  = 256 << 20
	// entries is how many are kept: the kernels that a machine builds for.
	entries = 8
)

// Cache is a folder of entries. A nil Cache knows nothing and keeps nothing.
type Cache struct {
	dir   string
	known map[*btf.Base]bool // is here: true if it came from here
	asked string             // the name of what was looked for last, and not found
	size  int64
}

// Open returns the cache in a folder, which need not be there yet: "" is gobtf/base in the user's cache folder, "no" none. Where there is no
// place for it, or not one that belongs to this user alone, it is nil.
func Open(where string) *Cache {
	if where == "no" {
		return nil
	}
	if where == "" {
		user, err := os.UserCacheDir()
		if err != nil || !ours(user) && !(missing(user) && ours(filepath.Dir(user))) {
			return nil
		}
		where = filepath.Join(user, "gobtf", "base")
	}
	return &Cache{dir: where, known: map[*btf.Base]bool{}}
}

func missing(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, os.ErrNotExist)
}

// ours tells whether a folder belongs to the user who runs gobtf, and no other may change it.
func ours(path string) bool {
	var st unix.Stat_t
	return unix.Stat(path, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR && int(st.Uid) == os.Geteuid() && st.Mode&0o022 == 0
}

// header stands at the beginning of an entry, in this machine's byte order. Arrays begin at multiples of 8 bytes.
type header struct {
	Magic   [16]byte
	Version uint32
	Order   uint32 // byteOrder, as this machine writes it
	Sum     uint32 // CRC-32C of all behind the BTF, and of this header with 0 here
	Flat    uint32
	BTF     uint64   // its size; it stands behind the header
	Seed    uint64   // of btf.Tables
	Len     [8]int64 // of index, strings, slot, before, enums, comps, holes, open, which follow, in elements
}

const byteOrder = 0x01020304

var table = crc32.MakeTable(crc32.Castagnoli)

// ends are how much of a BTF's beginning and end its entry's name is made of.
const ends = 64 << 10

func name(r io.ReaderAt, size int64) (string, error) {
	sum := uint32(0)
	buf := make([]byte, ends)
	for _, off := range []int64{0, size - ends} {
		if _, err := io.ReadFull(io.NewSectionReader(r, off, ends), buf); err != nil {
			return "", err
		}
		sum = crc32.Update(sum, table, buf)
	}
	return fmt.Sprintf("%x-%08x", size, sum), nil
}

var entryName = regexp.MustCompile(`^[0-9a-f]+-[0-9a-f]{8}$`)

// Find returns the base of the BTF that is the first size bytes of r, nil when there is no entry for it that can be believed.
func (c *Cache) Find(r io.ReaderAt, size int64) *btf.Base {
	if c == nil || size < smallest || size > largest {
		return nil
	}
	entry, err := name(r, size)
	if err != nil {
		return nil
	}
	c.asked, c.size = entry, size
	dir, err := openFolder(c.dir)
	if err != nil {
		return nil
	}
	defer unix.Close(dir)
	fd, err := unix.Openat(dir, entry, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	path := filepath.Join(c.dir, entry)
	f := os.NewFile(uintptr(fd), path) // its mapping stays to the end, as the base does
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG || int(st.Uid) != os.Geteuid() || st.Mode&0o022 != 0 || st.Nlink != 1 {
		f.Close()
		return nil
	}
	m, err := elfx.MapFile(f, path)
	if err != nil {
		f.Close()
		return nil
	}
	var b *btf.Base
	err = elfx.Guard(func() (err error) {
		b, err = read(m.Data, r, size)
		return err
	})
	if err != nil {
		m.Close()
		f.Close()
		return nil
	}
	if old := time.Since(time.Unix(st.Mtim.Unix())); old > 24*time.Hour {
		now := []unix.Timeval{unix.NsecToTimeval(time.Now().UnixNano()), unix.NsecToTimeval(time.Now().UnixNano())}
		_ = unix.Futimes(fd, now) // what is used stays; whether the time can be set does not matter
	}
	c.known[b] = true
	return b
}

// Knew tells whether a base came from the cache.
func (c *Cache) Knew(b *btf.Base) bool { return c != nil && c.known[b] }

// openFolder opens a folder that belongs to this user alone.
func openFolder(path string) (int, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	var st unix.Stat_t
	if err = unix.Fstat(fd, &st); err == nil && (int(st.Uid) != os.Geteuid() || st.Mode&0o022 != 0) {
		err = errors.New("not this user's alone")
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

var errUnfit = errors.New("no entry for this")

// read takes an entry apart, and compares it with the BTF that it shall be of.
func read(data []byte, r io.ReaderAt, size int64) (*btf.Base, error) {
	const begin = int64(unsafe.Sizeof(header{}))
	if int64(len(data)) < begin || uintptr(unsafe.Pointer(&data[0]))%8 != 0 {
		return nil, errUnfit
	}
	h := *(*header)(unsafe.Pointer(&data[0]))
	if string(h.Magic[:]) != magic || h.Version != version || h.Order != byteOrder || h.BTF != uint64(size) {
		return nil, errUnfit
	}
	tables := begin + (size+7)&^7
	end := tables
	for i, n := range h.Len {
		if n < 0 || n > largest {
			return nil, errUnfit
		}
		end += (n*width(i) + 7) &^ 7
	}
	if end != int64(len(data)) || h.sum(data[tables:]) != h.Sum {
		return nil, errUnfit
	}
	own := data[begin:][:size:size]
	if !same(r, own) {
		return nil, errUnfit
	}
	rest := data[tables:]
	next := func(i int) []byte {
		n := h.Len[i] * width(i)
		b := rest[:n:n]
		rest = rest[(n+7)&^7:]
		return b
	}
	words := func(i int) []uint32 {
		b := next(i)
		if len(b) == 0 {
			return nil
		}
		return unsafe.Slice((*uint32)(unsafe.Pointer(&b[0])), len(b)/4)
	}
	longs := func(i int) []uint64 {
		b := next(i)
		if len(b) == 0 {
			return nil
		}
		return unsafe.Slice((*uint64)(unsafe.Pointer(&b[0])), len(b)/8)
	}
	tb := &btf.Tables{Index: words(0), Strings: longs(1), Seed: h.Seed, Flat: h.Flat != 0}
	dt := dedup.Tables{Slot: longs(2), Before: words(3), Enums: words(4), Comps: words(5), Holes: words(6), Open: words(7)}
	b, err := btf.ParseTables(own, tb)
	if err != nil {
		return nil, err
	}
	index, err := dedup.FromTables(b.Types, dt)
	if err != nil {
		return nil, err
	}
	b.Index(func(*btf.Types) any { return index })
	return b, nil
}

// width is that of the elements of header.Len[i].
func width(i int) int64 {
	if i == 1 || i == 2 {
		return 8
	}
	return 4
}

func (h *header) bytes() []byte { return unsafe.Slice((*byte)(unsafe.Pointer(h)), unsafe.Sizeof(*h)) }

// sum is the checksum of a header and of the tables behind it.
func (h header) sum(tables []byte) uint32 {
	h.Sum = 0
	return crc32.Update(crc32.Checksum(h.bytes(), table), table, tables)
}

// same compares what is read piece by piece, which stays in the processor's cache.
func same(r io.ReaderAt, want []byte) bool {
	buf := make([]byte, 128<<10)
	for off := 0; off < len(want); off += len(buf) {
		piece := buf[:min(len(buf), len(want)-off)]
		if _, err := io.ReadFull(io.NewSectionReader(r, int64(off), int64(len(piece))), piece); err != nil || !bytes.Equal(piece, want[off:off+len(piece)]) {
			return false
		}
	}
	return true
}

// Keep makes an entry of a base that Find was asked about last and did not know. That it cannot be written is no error: it is indexed again then.
func (c *Cache) Keep(b *btf.Base) {
	if c == nil || b == nil || c.asked == "" {
		return
	}
	if _, here := c.known[b]; here {
		return
	}
	c.known[b] = false
	tb := b.Tables()
	if tb == nil {
		return
	}
	own := b.Append(nil)
	if entry, err := name(bytes.NewReader(own), int64(len(own))); err != nil || entry != c.asked || int64(len(own)) != c.size {
		return // its header is one that gobtf would not write
	}
	_ = c.write(own, tb, dedup.IndexOf(b).Tables())
}

func (c *Cache) write(own []byte, tb *btf.Tables, dt dedup.Tables) error {
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	dir, err := openFolder(c.dir)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	h := header{Version: version, Order: byteOrder, BTF: uint64(len(own)), Seed: tb.Seed}
	copy(h.Magic[:], magic)
	if tb.Flat {
		h.Flat = 1
	}
	var tables []byte
	add := func(i, n int, p unsafe.Pointer) {
		h.Len[i] = int64(n)
		if n > 0 {
			tables = append(tables, unsafe.Slice((*byte)(p), int64(n)*width(i))...)
		}
		tables = append(tables, make([]byte, -len(tables)&7)...)
	}
	words := func(i int, w []uint32) { add(i, len(w), unsafe.Pointer(unsafe.SliceData(w))) }
	longs := func(i int, w []uint64) { add(i, len(w), unsafe.Pointer(unsafe.SliceData(w))) }
	words(0, tb.Index)
	longs(1, tb.Strings)
	longs(2, dt.Slot)
	words(3, dt.Before)
	words(4, dt.Enums)
	words(5, dt.Comps)
	words(6, dt.Holes)
	words(7, dt.Open)
	h.Sum = h.sum(tables)
	temp := fmt.Sprintf(".%s.%d.%x", c.asked, os.Getpid(), time.Now().UnixNano())
	fd, err := unix.Openat(dir, temp, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), temp)
	for _, piece := range [][]byte{h.bytes(), own, make([]byte, -len(own)&7), tables} {
		if err == nil {
			_, err = f.Write(piece)
		}
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = unix.Renameat(dir, temp, dir, c.asked)
	}
	if err != nil {
		_ = unix.Unlinkat(dir, temp, 0)
		return err
	}
	prune(dir)
	return nil
}

// prune removes the entries that were not used for the longest time, and what killed runs have left.
func prune(dir int) {
	fd, err := unix.Openat(dir, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	d := os.NewFile(uintptr(fd), ".")
	defer d.Close()
	names, _ := d.Readdirnames(-1)
	type aged struct {
		name string
		at   int64
	}
	var list []aged
	for _, n := range names {
		var st unix.Stat_t
		if unix.Fstatat(dir, n, &st, unix.AT_SYMLINK_NOFOLLOW) != nil {
			continue
		}
		switch at := st.Mtim.Nano(); {
		case entryName.MatchString(n):
			list = append(list, aged{n, at})
		case len(n) > 1 && n[0] == '.' && time.Since(time.Unix(0, at)) > time.Hour:
			_ = unix.Unlinkat(dir, n, 0)
		}
	}
	slices.SortFunc(list, func(a, b aged) int { return int(min(max(b.at-a.at, -1), 1)) }) // the newest first
	for _, a := range list[min(entries, len(list)):] {
		_ = unix.Unlinkat(dir, a.name, 0)
	}
}
