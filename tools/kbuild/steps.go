package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// again links once more, with these words on make's command line.
func again(words ...string) func(*cell) error {
	return func(c *cell) error { return c.make(append(words, c.targets()...)...) }
}

// silent links once more, and nobody may say anything. The kernel's own resolve_btfids does: the small configuration lacks what some lists name.
func silent(c *cell) error {
	if err := c.make(append([]string{"-s"}, c.targets()...)...); err != nil {
		return err
	}
	for line := range bytes.Lines(c.lastOutput()) {
		if !bytes.HasPrefix(line, []byte("WARN: resolve_btfids: unresolved symbol ")) {
			return fmt.Errorf("make -s is not silent: %s", line)
		}
	}
	c.said.more = append(c.said.more, "gobtf and make print nothing")
	return nil
}

// verbose links once more, and make must show the line of PAHOLE.
func verbose(c *cell) error {
	if err := c.make(append([]string{"V=1"}, c.targets()...)...); err != nil {
		return err
	}
	if !bytes.Contains(c.lastOutput(), []byte(c.pahole+" -J")) {
		return errors.New("make V=1 does not show the line of PAHOLE")
	}
	return nil
}

// underJobserver calls kbuild's make from a make with a jobserver.
func underJobserver(c *cell) error {
	words := slices.DeleteFunc(c.words(), func(w string) bool { return strings.HasPrefix(w, "-j") })
	text := "all:\n\t+$(MAKE)"
	for _, w := range append(words, c.targets()...) {
		text += " '" + w + "'"
	}
	file := filepath.Join(c.dir, "Makefile")
	if err := os.WriteFile(file, []byte(text+"\n"), 0o644); err != nil {
		return err
	}
	return c.run("make", "-j2", "-f", file)
}

// twice builds two times from nothing, at the same place and with the same time stamp: all files must be the same.
func twice(c *cell) error {
	var sums [2]string
	for i := range sums {
		if err := c.make("clean"); err != nil {
			return err
		}
		// Without a fixed version each link counts one up, and the kernel says "#2".
		if err := c.make(append([]string{"KBUILD_BUILD_TIMESTAMP=2026-01-01", "KBUILD_BUILD_VERSION=1"}, c.targets()...)...); err != nil {
			return err
		}
		h := sha256.New()
		files := []string{filepath.Join(c.tree, "vmlinux")}
		for _, path := range c.modules() {
			files = append(files, path)
		}
		slices.Sort(files)
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				return err
			}
			h.Write(b)
		}
		sums[i] = fmt.Sprintf("%x", h.Sum(nil))
	}
	if sums[0] != sums[1] {
		return errors.New("the second build's files are not those of the first")
	}
	c.said.more = append(c.said.more, "vmlinux and modules of both builds are the same files")
	return nil
}

// signatureMark ends a signed module (kernel/module_signature.h calls it MODULE_SIG_STRING).
const signatureMark = "~Module signature appended~\n"

// installed signs and compresses modules at their installation. Unpacked they must have their signature and the BTF of the build, and the
// kernel must take them.
func installed(suffix string) func(*cell) error {
	return func(c *cell) error {
		if err := c.setConfig("", c.way.config); err != nil {
			return err
		}
		if err := c.make(c.targets()...); err != nil {
			return err
		}
		to := filepath.Join(c.dir, "installed")
		if err := c.make("modules_install", "INSTALL_MOD_PATH="+to); err != nil {
			return err
		}
		unpack := map[string][]string{".xz": {"xz", "-dc"}, ".zst": {"zstd", "-dqc"}, ".gz": {"gzip", "-dc"}}[suffix]
		list := map[string]string{}
		err := filepath.WalkDir(to, func(path string, d os.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".ko"+suffix) {
				return err
			}
			b, err := exec.Command(unpack[0], append(unpack[1:], path)...).Output()
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			if !bytes.HasSuffix(b, []byte(signatureMark)) {
				return fmt.Errorf("%s is not signed", path)
			}
			name := strings.TrimSuffix(d.Name(), ".ko"+suffix)
			list[name] = filepath.Join(c.dir, name+".ko")
			return os.WriteFile(list[name], b, 0o644)
		})
		if err != nil {
			return err
		}
		if err := c.sameAsBuilt(list); err != nil {
			return err
		}
		c.said.more = append(c.said.more, "installed modules are signed, with the BTF of the build")
		if err := c.boot(list); err != nil {
			return err
		}
		return c.signedAnew(list)
	}
}

// signedAnew gives two signed modules BTF of another form, one with a signature by the build's own key and one without, and starts the
// kernel with module.sig_enforce=1: it must take the first with its BTF, and refuse the second.
func (c *cell) signedAnew(list map[string]string) error {
	names := slices.Sorted(maps.Keys(list))
	if len(names) < 2 {
		return fmt.Errorf("%d modules, two are needed", len(names))
	}
	two := map[string]string{}
	for i, name := range names[:2] {
		b, err := os.ReadFile(list[name])
		if err != nil {
			return err
		}
		two[name] = filepath.Join(c.dir, "anew", name+".ko")
		if err := os.MkdirAll(filepath.Dir(two[name]), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(two[name], b, 0o644); err != nil {
			return err
		}
		args := []string{"rebase", "--form", "shifted", "--onto", filepath.Join(c.tree, "vmlinux")}
		if i == 0 {
			args = append(args, "--sign_key", filepath.Join(c.tree, "certs/signing_key.pem"))
		} else {
			args = append(args, "--strip_signature")
		}
		if said, err := exec.Command(c.m.gobtf, append(args, two[name])...).CombinedOutput(); err != nil {
			return fmt.Errorf("gobtf rebase: %s", bytes.TrimSpace(said))
		}
	}
	if err := c.bootWith(two, "module.sig_enforce=1", names[1:2]); err != nil {
		return fmt.Errorf("signed anew: %w", err)
	}
	c.said.more = append(c.said.more, "with `module.sig_enforce=1` a module that gobtf has rebased and signed is loaded with its BTF, one without a signature is not")
	return nil
}

// sameAsBuilt checks that modules that were installed or packed have the BTF of those in the tree.
func (c *cell) sameAsBuilt(list map[string]string) error {
	built := c.modules()
	for name, path := range built {
		got, ok := list[name]
		if !ok {
			return fmt.Errorf("%s is not among what was installed", name)
		}
		want, err := section(path, ".BTF")
		if err != nil {
			return err
		}
		b, err := section(got, ".BTF")
		if err != nil {
			return err
		}
		if !bytes.Equal(want, b) {
			return fmt.Errorf("%s: .BTF is not that of %s", got, path)
		}
	}
	if len(built) == 0 {
		return errors.New("no module was built")
	}
	return nil
}

// packed finds the modules below a folder.
func packed(dir string) (list map[string]string, err error) {
	list = map[string]string{}
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.HasSuffix(path, ".ko") {
			list[strings.TrimSuffix(d.Name(), ".ko")] = path
		}
		return err
	})
	return list, err
}

// debPackage makes Debian packages, and looks at the modules in that of the kernel.
func debPackage(c *cell) error {
	if err := c.make("bindeb-pkg"); err != nil {
		return err
	}
	debs, err := filepath.Glob(filepath.Join(c.dir, "linux-image-*.deb"))
	if err != nil || len(debs) == 0 {
		return fmt.Errorf("no linux-image package in %s", c.dir)
	}
	to := filepath.Join(c.dir, "unpacked")
	for _, d := range debs {
		if strings.Contains(d, "-dbg") {
			continue
		}
		if err := c.run("dpkg-deb", "-x", d, to); err != nil {
			return err
		}
	}
	list, err := packed(to)
	if err != nil {
		return err
	}
	c.said.more = append(c.said.more, "the package's modules have the BTF of the build")
	return c.sameAsBuilt(list)
}

// rpmPackage makes an RPM of the built kernel. rpm-pkg itself wants the source in a git repository, which Debian's is not.
func rpmPackage(c *cell) error {
	if err := c.make("binrpm-pkg", "RPMOPTS=--nodeps"); err != nil {
		return err
	}
	to := filepath.Join(c.dir, "unpacked")
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	found := false
	for _, root := range []string{filepath.Join(c.tree, "rpmbuild"), filepath.Join(os.Getenv("HOME"), "rpmbuild")} {
		err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".rpm") || strings.Contains(path, "SRPMS") {
				return nil
			}
			found = true
			return c.run("sh", "-c", `rpm2cpio "$1" | (cd "$2" && cpio -idm --quiet)`, "sh", path, to)
		})
		if err != nil {
			return err
		}
		if found {
			break
		}
	}
	if !found {
		return errors.New("no package was made")
	}
	list, err := packed(to)
	if err != nil {
		return err
	}
	c.said.more = append(c.said.more, "the package's modules have the BTF of the build")
	return c.sameAsBuilt(list)
}

// incremental builds in a copy of the source, changes one file of the kernel and one of a module, and builds again: the new struct must
// be in the BTF of both.
func incremental(c *cell) error {
	src := filepath.Join(c.dir, "src")
	if out, err := exec.Command("cp", "-al", c.src, src).CombinedOutput(); err != nil {
		return fmt.Errorf("cp: %w: %s", err, out)
	}
	os.Remove(c.tree)
	c.src, c.tree = src, src
	if err := fresh(c); err != nil {
		return err
	}
	const added = "\nstruct gobtf_added { int gobtf_a; long gobtf_b; };\nint gobtf_%[1]s(struct gobtf_added *p);\nint gobtf_%[1]s(struct gobtf_added *p) { return p->gobtf_a; }\n"
	for name, file := range map[string]string{"vmlinux": "lib/ctype.c", "configfs": "fs/configfs/dir.c"} {
		path := filepath.Join(src, file)
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		// A new file: the old one is a link to the source that all cells share.
		if err := os.Remove(path); err != nil {
			return err
		}
		if err := os.WriteFile(path, append(b, fmt.Sprintf(added, name)...), 0o644); err != nil {
			return err
		}
	}
	if err := c.make(c.targets()...); err != nil {
		return err
	}
	for _, f := range []string{"vmlinux", "fs/configfs/configfs.ko"} {
		b, err := section(filepath.Join(src, f), ".BTF")
		if err != nil {
			return err
		}
		want := "gobtf_added\x00"
		if f != "vmlinux" {
			want = "gobtf_configfs\x00" // its struct may be the kernel's, which is equal
		}
		if !bytes.Contains(b, []byte(want)) {
			return fmt.Errorf("%s: its BTF lacks what was added", f)
		}
	}
	c.said.more = append(c.said.more, "what was added to one file is in the BTF after the second build")
	return nil
}

// rust gives make Debian sid's rustc and bindgen: that of the machine's own suite may be older than the kernel wants.
// RUSTFMT is left alone: bindgen takes what that program prints, and goes on without one.
func rust(c *cell) ([]string, error) {
	dir, err := c.m.script("scripts/fetch/rust")
	if err != nil {
		return nil, err
	}
	return []string{"RUSTC=" + filepath.Join(dir, "rustc"), "BINDGEN=" + filepath.Join(dir, "bindgen"), "RUST_LIB_SRC=" + filepath.Join(dir, "lib")}, nil
}
