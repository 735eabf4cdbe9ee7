package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gobtf/gobtf/batch"
	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/argp"
	"github.com/gobtf/gobtf/module"
	"github.com/gobtf/gobtf/refit"
)

var doctorCommand = command{
	name: "doctor", summary: "say what this machine's kernel, headers and modules make possible", usage: "[OPTION...]",
	text: `Looks at the running kernel's BTF and configuration, at the headers that modules are built on, at the modules that did not
come with the kernel, and at signing. Each line is ok, a note, or a problem with the command to type next. Ends with 1 when
there is a problem. It changes nothing.`,
	options: argp.Table{
		{Long: "json", Help: "as JSON, one object (docs/json.md)"},
		{Long: "kernel", Arg: argp.Required, Value: "RELEASE", Help: "of kernel `RELEASE`, as uname -r prints it (default: the running one)"},
		{Long: "root", Arg: argp.Required, Value: "DIR", Help: "of the system whose files are below `DIR`, such as an image; none of its programs is started"},
	},
	run: func(ctx context.Context, l *argp.Line, stdout, _ io.Writer) error {
		if len(l.Operands) != 0 {
			return usagef("doctor: takes no file")
		}
		m, err := newMachine(ctx, l.String("root"), l.String("kernel"))
		if err != nil {
			return err
		}
		m.examine()
		return m.show(stdout, l.Has("json"))
	},
}

// A check is one thing that was looked at.
type check struct {
	Check string `json:"check"`
	State string `json:"state"` // ok, note, problem
	Text  string `json:"text"`
	Next  string `json:"next,omitempty"` // a command, or what to do
}

// machine is the system that is looked at.
type machine struct {
	ctx     context.Context
	root    string // "" is this one
	release string
	running bool // release is the kernel that runs here
	config  map[string]string
	checks  []check
}

func newMachine(ctx context.Context, root, release string) (*machine, error) {
	m := &machine{ctx: ctx, root: root, release: release}
	uname, err := os.ReadFile("/proc/sys/kernel/osrelease") // what uname -r prints
	if err != nil && root == "" {
		return nil, err
	}
	here := strings.TrimSpace(string(uname))
	if m.release == "" && root == "" {
		m.release = here
	}
	if m.release == "" {
		list, err := os.ReadDir(m.path("lib/modules"))
		if err != nil {
			return nil, err
		}
		if len(list) != 1 {
			return nil, usagef("doctor: --root: %d kernels are below %s: --kernel says which", len(list), m.path("lib/modules"))
		}
		m.release = list[0].Name()
	}
	m.running = root == "" && m.release == here
	return m, nil
}

func (m *machine) path(p string) string {
	if m.root == "" {
		return filepath.Join("/", p)
	}
	return filepath.Join(m.root, p)
}

func (m *machine) exists(p string) bool {
	_, err := os.Stat(m.path(p))
	return err == nil
}

func (m *machine) modules(p string) string { return filepath.Join("lib/modules", m.release, p) }

func (m *machine) add(name, state, next, text string, args ...any) {
	m.checks = append(m.checks, check{Check: name, State: state, Text: fmt.Sprintf(text, args...), Next: next})
}

// examine makes all checks.
func (m *machine) examine() {
	if m.running {
		m.add("kernel", "ok", "", "%s, which is running", m.release)
	} else {
		m.add("kernel", "ok", "", "%s, which is not running here", m.release)
	}
	where, err := m.readConfig()
	switch {
	case err != nil:
		m.add("config", "note", "", "%v", err)
	case m.config == nil:
		m.add("config", "note", "", "the kernel's configuration is not here (/boot/config-%s, /proc/config.gz)", m.release)
	default:
		m.add("config", "ok", "", "%s", where)
	}
	m.kernelBTF()
	m.moduleBTF()
	m.encoder()
	m.headers()
	m.signing()
	m.outOfTree()
}

// readConfig reads the kernel's configuration from where there is one.
func (m *machine) readConfig() (where string, err error) {
	places := []string{"boot/config-" + m.release, m.modules("config"), m.modules("build/.config")}
	if m.running {
		places = append(places, "proc/config.gz")
	}
	for _, p := range places {
		f, err := os.Open(m.path(p))
		if err != nil {
			continue
		}
		defer f.Close()
		var r io.Reader = f
		if strings.HasSuffix(p, ".gz") {
			if r, err = gzip.NewReader(f); err != nil {
				return "", fmt.Errorf("%s: %w", m.path(p), err)
			}
		}
		m.config = make(map[string]string)
		s := bufio.NewScanner(r)
		for s.Scan() {
			if key, value, ok := strings.Cut(s.Text(), "="); ok && strings.HasPrefix(key, "CONFIG_") {
				m.config[key] = strings.Trim(value, `"`)
			}
		}
		if err := s.Err(); err != nil {
			return "", fmt.Errorf("%s: %w", m.path(p), err)
		}
		return m.path(p), nil
	}
	return "", nil
}

func (m *machine) kernelBTF() {
	const name, other = "kernel BTF", "take a kernel with CONFIG_DEBUG_INFO_BTF=y"
	if m.running {
		if fi, err := os.Stat(runningBTF); err == nil {
			m.add(name, "ok", "", "%s, %d bytes", runningBTF, fi.Size())
			return
		}
		m.add(name, "problem", other, "the running kernel has none: nothing can be built on it, or fit it")
		return
	}
	switch {
	case m.config == nil:
		m.add(name, "note", "", "not known without the configuration")
	case m.config["CONFIG_DEBUG_INFO_BTF"] == "y":
		m.add(name, "ok", "", "CONFIG_DEBUG_INFO_BTF=y")
	default:
		m.add(name, "problem", other, "CONFIG_DEBUG_INFO_BTF is not set: nothing can be built on it, or fit it")
	}
}

func (m *machine) moduleBTF() {
	if m.config == nil {
		return
	}
	if m.config["CONFIG_DEBUG_INFO_BTF_MODULES"] != "y" {
		m.add("module BTF", "note", "", "CONFIG_DEBUG_INFO_BTF_MODULES is not set: the kernel does not look at the BTF of modules")
		return
	}
	m.add("module BTF", "ok", "", "the kernel reads the BTF of modules")
	if m.config["CONFIG_MODULE_ALLOW_BTF_MISMATCH"] == "y" {
		m.add("mismatch", "ok", "", "a module whose BTF does not fit is loaded, without BTF (CONFIG_MODULE_ALLOW_BTF_MISMATCH=y)")
	} else {
		m.add("mismatch", "note", "", "a module whose BTF does not fit is refused (CONFIG_MODULE_ALLOW_BTF_MISMATCH is not set)")
	}
}

// encoder compares the pahole in PATH with the one that the kernel was configured with.
func (m *machine) encoder() {
	n, err := strconv.Atoi(m.config["CONFIG_PAHOLE_VERSION"])
	with := ""
	if err == nil && n > 0 {
		with = fmt.Sprintf("; the kernel was configured with %d.%d", n/100, n%100)
	}
	if m.root != "" {
		if with != "" {
			m.add("pahole", "ok", "", "%s", with[2:])
		}
		return
	}
	path, err := exec.LookPath("pahole")
	if err != nil {
		m.add("pahole", "note", "make PAHOLE=gobtf ...", "none in PATH%s", with)
		return
	}
	out, err := exec.CommandContext(m.ctx, path, "--version").Output()
	version := strings.TrimPrefix(strings.TrimSpace(string(out)), "v")
	if err != nil || version == "" {
		m.add("pahole", "note", "make PAHOLE=gobtf ...", "%s does not say its version%s", path, with)
		return
	}
	m.add("pahole", "ok", "", "%s is %s%s", path, version, with)
}

func (m *machine) headers() {
	const name = "headers"
	build := m.modules("build")
	if !m.exists(build) {
		next := "install the headers of " + m.release
		if m.exists("etc/debian_version") {
			next = "apt install linux-headers-" + m.release
		}
		m.add(name, "note", next, "none (%s): no module can be built here", m.path(build))
		return
	}
	if m.exists(filepath.Join(build, "vmlinux")) {
		m.add(name, "ok", "", "%s has vmlinux: modules built on it get BTF", m.path(build))
		return
	}
	m.add(name, "note", "gobtf add MODULE.ko", "%s has no vmlinux: the build skips BTF", m.path(build))
}

func (m *machine) signing() {
	const name = "signing"
	enforced := m.config["CONFIG_MODULE_SIG_FORCE"] == "y"
	if m.running {
		read := func(p string) string {
			b, err := os.ReadFile(m.path(p))
			if err != nil {
				return ""
			}
			return string(b)
		}
		enforced = enforced || strings.HasPrefix(read("sys/module/module/parameters/sig_enforce"), "Y") ||
			strings.Contains(read("sys/kernel/security/lockdown"), "[integrity]") || strings.Contains(read("sys/kernel/security/lockdown"), "[confidentiality]")
	}
	if !enforced {
		m.add(name, "ok", "", "modules need no signature")
		return
	}
	with := "--sign_key=KEY --sign_cert=CERT"
	if _, err := module.DKMSKeys(m.path("")); err == nil {
		with = "--sign=dkms"
	}
	m.add(name, "note", "gobtf rebase "+with+" MODULE.ko",
		"only signed modules are loaded: new BTF ends a signature, so add and rebase have to sign again")
}

// moduleFolders are where modules are that did not come with the kernel.
var moduleFolders = []string{"updates", "extra", "weak-updates", "misc"}

// maxNamed is how many modules a line names.
const maxNamed = 3

func (m *machine) outOfTree() {
	const name = "other modules"
	var list []string
	for _, dir := range moduleFolders {
		// Links count: weak-updates has nothing else.
		err := filepath.WalkDir(m.path(m.modules(dir)), func(p string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && batch.IsModule(p) {
				list = append(list, p)
			}
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		})
		if err != nil {
			m.add(name, "note", "", "%v", err)
		}
	}
	if len(list) == 0 {
		m.add(name, "ok", "", "none in %s of %s", strings.Join(moduleFolders, ", "), m.path(m.modules("")))
		return
	}
	base, err := m.base()
	if err != nil {
		m.add(name, "note", "", "%d, not compared with the kernel: %v", len(list), err)
		return
	}
	var without, bad []string
	for _, p := range list {
		if m.ctx.Err() != nil {
			return
		}
		v, err := refit.Verify(p, base, nil, false, 0)
		switch {
		case errors.Is(err, btf.ErrNoBTF), errors.Is(err, refit.ErrNoBTF):
			without = append(without, p)
		case err != nil || len(v.Findings) > 0:
			bad = append(bad, p)
		}
	}
	if n := len(list) - len(without) - len(bad); n > 0 {
		m.add(name, "ok", "", "%d of %d have BTF that fits the kernel", n, len(list))
	}
	if len(without) > 0 {
		m.add(name, "note", "gobtf add "+without[0], "%d of %d have no BTF: %s", len(without), len(list), named(without))
	}
	if len(bad) > 0 {
		next := "gobtf rebase "
		if !m.running {
			next += "--kernel " + m.release + " "
		}
		if isLink(bad[0]) { // weak-modules made it
			next += "--copy_links "
		}
		m.add(name, "problem", next+bad[0], "%d of %d have BTF that does not fit the kernel: %s", len(bad), len(list), named(bad))
	}
}

func named(paths []string) string {
	var names []string
	for _, p := range paths[:min(len(paths), maxNamed)] {
		names = append(names, filepath.Base(p))
	}
	if len(paths) > maxNamed {
		names = append(names, fmt.Sprintf("and %d more", len(paths)-maxNamed))
	}
	return strings.Join(names, ", ")
}

// base is the kernel's BTF, from where it can be had.
func (m *machine) base() (*btf.Types, error) {
	b, _, err := module.ReadKernelBase(m.path(""), m.release, nil)
	if err != nil {
		return nil, err
	}
	return b.Types, nil
}

// show prints the checks; the error counts the problems.
func (m *machine) show(w io.Writer, asJSON bool) error {
	problems := 0
	var text strings.Builder
	for _, c := range m.checks {
		if c.State == "problem" {
			problems++
		}
		fmt.Fprintf(&text, "%-8s %-14s %s\n", c.State, c.Check, c.Text)
		if c.Next != "" {
			fmt.Fprintf(&text, "%-8s %-14s next: %s\n", "", "", c.Next)
		}
	}
	if asJSON {
		b, err := json.Marshal(struct {
			Schema string  `json:"schema"`
			Kernel string  `json:"kernel"`
			Checks []check `json:"checks"`
		}{"gobtf.doctor/1", m.release, m.checks})
		if err != nil {
			return err
		}
		text.Reset()
		text.Write(append(b, '\n'))
	}
	if _, err := io.WriteString(w, text.String()); err != nil {
		return err
	}
	switch problems {
	case 0:
		return nil
	case 1:
		return errors.New("1 problem")
	}
	return fmt.Errorf("%d problems", problems)
}
