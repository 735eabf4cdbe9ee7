// Package encoder turns whole files into BTF: it orders the stages (ELF to units,
// units to one list of types, dedup, output) and decides which functions and
// variables are written. It decodes nothing itself.
//
// Before it: internal/elfx and convert. After it: the caller, who has the bytes.
package encoder

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/convert"
	"github.com/gobtf/gobtf/internal/dedup"
	"github.com/gobtf/gobtf/internal/elfx"
	"github.com/gobtf/gobtf/internal/graph"
	"github.com/gobtf/gobtf/internal/parallel"
	"github.com/gobtf/gobtf/module"
)

// EncodeFiles opens files and makes one BTF of them, as Encode does.
func EncodeFiles(ctx context.Context, paths []string, opt Options) (*Result, error) {
	files, err := module.OpenAll(paths)
	if err != nil {
		return nil, err
	}
	defer module.CloseAll(files)
	return Encode(ctx, files, opt)
}

// Encode makes one BTF of the given files, in their order, and verifies it. The files stay open. Errors begin with a file's path.
func Encode(ctx context.Context, files []*module.File, opt Options) (*Result, error) {
	work := encode
	if opt.Form != Split {
		work = encodeStandalone
	}
	res, err := work(ctx, files, opt)
	if err == nil && !res.Empty {
		err = verified(files[0].Path(), res, opt)
	}
	if err != nil {
		return nil, err
	}
	return res, nil
}

// encode makes BTF on Options.Base, or standalone.
func encode(ctx context.Context, open []*module.File, opt Options) (*Result, error) {
	files, err := inputs(ctx, open, opt)
	defer func() {
		for _, f := range files {
			f.close()
		}
	}()
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if f.info == nil {
			return &Result{Empty: true, Reason: f.path + ": no DWARF debug information"}, nil
		}
	}
	j := &job{ctx: ctx, opt: opt, files: files, res: &Result{}}
	return j.run()
}

// job is one run of Encode.
type job struct {
	ctx   context.Context
	opt   Options
	files []*input
	res   *Result

	shapes *graph.Shapes
	table  *table
	units  int
	named  uint64 // bytes of all sections that names can come from
	sized  bool   // the second try, after convert.ErrUnsized
	told   int    // units that Options.Explain was told of in the first
	said   []string
}

// mayName adds a file to those that names come from. What is named may have several times their bytes, as linkers put a name into
// the end of another, and 16 MiB, the most that a kernel takes.
func (j *job) mayName(f *elfx.File) {
	for i := range f.Sections {
		if s := &f.Sections[i]; s.Type != uint32(elf.SHT_NOBITS) {
			j.named += s.Size
		}
	}
	j.shapes.Strs.Limit(16<<20 + 4*j.named)
}

// believed is what is taken for the size of a section before it is read. The header may claim anything: compressed debug information has
// a third of its size or more, and what is larger is counted when it is there. The memory that is reserved can cost what it has pages,
// though nothing is written there: the runtime may clear it.
func believed(claim, file uint64) uint64 { return min(claim, 4*file, 1<<30) }

// newShapes returns tables that need not grow while workers use them, as a rule. What is expected is what kernels have: a name for every 24
// bytes of .debug_str and for every fourth symbol, and of contents what info bytes of .debug_info have.
func (j *job) newShapes(info uint64) *graph.Shapes {
	var names uint64
	for _, f := range j.files {
		size := f.debug.Size()
		if s := f.debug.Section(".debug_str"); s != nil {
			names += believed(s.Size, size) / 24
		}
		if s := f.debug.Section(".symtab"); s != nil {
			names += believed(s.Size, size) / 96
		}
	}
	shapes := graph.NewShapes(graph.NewStrings())
	if n := convert.Contents(info); n > 0 {
		shapes.Strs.Expect(int(names))
		shapes.Expect(n)
	}
	return shapes
}

// run applies rule order/files.
func (j *job) run() (*Result, error) {
	var size uint64
	for _, f := range j.files {
		size += believed(f.info.Size, f.debug.Size())
		j.res.Stats.InfoBytes += f.info.Size
	}
	j.shapes = j.newShapes(size)
	var start btf.TypeID
	if j.opt.Base != nil {
		start = btf.TypeID(j.opt.Base.Len())
		if bo := j.opt.Base.BigEndian(); bo != j.files[0].elf.BigEndian {
			return nil, fmt.Errorf("%s: base BTF is %s and the file is %s", j.files[0].path, endianName(bo), endianName(!bo))
		}
		if m, f := elf.Machine(j.opt.Base.Machine), elf.Machine(j.files[0].elf.Machine); m != f && m != elf.EM_NONE && m != elf.EM_BPF && f != elf.EM_BPF {
			return nil, fmt.Errorf("%s: base BTF is of a file for %s and this one is for %s", j.files[0].path, m, f)
		}
		if j.opt.Jobs != 1 && runtime.GOMAXPROCS(0) > 1 {
			// What dedup and the strings need of the base is made beside the conversion. For a small module it takes as long.
			go dedup.IndexOf(j.opt.Base)
			go j.opt.Base.Offset([]byte("any name"))
		}
	}
	// A type for every 32 bytes of .debug_info and a reference for 12: vmlinux 6.12 has
	// one for 48 and for 17.
	j.table = newTable(j.shapes, start, int(size/32), int(size/12))
	j.table.trace = newTracer(j.opt.Trace, j.files[0], j.opt.Features)
	if j.opt.Explain != nil {
		j.table.explain = &explainer{tell: j.opt.Explain, t: j.table, told: j.told}
	}
	defer j.table.trace.flush()
	tm := newTimer(&j.res.Stats)
	for _, f := range j.files {
		switch err := j.convert(f, tm); {
		case errors.Is(err, convert.ErrUnsized) && !j.sized:
			j.sized, j.units, j.named, j.res.Stats = true, 0, 0, Stats{}
			if x := j.table.explain; x != nil {
				j.told = len(x.units)
			}
			return j.run()
		case err != nil:
			return nil, err
		}
	}
	if err := j.report(); err != nil {
		return nil, err
	}
	if j.units > 0 && j.table.left == j.units {
		j.res.Empty, j.res.Reason = true, j.files[0].path+": every unit was filtered or left out"
		return j.res, nil
	}
	tm.stage("functions")
	jobs := j.jobs(j.units)
	tm.workers = parallel.Workers(jobs, j.units)
	if jobs > 1 {
		go collect(len(j.table.g.Shape))
	}
	j.table.units = append(j.table.units, j.table.g.Len())
	lost, err := j.table.emitFuncs(j.opt.Features, jobs)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", j.files[0].path, err)
	}
	j.table.dropFunctions(jobs)
	if jobs == 1 {
		collect(len(j.table.g.Shape))
	}
	for _, lost := range []error{lost, j.table.emitDatasecs(j.files[0].symbols())} {
		switch {
		case lost != nil && j.opt.Strict:
			return nil, fmt.Errorf("%s: %w", j.files[0].path, lost)
		case lost != nil:
			j.note("%s: %v", j.files[0].path, lost)
		}
	}
	if j.opt.Base == nil && j.table.g.Len() == 1 {
		j.res.Empty, j.res.Reason = true, j.files[0].path+": its units define no types: they have lines only (-g1, -gmlt), or their types are in other files (-gsplit-dwarf)"
		return j.res, nil
	}
	return j.finish(tm)
}

// convert adds one file's units to the table.
func (j *job) convert(f *input, tm *timer) error {
	tm.stage("symbols")
	strs := j.shapes.Strs
	j.mayName(f.elf)
	if f.debug != f.elf {
		j.mayName(f.debug)
	}
	opt := j.convertOptions(f)
	m := newSectionMap(j.files[0].symbols(), strs, j.opt.Features)
	if m != nil {
		opt.Variables = m
	}
	sec, secErr := f.sections()
	if secErr == nil {
		secErr = j.alternate(f, &sec)
	}
	if f.alt != nil {
		j.mayName(f.alt)
	}
	// While symbols are sorted, the units' headers and all abbreviations are looked at.
	var entries *funcTable
	var conv *convert.Converter
	var err, convErr error
	tm.workers = parallel.Workers(j.maxJobs(), 3)
	parallel.Must(j.maxJobs(), 3, func(_, i int) {
		switch {
		case i == 0:
			entries, err = newFuncTable(f.symbols(), strs, j.maxJobs())
		case i == 1 && secErr == nil:
			conv, convErr = convert.New(sec, j.shapes, opt)
		case i == 2 && m != nil && j.maxJobs() > 1 && f.debug.Size() > manyBytes:
			m.readObjects() // the first unit that needs it would make the others wait
		}
	})
	switch {
	case errors.Is(err, elfx.ErrNoSymtab):
		j.note("%s: %v", f.path, errNoSymtab)
		entries = &funcTable{lastKey: -1}
	case err != nil:
		return err
	}
	if len(entries.entries) > 0 {
		if conv != nil {
			conv.SetFunctions(entries)
		}
		j.table.tables = append(j.table.tables, entries)
		if len(j.files) == 1 && j.maxJobs() > 1 {
			sorted := make(chan []funcName, 1) // not j.table's: a second try has another table
			go func() { sorted <- sortedNames([]*funcTable{entries}, strs, 1) }()
			j.table.sorted = sorted
		}
	}
	if f == j.files[0] && j.opt.Features&DeclTagKfuncs != 0 {
		if err := entries.findKfuncs(f.elf, f.symbols(), strs); err != nil {
			return err
		}
	}
	switch {
	case secErr != nil:
		return secErr
	case convErr != nil:
		return fmt.Errorf("%s: %w", f.path, convErr)
	}
	f.drop()
	tm.stage("units")
	// More workers than processors would share them, and need memory each.
	tm.workers = parallel.Workers(j.jobs(conv.Len()), conv.Len())
	j.table.expect(conv.Len())
	err = inOrder(j.ctx, conv, j.units, tm.workers, &fileSink{t: j.table, f: f, entries: entries, often: max(minDrop, conv.Len()/drops), workers: tm.workers})
	f.drop()
	if err != nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	j.units += conv.Len()
	return nil
}

func (j *job) convertOptions(f *input) convert.Options {
	o, fs := &j.opt, j.opt.Features
	return convert.Options{
		Float: fs&Float != 0, Enum64: fs&Enum64 != 0, TypeTag: fs&TypeTag != 0, DeclTag: fs&DeclTag != 0,
		TrueSignature: fs&TrueSignature != 0, EncodeForce: fs&EncodeForce != 0,
		FixupSillyBitfields: o.FixupSillyBitfields, FlatArrays: j.flatArrays(),
		KabiPrefix: o.KabiPrefix, Lang: o.Lang, LangExclude: o.LangExclude, CUExclude: o.CUExclude,
		Registers: registersOf(elf.Machine(f.elf.Machine)), NoteEnums: o.Targeted && o.Kernel.Before(6, 0),
		Sized: j.sized, ForceMerging: fs&ForceCUMerging != 0 || f.ltoNote(), Trace: o.Trace != nil || o.Explain != nil,
	}
}

// flatArrays tells whether multi-dimensional arrays are made flat, because the base's are.
// Rule split/flat-arrays.
func (j *job) flatArrays() bool {
	return j.opt.Base != nil && !j.opt.Quirks && j.opt.Base.OnlyFlatArrays()
}

// jobs returns how many workers to use for so many units.
func (j *job) jobs(units int) int {
	if n := j.opt.Jobs; n > 0 {
		return n
	}
	return max(1, min(j.maxJobs(), units/8))
}

// maxJobs returns how many workers to use where there is enough to do.
func (j *job) maxJobs() int {
	switch n := runtime.GOMAXPROCS(0); {
	case j.opt.Jobs > 0:
		return j.opt.Jobs
	case j.opt.JobsLimit > 0:
		return min(n, j.opt.JobsLimit)
	default:
		return n
	}
}

func (j *job) note(format string, args ...any) {
	if j.opt.Notes == nil {
		return
	}
	text := fmt.Sprintf(format, args...)
	switch {
	case !j.sized:
		j.said = append(j.said, text)
	case slices.Contains(j.said, text):
		return // in the first try
	}
	j.opt.Notes("%s", text)
}

// finish deduplicates and makes the bytes.
func (j *job) finish(tm *timer) (*Result, error) {
	t := j.table
	j.res.Stats.TypesBefore = len(t.g.Shape)
	if j.opt.CountBefore {
		j.res.Stats.countBefore(t.g)
	}
	var base *dedup.Base
	if j.opt.Base != nil {
		base = dedup.IndexOf(j.opt.Base)
	}
	// Strings come in the order of units, whatever becomes of the types: another worker adds them meanwhile.
	sec := j.stringSection()
	added := make(chan bool, 1)
	if j.jobs(j.units) > 1 {
		go func() {
			added <- parallel.Do(1, 1, func(_, _ int) bool { t.addStrings(sec); return true }) == 1
		}()
	} else {
		added <- false
	}
	d, err := dedup.Run(t.g, base, dedup.Options{Quirks: j.opt.Quirks, Jobs: j.jobs(j.units), Units: t.units, Stage: func(name string, workers int) {
		tm.stage("dedup: " + name)
		tm.workers = workers
	}})
	if err != nil {
		return nil, fmt.Errorf("%s: dedup: %w", j.files[0].path, err)
	}
	tm.stage("strings")
	if !<-added { // not yet, or not all, and the reason will turn up again
		t.addStrings(sec)
	}
	tm.stage("output")
	var on *btf.Types
	if j.opt.Base != nil {
		on = j.opt.Base.Types
	}
	types, err := t.g.Types(d.Keep, sec, on, j.files[0].elf.Order())
	if err != nil {
		return nil, fmt.Errorf("%s: encoded BTF: %w", j.files[0].path, err)
	}
	if !j.opt.Quirks {
		types = types.WithStrings()
	}
	j.res.BTF = types.AppendForm(nil, j.opt.Header)
	j.res.NumTypes = len(d.Keep)
	if j.opt.Features.Has(DistilledBase) {
		tm.stage("distill")
		if err := j.distilled(types); err != nil {
			return nil, fmt.Errorf("%s: %w", j.files[0].path, err)
		}
	}
	tm.end()
	return j.res, nil
}

func endianName(big bool) string {
	if big {
		return "big endian"
	}
	return "little endian"
}

// input is one file to encode: the ELF that has the symbols, and the one that has
// the debug information, which may be another.
type input struct {
	path       string
	elf, debug *elfx.File
	alt        *elfx.File // that dwz moved what several files have in common to
	info       *elfx.Section
}

// symbols returns the file that has the symbol table: that of the debug information where the other one was stripped. Both have the same
// sections, in the same places.
func (f *input) symbols() *elfx.File {
	symtab := uint32(elf.SHT_SYMTAB)
	if f.debug != nil && f.elf.LastOfType(symtab) == nil && f.debug.LastOfType(symtab) != nil {
		return f.debug
	}
	return f.elf
}

// manyBytes is from which size of a file on it is prepared what is not certain to be needed.
const manyBytes = 64 << 20

// While units are converted the files' pages are given back so many times, but not more often than once in so many units. What is read of them, but
// for .debug_info, is names, and each is looked at once.
const (
	drops   = 8
	minDrop = 64

	// The first times, the garbage is collected as well: slices that were too small for large units, of each worker. Where there are many
	// workers that is every time.
	collects    = 3
	manyWorkers = 8
)

// fileSink adds one file's units to the table.
type fileSink struct {
	t       *table
	f       *input
	entries *funcTable
	n       int // units that were placed
	often   int // after how many the file's pages are given back
	workers int
}

func (k *fileSink) fits(u *convert.Unit) bool { return k.t.fits(u) }

func (k *fileSink) place(u *convert.Unit) (fill func(), err error) {
	k.n++
	drop := k.n%k.often == 0
	collect := drop && (k.n <= collects*k.often || k.workers >= manyWorkers)
	s := k.t.place(u, k.entries)
	if s != nil && k.t.traced() {
		k.t.fill(s)
		k.t.traceUnit(s)
		s = nil
	}
	if s == nil && !drop {
		return nil, nil
	}
	return func() {
		if s != nil {
			k.t.fill(s)
		}
		if drop {
			k.f.drop()
		}
		if collect {
			runtime.GC()
		}
	}, nil
}

// drop gives back the pages of the files that have been read. They come back when they are needed again.
func (f *input) drop() {
	for _, e := range []*elfx.File{f.elf, f.debug, f.alt} {
		if e != nil {
			e.Drop(e.Bytes())
		}
	}
}

func (f *input) close() {
	if f.alt != nil {
		f.alt.Close()
	}
	if f.debug != nil && f.debug != f.elf {
		f.debug.Close()
	}
	f.elf.ReleaseAll()
}

// inputs finds where the debug information of each file is.
func inputs(ctx context.Context, open []*module.File, opt Options) ([]*input, error) {
	var files []*input
	for _, m := range open {
		e, err := m.ELF(), error(nil)
		f := &input{path: m.Path(), elf: e, debug: e}
		files = append(files, f)
		if f.info = e.Section(".debug_info"); f.info == nil {
			if f.debug, err = e.FindDebug(opt.DebugDirs); err != nil {
				return files, err
			}
			if id := e.BuildID(); f.debug == nil && opt.FetchDebug != nil && len(id) > 0 {
				path, err := opt.FetchDebug(ctx, id)
				if err != nil {
					return files, fmt.Errorf("%s: no DWARF debug information: %w", f.path, err)
				}
				if f.debug, err = e.OpenDebug(path); err != nil {
					return files, err
				}
			}
			if f.debug != nil {
				f.info = f.debug.Section(".debug_info")
			}
		}
		if f.info != nil && (f.info.Size == 0 || f.info.Type == uint32(elf.SHT_NOBITS)) {
			f.info = nil
		}
	}
	return files, nil
}

// sections returns the debug sections, decompressed and relocated. .debug_info is
// read unit by unit where it is stored plain: mapping it would hold its pages.
func (f *input) sections() (s convert.Sections, err error) {
	s.BigEndian = f.debug.BigEndian
	r, err := f.debug.ReaderAt(f.info)
	if err != nil {
		return s, err
	}
	if r != nil {
		s.Info, s.InfoSize = r, f.info.Size
	} else {
		if s.InfoBytes, err = f.debug.Data(f.info); err != nil {
			return s, err
		}
		s.Info, s.InfoSize = bytes.NewReader(s.InfoBytes), uint64(len(s.InfoBytes))
	}
	for _, x := range []struct {
		name string
		to   *[]byte
	}{
		{".debug_abbrev", &s.Abbrev}, {".debug_str", &s.Str}, {".debug_line_str", &s.LineStr}, {".debug_str_offsets", &s.StrOffsets},
		{".debug_addr", &s.Addr}, {".debug_loc", &s.Loc}, {".debug_loclists", &s.Loclists}, {".debug_types", &s.Types},
	} {
		if sec := f.debug.Section(x.name); sec != nil {
			if *x.to, err = f.debug.Data(sec); err != nil {
				return s, err
			}
		}
	}
	if err := f.typeSections(&s); err != nil {
		return s, err
	}
	return s, nil
}

// typeSections adds the sections that an object has once for each of its type units: each is in a
// COMDAT group of its own until the linker joins them.
func (f *input) typeSections(s *convert.Sections) error {
	types := f.debug.Section(".debug_types")
	s.Types = slices.Clip(s.Types) // the file's own bytes
	for i := range f.debug.Sections {
		sec := &f.debug.Sections[i]
		var to *[]byte
		switch {
		case sec.Name == f.info.Name && sec != f.info:
			to = &s.MoreInfo
		case types != nil && sec.Name == types.Name && sec != types:
			to = &s.Types
		default:
			continue
		}
		b, err := f.debug.Data(sec)
		if err != nil {
			return err
		}
		*to = append(*to, b...)
	}
	return nil
}

// ltoNote tells whether a note says that units refer to each other: owner "Linux",
// type 0x101 (LINUX_ELFNOTE_LTO_INFO), not zero.
// Rule units/merged.
func (f *input) ltoNote() bool {
	lto := false
	f.elf.Notes(func(owner string, typ uint32, desc []byte) {
		if owner == "Linux" && typ == 0x101 && len(desc) >= 4 && f.elf.Order().Uint32(desc) != 0 {
			lto = true
		}
	})
	return lto
}

var _ io.ReaderAt = (*bytes.Reader)(nil)
