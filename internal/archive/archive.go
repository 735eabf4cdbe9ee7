// Package archive reads what is in packages of distributions, one file after the other, without unpacking them to disk.
//
// In: a file (.deb, .ddeb, .rpm, .pkg.tar.zst, .tar and its compressed forms) or a folder. Out: the regular files in it.
//
// Before it: nothing, it is a leaf. After it: cmd/gobtf, which hands them to batch.
package archive

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/blakesmith/ar"
	"github.com/cavaliergopher/cpio"
	"github.com/cavaliergopher/rpm"
	"github.com/klauspost/compress/zstd"
)

// File is a regular file of a package.
type File struct {
	Name string    // its path there, without / or ./ in front
	Size int64     // bytes
	Path string    // where it lies, when the package is a folder; else ""
	Body io.Reader // its contents, until the next file is asked for; nil when Path says where they are
}

// Errors of Walk.
var (
	// ErrNotPackage: a file is none of the containers that are known.
	ErrNotPackage = errors.New("is no package that gobtf reads (.deb, .ddeb, .rpm, .pkg.tar.zst, .tar, compressed or not, or a folder)")
	// ErrTooBig: a package unpacks to more than the limit.
	ErrTooBig = errors.New("unpacks to more than that")
)

// Walk calls each for the regular files of a package in their order. It stops at the first error that each returns, and returns it. limit
// is how many bytes the package may unpack to.
func Walk(ctx context.Context, path string, limit int64, each func(*File) error) (err error) {
	fi, err := os.Stat(path)
	if err != nil {
		return err
	}
	if fi.IsDir() {
		return walkFolder(ctx, path, each)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	defer func() {
		if p := recover(); p != nil { // the libraries below trust what they read
			err = fmt.Errorf("%s: a broken package: %v", path, p)
		}
	}()
	w := &walker{ctx: ctx, left: limit, limit: limit, each: each}
	if err := w.container(f, fi.Size()); err != nil {
		if w.stopped != nil && !w.broken {
			return w.stopped
		}
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func walkFolder(ctx context.Context, dir string, each func(*File) error) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if !d.Type().IsRegular() {
			return nil
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		return each(&File{Name: filepath.ToSlash(name), Size: fi.Size(), Path: path})
	})
}

type walker struct {
	ctx     context.Context
	left    int64 // bytes that may still be unpacked
	limit   int64
	each    func(*File) error
	stopped error // what each returned
	broken  bool  // a file's contents could not be read
}

// container finds out by its first bytes what a file is.
func (w *walker) container(f *os.File, size int64) error {
	r := bufio.NewReaderSize(f, 1<<16)
	head, err := r.Peek(8)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch {
	case bytes.HasPrefix(head, []byte("!<arch>\n")):
		return w.deb(r)
	case bytes.HasPrefix(head, []byte{0xed, 0xab, 0xee, 0xdb}):
		return w.rpm(f, size)
	}
	if b, _ := r.Peek(tarBlock); packing(b) == "" && len(b) < tarBlock {
		return ErrNotPackage
	}
	return w.compressed(r, func(r io.Reader) error { return w.tar(r, true) })
}

const tarBlock = 512 // no tar is shorter

// packing says by its first bytes how something is compressed, "" when it is not.
func packing(b []byte) string {
	for magic, name := range map[string]string{"\x1f\x8b": "gzip", "\x28\xb5\x2f\xfd": "zstd", "\xfd7zXZ\x00": "xz", "BZh": "bzip2"} {
		if bytes.HasPrefix(b, []byte(magic)) {
			return name
		}
	}
	return ""
}

// deb reads the member data.tar of an ar archive.
func (w *walker) deb(r io.Reader) error {
	for a := ar.NewReader(struct{ io.Reader }{r}); ; {
		h, err := a.Next()
		if errors.Is(err, io.EOF) {
			return errors.New("no data.tar is in it")
		}
		if err != nil {
			return unexpected(err)
		}
		if h.Size < 0 {
			return fmt.Errorf("member %q has a size below 0", h.Name)
		}
		if name := strings.TrimSuffix(h.Name, "/"); strings.HasPrefix(name, "data.tar") {
			return w.compressed(&whole{nil, a, h.Size}, func(r io.Reader) error { return w.tar(r, false) })
		}
	}
}

const maxHeader = 64 << 20 // bytes of an rpm's header; a debug package of a kernel has some

// rpm reads the payload of an rpm.
func (w *walker) rpm(f *os.File, size int64) error {
	if err := checkHeaders(f, size); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	r := bufio.NewReaderSize(f, 1<<16)
	p, err := rpm.Read(full{r})
	if err != nil {
		return unexpected(err)
	}
	if form := p.PayloadFormat(); form != "" && form != "cpio" {
		return fmt.Errorf("its payload is %q, and gobtf reads cpio", form)
	}
	return w.compressed(r, w.cpio)
}

// full reads as much as was asked for: the library takes what one call gives.
type full struct{ r io.Reader }

func (f full) Read(b []byte) (int, error) { return io.ReadFull(f.r, b) }

// checkHeaders looks whether the two headers of an rpm lie about how much is in them, before the library makes room for it. The lead has
// 96 bytes; a header is 16 bytes, an index of 16 bytes an entry, and a store; the first is padded to 8 bytes.
func checkHeaders(f *os.File, size int64) error {
	off := int64(96)
	for range 2 {
		var h [16]byte
		if _, err := f.ReadAt(h[:], off); err != nil {
			return unexpected(err)
		}
		n, store := int64(binary.BigEndian.Uint32(h[8:])), int64(binary.BigEndian.Uint32(h[12:]))
		if 16*n+store > min(maxHeader, size-off) {
			return fmt.Errorf("a header of %d entries and %d bytes does not fit into it", n, store)
		}
		index := make([]byte, 16*n)
		if _, err := f.ReadAt(index, off+16); err != nil {
			return unexpected(err)
		}
		for ; len(index) > 0; index = index[16:] {
			if count := int64(binary.BigEndian.Uint32(index[12:])); count > store {
				return fmt.Errorf("a header has %d values in %d bytes", count, store)
			}
		}
		off += 16 + 16*n + (store+7)&^7
	}
	return nil
}

// compressed hands a stream on unpacked. What follows the archive in it is read too, so that a checksum at the end counts.
func (w *walker) compressed(r io.Reader, read func(io.Reader) error) (err error) {
	b := bufio.NewReaderSize(r, 1<<16)
	head, err := b.Peek(6)
	if err != nil && !errors.Is(err, io.EOF) {
		return unexpected(err)
	}
	var plain io.Reader = b
	end := func() error { return nil }
	switch packing(head) {
	case "gzip":
		z, err := gzip.NewReader(b)
		if err != nil {
			return err
		}
		plain = z
	case "zstd":
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxWindow(1<<30), zstd.WithDecoderLowmem(true))
		if err != nil {
			return err
		}
		defer z.Close()
		plain = z
	case "xz":
		z, err := newXZ(w.ctx, b)
		if err != nil {
			return err
		}
		defer z.close()
		plain, end = z, z.end
	case "bzip2":
		plain = bzip2.NewReader(b)
	}
	counted := &counted{w: w, r: plain}
	err = read(counted)
	if err == nil {
		_, err = io.Copy(io.Discard, counted)
	}
	if err == nil || isEnd(err) { // a program that gave up says why
		if e := end(); e != nil {
			return e
		}
	}
	return unexpected(err)
}

// counted bounds what a package unpacks to, and looks whether the run was interrupted.
type counted struct {
	w *walker
	r io.Reader
}

func (c *counted) Read(b []byte) (int, error) {
	if err := c.w.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(b)
	if c.w.left -= int64(n); c.w.left < 0 {
		return 0, fmt.Errorf("%d bytes: %w (--max_unpacked)", c.w.limit, ErrTooBig)
	}
	return n, err
}

// tar reads a tar archive. whole: nothing has said yet that it is one.
func (w *walker) tar(r io.Reader, whole bool) error {
	t := tar.NewReader(r)
	for n := 0; ; n++ {
		h, err := t.Next()
		switch {
		case errors.Is(err, io.EOF) && (n > 0 || !whole):
			return nil
		case errors.Is(err, io.EOF), errors.Is(err, tar.ErrHeader) && n == 0 && whole:
			return ErrNotPackage
		case err != nil:
			return err
		}
		if h.Typeflag == tar.TypeReg {
			if err := w.file(h.Name, h.Size, t); err != nil {
				return err
			}
		}
	}
}

// cpio reads a cpio archive.
func (w *walker) cpio(r io.Reader) error {
	for c := cpio.NewReader(r); ; {
		h, err := c.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Mode&cpio.ModeType == cpio.TypeReg {
			if err := w.file(h.Name, h.Size, c); err != nil {
				return err
			}
		}
	}
}

func (w *walker) file(name string, size int64, body io.Reader) error {
	name = strings.TrimLeft(strings.TrimPrefix(name, "."), "/")
	w.stopped = w.each(&File{Name: name, Size: size, Body: &whole{w, body, size}})
	return w.stopped
}

// whole makes it an error when a file ends before its size: the library for cpio takes that for its end.
type whole struct {
	w    *walker // is told of errors; nil for what another goroutine reads
	r    io.Reader
	left int64
}

func (f *whole) Read(b []byte) (int, error) {
	n, err := f.r.Read(b)
	if f.left -= int64(n); errors.Is(err, io.EOF) && f.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	if f.w != nil && err != nil && !errors.Is(err, io.EOF) {
		f.w.broken = true
	}
	return n, err
}

func isEnd(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

// unexpected makes an end that came too early an error that says so.
func unexpected(err error) error {
	if isEnd(err) {
		return errors.New("it is cut short")
	}
	return err
}
