package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// cell is one kernel built in one way.
type cell struct {
	m      *matrix
	way    *way
	series string

	src     string   // the kernel's source
	dir     string   // all that belongs to the cell
	tree    string   // O=, or the source itself
	pahole  string   // PAHOLE=
	more    []string // words of way.prepare
	release string
	said    facts
}

// facts are what a row of the table says beside the result.
type facts struct {
	flow, flags string
	vmlinux     int64 // bytes of .BTF
	modules     int
	identical   int // outputs that equal the reference's
	booted      bool
	more        []string // what the way's own steps found
}

// notRun is why a cell cannot be built here.
type notRun string

func (n notRun) Error() string { return string(n) }

// build does all there is to do for a cell.
func (c *cell) build() error {
	if err := c.possible(); err != nil {
		return err
	}
	var err error
	if c.src, err = c.m.script("scripts/fetch/source", c.series); err != nil {
		return notRun("no source of this series: " + err.Error())
	}
	if c.src, err = filepath.EvalSymlinks(c.src); err != nil {
		return err
	}
	if c.way.prepare != nil {
		if c.more, err = c.way.prepare(c); err != nil {
			return notRun(err.Error())
		}
	}
	c.dir = filepath.Join(c.m.work, c.series, c.way.name)
	c.tree = filepath.Join(c.dir, "o")
	if err := os.RemoveAll(c.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(c.tree, 0o755); err != nil {
		return err
	}
	if err := c.recorder(); err != nil {
		return err
	}
	if c.way.from != "" {
		if err := c.inherit(); err != nil {
			return err
		}
	}
	steps := c.way.steps
	if steps == nil {
		steps = fresh
	}
	if err := steps(c); err != nil {
		return err
	}
	if err := c.compare(); err != nil {
		return err
	}
	return c.boot(c.modules())
}

// possible tells whether the way can be built of this kernel on this machine.
func (c *cell) possible() error {
	w := c.way
	if w.since != "" && olderThan(c.series, w.since) {
		return notRun("kernels before " + w.since + " do not have it")
	}
	if c.m.reference == "" {
		return notRun("no suite has the reference any more")
	}
	for _, n := range c.needs() {
		if !exists(n.file) {
			return notRun("package " + n.pkg + " is not installed")
		}
	}
	return nil
}

// recorder writes the PAHOLE of the build: gobtf, and every call that encodes is kept in rec.
func (c *cell) recorder() error {
	rec := filepath.Join(c.dir, "rec")
	if err := os.MkdirAll(rec, 0o755); err != nil {
		return err
	}
	text := fmt.Sprintf(`#!/bin/bash
case " $* " in *" -J "*|*" --btf_encode"*) ;; *) exec %[1]q "$@" ;; esac
n=$(mktemp -d %[2]q/XXXXXXXX)
printf '%%s\n' "$@" >"$n/argv"
pwd >"$n/cwd"
cp "${!#}" "$n/input"
rc=0
%[1]q "$@" 2>"$n/said" || rc=$?
cat "$n/said" >&2
echo $rc >"$n/rc"
exit $rc
`, c.m.gobtf, rec)
	c.pahole = filepath.Join(c.dir, "pahole")
	return os.WriteFile(c.pahole, []byte(text), 0o755)
}

// inherit begins with a copy of another way's tree, which is built first where it is not there.
func (c *cell) inherit() error {
	from, _ := wayNamed(c.way.from)
	base := &cell{m: c.m, way: from, series: c.series}
	was := filepath.Join(c.m.work, c.series, from.name)
	if _, err := os.Stat(filepath.Join(was, "passed")); err != nil {
		if err := base.build(); err != nil {
			return fmt.Errorf("%s, which it begins with: %w", from.name, err)
		}
		if err := base.pass(); err != nil {
			return err
		}
	}
	if err := os.Remove(c.tree); err != nil {
		return err
	}
	if out, err := exec.Command("cp", "-a", filepath.Join(was, "o"), c.tree).CombinedOutput(); err != nil {
		return fmt.Errorf("cp: %w: %s", err, out)
	}
	return c.unlink()
}

// unlink removes what is linked, so that the next make encodes it again.
func (c *cell) unlink() error {
	return filepath.WalkDir(c.tree, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && (strings.HasSuffix(path, ".ko") || strings.HasPrefix(d.Name(), ".tmp_vmlinux") || d.Name() == "vmlinux" || d.Name() == "vmlinux.unstripped") &&
			!strings.Contains(path, "/arch/") {
			return os.Remove(path)
		}
		return err
	})
}

// pass marks a tree that others may begin with.
func (c *cell) pass() error { return os.WriteFile(filepath.Join(c.dir, "passed"), nil, 0o644) }

// clean removes the trees of a cell that passed and of those it began with, unless a cell that is still to come begins with them.
func (c *cell) clean(rest []*cell) {
	for w := c.way; ; {
		if !slices.ContainsFunc(rest, func(r *cell) bool { return r.series == c.series && r.way.beginsWith(w.name) }) {
			os.RemoveAll(filepath.Join(c.m.work, c.series, w.name))
		}
		if w.from == "" {
			return
		}
		w, _ = wayNamed(w.from)
	}
}

// words are what every make of the cell gets.
func (c *cell) words() []string {
	w := []string{"-C", c.src, "PAHOLE=" + c.pahole, "-j" + c.m.jobs}
	if c.tree != c.src {
		w = append(w, "O="+c.tree)
	}
	if c.way.arch != "" {
		w = append(w, "ARCH="+c.way.arch)
	}
	cc := c.way.cross + "gcc"
	if c.way.llvm {
		w, cc = append(w, "LLVM=1"), "clang"
	} else if c.way.cross != "" {
		w = append(w, "CROSS_COMPILE="+c.way.cross)
	}
	w = append(w, c.more...)
	if _, err := exec.LookPath("ccache"); err == nil {
		// Not HOSTCC: kbuild hands it to rustc as one word, the linker's name.
		w = append(w, "CC=ccache "+cc)
	}
	return w
}

// env is the environment of every make: the compilers' folder first, and names that are the same in every build.
func (c *cell) env() []string {
	env := append(os.Environ(), "KBUILD_BUILD_USER=gobtf", "KBUILD_BUILD_HOST=gobtf", "LC_ALL=C",
		"CCACHE_DIR="+filepath.Join(c.m.work, "ccache"), "CCACHE_NOHASHDIR=1", "CCACHE_DEPEND=1", "CCACHE_SLOPPINESS=time_macros", "CCACHE_BASEDIR="+c.m.work)
	if c.way.llvm {
		env = append(env, "PATH="+c.llvmBin()+":"+os.Getenv("PATH"))
	}
	return env
}

// llvmBin is a folder in which LLVM's programs of one version have the names that LLVM=1 calls.
func (c *cell) llvmBin() string {
	dir := filepath.Join(c.m.work, "llvm-"+llvmVersion)
	os.MkdirAll(dir, 0o755)
	for _, p := range []string{"clang", "ld.lld", "llvm-ar", "llvm-nm", "llvm-objcopy", "llvm-objdump", "llvm-strip", "llvm-readelf"} {
		os.Symlink("/usr/bin/"+p+"-"+llvmVersion, filepath.Join(dir, p)) // it is there already, or the build will say what is missing
	}
	return dir
}

// make runs make; what it says goes to the cell's log.
func (c *cell) make(words ...string) error {
	return c.run(append(append([]string{"make"}, c.words()...), words...)...)
}

func (c *cell) run(argv ...string) error {
	log, err := os.OpenFile(filepath.Join(c.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	fmt.Fprintf(log, "\n$ %q\n", argv)
	cmd := exec.Command("nice", append([]string{"-n", "5"}, argv...)...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = c.dir, c.env(), log, log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s (%s)", argv[0], err, c.lastError(), log.Name())
	}
	return nil
}

var errorLine = regexp.MustCompile(`(?m)^(gobtf: .*|.*FAILED.*|.*(?:error|Error):? .*)$`)

// lastOutput is what the last command said.
func (c *cell) lastOutput() []byte {
	b := fileBytes(filepath.Join(c.dir, "log"))
	if i := bytes.LastIndex(b, []byte("\n$ ")); i >= 0 {
		b = b[i+1:]
	}
	_, said, _ := bytes.Cut(b, []byte("\n"))
	return said
}

// lastError is the first line of it that says what is wrong.
func (c *cell) lastError() string { return string(errorLine.Find(c.lastOutput())) }

// targets are what is built of a kernel.
func (c *cell) targets() []string {
	switch c.way.arch {
	case "":
		return []string{"bzImage", "modules"}
	case "arm64":
		return []string{"Image", "modules"}
	}
	return []string{"vmlinux", "modules"}
}

// fresh configures and builds from nothing.
func fresh(c *cell) error {
	if err := c.configure(nil); err != nil {
		return err
	}
	return c.make(c.targets()...)
}

// configure makes the configuration: tinyconfig and what is added, all of which must have taken effect.
func (c *cell) configure(more []string) error {
	if err := c.make("tinyconfig"); err != nil {
		return err
	}
	add, err := os.ReadFile(filepath.Join(c.m.root, "scripts/e2e/matrix.config"))
	if err != nil {
		return err
	}
	want := append(slices.Clone(c.way.config), more...)
	for i := range want {
		if c.series == "7" { // 7.x has CFI for gcc too
			want[i] = strings.Replace(want[i], "CONFIG_CFI_CLANG=", "CONFIG_CFI=", 1)
		}
	}
	if err := c.setConfig(string(add), want); err != nil {
		return err
	}
	// Without these there would be nothing to compare: that is a fault of the configuration and no property of the kernel.
	for _, line := range []string{"CONFIG_DEBUG_INFO_BTF=y", "CONFIG_MODULES=y", "CONFIG_CONFIGFS_FS=m", "CONFIG_AUTOFS_FS=m"} {
		if ok, err := c.hasConfig(line); err != nil {
			return err
		} else if !ok {
			return fmt.Errorf("%s: the kernel did not take %s", filepath.Join(c.tree, ".config"), line)
		}
	}
	return nil
}

// hasConfig tells whether a line took effect: a symbol that the kernel does not have counts as one that is not set.
func (c *cell) hasConfig(line string) (bool, error) {
	b, err := os.ReadFile(filepath.Join(c.tree, ".config"))
	if err != nil {
		return false, err
	}
	if name, ok := strings.CutSuffix(strings.TrimPrefix(line, "# "), " is not set"); ok {
		return !bytes.Contains(b, []byte("\n"+name+"=")), nil
	}
	return bytes.Contains(b, []byte("\n"+line+"\n")), nil
}

// setConfig appends settings, lets kbuild settle the rest, and checks that those of want took effect.
func (c *cell) setConfig(add string, want []string) error {
	path := filepath.Join(c.tree, ".config")
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	b = append(b, add+"\n"+strings.Join(want, "\n")+"\n"...)
	if err := os.WriteFile(path, b, 0o644); err != nil {
		return err
	}
	if err := c.make("olddefconfig"); err != nil {
		return err
	}
	for _, line := range want {
		if ok, err := c.hasConfig(line); err != nil {
			return err
		} else if !ok {
			return notRun("the kernel does not take " + line + " with this compiler and configuration")
		}
	}
	return nil
}

// modules are the built modules, by the names under which they are started.
func (c *cell) modules() map[string]string {
	m := map[string]string{}
	filepath.WalkDir(c.tree, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.HasSuffix(path, ".ko") && !strings.Contains(path, "/debian/") && !strings.Contains(path, "/rpmbuild/") {
			m[strings.TrimSuffix(d.Name(), ".ko")] = path
		}
		return nil
	})
	return m
}
