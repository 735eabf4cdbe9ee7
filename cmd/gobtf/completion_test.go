package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func output(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if rc := run(context.Background(), append([]string{"gobtf"}, args...), &out, &errs); rc != 0 {
		t.Fatalf("%v: %d, %s", args, rc, errs.String())
	}
	return out.String()
}

// TestCompletion: bash offers commands, options of the command that stands there, and files; what the other shells read is right for them,
// where they are installed.
func TestCompletion(t *testing.T) {
	dir := t.TempDir()
	for _, shell := range []string{"bash", "zsh", "fish"} {
		path := filepath.Join(dir, shell)
		script := output(t, "completion", shell)
		if err := os.WriteFile(path, []byte(script), 0o666); err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"btf_encode_detached", "layout", "merge_manifests", "patch_btfids", "rebase"} {
			if !strings.Contains(script, word) {
				t.Errorf("%s: no %s", shell, word)
			}
		}
		if _, err := exec.LookPath(shell); err != nil {
			t.Logf("no %s here", shell)
			continue
		}
		if out, err := exec.Command(shell, "-n", path).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", shell, err, out)
		}
	}
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("no bash here")
	}
	if err := os.WriteFile(filepath.Join(dir, "rest.ko"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"gobtf re":                   "rebase resolve_btfids rest.ko",
		"gobtf dump --la":            "--layout=",
		"gobtf --btf_encode_d":       "--btf_encode_detached=",
		"gobtf rebase --on":          "--onto=",
		"gobtf resolve_btfids --pat": "--patch_btfids=",
		"gobtf diff rest":            "rest.ko",
		"gobtf verify --layout":      "",
	} {
		words := strings.Fields(line)
		c := exec.Command("bash", "-c", `source ./bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _gobtf 2>/dev/null; echo "${COMPREPLY[@]}"`)
		c.Args = append(append(c.Args, "bash"), words...)
		c.Dir = dir
		out, err := c.Output()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", line, got, err, want)
		}
	}
}

// TestMan: there is a page for each command, with all its options, and groff has nothing to say about them.
func TestMan(t *testing.T) {
	dir := t.TempDir()
	output(t, "man", dir)
	list, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil || len(list) != len(commands())+1 {
		t.Fatalf("%d pages, %v", len(list), err)
	}
	groff, _ := exec.LookPath("groff")
	for _, path := range list {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		page := strings.ReplaceAll(string(b), `\-`, "-")
		name := strings.TrimSuffix(filepath.Base(path), ".1")
		table := encodeTable
		if c := findCommand(strings.TrimPrefix(name, "gobtf-")); c != nil {
			table = c.options
		}
		for _, o := range table {
			if o.Help != "" && !strings.Contains(page, "--"+o.Long) {
				t.Errorf("%s: no --%s", name, o.Long)
			}
		}
		if groff == "" {
			continue
		}
		if out, err := exec.Command(groff, "-man", "-Tascii", "-ww", "-z", path).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v: %s", name, err, out)
		}
	}
	for in, want := range map[string]string{".x": `\&.x`, "a-b": `a\-b`, `\`: `\e`, "a\n'b": "a\n\\&'b"} {
		if got := roff(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
