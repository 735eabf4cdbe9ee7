package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/gobtf/gobtf/batch"
	"github.com/gobtf/gobtf/encoder"
	"github.com/gobtf/gobtf/internal/argp"
)

var batchCommand = command{
	name: "batch", summary: "encode all modules of a kernel, or of many", usage: "--out_dir DIR [OPTION...] PATH...\n--in_place [OPTION...] PATH...\n--merge_manifests [--manifest FILE] MANIFEST...",
	text: `Encodes many files at once; what they continue is read once. A PATH is a file, a folder (its modules, and with --out_dir its vmlinux),
a pattern in quotes, or - for a list on stdin. Without --btf_base each module's vmlinux is looked for: in the folders above it, and where
distributions put that of its release. A file that cannot be encoded does not stop the others: it is named at the end, and the status
is 1. The manifest (docs/json.md) says what became of each file; --resume goes on where an earlier run was stopped.`,
	options: slices.Concat(argp.Table{
		{Long: "out_dir", Short: 'o', Arg: argp.Required, Value: "DIR", Help: "write NAME.btf into `DIR` (below a folder for each kernel, when there are several)"},
		{Long: "in_place", Help: "write into the modules themselves"},
	}, manyEncodeOptions, argp.Table{
		{Long: "strict", Help: "no DWARF, or everything filtered, is a failure"},
		{Long: "strip_signature", Help: "drop modules' signatures, which new BTF would break"},
		signKeyOption, signCertOption, signHashOption, signOption,
		{Long: "debug_dir", Arg: argp.Required, Many: true, Value: "DIR", Help: "look for separate debug files in `DIR` first (repeatable)"},
		debuginfodOption,
	}, manyRunOptions, argp.Table{
		{Long: "merge_manifests", Help: "join the manifests of all shards, and check that nothing is missing"},
		maxUnpackedOption,
	}),
	run: runBatch,
}

// Options of the commands that encode many files: what is made of each, and how they go about it.
var (
	manyEncodeOptions = argp.Table{
		{Long: "btf_base", Short: 'b', Arg: argp.Required, Value: "FILE", Help: "split BTF on `FILE` (BTF, or ELF with .BTF, compressed or not)"},
		{Long: "btf_features", Arg: argp.Required, Value: "LIST", Default: "default", Help: "features in `LIST`, as for -J"},
		{Long: "lang_exclude", Arg: argp.Required, Value: "LIST", Help: "no units in the languages of `LIST`"},
		{Long: "pahole_quirks", Help: "split BTF with pahole 1.32's defects, byte for byte (docs/quirks.md)"},
	}
	manyRunOptions = argp.Table{
		{Long: "jobs", Short: 'j', Arg: argp.Required, Value: "N", Help: "`N` files at once (default: as many as there are processors)"},
		{Long: "memory", Arg: argp.Required, Value: "SIZE", Help: "begin no file that would take all together beyond `SIZE`, by estimate (with K, M or G)"},
		{Long: "manifest", Arg: argp.Required, Value: "FILE", Help: "write the manifest to `FILE` (default: manifest.json in the folder of --out_dir; without that none)"},
		{Long: "shard", Arg: argp.Required, Value: "I/N", Help: "only part `I/N` of the work, from 1/N to N/N"},
		{Long: "resume", Help: "leave alone what the manifest says was done and has not changed"},
		{Long: "log", Arg: argp.Required, Value: "FORM", Default: "text", Help: "`FORM` is text, or json: a line on stdout for each file"},
	}
)

func runBatch(ctx context.Context, l *argp.Line, stdout, stderr io.Writer) error {
	if err := setMaxUnpacked(l); err != nil {
		return err
	}
	if l.Has("merge_manifests") {
		return mergeManifests(l, stdout)
	}
	opt, err := batchOptions(l, stderr)
	if err != nil {
		return err
	}
	files, err := batchFiles(l.Operands, opt.OutDir != "")
	if err != nil {
		return err
	}
	return encodeMany(ctx, l, opt, len(files), stdout, stderr, func(opt batch.Options) (*batch.Manifest, error) { return batch.Run(ctx, files, opt) })
}

// encodeMany does what all commands do that encode many files: it shows how things go, keeps a journal, and writes the manifest. n is how
// many files there are, 0 when nothing says it.
func encodeMany(ctx context.Context, l *argp.Line, opt batch.Options, n int, stdout, stderr io.Writer, run func(batch.Options) (*batch.Manifest, error)) (err error) {
	form := l.String("log")
	if form != "text" && form != "json" {
		return usagef("--log: %q is not text or json", form)
	}
	debug.SetGCPercent(200)
	path := manifestPath(l, opt)
	if l.Has("resume") {
		if path == "" {
			return usagef("--resume: there is no manifest: give --manifest")
		}
		if opt.Done, err = batch.Read(path); err != nil {
			return err
		}
	}
	var journal *batch.Journal
	if path != "" {
		if opt.OutDir != "" {
			if err := os.MkdirAll(opt.OutDir, 0o777); err != nil {
				return err
			}
		}
		if journal, err = batch.NewJournal(path, opt); err != nil {
			return err
		}
	}
	show := newBatchShow(stdout, stderr, form, n)
	var lost error // of the journal
	opt.Each = func(e *batch.Entry, p batch.Progress) {
		if journal != nil {
			if err := journal.Add(e); err != nil && lost == nil {
				lost = err
			}
		}
		show.each(e, p)
	}
	m, err := run(opt)
	show.bar.clear()
	if err == nil {
		err = lost
	}
	if err != nil {
		if journal != nil {
			_ = journal.End(false) // it stays, for --resume
		}
		if ctx.Err() != nil {
			return errors.New("interrupted (--resume goes on from here)")
		}
		return err
	}
	if path != "" {
		if err := writeWhole(path, m.Write); err != nil {
			return err
		}
		if err := journal.End(true); err != nil {
			return err
		}
	}
	return show.end(m)
}

// manyOptions reads what manyEncodeOptions and manyRunOptions say. words are those that decide what is made of a file.
func manyOptions(l *argp.Line) (opt batch.Options, words []string, err error) {
	e := &opt.Encode
	var unknown []string
	if e.Features, unknown = encoder.ParseFeatures(l.String("btf_features")); len(unknown) > 0 {
		return opt, nil, usagef("--btf_features: feature %q is not supported; supported are %s", unknown[0], strings.Join(encoder.FeatureNames(), ","))
	}
	if list := l.String("lang_exclude"); list != "" {
		if e.LangExclude, err = encoder.ParseLang(list); err != nil {
			return opt, nil, usagef("--lang_exclude: %v", err)
		}
	}
	e.Quirks = l.Has("pahole_quirks")
	opt.Base, opt.OutDir = l.String("btf_base"), l.String("out_dir")
	if opt.OutDir != "" {
		e.Features &^= encoder.DistilledBase // a file of its own has no place for it
	}
	if opt.Jobs, err = l.Number("jobs"); err != nil {
		return opt, nil, usagef("%v", err)
	}
	if opt.Jobs == 0 {
		opt.Jobs = runtime.GOMAXPROCS(0)
	}
	if s := l.String("memory"); s != "" {
		n, ok := parseSize(s)
		if !ok {
			return opt, nil, usagef("--memory: %q is not a size: a number of bytes, or one with K, M or G", s)
		}
		opt.Memory = n
	}
	if opt.Shard, err = batch.ParseShard(l.String("shard")); err != nil {
		return opt, nil, usagef("--shard: %v", err)
	}
	opt.Version = ownVersion
	return opt, given(l, []string{"--btf_features=" + e.Features.String()}, "lang_exclude", "pahole_quirks"), nil
}

// given adds the options of a line that are among names, as they may be typed.
func given(l *argp.Line, words []string, names ...string) []string {
	for _, name := range names {
		if l.Has(name) {
			words = append(words, strings.TrimSuffix("--"+name+"="+l.String(name), "="))
		}
	}
	return words
}

func batchOptions(l *argp.Line, stderr io.Writer) (batch.Options, error) {
	opt, words, err := manyOptions(l)
	if err != nil {
		return opt, err
	}
	e := &opt.Encode
	e.Strict, e.StripSignature, e.DebugDirs = l.Has("strict"), l.Has("strip_signature"), l.Strings("debug_dir")
	if e.Signer, err = signer(l); err != nil {
		return opt, err
	}
	if e.FetchDebug, err = fetchDebug(l, stderr); err != nil {
		return opt, err
	}
	if e.Signer != nil && !l.Has("in_place") {
		return opt, usagef("batch: only modules are signed: give --in_place")
	}
	if (opt.OutDir == "") == !l.Has("in_place") {
		return opt, usagef("batch: give --out_dir, or --in_place")
	}
	opt.Flags = strings.Join(given(l, words, "strict", "strip_signature", "sign_key", "sign_cert", "sign_hash", "sign", "in_place"), " ")
	return opt, nil
}

func manifestPath(l *argp.Line, opt batch.Options) string {
	if p := l.String("manifest"); p != "" || opt.OutDir == "" {
		return p
	}
	return filepath.Join(opt.OutDir, "manifest.json")
}

// batchFiles lists the files that the operands mean. kernels: a vmlinux in a folder is one of them.
func batchFiles(words []string, kernels bool) (list []string, err error) {
	for _, w := range words {
		switch {
		case w == "-":
			s := bufio.NewScanner(os.Stdin)
			for s.Scan() {
				if line := strings.TrimSpace(s.Text()); line != "" {
					list = append(list, line)
				}
			}
			if err := s.Err(); err != nil {
				return nil, err
			}
		case isDir(w):
			more, err := filesIn(w, kernels)
			if err != nil {
				return nil, at(err, w)
			}
			if len(more) == 0 {
				return nil, fmt.Errorf("%s: no modules", w)
			}
			list = append(list, more...)
		default:
			if _, err := os.Stat(w); errors.Is(err, fs.ErrNotExist) && strings.ContainsAny(w, "*?[") {
				more, err := filepath.Glob(w)
				if err != nil || len(more) == 0 {
					return nil, fmt.Errorf("%s: no such file", w)
				}
				list = append(list, more...)
				continue
			}
			list = append(list, w)
		}
	}
	if len(list) == 0 {
		return nil, usagef("batch: no file")
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

func isDir(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.IsDir()
}

// filesIn returns the modules of a tree, and its vmlinux files.
func filesIn(dir string, kernels bool) (list []string, err error) {
	modules, err := batch.Modules(dir)
	for _, m := range modules {
		list = append(list, m.Path)
	}
	if err != nil || !kernels {
		return list, err
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && (d.Name() == "vmlinux" || strings.HasPrefix(d.Name(), "vmlinux-")) {
			list = append(list, path)
		}
		return err
	})
	return list, err
}

func mergeManifests(l *argp.Line, stdout io.Writer) error {
	var parts []*batch.Manifest
	for _, path := range l.Operands {
		m, err := batch.Read(path)
		if err != nil {
			return at(err, path)
		}
		if m == nil {
			return fmt.Errorf("%s: no such file or directory", path)
		}
		parts = append(parts, m)
	}
	if len(parts) == 0 {
		return usagef("batch: --merge_manifests: no manifest")
	}
	m, err := batch.Merge(parts)
	if err != nil {
		return err
	}
	if path := l.String("manifest"); path != "" {
		if err := writeWhole(path, m.Write); err != nil {
			return err
		}
	}
	return sumUp(stdout, m)
}

// batchShow tells how a batch goes on: a bar on a terminal; elsewhere a line now and then, or one for each file as JSON.
type batchShow struct {
	stdout, stderr io.Writer
	json           bool
	bar            bar
	begin, told    time.Time
}

func newBatchShow(stdout, stderr io.Writer, form string, n int) *batchShow {
	s := &batchShow{stdout: stdout, stderr: stderr, json: form == "json", begin: time.Now(), told: time.Now()}
	if !s.json {
		if n == 0 {
			n = -1 // a bar without an end
		}
		s.bar = progress(stderr, n, "files")
	}
	return s
}

func (s *batchShow) each(e *batch.Entry, p batch.Progress) {
	switch {
	case s.json:
		b, err := json.Marshal(e)
		if err == nil {
			fmt.Fprintf(s.stdout, "%s\n", b)
		}
	case s.bar.ProgressBar != nil:
		s.bar.Describe(filepath.Base(e.Path))
		s.bar.add()
	case time.Since(s.told) > 10*time.Second:
		s.told = time.Now()
		if p.OfFiles == 0 { // out of a package, where nothing says how many there are
			fmt.Fprintf(s.stderr, "gobtf: %d files, %d MB; last %s\n", p.Files, p.Bytes>>20, e.Path)
			return
		}
		left := time.Duration(float64(time.Since(s.begin)) * float64(p.OfBytes-p.Bytes) / float64(max(1, p.Bytes)))
		fmt.Fprintf(s.stderr, "gobtf: %d of %d files, %d of %d MB, about %v left; last %s\n", p.Files, p.OfFiles, p.Bytes>>20, p.OfBytes>>20, left.Round(time.Second), e.Path)
	}
}

// end names what failed, and sums up.
func (s *batchShow) end(m *batch.Manifest) error {
	for i := range m.Files {
		if e := &m.Files[i]; e.State == batch.Failed {
			fmt.Fprintf(s.stderr, "gobtf: %s\n", e.Error)
		}
	}
	w := s.stdout
	if s.json {
		w = s.stderr
	}
	return sumUp(w, m)
}

func sumUp(w io.Writer, m *batch.Manifest) error {
	fmt.Fprintf(w, "%d files: %d encoded, %d without anything to encode, %d failed; %d types in %d bytes\n", len(m.Files), m.OK, m.Empty, m.Failed, m.Types, m.Bytes)
	if m.Failed > 0 {
		return fmt.Errorf("%d of %d files failed", m.Failed, len(m.Files))
	}
	return nil
}
