package main

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// call is one call of PAHOLE that encoded something, as the recorder kept it.
type call struct {
	dir      string
	args     []string // without -J, an output and the file
	cwd      string
	file     string // as the build named it
	detached bool
	base     string // of split BTF, "" for none
}

// calls reads what the recorder kept. A call that failed is an error: the build should have ended.
func (c *cell) calls() (list []call, err error) {
	dirs, err := filepath.Glob(filepath.Join(c.dir, "rec", "*"))
	if err != nil {
		return nil, err
	}
	for _, dir := range dirs {
		read := func(name string) string {
			b, e := os.ReadFile(filepath.Join(dir, name))
			if e != nil && err == nil {
				err = e
			}
			return strings.TrimRight(string(b), "\n")
		}
		if rc := read("rc"); rc != "0" {
			return nil, fmt.Errorf("gobtf ended with %s: %s", rc, read("said"))
		}
		argv := strings.Split(read("argv"), "\n")
		k := call{dir: dir, cwd: read("cwd")}
		if err != nil {
			return nil, err
		}
		k.file, argv = argv[len(argv)-1], argv[:len(argv)-1]
		for i := 0; i < len(argv); i++ {
			a := argv[i]
			switch {
			case a == "-J" || a == "--btf_encode":
				continue
			case strings.HasPrefix(a, "--btf_encode_detached="):
				k.detached = true
				continue
			case a == "--btf_base" && i+1 < len(argv):
				k.base = argv[i+1]
			case strings.HasPrefix(a, "--btf_base="):
				k.base = strings.TrimPrefix(a, "--btf_base=")
			}
			k.args = append(k.args, a)
		}
		list = append(list, k)
	}
	return list, nil
}

// compare encodes all inputs again, by the arguments that came, with the reference and with gobtf.
func (c *cell) compare() error {
	list, err := c.calls()
	if err != nil {
		return err
	}
	images, modules := 0, 0
	for _, k := range list {
		if k.base == "" {
			images++
			c.said.flow = map[bool]string{true: "detached", false: "in place"}[k.detached]
			c.said.flags = strings.Join(k.args, " ")
		} else {
			modules++
		}
	}
	// 5.10 has no BTF of modules.
	if images == 0 || modules == 0 && !olderThan(c.series, "5.11") {
		return fmt.Errorf("PAHOLE was called for %d kernels and %d modules", images, modules)
	}
	if b, err := os.ReadFile(filepath.Join(c.tree, "include/config/kernel.release")); err == nil {
		c.release = strings.TrimSpace(string(b))
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	room := make(chan struct{}, 2)
	var bad []error
	for i := range list {
		room <- struct{}{}
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer func() { <-room }()
			err := c.same(&list[i])
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				bad = append(bad, fmt.Errorf("%s: %w", list[i].file, err))
			} else {
				c.said.identical++
			}
		}()
	}
	wg.Wait()
	if len(bad) > 0 {
		return errors.Join(bad...)
	}
	return c.held(list)
}

// same compares one input's outputs: the reference's bytes, for a module with --pahole_quirks; without it, the same meaning and no more bytes.
func (c *cell) same(k *call) error {
	encode := func(program, to string, more ...string) error {
		cmd := exec.Command(program, slices.Concat(k.args, more, []string{"--btf_encode_detached=" + filepath.Join(k.dir, to), filepath.Join(k.dir, "input")})...)
		cmd.Dir = k.cwd
		said, err := cmd.CombinedOutput()
		if err == nil && !exists(filepath.Join(k.dir, to)) {
			err = errors.New("wrote nothing")
		}
		if err != nil {
			return fmt.Errorf("%s: %w: %s", filepath.Base(program), err, bytes.TrimSpace(said))
		}
		return nil
	}
	if err := encode(c.m.reference, "ref.btf"); err != nil {
		return err
	}
	if err := encode(c.m.gobtf, "own.btf"); err != nil {
		return err
	}
	compared := "own.btf"
	if k.base != "" {
		compared = "quirks.btf"
		if err := encode(c.m.gobtf, compared, "--pahole_quirks"); err != nil {
			return err
		}
	}
	a, b := fileBytes(filepath.Join(k.dir, "ref.btf")), fileBytes(filepath.Join(k.dir, compared))
	if !bytes.Equal(a, b) {
		return fmt.Errorf("%d bytes that are not the reference's %d (%s)", len(b), len(a), k.dir)
	}
	if k.base == "" {
		return nil
	}
	if own := fileBytes(filepath.Join(k.dir, "own.btf")); len(own) > len(b) {
		return fmt.Errorf("%d bytes, more than with --pahole_quirks (%d)", len(own), len(b))
	}
	return c.meaning(k, filepath.Join(k.dir, "own.btf"), filepath.Join(k.dir, "quirks.btf"))
}

// meaning compares two split BTFs on the base of a call.
func (c *cell) meaning(k *call, a, b string) error {
	base := k.base
	if !filepath.IsAbs(base) {
		base = filepath.Join(k.cwd, base)
	}
	said, err := c.m.differ(base, a, b)
	if err != nil {
		return err
	}
	if said != "" {
		return fmt.Errorf("not equal in meaning: %s (%s, %s)", said, a, b)
	}
	return nil
}

// held checks that the built files hold what gobtf wrote. From 7.0 on the kernel's resolve_btfids sorts the types and numbers them anew on
// the way: it is run once more on what gobtf writes for the recorded input, and must give what the file holds.
func (c *cell) held(list []call) error {
	vmlinux := filepath.Join(c.tree, "vmlinux")
	own, err := section(vmlinux, ".BTF")
	if err != nil {
		return err
	}
	c.said.vmlinux = int64(len(own))
	modules := c.modules()
	c.said.modules = len(modules)
	if len(modules) == 0 {
		return errors.New("no module was built")
	}
	last := map[string]*call{} // of several builds, the one whose output is what the file holds
	for i := range list {
		k := &list[i]
		name := strings.TrimSuffix(filepath.Base(k.file), ".ko")
		if k.base == "" {
			name = "vmlinux"
		}
		if had := last[name]; had == nil || later(k.dir, had.dir) {
			last[name] = k
		}
	}
	if err := c.arrived(last["vmlinux"], own); err != nil {
		return fmt.Errorf("vmlinux: %w", err)
	}
	for name, path := range modules {
		b, err := section(path, ".BTF")
		if olderThan(c.series, "5.11") {
			continue
		}
		if err != nil {
			return err
		}
		k := last[name]
		if k == nil {
			return fmt.Errorf("%s: PAHOLE was not called for it", path)
		}
		if err := c.arrived(k, b); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

// arrived checks that a section holds what gobtf wrote in a call, or what resolve_btfids makes of that.
func (c *cell) arrived(k *call, held []byte) error {
	want := filepath.Join(k.dir, "own.btf")
	if k.detached {
		args := []string{"--btf", want}
		if k.base != "" {
			args = append(args, "--btf_base", k.base)
		}
		cmd := exec.Command(filepath.Join(c.tree, "tools/bpf/resolve_btfids/resolve_btfids"), append(args, filepath.Join(k.dir, "input"))...)
		cmd.Dir = k.cwd
		if said, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("resolve_btfids: %w: %s", err, bytes.TrimSpace(said))
		}
		want = filepath.Join(k.dir, "input.BTF")
	}
	if !bytes.Equal(held, fileBytes(want)) {
		return fmt.Errorf(".BTF is not what gobtf wrote (%s)", k.dir)
	}
	return nil
}

func later(a, b string) bool {
	x, errX := os.Stat(filepath.Join(a, "argv"))
	y, errY := os.Stat(filepath.Join(b, "argv"))
	return errX == nil && errY == nil && x.ModTime().After(y.ModTime())
}

// section reads a section by debug/elf: what gobtf wrote must not be judged by gobtf's own reader.
func section(path, name string) ([]byte, error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer f.Close()
	s := f.Section(name)
	if s == nil {
		return nil, fmt.Errorf("%s has no %s", path, name)
	}
	return s.Data()
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// fileBytes reads a file that is known to be there; without it nothing is equal to it.
func fileBytes(path string) []byte {
	b, err := os.ReadFile(path)
	if err != nil {
		return []byte(err.Error())
	}
	return b
}

// boot starts the kernel, loads the modules and compares what /sys/kernel/btf shows with what the files hold.
func (c *cell) boot(modules map[string]string) error {
	return c.bootWith(modules, "", nil)
}

// bootWith starts the kernel with more parameters. The modules in refused must not be loaded, all others must be.
func (c *cell) bootWith(modules map[string]string, parameters string, refused []string) error {
	var image string
	args := []string{"run"}
	switch c.way.arch {
	case "":
		image = filepath.Join(c.tree, "arch/x86/boot/bzImage")
	case "arm64":
		image = filepath.Join(c.tree, "arch/arm64/boot/Image")
		busybox, err := c.m.script("scripts/fetch/busybox", "arm64")
		if err != nil {
			return err
		}
		args = append(args, "-arch", "arm64", "-busybox", busybox)
	default:
		return nil
	}
	out := filepath.Join(c.dir, "boot")
	args = append(args, "-kernel", image, "-out", out, "-append", parameters)
	var names []string
	for name := range modules {
		names = append(names, name)
	}
	slices.Sort(names)
	// configfs registers what fuse may want; each is loaded and unloaded by itself.
	for _, name := range names {
		args = append(args, name+"="+modules[name])
	}
	boot := filepath.Join(c.m.tools, "boot")
	if said, err := exec.Command(boot, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("no boot: %s", bytes.TrimSpace(said))
	}
	shown := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(refused, name) })
	table := []string{"table", "-shown", strings.Join(shown, ","), "-refused", strings.Join(refused, ","), c.release + "=" + out + "," + filepath.Join(c.tree, "vmlinux")}
	if olderThan(c.series, "5.11") {
		table = slices.Delete(table, 1, 3)
	}
	if said, err := exec.Command(boot, table...).CombinedOutput(); err != nil {
		return fmt.Errorf("booted, but: %s", bytes.TrimSpace(said))
	}
	c.said.booted = true
	return nil
}
