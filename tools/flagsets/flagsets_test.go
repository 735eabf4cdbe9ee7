package flagsets

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const root = "../../"

func TestGet(t *testing.T) {
	if got := Get("default"); !slices.Equal(got, []string{"--btf_features=default"}) {
		t.Errorf("default: %q", got)
	}
	if got, ok := Lookup("none"); !ok || len(got) != 0 {
		t.Errorf("none: %q, %v", got, ok)
	}
	for _, name := range []string{"#", "", "kbuil"} {
		if got, ok := Lookup(name); ok {
			t.Errorf("%q is a set: %q", name, got)
		}
	}
}

// TestOnePlace: the flags of kbuild stand in flagsets.txt, and once more only in testdata/fixtures.txt, with the same words.
func TestOnePlace(t *testing.T) {
	kbuild := strings.Join(Get("kbuild"), " ")
	out, err := exec.Command("git", "-C", root, "ls-files", "-z").Output()
	if err != nil {
		t.Skip("git does not list the repository's files: ", err)
	}
	features := Get("kbuild")[1]
	copies := 0
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		b, err := os.ReadFile(root + name)
		if err != nil || name == "tools/flagsets/flagsets.txt" || strings.HasPrefix(name, "docs/") {
			continue
		}
		if !strings.Contains(string(b), features) {
			continue
		}
		if name == "testdata/fixtures.txt" && strings.Contains(string(b), "%kbuild "+kbuild+"\n") {
			copies++
			continue
		}
		t.Errorf("%s has kbuild's flags: take them from tools/flagsets", name)
	}
	if copies != 1 {
		t.Error("testdata/fixtures.txt: its line %kbuild does not have the words of flagsets.txt")
	}
}
