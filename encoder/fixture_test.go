package encoder_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/encoder"
)

const testdata = "../testdata"

// fixture is a row of testdata/fixtures.txt that the reference was run on: an input under one set of flags.
type fixture struct {
	name   string   // of the golden: NAME.SET or NAME.SET.on.BASE
	inputs []string // what is encoded
	opt    encoder.Options
	base   string // golden that the BTF is split on, without .btf
}

func TestFixtures(t *testing.T) {
	for _, fx := range readFixtures(t) {
		t.Run(fx.name, func(t *testing.T) {
			t.Parallel()
			if fx.base != "" {
				fx.opt.Base = btf.NewBase(readGolden(t, fx.base))
			}
			checkFixture(t, fx)
		})
	}
}

func checkFixture(t *testing.T, fx fixture) {
	var trace bytes.Buffer
	var notes []string
	fx.opt.Trace = &trace
	fx.opt.Notes = func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	res, err := encoder.EncodeFiles(context.Background(), fx.inputs, fx.opt)
	golden := filepath.Join(testdata, "golden", fx.name)
	want, readErr := os.ReadFile(golden + ".btf")
	if readErr != nil {
		checkNone(t, golden, res, err, notes, typesOf(fx.opt.Base))
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(res.BTF, want) {
		t.Errorf("differs from %s.btf: %s", golden, firstDifference(res.BTF, want, typesOf(fx.opt.Base)))
	}
	if skips, err := os.ReadFile(golden + ".skips"); err == nil || trace.Len() > 0 {
		if got, want := skipLines(trace.String()), skipLines(string(skips)); got != want {
			t.Errorf("other functions are skipped than in %s.skips:\n%s", golden, firstLine(got, want))
		}
	}
}

// outcome is what gobtf makes of a fixture of which the reference writes nothing: testdata/outcomes.txt.
type outcome struct{ what, message string }

// readOutcomes reads NAME | WHAT | MESSAGE | WHY, a line each.
var readOutcomes = sync.OnceValues(func() (map[string]outcome, error) {
	b, err := os.ReadFile(filepath.Join(testdata, "outcomes.txt"))
	if err != nil {
		return nil, err
	}
	list := map[string]outcome{}
	for i, line := range strings.Split(string(b), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, " | ")
		if len(f) != 4 || strings.TrimSpace(f[3]) == "" || f[1] != "refused" && f[1] != "empty" && f[1] != "lowered" {
			return nil, fmt.Errorf("outcomes.txt:%d: want NAME | refused, empty or lowered | MESSAGE | WHY", i+1)
		}
		list[strings.TrimSpace(f[0])] = outcome{f[1], f[2]}
	}
	return list, nil
})

// checkNone is for what the reference writes nothing of: gobtf refuses it, finds nothing to write, or writes the rest and says what it
// left out or lowered (docs/quirks.md). Which of them, and with which words, is in testdata/outcomes.txt.
func checkNone(t *testing.T, golden string, res *encoder.Result, err error, notes []string, base *btf.Types) {
	if _, readErr := os.Stat(golden + ".none"); readErr != nil {
		t.Fatalf("neither %s.btf nor .none: run make fixtures", golden)
	}
	list, readErr := readOutcomes()
	if readErr != nil {
		t.Fatal(readErr)
	}
	name := filepath.Base(golden)
	got := outcome{what: "lowered"}
	if len(notes) > 0 {
		got.message = notes[len(notes)-1]
	}
	switch {
	case err != nil:
		got = outcome{"refused", err.Error()}
	case res.Empty:
		got = outcome{"empty", res.Reason}
	default:
		if _, err := btf.Parse(res.BTF, base); err != nil {
			t.Errorf("wrote BTF that does not parse: %v", err)
		}
	}
	want, ok := list[name]
	switch {
	case !ok:
		t.Errorf("outcomes.txt has no line for it: %s | %s | %s", name, got.what, got.message)
	case got.what != want.what || !strings.HasSuffix(got.message, want.message):
		t.Errorf("%s: %s, want %s: %s", got.what, got.message, want.what, want.message)
	case strings.Contains(got.message, "\n"):
		t.Errorf("several lines: %q", got.message)
	}
}

// TestOutcomesAreUsed: outcomes.txt has no line that no fixture looks at.
func TestOutcomesAreUsed(t *testing.T) {
	list, err := readOutcomes()
	if err != nil {
		t.Fatal(err)
	}
	for name := range list {
		if _, err := os.Stat(filepath.Join(testdata, "golden", name+".none")); err != nil {
			t.Errorf("outcomes.txt: %s: %v", name, err)
		}
	}
}

// readFixtures reads testdata/fixtures.txt; scripts/fixtures says what its lines are.
func readFixtures(t *testing.T) []fixture {
	text, err := os.ReadFile(filepath.Join(testdata, "fixtures.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var all []fixture
	sets, groups := map[string][]string{}, map[string][]string{}
	for n, line := range strings.Split(string(text), "\n") {
		at := func(format string, args ...any) string {
			return fmt.Sprintf("fixtures.txt:%d: ", n+1) + fmt.Sprintf(format, args...)
		}
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || line[0] == '#':
		case line[0] == '%':
			sets[words[0][1:]] = words[1:]
		case line[0] == '&':
			groups[words[0][1:]] = words[1:]
		default:
			row := strings.Split(line, "|")
			if len(row) != 5 {
				t.Fatal(at("%d columns, not 5", len(row)))
			}
			name := strings.TrimSpace(row[0])
			inputs := glob(t, filepath.Join(testdata, "obj", name+".*elf"))
			for _, s := range strings.Fields(row[4]) {
				names := []string{s}
				if s[0] == '&' {
					names = groups[s[1:]]
				}
				for _, s := range names {
					set, base, _ := strings.Cut(s, ":")
					flags, ok := sets[set]
					if !ok {
						t.Fatal(at("no set %q", set))
					}
					opt, err := optionsOf(flags)
					if err != nil {
						t.Fatal(at("%v", err))
					}
					all = append(all, fixture{name + "." + strings.Replace(s, ":", ".on.", 1), inputs, opt, base})
				}
			}
		}
	}
	return all
}

// glob is filepath.Glob that fails when nothing matches: a fixture that is gone is no fixture that passes.
func glob(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("nothing matches %s (%v): run make fixtures", pattern, err)
	}
	return names
}

// optionsOf turns flags as fixtures.txt has them into options; how a whole command line is read is tested in cmd/gobtf.
func optionsOf(flags []string) (opt encoder.Options, err error) {
	opt.Features = encoder.ImplicitFeatures
	listed := false
	for i := 0; i < len(flags); i++ {
		flag, value, _ := strings.Cut(flags[i], "=")
		switch flag {
		case "--btf_features":
			set, _ := encoder.ParseFeatures(value)
			if !listed {
				opt.Features, listed = 0, true
			}
			opt.Features |= set
		case "--lang":
			opt.Lang, err = encoder.ParseLang(value)
		case "--lang_exclude":
			opt.LangExclude, err = encoder.ParseLang(value)
		case "-X":
			i++
			opt.CUExclude = flags[i]
		case "--kabi_prefix":
			opt.KabiPrefix = value
		case "--fixup_silly_bitfields":
			opt.FixupSillyBitfields = true
		case "--pahole_quirks":
			opt.Quirks = true
		case "--btf_gen_floats":
			opt.Features |= encoder.Float
		case "--btf_gen_optimized":
			opt.Features |= encoder.OptimizedFunc
		case "--skip_encoding_btf_inconsistent_proto":
			opt.Features |= encoder.ConsistentFunc
		case "--skip_encoding_btf_enum64":
			opt.Features &^= encoder.Enum64
		case "--skip_encoding_btf_decl_tag":
			opt.Features &^= encoder.DeclTag
		case "--skip_encoding_btf_type_tag":
			opt.Features &^= encoder.TypeTag
		case "--skip_encoding_btf_vars":
			opt.Features &^= encoder.Var
		default:
			err = fmt.Errorf("flag %s is not known here", flag)
		}
		if err != nil {
			return opt, err
		}
	}
	return opt, nil
}

func readGolden(t *testing.T, name string) *btf.Types {
	t.Helper()
	base, err := btf.ReadFile(filepath.Join(testdata, "golden", name+".btf"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return base
}

// firstDifference describes the first type of got that is not want's, or else what differs.
func firstDifference(got, want []byte, base *btf.Types) string {
	g, err := btf.Parse(got, base)
	if err != nil {
		return fmt.Sprintf("got does not parse: %v", err)
	}
	w, err := btf.Parse(want, base)
	if err != nil {
		return fmt.Sprintf("the golden does not parse: %v", err)
	}
	for id := w.Start(); int(id) < min(g.Len(), w.Len()); id++ {
		if a, b := g.Describe(id), w.Describe(id); a != b {
			return fmt.Sprintf("type %d\ngot  %s\nwant %s", id, a, b)
		}
	}
	if g.Len() != w.Len() {
		longer, who := w, "want"
		if g.Len() > w.Len() {
			longer, who = g, "got"
		}
		id := btf.TypeID(min(g.Len(), w.Len()))
		return fmt.Sprintf("got %d types, want %d; %s goes on with %s", g.Len(), w.Len(), who, longer.Describe(id))
	}
	gs, ws := strings.Split(string(g.Strings()), "\x00"), strings.Split(string(w.Strings()), "\x00")
	for i := range min(len(gs), len(ws)) {
		if gs[i] != ws[i] {
			return fmt.Sprintf("equal types, but string %d is %q, want %q", i, gs[i], ws[i])
		}
	}
	return fmt.Sprintf("equal types, %d strings, want %d, %d bytes, want %d", len(gs), len(ws), len(got), len(want))
}

// skipLines keeps of a -V trace what says why a function is left out. Two copies that do not match have a line on what is
// different as well, also when nothing is left out for it: gobtf does not print that one.
func skipLines(trace string) string {
	var kept strings.Builder
	for line := range strings.Lines(trace) {
		_, why, ok := strings.Cut(line, " : skipping BTF encoding of function due to ")
		if ok && !strings.Contains(why, "mismatch") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

func firstLine(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		a, b := append(g, make([]string, i+1)...)[i], append(w, make([]string, i+1)...)[i]
		if a != b {
			return fmt.Sprintf("line %d\ngot  %s\nwant %s", i+1, a, b)
		}
	}
	return "no difference"
}

// Workers may finish in any order: the bytes are the same.
func TestFixtureJobs(t *testing.T) {
	for _, fx := range readFixtures(t) {
		if !slices.Contains([]string{"structorder2.kbuild", "merged.gvar", "langs.kbuild", "intlast.kbuild", "twofiles.gvar", "enumorder.bare"}, fx.name) {
			continue
		}
		var first []byte
		for _, jobs := range []int{1, 2, 8} {
			fx.opt.Jobs = jobs
			res, err := encoder.EncodeFiles(context.Background(), fx.inputs, fx.opt)
			if err != nil {
				t.Fatalf("%s: %v", fx.name, err)
			}
			if jobs == 1 {
				first = res.BTF
			} else if !bytes.Equal(res.BTF, first) {
				t.Errorf("%s: -j%d differs from -j1: %s", fx.name, jobs, firstDifference(res.BTF, first, nil))
			}
		}
	}
}

// A file that was cut, or in which one byte is another, gives BTF or one line of error, never a panic or a hang.
func TestDamagedInputs(t *testing.T) {
	opt := encoder.Options{Features: encoder.AllFeatures}
	dir := t.TempDir()
	try := func(what string, data []byte) {
		path := filepath.Join(dir, "damaged")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		res, err := encoder.EncodeFiles(context.Background(), []string{path}, opt)
		switch {
		case err != nil:
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: error of several lines: %q", what, err)
			}
		case res == nil:
			t.Errorf("%s: neither result nor error", what)
		}
	}
	for _, name := range []string{"types.elf", "types_zgnu.elf", "loclist5.elf", "vars_rel.elf", "kfunc_s390x.elf", "lto.elf"} {
		whole, err := os.ReadFile(filepath.Join(testdata, "obj", name))
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(whole); n += 1 + len(whole)/25 {
			try(fmt.Sprintf("%s cut to %d bytes", name, n), whole[:n])
		}
		for n := 0; n < len(whole); n += 1 + len(whole)/100 {
			bad := bytes.Clone(whole)
			bad[n] ^= 0xff
			try(fmt.Sprintf("%s with byte %d changed", name, n), bad)
		}
	}
}

// Inputs that nothing can be made of.
func TestUnusableInputs(t *testing.T) {
	dir := t.TempDir()
	write := func(name, data string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, path := range []string{
		filepath.Join(dir, "missing"), write("empty", ""), write("text", "not an object\n"), write("magic", "\x7fELF"), dir,
	} {
		if _, err := encoder.EncodeFiles(context.Background(), []string{path}, encoder.Options{}); err == nil {
			t.Errorf("%s: no error", filepath.Base(path))
		} else if !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %q is not one line with the file's name", filepath.Base(path), err)
		}
	}
}

// typesOf are a base's types; none where there is no base.
func typesOf(b *btf.Base) *btf.Types {
	if b == nil {
		return nil
	}
	return b.Types
}
