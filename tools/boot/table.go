package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gobtf/gobtf/btf"
)

// column is one kernel's results.
type column struct {
	title, dir string
	vmlinux    *btf.Types
}

func tableCommand(args []string, stdout io.Writer) error {
	fs := flag.NewFlagSet("table", flag.ContinueOnError)
	ok := fs.String("ok", "", "`NAMES` (a,b) that must be loaded with their BTF, with right ids and kfuncs, on every kernel")
	kept := fs.String("kept", "", "`NAMES` that must be loaded with their BTF and kfuncs, whatever ids they see themselves")
	lost := fs.String("lost", "", "`NAMES` that must come out without BTF, loaded or refused, on every kernel")
	shown := fs.String("shown", "", "`NAMES` that must be loaded with BTF shown as written; they print no ids")
	unloaded := fs.String("refused", "", "`NAMES` that no kernel may have loaded")
	if err := fs.Parse(args); err != nil {
		return err
	}
	var cols []column
	for _, a := range fs.Args() {
		title, rest, _ := strings.Cut(a, "=")
		dir, vmlinux, found := strings.Cut(rest, ",")
		if !found {
			return fmt.Errorf("%q is not TITLE=DIR,VMLINUX", a)
		}
		c := column{title: title, dir: dir}
		if err := c.read(vmlinux); err != nil {
			return err
		}
		cols = append(cols, c)
	}
	var bad []string
	for i, name := range rows(cols) {
		if i == 0 {
			head, line := "| module |", "|---|"
			for _, c := range cols {
				head, line = head+" "+c.title+" |", line+"---|"
			}
			fmt.Fprintln(stdout, head+"\n"+line)
		}
		fmt.Fprintf(stdout, "| %s |", strings.ReplaceAll(name, ".", ", "))
		for _, c := range cols {
			text, err := c.cell(name, demand{in(*ok, name), in(*kept, name), in(*lost, name), in(*shown, name), in(*unloaded, name)})
			fmt.Fprintf(stdout, " %s |", text)
			if err != nil {
				bad = append(bad, fmt.Sprintf("%s on %s: %v", name, c.title, err))
			}
		}
		fmt.Fprintln(stdout)
	}
	// A name that no column has would be a check that cannot fail.
	for _, name := range strings.FieldsFunc(*ok+","+*kept+","+*lost+","+*shown+","+*unloaded, func(r rune) bool { return r == ',' }) {
		if !slices.Contains(rows(cols), name) {
			bad = append(bad, name+": not loaded anywhere")
		}
	}
	if len(bad) > 0 {
		return errors.New(strings.Join(bad, "\nboot: "))
	}
	return nil
}

// demand is what must hold of a row.
type demand struct{ ok, kept, lost, shown, refused bool }

func in(list, name string) bool { return slices.Contains(strings.Split(list, ","), name) }

// rows are the names of all columns, in the order in which the first that has them was loaded.
func rows(cols []column) []string {
	var names []string
	for _, c := range cols {
		order, _ := os.ReadFile(filepath.Join(c.dir, "order"))
		for _, name := range strings.Fields(string(order)) {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// read takes the kernel's BTF from a file and checks that it is what the machine showed.
func (c *column) read(vmlinux string) error {
	raw, _, err := btf.ReadSections(vmlinux)
	if err != nil {
		return err
	}
	said, err := os.ReadFile(filepath.Join(c.dir, "vmlinux.sha256"))
	if err != nil {
		return err
	}
	sum := sha256.Sum256(raw)
	if want := hex.EncodeToString(sum[:]); !strings.HasPrefix(string(said), want) {
		return fmt.Errorf("%s: /sys/kernel/btf/vmlinux is not the BTF of %s", c.title, vmlinux)
	}
	c.vmlinux, err = btf.Parse(raw, nil)
	return err
}

// outcome is what became of one module.
type outcome struct {
	loaded  bool
	refusal string     // the kernel's status for its BTF, "" when it said nothing
	shown   []byte     // /sys/kernel/btf/NAME
	own     *btf.Types // the same, read on top of vmlinux
	wrote   []byte
	base    []byte // .BTF.base
	ids     int    // ids that it printed
	wrong   []string
	copies  bool // some id that names a kernel type names the module's own copy of it
	kfuncs  string
}

var (
	refused = regexp.MustCompile(`failed to validate module \[\S+\] BTF: (-?\d+)`)
	idLine  = regexp.MustCompile(`gobtf_oot: (id|kfunc) (\S+) (\S+) (\d+)`)
	kfLine  = regexp.MustCompile(`gobtf_oot: kfuncs (-?\d+)`)
	setLine = regexp.MustCompile(`gobtf_oot: set (\d+) sorted (\d+)`)
)

// cell gives a table cell's text, and an error where a demand is not met.
func (c *column) cell(name string, d demand) (string, error) {
	file := func(suffix string) []byte {
		b, err := os.ReadFile(filepath.Join(c.dir, name+suffix))
		if err != nil {
			return nil
		}
		return b
	}
	rc := strings.TrimSpace(string(file(".rc")))
	if rc == "" {
		if why := strings.TrimSpace(string(file(".note"))); why != "" {
			if d != (demand{}) {
				return why, errors.New(why)
			}
			return why, nil
		}
		if d != (demand{}) {
			return "-", errors.New("not loaded")
		}
		return "-", nil
	}
	o := outcome{loaded: rc == "0", shown: file(".btf"), wrote: file(".wrote"), base: file(".base")}
	log := string(file(".log"))
	if m := refused.FindStringSubmatch(log); m != nil {
		o.refusal = m[1]
	} else if strings.Contains(log, "BTF mismatch detected") {
		o.refusal = "mismatch"
	}
	if err := c.ids(&o, log); err != nil {
		return "BTF that does not parse", err
	}
	text := o.String()
	switch {
	case d.ok && !o.good(), d.kept && !o.kept(), d.shown && !(o.loaded && o.own != nil && bytes.Equal(o.shown, o.wrote)):
		return "**" + text + "**", errors.New(text)
	case d.lost && o.own != nil:
		return "**" + text + "**", errors.New("kept its BTF")
	case d.refused && o.loaded:
		return "**" + text + "**", errors.New("was loaded")
	}
	return text, nil
}

// ids looks up what the module printed in the BTF that the kernel showed.
func (c *column) ids(o *outcome, log string) error {
	if len(o.shown) > 0 {
		own, err := btf.Parse(o.shown, c.vmlinux)
		if err != nil {
			return err
		}
		o.own = own
	}
	for _, m := range idLine.FindAllStringSubmatch(log, -1) {
		// On a .BTF.base the kernel relocates the ids of a kfunc set in a copy of its own, and checks there that each is a
		// FUNC: what the module itself sees says nothing then, the status of the registration does.
		if m[1] == "kfunc" && len(o.base) > 0 {
			continue
		}
		o.ids++
		id, _ := strconv.ParseUint(m[4], 10, 32)
		kind, typ := m[2], m[3]
		ts := c.vmlinux
		if o.own != nil {
			ts = o.own
		}
		if id == 0 || id >= uint64(ts.Len()) {
			o.wrong = append(o.wrong, typ)
			continue
		}
		at := btf.TypeID(id)
		if ts == o.own && at < ts.Start() {
			ts = c.vmlinux
		}
		t := ts.Type(at)
		if t.Name() != typ || strings.ToLower(t.Kind().String()) != kind {
			o.wrong = append(o.wrong, typ)
			continue
		}
		if ts == o.own && !strings.HasPrefix(typ, "gobtf_") {
			o.copies = true
		}
	}
	if m := setLine.FindStringSubmatch(log); m != nil && (m[1] != "2" || m[2] != "1") {
		o.wrong = append(o.wrong, "set")
	}
	if m := kfLine.FindStringSubmatch(log); m != nil {
		o.kfuncs = m[1]
	}
	if strings.Contains(log, "cannot register kfunc") {
		o.kfuncs = "missing"
	}
	return nil
}

// good: loaded, BTF shown as written (the kernel renumbers what stands on a .BTF.base), all ids right, kfuncs registered.
func (o *outcome) good() bool { return o.kept() && o.ids > 0 && len(o.wrong) == 0 }

func (o *outcome) kept() bool {
	return o.loaded && o.own != nil && (len(o.base) > 0 || bytes.Equal(o.shown, o.wrote)) && o.kfuncs == "0"
}

func (o *outcome) String() string {
	if !o.loaded {
		if o.refusal != "" {
			return "refused (" + o.refusal + ")"
		}
		return "not loaded"
	}
	if o.own == nil {
		if o.refusal != "" {
			return "loaded, BTF refused"
		}
		return "loaded, no BTF"
	}
	s := fmt.Sprintf("loaded, BTF %d", len(o.shown))
	switch {
	case bytes.Equal(o.shown, o.wrote):
		s += " as written"
	case len(o.base) > 0:
		s += " relocated"
	default:
		s += " NOT AS WRITTEN"
	}
	switch {
	case o.ids == 0:
		return s
	case len(o.wrong) == 0 && o.copies:
		s += ", ids right (own copies)"
	case len(o.wrong) == 0:
		s += ", ids right"
	case len(o.wrong) == o.ids:
		s += ", ids wrong"
	default:
		s += fmt.Sprintf(", %d of %d ids wrong (%s)", len(o.wrong), o.ids, strings.Join(o.wrong, " "))
	}
	if o.kfuncs == "0" {
		return s + ", kfuncs"
	}
	return s + ", no kfuncs"
}
