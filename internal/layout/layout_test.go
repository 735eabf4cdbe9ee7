// Package layout holds one test: imports point down only. A new package needs a row here, and a new edge a good reason.
package layout

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/gobtf/gobtf"

// row says what a package may import outside the standard library, and what it may not import of that. A path that
// ends in / stands for all below it.
type row struct {
	may []string
	ban []string
}

const (
	delveOp  = "github.com/go-delve/delve/pkg/dwarf/op"
	delveReg = "github.com/go-delve/delve/pkg/dwarf/regnum"
	unix     = "golang.org/x/sys/unix"
)

// elf and dwarf are what the layers below the encoder never hear of.
var elfAndDwarf = []string{"debug/"}

var table = map[string]row{
	"cmd/gobtf": {may: []string{
		"cmd/gobtf/early", "batch", "btf", "btf/cdecl", "btf/core", "btf/diff", "btf/diff/report", "btf/dump", "btf/verify", "btfids", "dedup", "distill", "dwarf2btf", "encoder", "explain", "internal/archive", "internal/argp", "internal/basecache", "internal/debuginfod", "internal/filekind", "module", "refit",
		"github.com/urfave/cli/v2", "github.com/schollz/progressbar/v3",
	}},
	"module":          {may: []string{"btf", "internal/elfx", "internal/filekind", "github.com/smallstep/pkcs7", "github.com/youmark/pkcs8"}, ban: []string{"debug/dwarf"}},
	"cmd/gobtf/early": {ban: []string{"os", "fmt", "strings"}}, // it must be initialized before them
	"batch":           {may: []string{"btf", "btf/diff", "encoder", "module", "github.com/ulikunitz/xz", unix}},
	"explain":         {may: []string{"btf", "dwarf2btf", "encoder", delveOp, delveReg}},
	"refit":           {may: []string{"btf", "btf/verify", "btfids", "dedup", "distill", "encoder", "internal/elfx", "internal/filekind", "module"}}, // it writes .BTF and .BTF_ids at once
	"encoder": {
		may: []string{"btf", "btf/verify", "btfids", "internal/dedup", "internal/graph", "distill", "internal/convert", "internal/elfx", "internal/mem", "internal/parallel", "internal/shown", "module"},
		ban: []string{"encoding/binary", "debug/dwarf"}, // it orders stages and decides, and decodes nothing
	},
	"dwarf2btf":         {may: []string{"btf", "internal/convert", "internal/graph"}, ban: []string{"debug/", "os"}},
	"internal/dwarfgen": {ban: []string{"debug/"}},
	"dedup":             {may: []string{"btf", "internal/dedup", "internal/graph"}, ban: elfAndDwarf},
	"internal/convert":  {may: []string{"btf", "internal/graph", "internal/dwarfscan", "internal/intern", "internal/shown", delveOp, delveReg}, ban: []string{"debug/", "os"}},
	"internal/dedup":    {may: []string{"btf", "internal/graph", "internal/intern", "internal/mem", "internal/parallel"}, ban: elfAndDwarf},
	"internal/graph":    {may: []string{"btf", "internal/intern"}, ban: elfAndDwarf},
	"distill":           {may: []string{"btf"}, ban: elfAndDwarf},
	"btfids":            {may: []string{"btf", "distill", "internal/elfx", "internal/shown"}, ban: []string{"debug/dwarf"}},
	"btf":               {may: []string{"internal/filekind", "internal/intern", "internal/mem"}, ban: []string{"debug/dwarf"}},
	"btf/cdecl":         {may: []string{"btf"}, ban: elfAndDwarf},
	"btf/core":          {may: []string{"btf"}, ban: elfAndDwarf},
	"btf/diff":          {may: []string{"btf", "btf/cdecl"}, ban: elfAndDwarf},
	"btf/diff/report":   {may: []string{"btf/diff"}, ban: elfAndDwarf},
	"btf/dump":          {may: []string{"btf", "btf/cdecl"}, ban: elfAndDwarf},
	"btf/verify":        {may: []string{"btf"}, ban: elfAndDwarf},

	"internal/archive":    {may: []string{"github.com/blakesmith/ar", "github.com/cavaliergopher/cpio", "github.com/cavaliergopher/rpm", "github.com/klauspost/compress/", "github.com/ulikunitz/xz"}, ban: elfAndDwarf},
	"internal/argp":       {ban: []string{"os"}},
	"internal/basecache":  {may: []string{"btf", "internal/dedup", "internal/elfx", unix}, ban: elfAndDwarf},
	"internal/debuginfod": {may: []string{"module", unix}, ban: elfAndDwarf},
	"internal/dwarfscan":  {ban: []string{"debug/", "os"}},
	"internal/elfx":       {may: []string{"internal/filekind", "github.com/klauspost/compress/", "github.com/pierrec/lz4/v4", "github.com/ulikunitz/xz", unix}, ban: []string{"debug/dwarf"}},
	"internal/filekind":   {ban: []string{"debug/", "os"}},
	"internal/parallel":   {ban: elfAndDwarf},
	"internal/intern":     {may: []string{"internal/mem"}, ban: elfAndDwarf},
	"internal/mem":        {may: []string{unix}, ban: elfAndDwarf},
	"internal/btftest":    {may: []string{"btf", "internal/testinput"}, ban: elfAndDwarf}, // for tests
	"internal/layout":     {},
	"internal/rules":      {},
	"internal/shown":      {ban: []string{"debug/", "os"}},
	"internal/testinput":  {may: []string{"github.com/klauspost/compress/"}},
	"internal/testdwarf":  {},

	"contrib/ciliumebpf": {may: []string{"btf", "github.com/cilium/ebpf/btf"}, ban: elfAndDwarf}, // for Go programs; nothing here uses it

	// Tools of this repository: they may use all of it, and nothing may use them.
	"tools/": {may: []string{"tools/", "btf", "btf/", "internal/dedup", "internal/dwarfgen", "internal/graph", "distill", "encoder", "internal/elfx", "github.com/klauspost/compress/", unix}},
}

// testOnly are modules that a test may import besides what the table names. delve's godwarf, loclist and dwarfbuilder
// are second opinions there.
var testOnly = []string{
	"github.com/cilium/ebpf", "github.com/cilium/ebpf/", "github.com/go-delve/delve/pkg/dwarf/", "github.com/google/go-cmp/",
	"github.com/blakesmith/ar", "github.com/rogpeppe/go-internal/", "github.com/smallstep/pkcs7", "github.com/klauspost/compress/", "github.com/pierrec/lz4/v4", "github.com/ulikunitz/xz", "golang.org/x/tools/go/packages", unix,
}

type listed struct {
	ImportPath, Dir                    string
	GoFiles                            []string
	Imports, TestImports, XTestImports []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-pgo=off", "-json=ImportPath,Dir,GoFiles,Imports,TestImports,XTestImports", module+"/...")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v: %s", err, errs.Bytes())
	}
	var pkgs []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
	if len(pkgs) < 3 {
		t.Fatalf("go list found %d packages", len(pkgs))
	}
	// go test keeps the result until a file changes that the test itself looked at, and it does not see what go list read.
	for _, p := range pkgs {
		for _, name := range append(p.GoFiles, ".", "..") {
			if _, err := os.Stat(filepath.Join(p.Dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return pkgs
}

func matches(list []string, path string) bool {
	for _, m := range list {
		if path == m || strings.HasSuffix(m, "/") && strings.HasPrefix(path, m) {
			return true
		}
	}
	return false
}

// standard tells the standard library by its first element, which has no dot.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

func rowOf(name string) (row, bool) {
	if strings.HasPrefix(name, "tools/") {
		name = "tools/"
	}
	r, ok := table[name]
	return r, ok
}

func TestImports(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		r, ok := rowOf(name)
		if !ok {
			t.Errorf("%s: has no row in the import table", name)
			continue
		}
		for _, bad := range violations(name, r, p.Imports) {
			t.Error(bad)
		}
		for _, imp := range append(p.TestImports, p.XTestImports...) {
			if own, ok := strings.CutPrefix(imp, module+"/"); ok {
				if strings.HasPrefix(own, "tools/") {
					t.Errorf("%s: its tests import %s: tools are not a library", name, own)
				}
			} else if !standard(imp) && !matches(r.may, imp) && !matches(testOnly, imp) {
				t.Errorf("%s: its tests import %s, which is no dependency that was agreed on", name, imp)
			}
		}
	}
}

func violations(name string, r row, imports []string) (bad []string) {
	for _, imp := range imports {
		short := strings.TrimPrefix(imp, module+"/")
		switch {
		case matches(r.ban, short):
			bad = append(bad, name+": may not import "+short)
		case short == imp && standard(imp):
		case !matches(r.may, short):
			bad = append(bad, name+": "+short+" is not in its row of the import table")
		}
	}
	return bad
}

// TestTableBites shows that the rules find what they are there for.
func TestTableBites(t *testing.T) {
	for _, c := range []struct{ name, imp string }{
		{"encoder", "encoding/binary"}, {"encoder", "debug/dwarf"}, {"encoder", module + "/internal/dwarfscan"},
		{"cmd/gobtf", module + "/internal/elfx"}, {"internal/dedup", module + "/internal/convert"}, {"internal/dedup", "debug/elf"},
		{"distill", module + "/internal/dedup"}, {"internal/convert", module + "/internal/elfx"}, {"btf", module + "/internal/dedup"},
		{"internal/dwarfscan", module + "/btf"}, {"btf", "github.com/cilium/ebpf/btf"}, {"encoder", module + "/internal/testdwarf"},
	} {
		r, ok := rowOf(c.name)
		if !ok || len(violations(c.name, r, []string{"fmt", c.imp})) != 1 {
			t.Errorf("%s may import %s", c.name, c.imp)
		}
	}
}

// TestElfInOneFile: a leaf that could not open a file would be a poor library, but only btf/file.go knows of ELF.
func TestElfInOneFile(t *testing.T) {
	for _, p := range packages(t) {
		if p.ImportPath != module+"/btf" {
			continue
		}
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, spec := range f.Imports {
				if imp, _ := strconv.Unquote(spec.Path.Value); imp == "debug/elf" && name != "file.go" {
					t.Errorf("btf/%s imports debug/elf: only btf/file.go may", name)
				}
			}
		}
	}
}
