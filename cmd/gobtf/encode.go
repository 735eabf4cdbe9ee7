package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/verify"
	"github.com/gobtf/gobtf/encoder"
	"github.com/gobtf/gobtf/module"
)

// limitMemory makes Go collect what is garbage before it takes more than files of that size may cost (docs/reliability.md). No kernel
// comes near it: this is for files made to blow up. A limit that the user gave counts instead.
func limitMemory(files []*module.File) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	limit := uint64(40 << 20)
	for _, f := range files {
		limit += 6 * min(f.Size(), 1<<36)
	}
	debug.SetMemoryLimit(int64(limit))
	if limit < smallLimit {
		debug.SetGCPercent(-1) // the limit sees to it: collecting takes a tenth of what a small module takes
	}
}

// smallLimit is the memory limit of files that are small, for which there is no need to collect before it is reached.
const smallLimit = 100 << 20

// encode is the main job: options, one library call, output.
func encode(ctx context.Context, c *line, stdout, stderr io.Writer) error {
	// Little becomes garbage in an encoding, and what there is of memory has no pointers:
	// collecting at Go's usual 4 MB only costs time.
	debug.SetGCPercent(400)
	paths := c.Operands
	begin := time.Now()
	if err := setMaxUnpacked(c.Line); err != nil {
		return err
	}
	opt, err := encodeOptions(c, stdout, stderr)
	if err != nil {
		return err
	}
	asked, err := standaloneRequest(c, os.LookupEnv)
	if err != nil {
		return err
	}
	files, err := module.OpenAll(paths)
	if err != nil {
		return aboutJobs(err, c.jobs, paths)
	}
	defer module.CloseAll(files)
	limitMemory(files)
	// Not every form needs the base, and --target_kernel=auto asks it first.
	cache := openBaseCache(c.Line)
	readBase := sync.OnceValues(func() (*btf.Base, error) { return module.ReadBaseCached(c.String("btf_base"), cache) })
	if opt, err = forKernel(c, opt, files[0], readBase); err != nil {
		return err
	}
	note, err := applyStandalone(c, asked, &opt, files[0])
	if err != nil {
		return err
	}
	out := c.String("btf_encode_detached")
	if out != "" {
		if err := checkOutput(out, append(paths, c.String("btf_base"))); err != nil {
			return err
		}
	}
	base := c.String("btf_base")
	if opt.Form == encoder.Raw || opt.Form == encoder.Portable {
		base = "" // neither has anything to do with it
	}
	if base != "" {
		if opt.Base, err = readBase(); err != nil {
			return at(err, base)
		}
	}
	if out == "" {
		encoder.CopyAhead(files[0], opt)
	}
	res, err := encoder.Encode(ctx, files, opt)
	switch {
	case err != nil && ctx.Err() != nil:
		return errors.New("interrupted")
	case err != nil:
		return at(err, paths...)
	}
	if note != "" && !res.Empty {
		opt.Notes("%s", note)
	}
	if c.Has("stats") {
		defer printStats(stderr, res, begin)
		if cache.Knew(opt.Base) {
			defer fmt.Fprintf(stderr, "%-19s %s\n", "base", "from the cache")
		}
	}
	data := res.BTF
	if res.Empty {
		if opt.Strict {
			return errors.New(res.Reason)
		}
		if out == "" {
			opt.Notes("%s: nothing to encode, the file stays as it is", res.Reason)
			return nil
		}
		opt.Notes("%s: %s has no types", res.Reason, out)
		data = emptyBTF(opt, files[0].BigEndian())
	}
	target := out
	if out != "" {
		note, err = encoder.WriteDetached(out, data, paths)
	} else {
		target = paths[0]
		note, err = encoder.WriteInPlace(files[0], res, opt)
	}
	if note != "" {
		opt.Notes("%v", at(errors.New(note), target))
	}
	if err == nil {
		cache.Keep(opt.Base)
	}
	return at(err, target)
}

// forKernel says by whose rules the BTF is verified, and with --target_kernel leaves out what that kernel does not take.
func forKernel(c *line, opt encoder.Options, f *module.File, readBase func() (*btf.Base, error)) (encoder.Options, error) {
	r := kernelRelease(os.LookupEnv, f)
	target := c.String("target_kernel")
	if target == "auto" && !r.known() {
		if base := c.String("btf_base"); base != "" {
			if b, err := readBase(); err == nil { // an error is told where the base is needed
				r = parseRelease(b.Release)
			}
		}
		if !r.known() {
			return opt, fmt.Errorf("%s: --target_kernel=auto: neither VERSION and PATCHLEVEL, KERNELRELEASE, a vermagic nor the base says which kernel it is for", f.Path())
		}
	}
	k := verify.Kernel{Major: r.major, Minor: r.minor}
	switch {
	case target != "" && target != "auto":
		var err error
		if k, err = verify.ParseKernel(target); err != nil {
			return opt, usagef("--target_kernel: %v", err)
		}
	case target == "":
		opt.Kernel = k // the zero value, when it is not known, is the newest
		return opt, nil
	}
	return opt.For(k), nil
}

// encodeOptions turns a line into what the encoder takes.
func encodeOptions(c *line, stdout, stderr io.Writer) (opt encoder.Options, err error) {
	opt = encoder.Options{
		CUExclude: c.String("cu_exclude"), KabiPrefix: c.String("kabi_prefix"),
		FixupSillyBitfields: c.Has("fixup_silly_bitfields"), Quirks: c.Has("pahole_quirks"), Strict: c.Has("strict"),
		StripSignature: c.Has("strip_signature"), DebugDirs: c.Strings("debug_dir"),
		Notes: func(format string, args ...any) { fmt.Fprintf(stderr, "gobtf: "+format+"\n", args...) },
	}
	opt.Features, opt.Jobs = c.features, c.jobs
	if opt.FetchDebug, err = fetchDebug(c, stderr); err != nil {
		return opt, err
	}
	if opt.Signer, err = signer(c); err != nil {
		return opt, err
	}
	if opt.Signer != nil && c.String("btf_encode_detached") != "" {
		return opt, usagef("--sign_key: raw BTF is not signed, modules are: leave out --btf_encode_detached")
	}
	if c.String("btf_encode_detached") != "" {
		opt.Features &^= encoder.DistilledBase // as in pahole: only a module has a place for it
	}
	if strings.Contains(os.Getenv("MAKEFLAGS"), "--jobserver") {
		opt.JobsLimit = 2 // make runs as many encoders as it has slots
	}
	if c.Has("verbose") {
		opt.Trace = stdout
	}
	if c.Has("cu_exclude") && opt.CUExclude == "" {
		return opt, usagef("option '--cu_exclude' requires a prefix")
	}
	if opt.Lang, opt.LangExclude, err = languages(c); err != nil {
		return opt, err
	}
	switch form := c.String("btf_header"); form {
	case "", "24":
		opt.Header = btf.Header24
	case "32":
		opt.Header = btf.Header32
	case "layout":
		opt.Header = btf.HeaderLayout
	default:
		return opt, usagef("option '--btf_header': %q is not 24, 32 or layout", form)
	}
	if n := c.String("hashbits"); n != "" {
		if bits, _ := strconv.Atoi(n); bits > 31 {
			return opt, fmt.Errorf("--hashbits=%s: must be below 32", n)
		}
	}
	if formats := c.String("format_path"); c.Has("format_path") && !contains(formats, "dwarf") {
		return opt, fmt.Errorf("--format_path=%s: gobtf reads dwarf alone", formats)
	}
	return opt, nil
}

// languages returns the filters. The environment's counts only when no option says anything.
func languages(c *line) (only, not []uint16, err error) {
	exclude, from := c.String("lang_exclude"), "--lang_exclude"
	if env := os.Getenv("PAHOLE_LANG_EXCLUDE"); env != "" && !c.Has("lang") && !c.Has("lang_exclude") {
		exclude, from = env, "PAHOLE_LANG_EXCLUDE"
	}
	if c.Has("lang") {
		if only, err = encoder.ParseLang(c.String("lang")); err != nil {
			return nil, nil, fmt.Errorf("--lang: %w", err)
		}
	}
	if c.Has("lang_exclude") || exclude != "" {
		if not, err = encoder.ParseLang(exclude); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", from, err)
		}
	}
	return only, not, nil
}

func contains(list, word string) bool {
	for _, w := range strings.Split(list, ",") {
		if w == word {
			return true
		}
	}
	return false
}

// checkOutput refuses, before any work, an output that is one of the inputs.
func checkOutput(out string, inputs []string) error {
	fi, err := os.Stat(out)
	if err != nil {
		return nil // not there yet; what else may be wrong shows when it is written
	}
	for _, in := range inputs {
		if other, err := os.Stat(in); err == nil && os.SameFile(fi, other) {
			return fmt.Errorf("%s: output is the input %s", out, in)
		}
	}
	return nil
}

// emptyBTF is what a detached output holds when there was nothing to encode: valid, so that newer kernel builds go on.
func emptyBTF(opt encoder.Options, big bool) []byte {
	strs := []byte{0}
	if opt.Base != nil {
		strs, big = nil, opt.Base.BigEndian()
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if big {
		order = binary.BigEndian
	}
	return btf.AppendFile(nil, opt.Header, nil, strs, order)
}

// at puts the first of the files in front of an error that does not begin with one of them, and takes the system call
// out of one that does.
func at(err error, paths ...string) error {
	if err == nil {
		return nil
	}
	var pe *fs.PathError
	if errors.As(err, &pe) && err == error(pe) {
		return fmt.Errorf("%s: %w", pe.Path, pe.Err)
	}
	for _, path := range paths {
		if strings.HasPrefix(err.Error(), path+": ") {
			return err
		}
	}
	return fmt.Errorf("%s: %w", paths[0], err)
}

// printStats says where the time went.
func printStats(w io.Writer, res *encoder.Result, begin time.Time) {
	for _, s := range res.Stats.Stages {
		workers := "1 worker"
		if s.Workers > 1 {
			workers = fmt.Sprintf("%d workers", s.Workers)
		}
		fmt.Fprintf(w, "%-19s %9.1f ms %9.1f ms cpu   %s\n", s.Name, ms(s.Wall), ms(s.CPU), workers)
	}
	fmt.Fprintf(w, "%-19s %9.1f ms\n", "total", ms(time.Since(begin)))
	var ru syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &ru) == nil {
		fmt.Fprintf(w, "%-19s %9.1f ms\n", "cpu", ms(time.Duration(ru.Utime.Nano()+ru.Stime.Nano())))
		fmt.Fprintf(w, "%-19s %9.1f MB\n", "peak", float64(ru.Maxrss)/1024)
	}
	fmt.Fprintf(w, "%-19s %9d\n%-19s %9d\n%-19s %9d\n", "types read", res.Stats.TypesBefore, "types", res.NumTypes, "bytes", len(res.BTF))
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// aboutJobs adds to the error of a file that is not there what may have been meant, where -j came without a number and a number as a file.
func aboutJobs(err error, jobs int, paths []string) error {
	if jobs != 0 || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, path := range paths {
		if n := digits(path); n > 0 && n == len(path) && strings.HasPrefix(err.Error(), path+":") {
			return fmt.Errorf("%w (for %s workers write -j%s)", err, path, path)
		}
	}
	return err
}
