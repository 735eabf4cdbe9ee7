// Package batch encodes many files: all modules of a kernel, or of many kernels. A base is read once for all modules that continue it,
// modules are encoded side by side, and a manifest says what became of each.
//
// In: files, and how they are to be encoded. Out: files with BTF, and a Manifest.
//
// Before it: module, which opens files. After it: cmd/gobtf.
package batch

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/encoder"
	"github.com/gobtf/gobtf/module"
)

// Options say what is done with the files.
type Options struct {
	Encode  encoder.Options
	Base    string // of all modules; "": each module's vmlinux is looked for
	OutDir  string // NAME.btf for each; "": in place
	Jobs    int    // files at once, at least 1
	Memory  uint64 // bytes that files being worked on may take together, by estimate; 0 is no limit. One file always goes
	Shard   Shard
	Version string // of the program, for the manifest
	Flags   string // the command line, for the manifest

	// BTFHub is ID/VERSION of a system: only kernels' BTF is written, into the tree that BTFHub has. "": NAME.btf for each file.
	BTFHub string
	// Compare says of each file that has BTF of its own whether it means the same as what was made (Entry.Own).
	Compare bool
	// Done is the manifest of an earlier run, whose files are left alone where nothing has changed. nil: nothing was done.
	Done *Manifest
	// Each is called after each file, from one goroutine at a time. nil: nobody listens.
	Each func(e *Entry, p Progress)
}

// Progress says how far a run has come.
type Progress struct {
	Files, OfFiles int
	Bytes, OfBytes int64 // of the files: the largest come first
}

// Shard is one of Of parts of the work, counted from 1. The zero value is all of it.
type Shard struct{ I, Of int }

// memoryFactor is how many bytes encoding a module takes for each byte of it, at most in what was measured.
const memoryFactor = 3

// item is a file to be worked on.
type item struct {
	path, release string   // path is also what messages and the manifest call it
	file          string   // where it lies when that is not path: in a folder
	open          *os.File // or its contents, when they have no path
	hash          string   // of its contents; "" is not known yet
	size          int64
	out           string
	kernel        bool   // a vmlinux: it comes first, and may be the base of others
	of            string // of a module out of a package: its vmlinux there
	jobs          int    // workers for this one file
}

// where returns the path of the file's contents.
func (it *item) where() string { return cmp.Or(it.file, it.path) }

// Run encodes files. It returns a manifest of all of them, in the order of their paths, and an error only where nothing could be begun or
// ctx ended it; a file that cannot be encoded has its error in the manifest.
func Run(ctx context.Context, files []string, opt Options) (*Manifest, error) {
	items, err := list(files, opt)
	if err != nil {
		return nil, err
	}
	r, err := newRun(opt)
	if err != nil {
		return nil, err
	}
	for _, it := range items {
		r.p.OfFiles++
		r.p.OfBytes += it.size
	}
	var kernels, modules []item
	for _, it := range items {
		if it.kernel {
			kernels = append(kernels, it)
		} else {
			modules = append(modules, it)
		}
	}
	r.all(ctx, kernels, max(1, opt.Jobs/2))
	r.all(ctx, modules, max(1, opt.Jobs))
	r.m.finish()
	if ctx.Err() != nil {
		return r.m, ctx.Err()
	}
	return r.m, nil
}

func newRun(opt Options) (*run, error) {
	r := &run{opt: opt, bases: map[string]*base{}, own: map[string]*btf.Types{}, m: newManifest(opt)}
	r.room.limit = int64(opt.Memory)
	if opt.Done != nil {
		opt.Done.index() // before several ask it
	}
	if opt.OutDir != "" {
		if err := os.MkdirAll(opt.OutDir, 0o777); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// list finds out what the files are, divides them and names what comes of them. The largest come first, so that none of them is left
// for the end.
func list(files []string, opt Options) ([]item, error) {
	var items []item
	for _, path := range files {
		fi, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		name := filepath.Base(path)
		items = append(items, item{path: path, size: fi.Size(), release: module.ReleaseOf(path), kernel: strings.HasPrefix(name, "vmlinux")})
	}
	largestFirst(items)
	for i := 1; i < len(items); i++ {
		if items[i].path == items[i-1].path {
			return nil, fmt.Errorf("%s: given twice", items[i].path)
		}
	}
	items = opt.Shard.of(items)
	if opt.OutDir == "" {
		return items, nil
	}
	return items, nameOutputs(items, opt.OutDir)
}

func largestFirst(items []item) {
	slices.SortFunc(items, func(a, b item) int { return cmp.Or(cmp.Compare(b.size, a.size), cmp.Compare(a.path, b.path)) })
}

// of returns the items of a shard: each goes to the part that has the least so far, whose order is that of the sizes. The parts of the
// same files are always the same.
func (s Shard) of(items []item) []item {
	if s.Of <= 1 {
		return items
	}
	var mine []item
	load := make([]int64, s.Of)
	for _, it := range items {
		least := 0
		for i := range load {
			if load[i] < load[least] {
				least = i
			}
		}
		load[least] += it.size + 1<<16 // a file costs something, however small
		if least == s.I-1 {
			mine = append(mine, it)
		}
	}
	return mine
}

// nameOutputs gives each file its output: NAME.btf below the folder, below a folder for each kernel when there are several.
func nameOutputs(items []item, dir string) error {
	releases := map[string]bool{}
	for _, it := range items {
		releases[it.release] = true
	}
	taken := map[string]string{}
	for i := range items {
		it := &items[i]
		name := filepath.Base(it.path)
		it.out = filepath.Join(dir, outName(name))
		if len(releases) > 1 && it.release != "" {
			it.out = filepath.Join(dir, it.release, outName(name))
		}
		if other, ok := taken[it.out]; ok {
			return fmt.Errorf("%s and %s: both would be written to %s", other, it.path, it.out)
		}
		taken[it.out] = it.path
	}
	return nil
}

// outName returns what the BTF of a file is called.
func outName(name string) string { return plainName(name) + ".btf" }

// plainName is a file's name without what says that it is compressed, or was split off.
func plainName(name string) string {
	for _, end := range []string{".xz", ".zst", ".gz", ".debug"} {
		name = strings.TrimSuffix(name, end)
	}
	return name
}

// run is the state of one Run.
type run struct {
	opt  Options
	room room

	mu    sync.Mutex
	bases map[string]*base
	own   map[string]*btf.Types // what kernels brought themselves, for Compare
	m     *Manifest
	p     Progress
}

// base is a base that is read when it is first asked for.
type base struct {
	from string
	once sync.Once
	b    *btf.Base
	hash string
	err  error
}

// all works on items with so many workers.
func (r *run) all(ctx context.Context, items []item, workers int) {
	c := crew{workers, &r.room}
	c.each(ctx, len(items), func(i int) int64 { return items[i].size }, func(i int) {
		e := r.one(ctx, items[i])
		if ctx.Err() == nil || e.State == OK {
			r.add(e, items[i].size)
		}
	})
}

func (r *run) add(e *Entry, size int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.m.add(*e)
	r.p.Files++
	r.p.Bytes += size
	if r.opt.Each != nil {
		r.opt.Each(e, r.p)
	}
}

// room lets so many bytes be worked on at once.
type room struct {
	mu    sync.Mutex
	cond  *sync.Cond
	used  int64
	limit int64
}

func (m *room) enter(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cond == nil {
		m.cond = sync.NewCond(&m.mu)
	}
	for m.limit > 0 && m.used > 0 && m.used+n > m.limit {
		m.cond.Wait()
	}
	m.used += n
}

func (m *room) leave(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.used -= n
	m.cond.Broadcast()
}

// one works on one file. What goes wrong stands in the entry.
func (r *run) one(ctx context.Context, it item) *Entry {
	begin := time.Now()
	e := &Entry{Path: it.path, Out: it.out, State: Failed, Notes: []string{}}
	err := module.Guard(func() error { return r.encode(ctx, it, e) })
	if err != nil {
		e.State, e.Error = Failed, it.named(strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	for i, note := range e.Notes {
		e.Notes[i] = it.named(note)
	}
	if e.Milliseconds == 0 {
		e.Milliseconds = time.Since(begin).Milliseconds()
	}
	return e
}

// named puts the name of a file where the path of its contents stands.
func (it *item) named(text string) string {
	if it.file == "" {
		return text
	}
	return strings.ReplaceAll(text, it.file, it.path)
}

func (r *run) encode(ctx context.Context, it item, e *Entry) (err error) {
	if e.Input = it.hash; e.Input == "" {
		if e.Input, err = hashFile(it.where()); err != nil {
			return err
		}
	}
	opt := r.opt.Encode
	opt.Jobs = max(1, it.jobs)
	opt.Notes = func(format string, args ...any) { e.Notes = append(e.Notes, fmt.Sprintf(format, args...)) }
	var f *module.File
	if it.open != nil {
		f, err = module.OpenFile(it.open, it.path)
	} else {
		f, err = module.Open(it.where())
	}
	if err != nil {
		return named(err, it.where())
	}
	defer f.Close()
	if r.opt.BTFHub != "" {
		if it.out, err = r.btfhubOut(f, &it); err != nil {
			return named(err, it.where())
		}
		e.Out = it.out
	}
	e.BuildID = hex.EncodeToString(f.BuildID())
	if !it.kernel && f.Relocatable() {
		b, err := r.baseOf(f, it)
		if err != nil {
			return err
		}
		opt.Base, e.Base = b.b, b.hash
	}
	if r.unchanged(e) {
		return nil
	}
	res, err := encoder.Encode(ctx, []*module.File{f}, opt)
	if err != nil {
		return named(err, it.where())
	}
	if res.Empty {
		e.State, e.Error = Empty, res.Reason
		if opt.Strict {
			return errors.New(res.Reason)
		}
		return nil
	}
	var note string
	data := res.BTF
	if it.out != "" {
		if r.opt.BTFHub != "" {
			if data, err = btfhubFile(it.release, data); err != nil {
				return err
			}
		}
		if dir := filepath.Dir(it.out); dir != r.opt.OutDir {
			if err := os.MkdirAll(dir, 0o777); err != nil {
				return err
			}
		}
		note, err = encoder.WriteDetached(it.out, data, []string{it.where()})
	} else {
		note, err = encoder.WriteInPlace(f, res, opt)
	}
	if note != "" {
		e.Notes = append(e.Notes, note)
	}
	if err != nil {
		return named(err, it.where())
	}
	if r.opt.Compare {
		if err := r.compare(f, it, res.BTF, opt.Base, e); err != nil {
			return err
		}
	}
	e.State, e.Types, e.Bytes = OK, res.NumTypes, len(res.BTF)
	if it.out != "" {
		sum := sha256.Sum256(data)
		e.Output = hex.EncodeToString(sum[:])
	} else if e.Output, err = hashFile(it.path); err != nil {
		return err
	}
	return nil
}

// unchanged tells whether an earlier run did the same to the same file, and takes over what it found.
func (r *run) unchanged(e *Entry) bool {
	if r.opt.Done == nil || r.opt.Done.Flags != r.m.Flags || r.opt.Done.Version != r.m.Version {
		return false
	}
	old := r.opt.Done.find(e.Path)
	if old == nil || old.State != OK || old.Out != e.Out || old.Base != e.Base {
		return false
	}
	if e.Out == "" { // it has its BTF when it is as it was left
		if old.Output != e.Input {
			return false
		}
	} else {
		now, err := hashFile(e.Out)
		if old.Input != e.Input || err != nil || now != old.Output {
			return false
		}
	}
	*e = *old
	return true
}

func named(err error, path string) error {
	if strings.HasPrefix(err.Error(), path) {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}

// baseOf returns the base of a module: the one that was given, or the first vmlinux with BTF among those that may be it.
func (r *run) baseOf(f *module.File, it item) (*base, error) {
	if r.opt.Base != "" {
		b := r.base(r.opt.Base)
		return b, b.err
	}
	if it.of != "" {
		if b := r.base(it.of); b.err == nil {
			return b, nil
		}
		return nil, fmt.Errorf("%s: its vmlinux could not be encoded", f.Path())
	}
	release, _ := f.Release() // a module without one is looked for by its path
	paths := module.Bases(f.Path(), release)
	for _, p := range paths {
		if b := r.base(p); b.err == nil {
			return b, nil
		}
	}
	if len(paths) > 0 {
		return nil, fmt.Errorf("%s: no base: %w (--btf_base names one)", f.Path(), r.base(paths[0]).err)
	}
	return nil, fmt.Errorf("%s: no vmlinux was found for it (--btf_base names one)", f.Path())
}

// base reads a base once. A vmlinux of this run whose BTF was written to a file of its own stands for that file.
func (r *run) base(path string) *base {
	r.mu.Lock()
	b := r.bases[path]
	if b == nil {
		b = &base{from: path}
		if e := r.m.find(path); e != nil && e.State == OK && e.Out != "" {
			b.from = e.Out
		}
		r.bases[path] = b
	}
	r.mu.Unlock()
	b.once.Do(func() {
		if b.b, b.err = module.ReadBase(b.from); b.err != nil {
			return
		}
		sum := sha256.Sum256(b.b.Append(nil))
		b.hash = hex.EncodeToString(sum[:])
	})
	return b
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
