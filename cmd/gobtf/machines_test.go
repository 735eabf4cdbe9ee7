package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// machinesText is what testdata/src/machine.c and machine2.c have on any machine: patterns of the raw dump.
var machinesText = []string{
	`STRUCT 'task' size=\d+ vlen=3\n\t'pid' type_id=\d+ bits_offset=0\n\t'next' type_id=\d+ bits_offset=\d+\n\t'name' `,
	`STRUCT 'packed' size=14 vlen=3\n\t's' type_id=\d+ bits_offset=0\n\t'c' type_id=\d+ bits_offset=16\n\t'l' type_id=\d+ bits_offset=48\n`,
	`ENUM 'state' .*vlen=3\n\t'RUNNING' val=0\n\t'SLEEPING' val=7\n\t'DEAD' val=-1\n`,
	`STRUCT 'queue' .*vlen=4\n\t'head' .*\n\t'tail' .*\n\t'flags' .*bitfield_size=3\n\t'length' .*bitfield_size=29\n`,
	`FUNC_PROTO .*\n\t't' type_id=\d+\n\t'v' type_id=\d+\n\[\d+\] FUNC 'task_pid' `,
	`FUNC_PROTO .*\n\t's' type_id=\d+\n\[\d+\] FUNC 'task_first' `,
	`FUNC_PROTO .*\n\t'q' type_id=\d+\n\t't' type_id=\d+\n\[\d+\] FUNC 'queue_length' `,
}

// TestMachines encodes an object of each machine that make machines knows, two units joined by its linker. Where the reference relocates
// them, its bytes are expected; on every machine the types and functions of the source.
func TestMachines(t *testing.T) {
	list, err := filepath.Glob("../../testdata/machines/*.o")
	if err != nil || len(list) < 40 {
		t.Fatalf("%d objects, %v", len(list), err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "gobtf")
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	gobtf := func(t *testing.T, args ...string) string {
		out, err := exec.Command(program, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
		return string(out)
	}
	for _, path := range list {
		name := strings.TrimSuffix(filepath.Base(path), ".o")
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(dir, name+".btf")
			if said := gobtf(t, "-J", "--btf_features=default", "--btf_encode_detached="+out, path); said != "" {
				t.Errorf("says %q", said)
			}
			got, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(strings.TrimSuffix(path, ".o") + ".btf")
			if err == nil && !bytes.Equal(got, want) {
				t.Error("not the reference's bytes")
			}
			raw := gobtf(t, "dump", out)
			for _, text := range machinesText {
				if !regexp.MustCompile(text).MatchString(raw) {
					t.Errorf("no match of\n%s\nin\n%s", text, raw)
				}
			}
		})
	}
}
