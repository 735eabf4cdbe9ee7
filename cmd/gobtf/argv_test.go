package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gobtf/gobtf/encoder"
	"github.com/gobtf/gobtf/internal/argp"
)

const (
	kernelFeatures = "encode_force,var,float,enum64,decl_tag,type_tag,optimized_func,consistent_func,decl_tag_kfuncs"
	// The same in the table's order.
	defaults = "encode_force,var,float,decl_tag,type_tag,enum64,optimized_func,consistent_func,decl_tag_kfuncs"
	implicit = "var,decl_tag,type_tag,enum64"
)

// kernelLines are what kernel builds call their encoder with, recorded or read in their Makefiles.
var kernelLines = []struct{ from, args, want string }{
	{"5.10 vmlinux", "-J vmlinux",
		"encode --btf_features=" + implicit + " --jobs=1 -- vmlinux"},
	{"5.11 module", "-J --btf_base vmlinux m.ko",
		"encode --btf_features=" + implicit + " --jobs=1 --btf_base=vmlinux -- m.ko"},
	{"5.15.y, pahole 1.19", "-J --skip_encoding_btf_vars --btf_base vmlinux m.ko",
		"encode --btf_features=decl_tag,type_tag,enum64 --jobs=1 --btf_base=vmlinux -- m.ko"},
	{"5.15.y, pahole 1.24", "-J --btf_gen_floats --skip_encoding_btf_enum64 .tmp_vmlinux.btf",
		"encode --btf_features=var,float,decl_tag,type_tag --jobs=1 -- .tmp_vmlinux.btf"},
	{"6.1, pahole 1.22", "-J --btf_gen_floats -j .tmp_vmlinux.btf",
		"encode --btf_features=var,float,decl_tag,type_tag,enum64 --jobs=0 -- .tmp_vmlinux.btf"},
	{"Android 6.1, pahole 1.24", "-J --btf_gen_floats -j1 --lang_exclude=rust --btf_base common/vmlinux m.ko",
		"encode --btf_features=var,float,decl_tag,type_tag,enum64 --jobs=1 --btf_base=common/vmlinux --lang_exclude=rust -- m.ko"},
	{"6.1, pahole 1.25", "-J --btf_gen_floats -j --lang_exclude=rust --skip_encoding_btf_inconsistent_proto --btf_gen_optimized .tmp_vmlinux.btf",
		"encode --btf_features=var,float,decl_tag,type_tag,enum64,optimized_func,consistent_func --jobs=0 --lang_exclude=rust -- .tmp_vmlinux.btf"},
	{"6.4 SLE15-SP6", "-J -j --btf_features=" + kernelFeatures + " --lang_exclude=rust --skip_encoding_btf_enum64 .tmp_vmlinux.btf",
		"encode --btf_features=" + strings.Replace(defaults, "enum64,", "", 1) + " --jobs=0 --lang_exclude=rust -- .tmp_vmlinux.btf"},
	{"6.12 module, pahole 1.24", "-J --btf_gen_floats -j --lang_exclude=rust --btf_base vmlinux /m/hello.ko",
		"encode --btf_features=var,float,decl_tag,type_tag,enum64 --jobs=0 --btf_base=vmlinux --lang_exclude=rust -- /m/hello.ko"},
	{"6.12 module, pahole 1.25",
		"-J --btf_gen_floats --skip_encoding_btf_inconsistent_proto --btf_gen_optimized -j --lang_exclude=rust --btf_base vmlinux /m/hello.ko",
		"encode --btf_features=var,float,decl_tag,type_tag,enum64,optimized_func,consistent_func --jobs=0 --btf_base=vmlinux --lang_exclude=rust -- /m/hello.ko"},
	{"6.12 module, pahole 1.32",
		"-J -j --btf_features=" + kernelFeatures + " -j --lang_exclude=rust --btf_features=distilled_base --btf_base vmlinux /m/hello.ko",
		"encode --btf_features=" + defaults + ",distilled_base --jobs=0 --btf_base=vmlinux --lang_exclude=rust -- /m/hello.ko"},
	{"6.12 module, pahole 1.32, timestamp",
		"-J -j --btf_features=" + kernelFeatures + " -j --btf_features=+reproducible_build --lang_exclude=rust --btf_features=distilled_base --btf_base vmlinux /m/hello.ko",
		"encode --btf_features=" + defaults + ",reproducible_build,distilled_base --jobs=0 --btf_base=vmlinux --lang_exclude=rust -- /m/hello.ko"},
	{"6.15 vmlinux, -j8 in MAKEFLAGS", "-J -j8 --btf_features=" + kernelFeatures + " --btf_features=attributes --lang_exclude=rust .tmp_vmlinux1",
		"encode --btf_features=" + defaults + ",attributes --jobs=8 --lang_exclude=rust -- .tmp_vmlinux1"},
	{"7.2 module", "-J -j --btf_features=" + kernelFeatures + " --btf_features=attributes --btf_features=layout -j --lang_exclude=rust " +
		"--btf_base /o/vmlinux --btf_encode_detached=hello.ko.BTF.1 hello.ko",
		"encode --btf_features=" + defaults + ",attributes,layout --jobs=0 --btf_encode_detached=hello.ko.BTF.1 --btf_base=/o/vmlinux --lang_exclude=rust -- hello.ko"},
	{"7.2 vmlinux", "-J -j --btf_features=" + kernelFeatures + " --btf_features=attributes --btf_features=layout -j --lang_exclude=rust " +
		"--btf_encode_detached=.tmp_vmlinux1.BTF.1 .tmp_vmlinux1",
		"encode --btf_features=" + defaults + ",attributes,layout --jobs=0 --btf_encode_detached=.tmp_vmlinux1.BTF.1 --lang_exclude=rust -- .tmp_vmlinux1"},
	{"every kernel", "--version", "--version"},
}

// normalise says what a command line was taken for, in a form that has no abbreviations and no order.
func normalise(args []string) ([]string, error) {
	l, err := parse(args)
	if err != nil {
		return nil, err
	}
	if l.show != "" {
		return []string{"--" + l.show}, nil
	}
	canon := []string{"encode", "--btf_features=" + l.features.String(), fmt.Sprintf("--jobs=%d", l.jobs)}
	var many []string
	for _, o := range options {
		switch {
		case o.long == "btf_encode" || !l.Has(o.long):
		case o.many:
			for _, val := range l.Strings(o.long) {
				many = append(many, "--"+o.long+"="+val)
			}
		case o.arg == argp.None:
			canon = append(canon, "--"+o.long+"=true")
		default:
			canon = append(canon, "--"+o.long+"="+l.String(o.long))
		}
	}
	return append(append(append(canon, many...), "--"), l.Operands...), nil
}

func TestKernelLines(t *testing.T) {
	for _, tt := range kernelLines {
		got, err := normalise(strings.Fields(tt.args))
		if s := strings.Join(got, " "); err != nil || s != tt.want {
			t.Errorf("%s: %s\n got %s, %v\nwant %s", tt.from, tt.args, s, err, tt.want)
		}
	}
}

// TestNormalise: where the line is wrong, want is the message. ref is the status that pahole 1.32 ends with in an empty
// folder, and -1 where gobtf means to differ.
func TestNormalise(t *testing.T) {
	const enc = "encode --btf_features=" + implicit
	for _, tt := range []struct {
		args, want string
		ref        int
	}{
		// Places and ways to write an argument.
		{"-J -j m.ko", enc + " --jobs=0 -- m.ko", 0},
		{"-J -j8 m.ko", enc + " --jobs=8 -- m.ko", 0},
		{"-j8 -J m.ko", enc + " --jobs=8 -- m.ko", 0},
		{"-Jj8 m.ko", enc + " --jobs=8 -- m.ko", 0},
		{"-J -j 4 m.ko", enc + " --jobs=0 -- 4 m.ko", 0},
		{"-J -jx m.ko", enc + " --jobs=1 -- m.ko", 0},
		{"-J -j4J m.ko", enc + " --jobs=4 -- m.ko", 0},
		{"-J -j-3 m.ko", enc + " --jobs=1 -- m.ko", -1},
		{"-J --jobs m.ko", enc + " --jobs=0 -- m.ko", 0},
		{"-J --jobs=3 --jobs=5 m.ko", enc + " --jobs=5 -- m.ko", 0},
		{"-J --jobs= m.ko", enc + " --jobs=0 -- m.ko", 0},
		{"-J m.ko --lang c11", enc + " --jobs=1 --lang=c11 -- m.ko", 0},
		{"-J m.ko --lang=c11 n.ko", enc + " --jobs=1 --lang=c11 -- m.ko n.ko", 0},
		{"-JXdrivers m.ko -F dwarf", enc + " --jobs=1 --cu_exclude=drivers --format_path=dwarf -- m.ko", 0},
		{"-J -X drivers -X net m.ko", enc + " --jobs=1 --cu_exclude=net -- m.ko", 0},
		{"-J -- --version -j", enc + " --jobs=1 -- --version -j", 0},
		{"-J - m.ko", enc + " --jobs=1 -- - m.ko", 0},
		{"-JqV --first_obj_only m.ko", enc + " --jobs=1 --verbose=true -- m.ko", 0},
		{"m.ko --btf_encode_detached=o", enc + " --jobs=1 --btf_encode_detached=o -- m.ko", 0},
		{"--btf_encode_detached o --btf_encode_detached=p -J m.ko", enc + " --jobs=1 --btf_encode_detached=p -- m.ko", 0},
		{"-J --kabi_prefix=__k --fixup_silly_bitfields m.ko", enc + " --jobs=1 --kabi_prefix=__k --fixup_silly_bitfields=true -- m.ko", 0},
		{"-J --btf_base= m.ko", enc + " --jobs=1 --btf_base= -- m.ko", -1},
		{"-J --btf_base '' m.ko", enc + " --jobs=1 --btf_base= -- m.ko", -1},
		{"-J --btf_base v --btf_base= m.ko", enc + " --jobs=1 --btf_base= -- m.ko", -1},
		{"-J --debug_dir=/a --debug_dir /b,c --pahole_quirks --strict --strip_signature --btf_header=32 --stats m.ko",
			enc + " --jobs=1 --pahole_quirks=true --strict=true --strip_signature=true --btf_header=32 --stats=true --debug_dir=/a --debug_dir=/b,c -- m.ko", -1},
		// The last list of languages counts, and --lang_exclude anywhere makes it one of those to leave out.
		{"-J --lang_exclude=c --lang=rust m.ko", enc + " --jobs=1 --lang_exclude=rust -- m.ko", 0},
		{"-J --lang=nosuch --lang_exclude=c m.ko", enc + " --jobs=1 --lang_exclude=c -- m.ko", 0},
		{"-J --lang=c --lang=rust m.ko", enc + " --jobs=1 --lang=rust -- m.ko", 0},
		{"--standalone -J m.ko", enc + " --jobs=1 --standalone= -- m.ko", -1},

		// Abbreviations. Ours never take one from pahole's.
		{"-J --fix m.ko", enc + " --jobs=1 --fixup_silly_bitfields=true -- m.ko", 0},
		{"--btf_encode m.ko", enc + " --jobs=1 -- m.ko", 0},
		{"--btf_encode_d=o m.ko", enc + " --jobs=1 --btf_encode_detached=o -- m.ko", 0},
		{"-J --lang_e rust m.ko", enc + " --jobs=1 --lang_exclude=rust -- m.ko", 0},
		{"-J --stri m.ko", "option '--stri' is ambiguous; possibilities: '--strict' '--strip_signature'", -1},
		{"-J --str m.ko", "--structs: gobtf encodes; use pahole for this", -1},
		{"--btf_e m.ko", "option '--btf_e' is ambiguous; possibilities: '--btf_encode' '--btf_encode_detached' '--btf_encode_force'", 64},
		{"--vers", "--version", 0},
		{"--ver", "option '--ver' is ambiguous; possibilities: '--verbose' '--version'", 64},
		{"--supported", "--supported_btf_features", 0},

		// The order of features.
		{"-J --btf_gen_floats --btf_features=var m.ko", "encode --btf_features=var --jobs=1 -- m.ko", 0},
		{"-J --btf_features=var --btf_gen_floats m.ko", "encode --btf_features=var,float --jobs=1 -- m.ko", 0},
		{"-J --btf_features=var --skip_encoding_btf_vars m.ko", "encode --btf_features= --jobs=1 -- m.ko", 0},
		{"-J --skip_encoding_btf_vars --btf_features=var m.ko", "encode --btf_features=var --jobs=1 -- m.ko", 0},
		{"-J --btf_features=var --skip_encoding_btf_vars --btf_features=var m.ko", "encode --btf_features=var --jobs=1 -- m.ko", 0},
		{"-J --btf_features=var --btf_features=float m.ko", "encode --btf_features=var,float --jobs=1 -- m.ko", 0},
		{"-J --features=var --btf_features=float m.ko", "encode --btf_features=var,float --jobs=1 -- m.ko", 0},
		{"-J --btf_features=float --btf_features=+global_var m.ko", "encode --btf_features=" + defaults + ",global_var --jobs=1 -- m.ko", 0},
		{"-J --btf_features= m.ko", "encode --btf_features= --jobs=1 -- m.ko", 0},
		{"-J --btf_features=nope m.ko", "encode --btf_features= --jobs=1 -- m.ko", 0},
		{"-J --btf_encode_force --btf_gen_all m.ko", "encode --btf_features=" + encoder.AllFeatures.String() + " --jobs=1 -- m.ko", 0},
		{"-J --btf_features=distilled_base --btf_gen_all m.ko",
			"encode --btf_features=" + (encoder.AllFeatures | encoder.DistilledBase).String() + " --jobs=1 -- m.ko", 0},
		{"-J --btf_attributes --reproducible_build m.ko", "encode --btf_features=" + implicit + ",reproducible_build,attributes --jobs=1 -- m.ko", 0},
		{"-J --skip_encoding_btf_decl_tag --skip_encoding_btf_type_tag --btf_encode_force m.ko", "encode --btf_features=encode_force,var,enum64 --jobs=1 -- m.ko", 0},
		{"-J --btf_features_strict=var,nope m.ko",
			"--btf_features_strict: feature \"nope\" is not supported; supported are " + strings.Join(encoder.FeatureNames(), ","), 1},
		{"-J --btf_features_strict=+layout,global_var m.ko", "encode --btf_features=" + defaults + ",global_var,layout --jobs=1 -- m.ko", 0},

		// What only prints, and when.
		{"--version --nosuch", "--version", 0},
		{"--nosuch --version", "unrecognized option '--nosuch'", 64},
		{"--lang=nope -j3 m.ko --version", "--version", 0},
		{"--strict --debug_dir /x --version", "--version", -1},
		{"--standalone --version", "--version", -1},
		{"--numeric_version --version", "--version", 0},
		{"-J --numeric_version m.ko", "--numeric_version", 0},
		{"--numeric_version --nosuch", "unrecognized option '--nosuch'", 64},
		{"--supported_btf_features --version", "--supported_btf_features", 0},
		{"--btf_features_strict=nope --version",
			"--btf_features_strict: feature \"nope\" is not supported; supported are " + strings.Join(encoder.FeatureNames(), ","), 1},
		{"-J? m.ko", "--help", 0},
		{"--help --version", "--help", 0},
		{"-h", "--help", -1},
		{"--usage", "--usage", 0},
		{"--devel_version", "--devel_version", 0},

		// Wrong usage.
		{"-J --nosuch=3 m.ko", "unrecognized option '--nosuch'", 64},
		{"-JQ m.ko", "invalid option -- 'Q'", 64},
		{"-J --btf_base", "option '--btf_base' requires an argument", 64},
		{"-J m.ko -X", "option requires an argument -- 'X'", 64},
		{"--version=3", "option '--version' doesn't allow an argument", 64},
		{"-J --verbose=1 m.ko", "option '--verbose' doesn't allow an argument", 64},
		{"-J m.ko --encode_btf_global_vars", "unrecognized option '--encode_btf_global_vars'", 64},
		{"-J", "no input file", -1},
		{"-J --btf_encode_detached= m.ko", "option '--btf_encode_detached' requires a file name", -1},
		{"m.ko", "m.ko: no -J or --btf_encode_detached: gobtf encodes; use pahole for this", -1},
		{"", "no -J or --btf_encode_detached: gobtf encodes; use pahole for this", -1},
		{"-C list_head vmlinux", "--class_name: gobtf encodes; use pahole for this", -1},
		{"-EJ m.ko", "--expand_types: gobtf encodes; use pahole for this", -1},
		{"--sizes vmlinux", "--sizes: gobtf encodes; use pahole for this", -1},
		{"-Z m.ko", "--ctf_encode: gobtf encodes; use pahole for this", 64},
	} {
		args := strings.Fields(tt.args)
		for i := range args {
			args[i] = strings.Trim(args[i], "'")
		}
		got, err := normalise(args)
		s := strings.Join(got, " ")
		if err != nil {
			s = err.Error()
		}
		if s != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.args, s, tt.want)
		}
		if pahole := reference(t); pahole != "" && tt.ref >= 0 {
			cmd := exec.Command(pahole, args...)
			cmd.Dir = t.TempDir()
			out, _ := cmd.CombinedOutput()
			status := 0
			switch {
			case errors.Is(err, errUsage):
				status = exitUsage
			case err != nil:
				status = exitFailure
			}
			if rc := cmd.ProcessState.ExitCode(); rc != tt.ref || rc != status {
				t.Errorf("%s: pahole ends with %d, the table says %d, gobtf has %d: %.200s", tt.args, rc, tt.ref, status, out)
			}
		}
	}
}

// reference returns the reference pahole where scripts/fetch/reference put it, or "".
func reference(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../build/ref/pahole")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// TestPrinted: what only prints equals pahole 1.32's.
func TestPrinted(t *testing.T) {
	for option, want := range map[string]string{
		"--version":                "v1.32\n",
		"--numeric_version":        "132\n",
		"--devel_version":          "v1.32-tarball-gfa725d687ce3\n",
		"--supported_btf_features": strings.Join(encoder.FeatureNames(), ",") + "\n",
	} {
		var out, errs bytes.Buffer
		if rc := run(context.Background(), []string{"gobtf", option}, &out, &errs); rc != 0 || out.String() != want || errs.Len() > 0 {
			t.Errorf("%s: %d %q %q", option, rc, out.String(), errs.String())
		}
		if pahole := reference(t); pahole != "" {
			if ref, err := exec.Command(pahole, option).Output(); err != nil || string(ref) != want {
				t.Errorf("%s: pahole prints %q, %v", option, ref, err)
			}
		}
	}
}

// TestOptionTable: pahole knows each of its options, and we know each that its help lists.
func TestOptionTable(t *testing.T) {
	seen := map[string]bool{}
	for _, o := range options {
		for _, name := range []string{o.long, string(rune(o.short))} {
			if name != "\x00" && seen[name] {
				t.Errorf("%s: twice", name)
			}
			seen[name] = true
		}
	}
	pahole := reference(t)
	if pahole == "" {
		t.Skip("no build/ref/pahole: scripts/fetch/reference installs it")
	}
	help, err := exec.Command(pahole, "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	theirs := map[string]bool{}
	for _, word := range strings.FieldsFunc(string(help), func(r rune) bool { return strings.ContainsRune(" \n,=[].", r) }) {
		if name, ok := strings.CutPrefix(word, "--"); ok {
			theirs[name] = true
		}
	}
	for name := range theirs {
		if o, err := encodeTable.Find(name); name != "encode_btf_global_vars" && (err != nil || o.Long != name || o.Own) {
			t.Errorf("pahole has --%s", name)
		}
	}
	for _, o := range options {
		if !o.own && !theirs[o.long] {
			t.Errorf("pahole has no --%s", o.long)
		}
	}
}

var updateDocs = flag.Bool("update_docs", false, "write the table of docs/cli.md")

// docTable is a table of options as docs/cli.md has it.
func docTable(t argp.Table, own bool) string {
	var b strings.Builder
	b.WriteString("| option | |\n|---|---|\n")
	for _, o := range t {
		if o.Own != own || o.Help == "" {
			continue
		}
		name := "--" + o.Long
		switch o.Arg {
		case argp.Required:
			name += "=" + o.Value
		case argp.Optional:
			name += "[=" + o.Value + "]"
		}
		name = "`" + name + "`"
		if o.Short != 0 {
			name = "`-" + string(rune(o.Short)) + "`, " + name
		}
		help := o.Help
		if o.Default != "" {
			help += " (default: `" + o.Default + "`)"
		}
		fmt.Fprintf(&b, "| %s | %s |\n", name, help)
	}
	return b.String()
}

// TestDocs: docs/cli.md has every option of every command, as the tables have it.
func TestDocs(t *testing.T) {
	const path = "../../docs/cli.md"
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(doc)
	part := func(name, want string) {
		mark := "<!-- " + name + ": written by go test ./cmd/gobtf -run Docs -update_docs -->\n"
		head, rest, ok := strings.Cut(text, mark)
		_, tail, ok2 := strings.Cut(rest, "<!-- end -->")
		if !ok || !ok2 {
			t.Fatalf("docs/cli.md has no place for the %s", name)
		}
		text = head + mark + want + "<!-- end -->" + tail
	}
	part("options", docTable(encodeTable, false)+"\n"+docTable(encodeTable, true))
	var b strings.Builder
	for _, c := range commands() {
		fmt.Fprintf(&b, "### gobtf %s\n%s.\n\n", c.name, strings.ToUpper(c.summary[:1])+c.summary[1:])
		if c.own != "" {
			fmt.Fprintf(&b, "```\n%s```\n\n", c.own)
			continue
		}
		for _, line := range strings.Split(c.usage, "\n") {
			fmt.Fprintf(&b, "    %s\n", strings.TrimSpace("gobtf "+c.name+" "+line))
		}
		if c.text != "" {
			fmt.Fprintf(&b, "\n%s\n", c.text)
		}
		if len(c.options) > 0 {
			fmt.Fprintf(&b, "\n%s", docTable(c.options, false))
		}
		b.WriteString("\n")
	}
	part("commands", b.String())
	if text == string(doc) {
		return
	}
	if !*updateDocs {
		t.Fatal("docs/cli.md is stale: go test ./cmd/gobtf -run Docs -update_docs")
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}
