package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// flagInputs are fixtures that have what flags decide about.
var flagInputs = []string{
	"types", "tags", "tags_clang22", "tags_gcc16", "enums", "floats", "vars", "statics", "params", "clones", "kfunc", "kabi", "bitfields", "langs",
	"rustmix", "merged", "lto", "packed", "unexpmatch", "reordered",
}

// flagWords are the pieces of lines: each option alone, with values that take effect and such that do not.
func flagWords(rng *rand.Rand) string {
	names := []string{
		"encode_force", "var", "float", "decl_tag", "type_tag", "enum64", "optimized_func", "consistent_func", "decl_tag_kfuncs", "reproducible_build",
		"distilled_base", "global_var", "attributes", "true_signature", "force_cu_merging", "layout", "default", "all", "nonsense", "",
	}
	list := func() string {
		var l []string
		for range 1 + rng.IntN(5) {
			l = append(l, names[rng.IntN(len(names))])
		}
		return []string{"", "", "", "+"}[rng.IntN(4)] + strings.Join(l, ",")
	}
	langs := []string{"c", "c11", "c99", "c++", "asm", "rust", "C11", "c,rust", "rust,asm,c++", "c89,c99,c11,c17", "nosuch", "4", ",c"}
	switch rng.IntN(24) {
	case 0, 1, 2, 3:
		return "--btf_features=" + list()
	case 4:
		return "--features=" + list()
	case 5:
		return "--btf_features_strict=" + list()
	case 6:
		return "--btf_gen_all"
	case 7:
		return "--btf_encode_force"
	case 8:
		return "--btf_gen_floats"
	case 9:
		return "--btf_gen_optimized"
	case 10:
		return "--btf_attributes"
	case 11:
		return "--reproducible_build"
	case 12:
		return "--skip_encoding_btf_inconsistent_proto"
	case 13:
		return "--skip_encoding_btf_vars"
	case 14:
		return "--skip_encoding_btf_decl_tag"
	case 15:
		return "--skip_encoding_btf_type_tag"
	case 16:
		return "--skip_encoding_btf_enum64"
	case 17:
		return "--lang=" + langs[rng.IntN(len(langs))]
	case 18:
		return "--lang_exclude=" + langs[rng.IntN(len(langs))]
	case 19:
		return []string{"-Xtypes", "-X", "--cu_exclude=params.c", "-Xv", "--cu_exclude=./"}[rng.IntN(5)]
	case 20:
		return []string{"--kabi_prefix=__kabi", "--kabi_prefix=kabi_", "--kabi_prefix=s"}[rng.IntN(3)]
	case 21:
		return "--fixup_silly_bitfields"
	case 22:
		return []string{"-j", "-j1", "-j3", "--jobs=2", "--hashbits=20", "--hashbits=40", "-Fdwarf", "--format_path=btf,dwarf"}[rng.IntN(8)]
	}
	return []string{"--btf_gen_f", "--skip_encoding_btf_v", "--fixup", "--btf_enc", "--reprod", "-V", "-q", "--no_such_option"}[rng.IntN(8)]
}

// TestReferenceFlags runs the reference and gobtf with the same line, GOBTF_FLAGS lines (default 300) of every option and feature, alone
// and with others in any order, on fixtures. Where the reference writes BTF, gobtf writes the same; where it ends with an error
// gobtf does; where it ends well and writes nothing gobtf writes more or says why not.
func TestReferenceFlags(t *testing.T) {
	reference := os.Getenv("GOBTF_REFERENCE")
	if reference == "" {
		t.Skip("GOBTF_REFERENCE is not set")
	}
	n := 300
	if s := os.Getenv("GOBTF_FLAGS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	var inputs []string
	for _, name := range flagInputs {
		list, err := filepath.Glob("../../testdata/obj/" + name + ".elf")
		if err != nil {
			t.Fatal(err)
		}
		inputs = append(inputs, list...)
	}
	if len(inputs) < 15 {
		t.Fatalf("only %d fixtures", len(inputs))
	}
	equal, refused, more := 0, 0, 0
	dir := t.TempDir()
	for i := range n {
		rng := rand.New(rand.NewPCG(7, uint64(i)))
		var words []string
		for range 1 + rng.IntN(6) {
			words = append(words, flagWords(rng))
		}
		if strings.HasSuffix(words[len(words)-1], "-X") {
			words = append(words, "params")
		}
		exclude := []string{"", "", "", "rust", "c", "nosuch"}[rng.IntN(6)]
		t.Setenv("PAHOLE_LANG_EXCLUDE", exclude)
		if exclude == "" { // set to nothing, it is an unknown language for pahole, and for gobtf as if it were not set
			os.Unsetenv("PAHOLE_LANG_EXCLUDE")
		}
		for k := range 3 {
			input := inputs[(i+k*7)%len(inputs)]
			theirs, ours := filepath.Join(dir, "r"), filepath.Join(dir, "o")
			os.Remove(theirs)
			os.Remove(ours)
			var refErr error
			for range 2 { // with workers the reference sometimes writes nothing, and does the next time (once in 4,500)
				if refErr = exec.Command(reference, append(append([]string{}, words...), "--btf_encode_detached="+theirs, input)...).Run(); refErr != nil {
					break
				}
				if _, err := os.Stat(theirs); err == nil {
					break
				}
			}
			var stderr bytes.Buffer
			code := run(context.Background(), append(append([]string{"gobtf"}, words...), "--btf_encode_detached="+ours, input), io.Discard, &stderr)
			want, _ := os.ReadFile(theirs)
			got, _ := os.ReadFile(ours)
			line := fmt.Sprintf("PAHOLE_LANG_EXCLUDE=%s %s %s", exclude, strings.Join(words, " "), input)
			var exit *exec.ExitError
			switch {
			case errors.As(refErr, &exit):
				refused++
				if code != exit.ExitCode() && len(got) == 0 || code == 0 {
					t.Errorf("%s: status %d, the reference ends with %d: %s", line, code, exit.ExitCode(), stderr.String())
				}
			case want == nil:
				more++
				if code == 0 && len(stderr.String()) == 0 {
					t.Errorf("%s: the reference writes nothing, gobtf %d bytes and no word", line, len(got))
				}
			case code != 0 || !bytes.Equal(want, got):
				t.Errorf("%s: status %d, %d bytes, the reference writes %d: %s", line, code, len(got), len(want), stderr.String())
			default:
				equal++
			}
		}
	}
	t.Logf("%d lines: %d equal, %d refused by both, %d of which the reference writes nothing", n, equal, refused, more)
	if equal < n || refused == 0 {
		t.Error("that says little")
	}
}
