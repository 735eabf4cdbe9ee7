// Command rules shows that the fixtures protect the rules that real kernels do not exercise: it breaks each rule in a copy of the
// source, runs the fixtures' test there, and prints which of them notice. A rule that nothing notices is a failure.
//
//	go run ./tools/rules [-run REGEXP]     the table as docs/fixtures.md has it, on stdout
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// mutation breaks one rule: in file, the only place of old becomes new.
type mutation struct {
	what, rule     string // what it breaks, and the rule of docs/rules that says so
	file, old, new string
}

var mutations = []mutation{
	{"a piece of an aggregate is looked for in every entry of a location list", "params/location", "internal/convert/analyse_params.go",
		"	off := uint64(0) // in the aggregate\n", "	if e > 0 {\n		return\n	}\n	off := uint64(0) // in the aggregate\n"},
	{"entry_value of a register counts in every entry", "params/location", "internal/convert/analyse_params.go",
		"	if o.Code == dwarfscan.OpEntryValue ||", "	if e == 0 && o.Code == dwarfscan.OpEntryValue ||"},
	{"breg and stack_value alone are that register", "params/location", "internal/convert/analyse_params.go",
		"	case isBreg(o.Code) && stackValue:\n		p.setReg(o.Code, op.DW_OP_breg0)\n", ""},
	{"breg with a stack_value behind other operations is that register", "params/location", "internal/convert/analyse_params.go",
		"				if ops[1+i].Code == byte(op.DW_OP_stack_value) {", "				if i < 0 {"},
	{"a parameter in memory takes one slot", "params/memory", "internal/convert/analyse_params.go",
		"		if p.inMemory {\n			n = 1\n		}", ""},
	{"a parameter with a constant value and no location takes its slot", "params/registers", "internal/convert/analyse_params.go",
		"		case p.hasConst && !clang:\n			p.optimized = true\n", "		case p.hasConst && !clang:\n			p.optimized, n = true, 0\n"},
	{"a copy's location is its origin's too", "params/origin", "internal/convert/analyse.go",
		"	op.hasLoc = op.hasLoc || p.hasLoc\n", ""},
	{"a copy's register is its origin's too", "params/origin", "internal/convert/analyse.go",
		"	if p.reg >= 0 {\n		op.reg = p.reg\n	}\n", ""},
	{"a reordered function loses the parameters without a location", "functions/reordered", "internal/convert/analyse.go",
		"		p.gone = facts.reordered && (!p.hasLoc || p.optimized) || trueSig", "		p.gone = trueSig"},
	{"the key that sorts last is never ambiguous", "functions/table", "encoder/functab.go",
		"s >= 0 && int32(i) != t.lastKey;", "s >= 0;"},
	{"an address of 0 at the head of a key's symbols does not count", "functions/table", "encoder/functab.go",
		"			if prev != 0 && prev != t.syms[s].addr {", "			if s != e.first && prev != t.syms[s].addr {"},
	{"saved functions with an address come before those without", "functions/groups", "encoder/funcs.go",
		"			if s.addr == 0 {\n				bucket[i]++\n			}\n", ""},
	{"an unexpected register ends the comparison of prototypes", "functions/inconsistent", "encoder/funcs.go",
		"	const settled = convert.Unexpected |", "	const settled ="},
	{"a struct among the parameters excuses an unexpected register", "params/struct-excuses", "internal/convert/analyse_params.go",
		"	if unexpected && !hasStruct {", "	if unexpected {"},
	{"a packed struct on the stack makes locations uncertain", "params/uncertain", "internal/convert/analyse.go",
		"		facts.flags |= Uncertain\n", ""},
	{"a return type may be the origin's", "functions/saved", "internal/convert/analyse.go",
		"		facts.ret = d.funcs[o].typ\n", "		_ = o\n"},
	{"the state whose address a symbol has describes the function", "functions/canonical", "encoder/funcs.go",
		"		if found == nil {\n			found = s\n		}\n		if !e.skipOptimized(s) {\n			return s\n		}\n", ""},
	{"a bitfield that fills its storage is silly only at its begin", "types/silly-bitfields", "internal/convert/walk_types.go",
		"width == s && off%s == 0", "width == s"},
	{"a member without a name does not name the parameter", "functions/true-signature", "internal/convert/analyse.go",
		"ok && !a.c.str0(name) {", "ok {"},
	{"arrays keep the index type of the first unit that has int", "types/array-index", "encoder/merge.go",
		"	if !t.hasIndex {\n		if u.FirstInt", "	if t.indexID >= 0 {\n		if u.FirstInt"},
	{"without int so far, int is added behind the unit", "types/array-index", "encoder/merge.go",
		"	if t.hasArray && !t.hasIndex {", "	if false {"},
	{"dimensions are nested from the last one on", "types/arrays", "internal/convert/walk_types.go",
		"		content := w.arrayContent(dims[i])", "		content := w.arrayContent(dims[len(dims)-1-i])"},
	{"where a bitfield has no type, what needs a size has one", "units/sized", "internal/convert/convert.go",
		"		case len(d.bitfields) > 0 && d.unsized(&w.marks):\n			return ErrUnsized\n", ""},
	{"without such a bitfield, what has no type stays so", "units/sized", "internal/convert/convert.go",
		"		case c.opt.Sized:", "		case true:"},
	{"a variable at address 0 of its section needs a data symbol there", "variables/address-zero", "internal/convert/analyse_vars.go",
		"	if addr == 0 && !opt.Variables.HasObject(section, id) {", "	if false {"},
	{"a variable at address 0 of its section is taken when it has one", "variables/address-zero", "internal/convert/analyse_vars.go",
		"	if addr == 0 && !opt.Variables.HasObject(section, id) {", "	if addr == 0 {"},
	{"a variable of a specification has the specification's name", "variables/specification", "internal/convert/analyse_vars.go",
		"		v = spec\n", ""},
	{"an alignment that the size contradicts means packed", "params/packed", "internal/convert/analyse_packed.go",
		"	return size%largest != 0\n", "	return false\n"},
	{"a struct with holes settles that a misaligned member is packed", "params/packed", "internal/convert/analyse_packed.go",
		"				l.packed[t-1] = packedYes\n", ""},
	{"a candidate list turns round when the table grows", "dedup/candidates", "internal/dedup/candidates.go",
		"	if (grown-l.grown)&1 != 0 && l.first != 0", "	if false && l.first != 0"},
	{"a declaration stands for the type that it turned out to be", "dedup/forward", "internal/dedup/composite.go",
		"			if sb.Kind() == btf.Fwd {\n				if r :=", "			if false {\n				if r :="},
	{"a declaration on the new side becomes its definition", "dedup/merge", "internal/dedup/composite.go",
		"	if st.Kind() == btf.Fwd && sc.Kind() != btf.Fwd {", "	if false {"},
	{"a name with two definitions resolves no declaration", "dedup/names", "internal/dedup/fwd.go",
		"			if had != 0 {\n				id = ambiguous\n			}\n			byName[name] = id\n		}\n	}\n	for", "			_ = had\n			byName[name] = id\n		}\n	}\n	for"},
	{"an enum without values becomes the one with values", "dedup/prims", "internal/dedup/prim.go",
		"		if _, info := d.nameInfo(d.shapeOf(c.id)); btf.InfoVlen(info) == 0 {", "		if _, info := d.nameInfo(d.shapeOf(c.id)); false && info == 0 {"},
}

func main() {
	only := flag.String("run", "", "only the rules that match this regular expression")
	flag.Parse()
	if err := run(*only); err != nil {
		fmt.Fprintln(os.Stderr, "rules:", err)
		os.Exit(1)
	}
}

func run(only string) error {
	pick, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	dir, err := copySource()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if failing, out := fixtures(dir); len(failing) > 0 {
		return fmt.Errorf("fixtures fail before anything is broken: %v\n%s", failing, out)
	}
	fmt.Println("| broken | rule | fixtures that notice when it is broken |\n|---|---|---|")
	var unprotected []string
	for _, m := range mutations {
		if !pick.MatchString(m.what) {
			continue
		}
		failing, err := breakRule(dir, m)
		if err != nil {
			return fmt.Errorf("%s: %w", m.what, err)
		}
		if len(failing) == 0 {
			unprotected = append(unprotected, m.what)
		}
		fmt.Printf("| %s | %s | %s |\n", m.what, m.rule, shorten(failing))
	}
	if len(unprotected) > 0 {
		return fmt.Errorf("no fixture notices: %s", strings.Join(unprotected, "; "))
	}
	return nil
}

// copySource puts the files that git knows, as they are now, into a folder of their own.
func copySource() (string, error) {
	dir, err := os.MkdirTemp("", "gobtf-rules")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("sh", "-c", `git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$1" 2>/dev/null; test -e "$1/go.mod"`, "sh", dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("copy of the source: %w: %s", err, out)
	}
	return dir, nil
}

func breakRule(dir string, m mutation) ([]string, error) {
	path := filepath.Join(dir, m.file)
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	defer os.WriteFile(path, src, 0o644)
	if n := strings.Count(string(src), m.old); n != 1 {
		return nil, fmt.Errorf("%s has the text %q %d times: the mutation must follow the code", m.file, m.old, n)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(src), m.old, m.new, 1)), 0o644); err != nil {
		return nil, err
	}
	failing, out := fixtures(dir)
	if len(failing) == 0 && out != "" {
		return nil, errors.New("does not build: " + out)
	}
	return failing, nil
}

var failLine = regexp.MustCompile(`--- FAIL: TestFixtures/([^. ]+)\.`)

// fixtures runs the fixtures' test and returns the names of those that fail; or what else was wrong.
func fixtures(dir string) (failing []string, out string) {
	cmd := exec.Command("go", "test", "-vet=off", "-count=1", "-run", "^TestFixtures$", "./encoder")
	cmd.Dir = dir
	msg, err := cmd.CombinedOutput()
	if err == nil {
		return nil, ""
	}
	for _, m := range failLine.FindAllStringSubmatch(string(msg), -1) {
		failing = append(failing, m[1])
	}
	slices.Sort(failing)
	return slices.Compact(failing), string(msg)
}

// shorten names a few and counts the rest.
func shorten(names []string) string {
	const most = 6
	if len(names) == 0 {
		return "**none**"
	}
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
