package batch

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/diff"
	"github.com/gobtf/gobtf/module"
)

// Package is what holds the files of a kernel: a package of a distribution, or a folder.
type Package interface {
	// Name is what messages and the manifest call it.
	Name() string
	// Size is in bytes, for an estimate of what it costs.
	Size() int64
	// Walk calls each for its regular files, in order, until that returns an error. It may be called twice.
	Walk(ctx context.Context, each func(*File) error) error
}

// File is a file of a package.
type File struct {
	Name string    // its path in the package, as usr/lib/debug/boot/vmlinux-6.12
	Size int64     // bytes
	Path string    // where it lies, "" when it does not lie on disk
	Body io.Reader // its contents when Path is "", until the next file
}

// RunPackages encodes the vmlinux and the modules of packages: OutDir/vmlinux.btf and OutDir/modules/NAME.ko.btf, below a folder for each
// release when there are several packages. Nothing is unpacked but files that are being worked on, each into a file without a name below
// OutDir, which is gone when the process is. A module that stands before its vmlinux waits for a second walk through its package.
//
// A shard has some of the packages, whole. The manifest has an entry for each file, PACKAGE:NAME. A package that cannot be read has one, too.
func RunPackages(ctx context.Context, list []Package, opt Options) (*Manifest, error) {
	r, err := newRun(opt)
	if err != nil {
		return nil, err
	}
	outs, nested := map[string]string{}, len(list) > 1
	for _, p := range opt.Shard.packages(list) {
		u := &unpacker{run: r, p: p, nested: nested, kernels: map[string]string{}, outs: outs, done: map[string]bool{}}
		if err := u.all(ctx); err != nil && ctx.Err() == nil {
			r.add(&Entry{Path: p.Name(), State: Failed, Error: err.Error(), Notes: []string{}}, 0)
		}
		if ctx.Err() != nil {
			break
		}
	}
	r.m.finish()
	return r.m, ctx.Err()
}

// packages returns those of a shard, the largest first.
func (s Shard) packages(list []Package) []Package {
	byPath, items := map[string]Package{}, []item{}
	for _, p := range list {
		byPath[p.Name()] = p
		items = append(items, item{path: p.Name(), size: p.Size()})
	}
	if s.Of <= 1 || len(byPath) < len(list) {
		return list
	}
	largestFirst(items)
	var mine []Package
	for _, it := range s.of(items) {
		mine = append(mine, byPath[it.path])
	}
	return mine
}

// unpacker works on one package.
type unpacker struct {
	*run
	p       Package
	nested  bool              // outputs lie below a folder for each release
	kernels map[string]string // by release: the vmlinux's entry
	outs    map[string]string // by output: which file made it
	done    map[string]bool   // files by name
	late    int               // modules that came before their vmlinux
	last    bool              // this walk is the last: what has no vmlinux has none

	disk struct {
		sync.Mutex
		now, most int64
	}
}

// all walks once, and once more for those that came before their vmlinux.
func (u *unpacker) all(ctx context.Context) error {
	if err := u.walk(ctx); err != nil {
		return err
	}
	if u.late > 0 {
		u.last = true
		if err := u.walk(ctx); err != nil {
			return err
		}
	}
	if len(u.done) == 0 {
		return fmt.Errorf("%s: neither a vmlinux nor a module is in it", u.p.Name())
	}
	u.mu.Lock()
	u.m.Spooled = max(u.m.Spooled, u.disk.most)
	u.mu.Unlock()
	return nil
}

// walk hands the modules of a package to workers. A vmlinux is encoded before it goes on, by all of them.
func (u *unpacker) walk(ctx context.Context) error {
	next := make(chan *spooled)
	var wg sync.WaitGroup
	for range max(1, u.opt.Jobs) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for s := range next {
				u.work(ctx, s)
			}
		}()
	}
	err := u.p.Walk(ctx, func(f *File) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		s, err := u.take(f)
		switch {
		case err != nil || s == nil:
			return err
		case s.kernel:
			s.jobs = u.opt.Jobs
			u.work(ctx, s)
			return ctx.Err()
		}
		select {
		case next <- s:
			return nil
		case <-ctx.Done():
			s.release()
			return ctx.Err()
		}
	})
	close(next)
	wg.Wait()
	return err
}

func (u *unpacker) work(ctx context.Context, s *spooled) {
	need := s.size * memoryFactor
	u.room.enter(need)
	e := u.one(ctx, s.item)
	u.room.leave(need)
	s.release()
	if ctx.Err() == nil || e.State == OK {
		u.add(e, s.size)
	}
}

// spooled is a file of a package that lies on disk.
type spooled struct {
	item
	by *unpacker
}

// release gives the file's space back.
func (s *spooled) release() {
	if s.open == nil {
		return
	}
	_ = s.open.Close() // it has no name, and is gone with it
	s.by.disk.Lock()
	s.by.disk.now -= s.size
	s.by.disk.Unlock()
}

// take decides what becomes of a file: nil is nothing for us.
func (u *unpacker) take(f *File) (*spooled, error) {
	name := path.Base(f.Name)
	kernel := isKernel(name)
	if !kernel && (!hasModule(name) || u.opt.BTFHub != "") || u.done[f.Name] {
		return nil, nil
	}
	release := releaseIn(f.Name)
	it := item{path: u.p.Name() + ":" + f.Name, release: release, size: f.Size, kernel: kernel}
	if !kernel && u.opt.Base == "" {
		of, ok := u.kernels[release]
		if !ok && len(u.kernels) == 1 && release == "" {
			for _, of = range u.kernels { // a module that does not say whose it is, is the only kernel's
				ok = true
			}
		}
		if it.of = of; !ok && !u.last {
			u.late++
			return nil, nil
		}
	}
	var body io.Reader
	if f.Path == "" {
		b := bufio.NewReader(f.Body)
		if head, _ := b.Peek(4); kernel && string(head) != "\x7fELF" {
			return nil, nil // vmlinux-gdb.py, vmlinux.lds
		}
		body = b
	} else if kernel && !isELF(f.Path) {
		return nil, nil
	}
	u.done[f.Name] = true
	if !kernel && it.of == "" && u.opt.Base == "" {
		u.fail(it, errors.New("no vmlinux is in the package (--btf_base names one)"))
		return nil, nil
	}
	it.out = u.output(it, name)
	if other, ok := u.outs[it.out]; ok {
		u.fail(it, fmt.Errorf("%s would be written to the same file", other))
		return nil, nil
	}
	u.outs[it.out] = it.path
	if kernel {
		u.kernels[release] = it.path
	}
	s := &spooled{item: it, by: u}
	if f.Path != "" {
		s.file = f.Path
		return s, nil
	}
	return s, u.spool(s, body)
}

func (u *unpacker) fail(it item, err error) {
	u.add(&Entry{Path: it.path, Out: it.out, State: Failed, Error: it.path + ": " + err.Error(), Notes: []string{}}, it.size)
}

// output names what comes of a file.
func (u *unpacker) output(it item, name string) string {
	dir := u.opt.OutDir
	if u.nested && it.release != "" {
		dir = filepath.Join(dir, it.release)
	}
	if it.kernel {
		return filepath.Join(dir, "vmlinux.btf")
	}
	return filepath.Join(dir, "modules", outName(name))
}

// spool copies a file's contents into a file without a name.
func (u *unpacker) spool(s *spooled, body io.Reader) error {
	f, err := unnamed(u.opt.OutDir)
	if err != nil {
		return err
	}
	s.open = f
	u.disk.Lock()
	u.disk.now += s.size
	u.disk.most = max(u.disk.most, u.disk.now)
	u.disk.Unlock()
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, h), body)
	if err == nil && n != s.size {
		err = fmt.Errorf("%s: %w", s.path, io.ErrUnexpectedEOF)
	}
	if err != nil {
		s.release()
		return err
	}
	s.hash = hex.EncodeToString(h.Sum(nil))
	return nil
}

// unnamed makes a file without a name. Where the file system has no such files, it has one for a moment.
func unnamed(dir string) (*os.File, error) {
	if fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600); err == nil {
		return os.NewFile(uintptr(fd), dir), nil
	}
	f, err := os.CreateTemp(dir, ".gobtf-unpack-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// isKernel tells a vmlinux from its name: vmlinux, vmlinux.debug, vmlinux-6.12.
func isKernel(name string) bool {
	name = strings.TrimSuffix(name, ".debug")
	return name == "vmlinux" || strings.HasPrefix(name, "vmlinux-")
}

// hasModule tells a module, or what was split off from it, from its name.
func hasModule(name string) bool { return strings.HasSuffix(plainName(name), ".ko") }

func isELF(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return true // the error is reported when it is read
	}
	defer f.Close()
	b := make([]byte, 4)
	n, _ := io.ReadFull(f, b)
	return string(b[:n]) == "\x7fELF"
}

// releaseIn returns the release of the kernel that a path of a package belongs to, as usr/lib/debug/lib/modules/RELEASE/vmlinux or
// boot/vmlinux-RELEASE; "" when it names none.
func releaseIn(name string) string {
	if r := module.ReleaseOf("/" + name); r != "" {
		return r
	}
	if r, ok := strings.CutPrefix(path.Base(name), "vmlinux-"); ok {
		return strings.TrimSuffix(r, ".debug")
	}
	return ""
}

// compare looks whether the BTF that a file brought means the same as what was made of it. A module's continues that of its own vmlinux.
func (r *run) compare(f *module.File, it item, made []byte, base *btf.Base, e *Entry) error {
	own, small, err := f.BTF()
	if err != nil || len(own) == 0 || small != nil {
		return nil // nothing that could be compared: none, not there in a debug file, or distilled
	}
	var on *btf.Types
	if base != nil {
		on = base.Types
	}
	r.mu.Lock()
	ownBase := r.own[it.of]
	r.mu.Unlock()
	if it.of == "" {
		ownBase = on
	}
	if ownBase == nil && on != nil {
		return nil // its vmlinux had none
	}
	a, err := btf.Parse(bytes.Clone(own), ownBase) // the file is closed before a vmlinux's is used
	if err != nil {
		e.Own, e.Notes = "different", append(e.Notes, "its own BTF does not fit: "+err.Error())
		return nil
	}
	if it.kernel {
		r.mu.Lock()
		r.own[it.path] = a
		r.mu.Unlock()
	}
	b, err := btf.Parse(made, on)
	if err != nil {
		return err
	}
	res := diff.Compare(a, b, diff.Options{})
	if e.Own = "same"; !res.Same {
		e.Own = "different"
		e.Notes = append(e.Notes, fmt.Sprintf("its own BTF means something else: %d types or functions more in it, %d fewer, %d others", len(res.Removed), len(res.Added), len(res.Changed)+len(res.Functions)))
	}
	return nil
}
