package encoder

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestParseFeatures(t *testing.T) {
	const def = "encode_force,var,float,decl_tag,type_tag,enum64,optimized_func,consistent_func,decl_tag_kfuncs"
	const all = def + ",reproducible_build,global_var,attributes,true_signature"
	for _, tt := range []struct{ list, want, unknown string }{
		{"", "", ""},
		{"var", "var", ""},
		{"float,var", "var,float", ""},
		{",,float,", "float", ""},
		{"default", def, ""},
		{"+", def, ""},
		{"+reproducible_build", def + ",reproducible_build", ""},
		{"default,global_var", def + ",global_var", ""},
		{"all", all, ""},
		{"+all", all, ""},
		{"all,distilled_base", strings.Replace(all, "global_var", "distilled_base,global_var", 1), ""},
		{"layout", "layout", ""},
		{"var,VAR, var,+float,nope", "var", "VAR| var|+float|nope"},
		{strings.Repeat(",", 1019) + "float", "float", ""},
		{strings.Repeat(",", 1021) + "float", "", "flo"},
	} {
		set, unknown := ParseFeatures(tt.list)
		if set.String() != tt.want || strings.Join(unknown, "|") != tt.unknown {
			t.Errorf("%.40q: %s, unknown %q", tt.list, set, unknown)
		}
	}
}

func TestFeatureTable(t *testing.T) {
	if got, want := ImplicitFeatures, Var|DeclTag|TypeTag|Enum64; got != want {
		t.Errorf("without a list: %s, want %s", got, want)
	}
	// What pahole 1.32 prints.
	const want = "encode_force,var,float,decl_tag,type_tag,enum64,optimized_func,consistent_func,decl_tag_kfuncs," +
		"reproducible_build,distilled_base,global_var,attributes,true_signature,force_cu_merging"
	if got := strings.Join(FeatureNames(), ","); got != want {
		t.Errorf("supported: %s", got)
	}
	for i, f := range features {
		if f.bit != 1<<i {
			t.Errorf("%s: bit %#x in row %d", f.name, f.bit, i)
		}
	}
}

func TestParseLang(t *testing.T) {
	for _, tt := range []struct {
		list string
		want []uint16
		bad  bool
	}{
		{"rust", []uint16{0x1c}, false},
		{"C11,Rust", []uint16{0x1d, 0x1c}, false},
		{"asm", []uint16{0x8001}, false},
		{"", nil, true},
		{"c,", nil, true},
		{" c", nil, true},
		{"c17", nil, true},
	} {
		got, err := ParseLang(tt.list)
		if (err != nil) != tt.bad || len(got) != len(tt.want) {
			t.Errorf("%q: %v, %v", tt.list, got, err)
			continue
		}
		for i := range got {
			if got[i] != tt.want[i] {
				t.Errorf("%q: %v", tt.list, got)
			}
		}
	}
	if n := len(LangNames()); n != 38 {
		t.Errorf("%d languages", n)
	}
}

var updateDocs = flag.Bool("update_docs", false, "write the tables of docs/cli.md")

// TestDocs: docs/cli.md has the tables of features and languages as they are.
func TestDocs(t *testing.T) {
	const path = "../docs/cli.md"
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	yes := func(b bool) string {
		if b {
			return "yes"
		}
		return ""
	}
	var table strings.Builder
	table.WriteString("| feature | without a list | `default` | `all` | since pahole |\n|---|---|---|---|---|\n")
	for _, f := range features {
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s | %s |\n", f.name, yes(!f.off), yes(f.inDef), yes(f.inAll), f.since)
	}
	text := string(doc)
	for name, want := range map[string]string{"features": table.String(), "languages": strings.Join(LangNames(), ", ") + ", in upper or lower case.\n"} {
		mark := "<!-- " + name + ": written by go test ./encoder -run Docs -update_docs -->\n"
		head, rest, ok := strings.Cut(text, mark)
		old, tail, ok2 := strings.Cut(rest, "<!-- end -->")
		if !ok || !ok2 {
			t.Fatalf("%s: no place for the %s", path, name)
		}
		if old != want && !*updateDocs {
			t.Errorf("%s: the %s are stale: go test ./encoder -run Docs -update_docs", path, name)
		}
		text = head + mark + want + "<!-- end -->" + tail
	}
	if *updateDocs {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}
