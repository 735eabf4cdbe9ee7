package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A busybox that needs libraries would not start on the emulated machine, and nobody would see why.
func TestDynamic(t *testing.T) {
	static, err := os.ReadFile("../../testdata/obj/types.elf")
	if err != nil {
		t.Fatal(err)
	}
	if dynamic(static) {
		t.Error("an object asks for a loader")
	}
	if dynamic([]byte("no ELF file")) {
		t.Error("text asks for a loader")
	}
	path := filepath.Join(t.TempDir(), "busybox")
	if b, err := os.ReadFile("/bin/sh"); err == nil && dynamic(b) {
		if err := os.WriteFile(path, b, 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := initramfs(path, machine{}, nil); err == nil || !strings.Contains(err.Error(), "needs a loader") {
			t.Errorf("a dynamic program is taken: %v", err)
		}
	}
}
