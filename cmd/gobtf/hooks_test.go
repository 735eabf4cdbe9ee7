package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gobtf/gobtf/internal/testinput"
)

// TestHook runs packaging/rebase-modules, which a kernel's installation calls: it ends with success whatever happens, does nothing unless
// the configuration says so, and logs what it did.
func TestHook(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(self, filepath.Join(bin, "gobtf")); err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	const release = "6.12.117+deb13-cloud-amd64"
	put := func(name string, data []byte) string {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	read := func(path string) []byte {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	module := read("../../testdata/module/gobtf_demo.ko.zst")
	put("var/log/x", nil)
	ko := put("lib/modules/"+release+"/updates/a.ko.zst", module)
	put("lib/modules/"+release+"/extra/b.ko", []byte("no module"))
	conf, err := os.ReadFile("../../packaging/gobtf.conf")
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("/bin/sh", append([]string{"../../packaging/rebase-modules"}, args...)...)
		cmd.Env = append(os.Environ(), "GOBTF_ROOT="+root, "PATH="+bin+":"+os.Getenv("PATH"))
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Fatalf("%v: %v, %s", args, err, out)
		}
		log, _ := os.ReadFile(filepath.Join(root, "var/log/gobtf.log"))
		return string(log)
	}
	if log := run(release); log != "" {
		t.Errorf("without a configuration: %s", log)
	}
	put("etc/gobtf.conf", conf)
	if log := run(release); log != "" {
		t.Errorf("as it is installed: %s", log)
	}
	put("etc/gobtf.conf", append(conf, "\nREBASE=yes\n"...))
	if log := run(); log != "" {
		t.Errorf("without a release: %s", log)
	}
	if log := run(release); !strings.Contains(log, release+": updates\nno BTF of this kernel is here") {
		t.Errorf("without a base: %s", log)
	}
	base := testinput.File(t, "vmlinux.btf")
	put("lib/modules/"+release+"/build/vmlinux", read(base))
	// Give the module BTF of another kernel, so that there is something to do.
	if out, err := exec.Command(filepath.Join(bin, "gobtf"), "add", "--btf_base", "../../testdata/golden/splitbase.default.btf", ko).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	log := run(release)
	for _, want := range []string{": updates\n", "1 modules: 0 fit as they are, 1 rebased", ": extra\n", "b.ko: not an ELF file"} {
		if !strings.Contains(log, want) {
			t.Errorf("no %q in %s", want, log)
		}
	}
	verify := func(base, path string) {
		t.Helper()
		if out, err := exec.Command(filepath.Join(bin, "gobtf"), "verify", "--btf_base", base, path).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}
	verify(base, ko)

	// A module of another kernel, which weak-modules has linked to: the link becomes a copy that fits, and the module stays as it is. When it
	// is removed, the next run removes the copy.
	const other = "../../testdata/golden/splitbase.default.btf"
	old := put("lib/modules/6.12.1-old/extra/c.ko.zst", module)
	if out, err := exec.Command(filepath.Join(bin, "gobtf"), "add", "--btf_base", other, old).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	before := string(read(old))
	link := filepath.Join(root, "lib/modules/"+release+"/weak-updates/c.ko.zst")
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(old, link); err != nil {
		t.Fatal(err)
	}
	if log := run(release); !strings.Contains(log, "weak-updates: 1 modules: 0 fit as they are, 1 rebased") {
		t.Errorf("a link: %s", log)
	}
	if string(read(old)) != before {
		t.Error("the other kernel's module was changed")
	}
	if isLink(link) {
		t.Error("the link is still there")
	}
	verify(base, link)
	verify(other, old)
	run(release)
	verify(base, link) // its module is there: it stays
	if err := os.Remove(old); err != nil {
		t.Fatal(err)
	}
	if log := run(release); !strings.Contains(log, "c.ko.zst is gone, and its copy with it") {
		t.Errorf("the module was removed: %s", log)
	}
	if _, err := os.Lstat(link); !os.IsNotExist(err) {
		t.Errorf("the copy of a module that is gone: %v", err)
	}
	// A link whose module fits stays a link.
	if err := os.Symlink(ko, link); err != nil {
		t.Fatal(err)
	}
	if run(release); !isLink(link) {
		t.Error("a link that fits became a copy")
	}
}
