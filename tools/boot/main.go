// Command boot loads modules on an emulated machine and says what the kernel made of their BTF. It needs qemu and a static busybox;
// scripts/e2e/boot-test and scripts/e2e/kbuild-test make what it loads and call it.
//
//	boot run [-arch arm64] -kernel IMAGE -out DIR NAME=FILE.ko...
//	boot table [-ok NAMES] [-lost NAMES] TITLE=DIR,VMLINUX...
//
// run starts the kernel once, loads and unloads each module in turn and leaves in DIR, per NAME, what the kernel
// said (log, rc) and showed (btf), beside what the file held (wrote, base). table reads such folders, one column
// each, and prints a markdown table. VMLINUX is the kernel's own BTF, in which the ids that gobtf_oot printed are looked up.
package main

import (
	"archive/tar"
	"bytes"
	"context"
	"debug/elf"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gobtf/gobtf/btf"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprintln(stderr, "usage: boot run|table ...")
		return 64
	}
	var err error
	switch args[0] {
	case "run":
		err = bootCommand(args[1:], stderr)
	case "table":
		err = tableCommand(args[1:], stdout)
	default:
		err = fmt.Errorf("no command %q", args[0])
	}
	if err != nil {
		fmt.Fprintln(stderr, "boot:", err)
		return 1
	}
	return 0
}

// module is one file to load under a name of the test's own: several files may hold the same module.
type module struct{ name, file, kname string }

func bootCommand(args []string, stderr io.Writer) error {
	fs := flag.NewFlagSet("run", flag.ContinueOnError)
	fs.SetOutput(stderr)
	kernel := fs.String("kernel", "", "bzImage, or for arm64 Image")
	busybox := fs.String("busybox", "/bin/busybox", "statically linked busybox")
	out := fs.String("out", "", "folder for the results")
	timeout := fs.Duration("timeout", 3*time.Minute, "give up after this long")
	parameters := fs.String("append", "", "more parameters for the kernel")
	arch := fs.String("arch", "amd64", "the kernel's machine: amd64 or arm64")
	if err := fs.Parse(args); err != nil {
		return err
	}
	var mods []module
	for _, a := range fs.Args() {
		name, file, ok := strings.Cut(a, "=")
		if !ok || strings.ContainsAny(name, "/ ") {
			return fmt.Errorf("%q is not NAME=FILE", a)
		}
		mods = append(mods, module{name, file, kernelName(file)})
	}
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return err
	}
	m, ok := machines[*arch]
	if !ok {
		return fmt.Errorf("no machine %q", *arch)
	}
	initrd, err := initramfs(*busybox, m, mods)
	if err != nil {
		return err
	}
	for _, m := range mods {
		if err := keepSections(m, *out); err != nil {
			return err
		}
	}
	var order strings.Builder
	for _, m := range mods {
		fmt.Fprintln(&order, m.name)
	}
	if err := os.WriteFile(filepath.Join(*out, "order"), []byte(order.String()), 0o644); err != nil {
		return err
	}
	image := filepath.Join(*out, "initrd")
	if err := os.WriteFile(image, initrd, 0o644); err != nil {
		return err
	}
	defer os.Remove(image)
	return boot(m, *kernel, image, *parameters, *out, *timeout)
}

// kernelName is the module's name in the kernel: split.rebased/gobtf_oot.ko is gobtf_oot.
func kernelName(file string) string {
	return strings.ReplaceAll(strings.TrimSuffix(filepath.Base(file), ".ko"), "-", "_")
}

// keepSections writes what a module's file holds beside what the kernel will show. A module without BTF is a legal row.
func keepSections(m module, out string) error {
	own, base, err := btf.ReadSections(m.file)
	if err != nil && !errors.Is(err, btf.ErrNoBTF) {
		return err
	}
	for suffix, b := range map[string][]byte{".wrote": own, ".base": base} {
		if err := os.WriteFile(filepath.Join(out, m.name+suffix), b, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// initScript is the machine's first and only process. Results leave as a tar file (machine.send). It ends by a
// reboot, which -no-reboot makes an end: a small kernel has no ACPI to turn the power off with.
// dynamic tells whether a program asks for a loader.
func dynamic(program []byte) bool {
	f, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		return false // the kernel will say what it is
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return true
		}
	}
	return false
}

const initScript = `#!/bin/busybox sh
b=/bin/busybox
$b mkdir -p /proc /sys /dev /out
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t devtmpfs dev /dev
$b uname -r >/out/release
$b sha256sum </sys/kernel/btf/vmlinux >/out/vmlinux.sha256
while read -r name mod; do
	$b dmesg -c >/dev/null
	$b insmod /mods/$name/$mod.ko >/out/$name.insmod 2>&1
	echo $? >/out/$name.rc
	[ ! -e /sys/kernel/btf/$mod ] || $b cat /sys/kernel/btf/$mod >/out/$name.btf
	$b dmesg >/out/$name.log
	$b rmmod $mod 2>>/out/$name.insmod
done </mods/list
`

// machine is what qemu emulates, and how results leave it.
type machine struct {
	qemu    []string
	console string // the kernel's name of the first serial line
	send    string // the end of initScript
}

// amd64 has a second serial line, which takes a tar file. arm64's "virt" has one line: the file goes there between two marks, in base64,
// after the kernel was told to be silent.
var machines = map[string]machine{
	"amd64": {[]string{"qemu-system-x86_64", "-cpu", "max"}, "ttyS0", `$b stty -F /dev/ttyS1 raw -echo
$b tar -C /out -cf /dev/ttyS1 .
$b reboot -f
`},
	"arm64": {[]string{"qemu-system-aarch64", "-machine", "virt", "-cpu", "max,pauth-impdef=on"}, "ttyAMA0", `$b dmesg -n 1
echo "` + sendMark + `"
$b tar -C /out -cf - . | $b base64
echo "` + sendMark + `"
$b reboot -f
`},
}

const sendMark = "----- results -----"

func initramfs(busybox string, m machine, mods []module) ([]byte, error) {
	bb, err := os.ReadFile(busybox)
	if err != nil {
		return nil, err
	}
	if dynamic(bb) {
		return nil, fmt.Errorf("%s: needs a loader and libraries, which the emulated machine does not have: busybox-static has one without (-busybox)", busybox)
	}
	var c cpio
	c.dir("bin")
	c.file("bin/busybox", 0o755, bb)
	c.file("init", 0o755, []byte(initScript+m.send))
	c.dir("mods")
	var list strings.Builder
	for _, m := range mods {
		data, err := os.ReadFile(m.file)
		if err != nil {
			return nil, err
		}
		c.dir("mods/" + m.name)
		c.file("mods/"+m.name+"/"+m.kname+".ko", 0o644, data)
		fmt.Fprintln(&list, m.name, m.kname)
	}
	c.file("mods/list", 0o644, []byte(list.String()))
	c.dir("dev")
	c.node("dev/console", 0o20600, 5, 1)
	return c.end(), nil
}

// cpio writes the "newc" form that the kernel unpacks (Documentation/driver-api/early-userspace/buffer-format.rst).
type cpio struct {
	buf bytes.Buffer
	ino int
}

func (c *cpio) dir(name string)                          { c.entry(name, 0o40755, nil, 0, 0) }
func (c *cpio) file(name string, mode int, data []byte)  { c.entry(name, 0o100000|mode, data, 0, 0) }
func (c *cpio) node(name string, mode, major, minor int) { c.entry(name, mode, nil, major, minor) }

func (c *cpio) entry(name string, mode int, data []byte, major, minor int) {
	c.ino++
	fmt.Fprintf(&c.buf, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
		c.ino, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(name)+1, 0)
	c.buf.WriteString(name)
	c.buf.WriteByte(0)
	c.pad()
	c.buf.Write(data)
	c.pad()
}

func (c *cpio) pad() {
	for c.buf.Len()%4 != 0 {
		c.buf.WriteByte(0)
	}
}

func (c *cpio) end() []byte {
	c.entry("TRAILER!!!", 0, nil, 0, 0)
	return c.buf.Bytes()
}

// boot runs the machine to its end and unpacks what it sent.
func boot(m machine, kernel, initrd, parameters, out string, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	sent := filepath.Join(out, "sent.tar")
	console := filepath.Join(out, "console")
	args := append(m.qemu[1:], "-accel", "tcg", "-m", "1024", "-display", "none", "-nodefaults", "-no-reboot", "-serial", "file:"+console)
	if m.console == "ttyS0" {
		args = append(args, "-serial", "file:"+sent)
	}
	args = append(args, "-kernel", kernel, "-initrd", initrd, "-append", "console="+m.console+" panic=-1 loglevel=7 nokaslr log_buf_len=4M "+parameters)
	said, err := exec.CommandContext(ctx, m.qemu[0], args...).CombinedOutput()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s: the machine did not end within %v; its console is in %s", kernel, timeout, console)
	case err != nil:
		return fmt.Errorf("%s: %w: %s", m.qemu[0], err, bytes.TrimSpace(said))
	}
	if m.console != "ttyS0" {
		if err := fromConsole(console, sent); err != nil {
			return fmt.Errorf("%s: the machine sent no results: %w; its console is in %s", kernel, err, console)
		}
	}
	n, err := unpack(sent, out)
	if err == nil && n == 0 {
		err = errors.New("nothing was sent")
	}
	if err != nil {
		return fmt.Errorf("%s: the machine sent no results: %w; its console is in %s", kernel, err, console)
	}
	return os.Remove(sent)
}

// fromConsole decodes what the machine wrote between two marks.
func fromConsole(console, to string) error {
	b, err := os.ReadFile(console)
	if err != nil {
		return err
	}
	parts := bytes.Split(bytes.ReplaceAll(b, []byte("\r"), nil), []byte(sendMark+"\n"))
	if len(parts) != 3 {
		return fmt.Errorf("%d marks of two on the console", len(parts)-1)
	}
	data, err := base64.StdEncoding.DecodeString(string(bytes.ReplaceAll(parts[1], []byte("\n"), nil)))
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}

func unpack(file, out string) (int, error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	n := 0
	for r := tar.NewReader(f); ; n++ {
		h, err := r.Next()
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		data, err := io.ReadAll(r)
		if err != nil {
			return n, err
		}
		if err := os.WriteFile(filepath.Join(out, filepath.Base(h.Name)), data, 0o644); err != nil {
			return n, err
		}
	}
}
