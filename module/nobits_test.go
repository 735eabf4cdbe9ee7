package module_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gobtf/gobtf/module"
)

// TestDebugFile opens what objcopy --only-keep-debug makes of a file whose .BTF is loaded: the section is there, without content.
func TestDebugFile(t *testing.T) {
	if _, err := exec.LookPath("objcopy"); err != nil {
		t.Skip("no objcopy here")
	}
	dir := t.TempDir()
	btf, in, out := filepath.Join(dir, "btf"), filepath.Join("..", "testdata", "obj", "types.elf"), filepath.Join(dir, "debug")
	if err := os.WriteFile(btf, make([]byte, 64), 0o600); err != nil {
		t.Fatal(err)
	}
	with := filepath.Join(dir, "with")
	for _, args := range [][]string{
		{"--add-section", ".BTF=" + btf, "--set-section-flags", ".BTF=alloc,readonly", in, with}, {"--only-keep-debug", with, out},
	} {
		if said, err := exec.Command("objcopy", args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, said)
		}
	}
	for path, want := range map[string]string{with: "", out: out + ": section .BTF has no content in this file, which is a debug file"} {
		f, err := module.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		own, _, err := f.BTF()
		if want == "" && (err != nil || len(own) != 64) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %d bytes, %v; want %q", path, len(own), err, want)
		}
		if err := f.Writable(); (err != nil) != (want != "") {
			t.Errorf("%s: writable: %v", path, err)
		}
		f.Close()
	}
}
