package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// without is what the second build of external does without. No struct of testdata/oot changes with it (CONFIG_EVENTFD would take a bit out of
// task_struct, and rebase rightly refuses), and its BTF is the smaller one: names of split BTF then lie outside, which kernels notice. The
// other way round they may be taken for others, and the module has wrong ids and says nothing.
var without = []string{"CONFIG_TIMERFD", "CONFIG_SIGNALFD"}

// external builds testdata/oot beside the kernel in every form that make offers, and loads it on the kernel it was built for and on another
// build of the same version: as it is, and after gobtf rebase. The other build lies in the cell's folder as b.
func external(c *cell) error {
	config := []string{"CONFIG_NET=y", "CONFIG_TIMERFD=y", "CONFIG_SIGNALFD=y"}
	distils := !olderThan(c.series, "6.11")
	// A kernel that refuses a module for its BTF would say less than one that loads it without.
	if c.series != "7" {
		config = append(config, "CONFIG_MODULE_ALLOW_BTF_MISMATCH=y")
	}
	if err := c.configure(config); err != nil {
		return err
	}
	if err := c.make(c.targets()...); err != nil {
		return err
	}
	b, err := c.anotherBuild()
	if err != nil {
		return err
	}

	// kbuild distils external modules since 6.11, with words of pahole's or of resolve_btfids: both are make variables.
	forms := []form{{"split", []string{"MODULE_PAHOLE_FLAGS=", "RESOLVE_BTFIDS_FLAGS="}}, {"standalone", []string{"BTF_BASE="}}}
	own := map[string][]string{"-ok": {"split"}, "-kept": {"standalone"}}
	other := map[string][]string{"-lost": {"split"}, "-kept": {"standalone", "distilled"}}
	if distils {
		forms = append(forms, form{"distilled", nil})
		own["-kept"] = append(own["-kept"], "distilled")
	} else {
		// Before 6.11 no form survives another vmlinux. Since then the kernel renumbers what stands on a .BTF.base, but not the words
		// of BTF_ID lists.
		own = map[string][]string{"-ok": {"split", "standalone"}}
		other = map[string][]string{"-lost": {"split", "standalone"}}
	}
	var here, there []string
	for _, f := range forms {
		ko, err := c.externalModule(f)
		if err != nil {
			return err
		}
		here, there = append(here, f.name+"="+ko), append(there, f.name+"="+ko)
	}
	for _, f := range forms {
		ko, err := c.rebased(f.name, b)
		if err != nil {
			return err
		}
		there = append(there, f.name+".rebased="+ko)
		other["-ok"] = append(other["-ok"], f.name+".rebased")
	}
	if err := c.load("boot-own", c.tree, here, own); err != nil {
		return fmt.Errorf("on its own build: %w", err)
	}
	if err := c.load("boot-other", b, there, other); err != nil {
		return fmt.Errorf("on another build: %w", err)
	}
	c.said.more = append(c.said.more, fmt.Sprintf("testdata/oot in %d forms, on this build and on another, as built and rebased, does what the table below says", len(forms)))
	return nil
}

// form is a module's, and the words that make wants for it.
type form struct {
	name  string
	words []string
}

// anotherBuild builds the kernel again with fewer options and the same version string.
func (c *cell) anotherBuild() (string, error) {
	b := *c
	b.tree, b.pahole = filepath.Join(c.dir, "b"), c.m.gobtf // what is compared is the first build
	if err := c.run("cp", "-a", c.tree, b.tree); err != nil {
		return "", err
	}
	var less []string
	for _, name := range without {
		less = append(less, "# "+name+" is not set")
	}
	if err := b.setConfig("", less); err != nil {
		return "", err
	}
	if err := b.make(b.targets()...); err != nil {
		return "", err
	}
	same := func(file string) bool {
		return bytes.Equal(fileBytes(filepath.Join(c.tree, file)), fileBytes(filepath.Join(b.tree, file)))
	}
	if !same("include/config/kernel.release") {
		return "", errors.New("the two configurations differ in their version string")
	}
	if same("vmlinux") {
		return "", errors.New("the two configurations give one kernel")
	}
	return b.tree, nil
}

// externalModule builds testdata/oot in one form.
func (c *cell) externalModule(f form) (string, error) {
	dir := filepath.Join(c.dir, "m-"+f.name)
	if err := c.run("cp", "-r", filepath.Join(c.m.root, "testdata/oot"), dir); err != nil {
		return "", err
	}
	if err := c.run(append([]string{"make", "-C", c.tree, "M=" + dir, "PAHOLE=" + c.m.gobtf, "modules"}, f.words...)...); err != nil {
		return "", err
	}
	ko := filepath.Join(dir, "gobtf_oot.ko")
	if _, err := section(ko, ".BTF"); err != nil {
		return "", err
	}
	return ko, nil
}

// rebased is a copy of a module that was made to fit another build.
func (c *cell) rebased(name, onto string) (string, error) {
	dir := filepath.Join(c.dir, "m-"+name+".rebased")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	ko := filepath.Join(dir, "gobtf_oot.ko")
	if err := c.run("cp", filepath.Join(c.dir, "m-"+name, "gobtf_oot.ko"), ko); err != nil {
		return "", err
	}
	return ko, c.run(c.m.gobtf, "rebase", "--onto", filepath.Join(onto, "vmlinux"), ko)
}

// load starts a build with modules, each of which must fare as is demanded.
func (c *cell) load(to, tree string, modules []string, demands map[string][]string) error {
	out := filepath.Join(c.dir, to)
	boot := filepath.Join(c.m.tools, "boot")
	args := append([]string{"run", "-kernel", filepath.Join(tree, "arch/x86/boot/bzImage"), "-out", out}, modules...)
	if said, err := exec.Command(boot, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("no boot: %s", bytes.TrimSpace(said))
	}
	args = []string{"table"}
	for option, names := range demands {
		args = append(args, option, strings.Join(names, ","))
	}
	said, err := exec.Command(boot, append(args, "kernel="+out+","+filepath.Join(tree, "vmlinux"))...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s", bytes.TrimSpace(said))
	}
	return os.WriteFile(filepath.Join(out, "table"), said, 0o644)
}
