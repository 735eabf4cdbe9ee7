package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gobtf/gobtf/batch"
	"github.com/gobtf/gobtf/internal/archive"
	"github.com/gobtf/gobtf/internal/argp"
)

var fromPackageCommand = command{
	name: "from-package", summary: "make the BTF of a kernel out of its debug package", usage: "--out_dir DIR [OPTION...] PACKAGE...",
	text: `Reads debug packages (linux-image-*-dbg*.deb, .ddeb, kernel-debuginfo*.rpm, .pkg.tar.zst) or folders that were unpacked from some, and
writes DIR/vmlinux.btf, DIR/modules/NAME.ko.btf and DIR/manifest.json (docs/json.md); below a folder for each release when there are
several packages. Packages are not unpacked: only files that are being worked on lie on disk, below DIR, and the manifest says how much
that was at most. A file that cannot be encoded does not stop the others: it is named at the end, and the status is 1.`,
	options: slices.Concat(argp.Table{
		{Long: "out_dir", Short: 'o', Arg: argp.Required, Value: "DIR", Help: "write below `DIR`"},
		{Long: "compare", Help: "say whether BTF that the package brings means the same"},
		{Long: "layout", Arg: argp.Required, Value: "TREE", Default: "plain", Help: "`TREE` is plain, or btfhub: only the kernel's, as DIR/ID/VERSION/ARCH/RELEASE.btf.tar.xz (with --os)"},
		{Long: "os", Arg: argp.Required, Value: "ID/VERSION", Help: "which system it is of, for --layout=btfhub, as debian/13: `ID/VERSION`"},
	}, manyEncodeOptions, manyRunOptions, argp.Table{maxUnpackedOption}),
	run: fromPackage,
}

func fromPackage(ctx context.Context, l *argp.Line, stdout, stderr io.Writer) error {
	if len(l.Operands) == 0 {
		return usagef("from-package: no package")
	}
	if err := setMaxUnpacked(l); err != nil {
		return err
	}
	if !l.Has("out_dir") {
		return usagef("from-package: give --out_dir")
	}
	opt, words, err := manyOptions(l)
	if err != nil {
		return err
	}
	opt.Flags = strings.Join(given(l, words, "layout", "os"), " ")
	opt.Compare = l.Has("compare")
	switch tree := l.String("layout"); {
	case tree == "btfhub" && strings.Count(strings.Trim(l.String("os"), "/"), "/") != 1:
		return usagef("from-package: --layout=btfhub needs --os=ID/VERSION, as debian/13")
	case tree == "btfhub":
		opt.BTFHub = filepath.Clean(strings.Trim(l.String("os"), "/"))
		if strings.HasPrefix(opt.BTFHub, "..") {
			return usagef("from-package: --os: %q is not ID/VERSION", l.String("os"))
		}
	case tree != "plain":
		return usagef("from-package: --layout: %q is not plain or btfhub", tree)
	}
	limit := int64(0)
	if s := l.String("max_unpacked"); s != "" {
		n, _ := parseSize(s) // setMaxUnpacked has looked at it
		limit = int64(n)
	}
	var list []batch.Package
	for _, path := range l.Operands {
		p, err := newPackage(path, limit)
		if err != nil {
			return at(err, path)
		}
		list = append(list, p)
	}
	return encodeMany(ctx, l, opt, 0, stdout, stderr, func(opt batch.Options) (*batch.Manifest, error) {
		m, err := batch.RunPackages(ctx, list, opt)
		if err == nil && m.Spooled > 0 && l.String("log") == "text" {
			fmt.Fprintf(stderr, "gobtf: at most %d MB were unpacked at a time\n", m.Spooled>>20)
		}
		return m, err
	})
}

// onDisk is a package in a file, or a folder.
type onDisk struct {
	path  string
	size  int64
	limit int64 // bytes that it may unpack to
}

// unpackFactor is how many times its size a package may unpack to: debug packages come to 4 to 12.
const unpackFactor = 100

func newPackage(path string, limit int64) (*onDisk, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if limit == 0 {
		limit = fi.Size() * unpackFactor
	}
	return &onDisk{path, fi.Size(), limit}, nil
}

func (p *onDisk) Name() string { return filepath.Base(p.path) }

func (p *onDisk) Size() int64 { return p.size }

func (p *onDisk) Walk(ctx context.Context, each func(*batch.File) error) error {
	return archive.Walk(ctx, p.path, p.limit, func(f *archive.File) error {
		return each(&batch.File{Name: f.Name, Size: f.Size, Path: f.Path, Body: f.Body})
	})
}
