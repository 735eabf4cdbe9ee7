package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gobtf/gobtf/internal/testinput"
)

// word is a word of a command line: in quotes, or without blanks.
var word = regexp.MustCompile(`"([^"]*)"|(\S+)`)

// TestTour runs the commands of docs/tour.md, and compares what they print with what stands there. -update_docs writes it.
func TestTour(t *testing.T) {
	const page = "../../docs/tour.md"
	doc, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, from := range map[string]string{"vmlinux": "vmlinux.btf", "m.ko": "gobtf_demo.ko"} {
		if err := os.WriteFile(filepath.Join(dir, name), testinput.Read(t, from), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	path, err := filepath.Abs(page)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	const prompt, indent = "    $ gobtf ", "    "
	var out []string
	commands := 0
	lines := strings.Split(string(doc), "\n")
	for i := 0; i < len(lines); i++ {
		out = append(out, lines[i])
		line, ok := strings.CutPrefix(lines[i], prompt)
		if !ok {
			continue
		}
		commands++
		args := []string{"gobtf"}
		for _, m := range word.FindAllStringSubmatch(line, -1) {
			args = append(args, m[1]+m[2])
		}
		var stdout, stderr bytes.Buffer
		if rc := run(context.Background(), args, &stdout, &stderr); rc > 1 || rc == 1 && args[1] != "diff" || stderr.Len() > 0 {
			t.Errorf("%s: %d, %s", line, rc, stderr.String())
		}
		for _, l := range shortened(strings.Split(strings.TrimRight(stdout.String(), "\n"), "\n")) {
			if stdout.Len() > 0 {
				out = append(out, strings.TrimRight(indent+l, " "))
			}
		}
		for i+1 < len(lines) && (strings.HasPrefix(lines[i+1], indent) || lines[i+1] == "" && i+2 < len(lines) && strings.HasPrefix(lines[i+2], indent)) && !strings.HasPrefix(lines[i+1], prompt) {
			i++ // what stood there
		}
	}
	if commands < 10 {
		t.Errorf("%d commands", commands)
	}
	text := strings.Join(out, "\n")
	if text == string(doc) {
		return
	}
	if !*updateDocs {
		a, b := strings.Split(text, "\n"), lines
		for i := range min(len(a), len(b)) {
			if a[i] != b[i] {
				t.Errorf("line %d: now %q", i+1, a[i])
				break
			}
		}
		t.Fatal("docs/tour.md is stale: go test ./cmd/gobtf -run Tour -update_docs")
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// shortened leaves out the middle of a long output, and the end of a long line.
func shortened(lines []string) []string {
	const most, wide = 24, 150
	for i, l := range lines {
		if len(l) > wide {
			lines[i] = l[:wide] + " ..."
		}
	}
	if len(lines) <= most {
		return lines
	}
	return append(append(append([]string{}, lines[:most-10]...), "..."), lines[len(lines)-9:]...)
}
