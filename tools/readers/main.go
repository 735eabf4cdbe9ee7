// Command readers tries which versions of libraries read which BTF, and fails where btf/verify's table says something else.
//
//	readers [VERSION...]
//
// Each version of cilium/ebpf is fetched through the module proxy and compiled with a small program (tools/readers/cilium) that reads all
// types of a file. libbpf is asked through the bpftool and pahole in PATH, where there are any.
package main

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/verify"
)

//go:embed cilium/*.txt
var program embed.FS

// usual are the versions that are tried.
var usual = []string{"0.9.1", "0.11.0", "0.12.3", "0.15.0", "0.16.0", "0.17.3", "0.19.0", "0.20.0", "0.21.0", "0.22.0"}

func main() {
	versions := os.Args[1:]
	if len(versions) == 0 {
		versions = usual
	}
	if err := run(versions, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "readers:", err)
		os.Exit(1)
	}
}

// input is a BTF that has one thing which some reader may not know.
type input struct {
	name  string
	types *btf.Types
	form  btf.HeaderForm
}

func run(versions []string, out io.Writer) error {
	tmp, err := os.MkdirTemp("", "readers")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	list, err := inputs()
	if err != nil {
		return err
	}
	for _, in := range list {
		if err := os.WriteFile(filepath.Join(tmp, in.name), in.types.AppendForm(nil, in.form), 0o666); err != nil {
			return err
		}
	}
	wrong, refused := 0, 0
	for _, v := range versions {
		reader, err := compile(filepath.Join(tmp, "cilium-"+v), v)
		if err != nil {
			return err
		}
		for _, in := range list {
			said, ok := ask(exec.Command(reader, in.args(tmp)...))
			want := in.readBy(v)
			if !ok {
				refused++
				fmt.Fprintf(out, "cilium/ebpf %-7s refuses %s: %s\n", v, in.name, said)
			}
			if ok != want {
				wrong++
				fmt.Fprintf(out, "WRONG: the table says that cilium/ebpf %s reads %s: %v\n", v, in.name, want)
			}
		}
	}
	for _, tool := range []string{"bpftool", "pahole"} {
		path, err := exec.LookPath(tool)
		if err != nil {
			fmt.Fprintf(out, "no %s here\n", tool)
			continue
		}
		for _, in := range list {
			args := in.args(tmp)
			cmd := exec.Command(path, append([]string{"-F", "btf"}, args[:1]...)...)
			if tool == "bpftool" {
				cmd = exec.Command(path, "btf", "dump", "file", args[0])
			}
			if len(args) > 1 && tool == "bpftool" {
				cmd = exec.Command(path, "-B", args[1], "btf", "dump", "file", args[0])
			} else if len(args) > 1 {
				cmd = exec.Command(path, "-F", "btf", "--btf_base", args[1], args[0])
			}
			if said, ok := ask(cmd); !ok {
				wrong++
				fmt.Fprintf(out, "WRONG: %s refuses %s: %s\n", tool, in.name, said)
			}
		}
	}
	fmt.Fprintf(out, "readers: %d versions, %d files: %d refused, %d not as the table says\n", len(versions), len(list), refused, wrong)
	if wrong > 0 || refused == 0 {
		return errors.New("the table and the readers differ, or nothing was refused")
	}
	return nil
}

// inputs makes the files. The first is what split BTF continues.
func inputs() ([]input, error) {
	var list []input
	var failed []error
	add := func(name string, on *btf.Types, form btf.HeaderForm, make func(b *btf.Builder)) *btf.Types {
		b := btf.NewBuilder(on)
		if on == nil {
			i := b.AddInt("int", 4, btf.Signed)
			b.AddStruct("s", 8, btf.Member{Name: "a", Type: i}, btf.Member{Name: "b", Type: i, Bit: 32})
		}
		make(b)
		t, err := b.Types()
		failed = append(failed, err)
		list = append(list, input{name, t, form})
		return t
	}
	base := add("base", nil, btf.Header24, func(*btf.Builder) {})
	add("split", base, btf.Header24, func(b *btf.Builder) { b.AddStruct("own", 8) })
	add("split_without_names", base, btf.Header24, func(b *btf.Builder) { b.AddPtr(2) })
	add("header_32", nil, btf.Header32, func(*btf.Builder) {})
	add("header_layout", nil, btf.HeaderLayout, func(*btf.Builder) {})
	add("float", nil, btf.Header24, func(b *btf.Builder) { b.AddFloat("float", 4) })
	add("decl_tag", nil, btf.Header24, func(b *btf.Builder) { b.AddDeclTag("tag", 2, -1, false) })
	add("decl_tag_attribute", nil, btf.Header24, func(b *btf.Builder) { b.AddDeclTag("tag", 2, 1, true) })
	add("type_tag", nil, btf.Header24, func(b *btf.Builder) { b.AddPtr(b.AddTypeTag("tag", 2, false)) })
	add("type_tag_attribute", nil, btf.Header24, func(b *btf.Builder) { b.AddPtr(b.AddTypeTag("tag", 2, true)) })
	add("enum_signed", nil, btf.Header24, func(b *btf.Builder) { b.AddEnum("e", 4, true, btf.Value{Name: "A", Value: 1<<64 - 1}) })
	add("enum64", nil, btf.Header24, func(b *btf.Builder) { b.AddEnum64("e", 8, false, btf.Value{Name: "A", Value: 1 << 40}) })
	add("variables", nil, btf.Header24, func(b *btf.Builder) {
		b.AddDatasec(".data..percpu", 0, btf.Entry{Var: b.AddVar("v", 1, 0), Offset: 0, Size: 4})
	})
	add("functions", nil, btf.Header24, func(b *btf.Builder) { b.AddFunc("f", b.AddFuncProto(1, btf.Param{Name: "p", Type: 1}), btf.Static) })
	add("long_name", nil, btf.Header24, func(b *btf.Builder) { b.AddStruct(strings.Repeat("n", 600), 0) })
	add("rust_name", nil, btf.Header24, func(b *btf.Builder) { b.AddStruct("{impl#0}<&str>", 0) })
	return list, errors.Join(failed...)
}

// args are the file, and what it continues.
func (in *input) args(dir string) []string {
	if in.types.Base() != nil {
		return []string{filepath.Join(dir, in.name), filepath.Join(dir, "base")}
	}
	return []string{filepath.Join(dir, in.name)}
}

// readBy tells what the table says of a version of cilium/ebpf.
func (in *input) readBy(version string) bool {
	t, err := btf.Parse(in.types.AppendForm(nil, in.form), in.types.Base())
	if err != nil {
		return false
	}
	for _, r := range verify.Readers(t) {
		if minor(version) < minor(r.Before) {
			return false
		}
	}
	return true
}

// minor is the number that counts in a version before 1.0.
func minor(version string) int {
	_, rest, _ := strings.Cut(version, ".")
	rest, _, _ = strings.Cut(rest, ".")
	n, err := strconv.Atoi(rest)
	if err != nil {
		panic(version + " is no version")
	}
	return n
}

// compile makes the reader of one version. It has one of two ways to go over all types.
func compile(dir, version string) (string, error) {
	if err := os.Mkdir(dir, 0o777); err != nil {
		return "", err
	}
	copyFile := func(from, to string) error {
		b, err := program.ReadFile("cilium/" + from)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, to), b, 0o666)
	}
	tool := func(args ...string) error {
		cmd := exec.Command("go", args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOFLAGS=-mod=mod")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("cilium/ebpf %s: go %s: %w: %s", version, args[0], err, out)
		}
		return nil
	}
	err := errors.Join(copyFile("main.txt", "main.go"), os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module reader\n\ngo 1.24\n"), 0o666))
	if err != nil {
		return "", err
	}
	if err := tool("get", "github.com/cilium/ebpf@v"+version); err != nil {
		return "", err
	}
	for _, way := range []string{"all.txt", "iterate.txt"} {
		if err = copyFile(way, "walk.go"); err != nil {
			return "", err
		}
		if err = tool("build", "-o", "reader", "."); err == nil {
			return filepath.Join(dir, "reader"), nil
		}
	}
	return "", err
}

// ask runs a reader, and returns the first line of what it says.
func ask(cmd *exec.Cmd) (said string, ok bool) {
	out, err := cmd.CombinedOutput()
	said, _, _ = strings.Cut(strings.TrimSpace(string(out)), "\n")
	return said, err == nil
}
