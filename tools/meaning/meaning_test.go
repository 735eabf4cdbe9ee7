package meaning

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gobtf/gobtf/btf"
)

// write makes a BTF of its own: struct s with a pointer to t, which is defined with one member, or only declared.
func write(t *testing.T, dir, name string, declared bool, member string) string {
	t.Helper()
	b := btf.NewBuilder(nil)
	i := b.AddInt("int", 4, btf.Signed)
	to := btf.TypeID(0)
	if declared {
		to = b.AddFwd("t", false)
	} else {
		to = b.AddStruct("t", 4, btf.Member{Name: member, Type: i})
	}
	b.AddStruct("s", 8, btf.Member{Name: "to", Type: b.AddPtr(to)})
	ts, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, ts.AppendForm(nil, btf.Header24), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDiffer(t *testing.T) {
	dir := t.TempDir()
	a, same := write(t, dir, "a", false, "x"), write(t, dir, "same", false, "x")
	declared, other := write(t, dir, "declared", true, ""), write(t, dir, "other", false, "y")
	var c Comparer
	for _, tt := range []struct{ b, want, bytes string }{
		{same, "", ""},
		{declared, "", "header"},
		{other, "struct t", "y"},
	} {
		for _, base := range []string{"", "-"} {
			said, err := c.Differ(base, a, tt.b)
			if err != nil || (said == "") != (tt.want == "") || !strings.Contains(said, tt.want) {
				t.Errorf("%s: %q %v, want %q", tt.b, said, err, tt.want)
			}
		}
		said, err := c.Bytes("", a, tt.b)
		if err != nil || (said == "") != (tt.bytes == "") || !strings.Contains(said, tt.bytes) {
			t.Errorf("%s: bytes: %q %v, want %q", tt.b, said, err, tt.bytes)
		}
	}
	if _, err := c.Differ(filepath.Join(dir, "none"), a, same); err == nil {
		t.Error("a base that is not there is none")
	}
}
