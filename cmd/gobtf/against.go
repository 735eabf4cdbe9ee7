package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/diff"
	"github.com/gobtf/gobtf/btf/diff/report"
	"github.com/gobtf/gobtf/encoder"
	"github.com/gobtf/gobtf/internal/argp"
	"github.com/gobtf/gobtf/module"
)

// againstSchema is what the JSON of diff --against_pahole says of itself.
const againstSchema = "gobtf.against/1"

// against compares what gobtf and a pahole make of files. Both run as programs, one after the other, with flags that say the same to both.
type against struct {
	Schema  string        `json:"schema"`
	Pahole  string        `json:"pahole"`  // its path
	Version string        `json:"version"` // as it says it
	Flags   string        `json:"flags"`   // of pahole
	Same    int           `json:"identical"`
	Meaning int           `json:"same_meaning"`
	Differ  int           `json:"different"`
	Failed  int           `json:"failed"`
	Theirs  cost          `json:"pahole_cost"` // of all files
	Ours    cost          `json:"gobtf_cost"`
	Files   []againstFile `json:"files"`

	self   string
	set    encoder.Features // for both
	older  bool             // than 1.32, whose bytes gobtf writes
	tmp    string
	inputs *inputs
	cmp    *diff.Comparer
}

// cost is what a program took.
type cost struct {
	Seconds float64 `json:"seconds"` // wall
	CPU     float64 `json:"cpu"`     // seconds
	Peak    int64   `json:"peak_kib"`
}

func (c *cost) add(o cost) {
	c.Seconds += o.Seconds
	c.CPU += o.CPU
	c.Peak = max(c.Peak, o.Peak)
}

// againstFile is what came of one file.
type againstFile struct {
	Path   string       `json:"path"`
	State  string       `json:"state"` // identical, same_meaning, different, failed
	Error  string       `json:"error,omitempty"`
	Bytes  int          `json:"bytes"` // of pahole's BTF
	Theirs cost         `json:"pahole_cost"`
	Ours   cost         `json:"gobtf_cost"`
	Why    []string     `json:"why"` // known reasons for differences
	Result *diff.Result `json:"result,omitempty"`
}

// diffAgainst is diff --against_pahole.
func diffAgainst(ctx context.Context, l *argp.Line, stdout, stderr io.Writer) error {
	a, err := newAgainst(ctx, l.String("against_pahole"))
	if err != nil {
		return trouble(err)
	}
	defer os.RemoveAll(a.tmp)
	files, err := batchFiles(l.Operands, true)
	if err != nil {
		return trouble(err)
	}
	base := cmp.Or(l.String("btf_base"), l.String("btf_base_a"))
	var show bar
	if !l.Has("json") {
		fmt.Fprintf(stdout, "against pahole %s (%s), with %s\n", a.Version, a.Pahole, a.Flags)
		show = progress(stderr, len(files), "files")
	}
	for _, path := range files {
		if ctx.Err() != nil {
			show.clear()
			return trouble(errors.New("interrupted"))
		}
		f := a.one(ctx, path, base, l.Has("abi"))
		show.clear()
		if !l.Has("json") {
			f.text(stdout, l.Has("brief"))
		}
		show.add()
		a.count(f)
	}
	show.clear()
	if l.Has("json") {
		e := json.NewEncoder(stdout)
		e.SetIndent("", " ")
		if err := e.Encode(a); err != nil {
			return trouble(err)
		}
	} else {
		a.summary(stdout)
	}
	switch {
	case a.Failed > 0:
		return statusError{exitTrouble, fmt.Errorf("%d of %d files could not be compared", a.Failed, len(a.Files))}
	case a.Differ > 0:
		return statusError{status: exitDifferent}
	}
	return nil
}

// newAgainst finds the pahole, and the flags that it knows: default of gobtf's features as far as that version has them.
func newAgainst(ctx context.Context, program string) (*against, error) {
	if program == "" {
		program = "pahole"
	}
	path, err := exec.LookPath(program)
	if err != nil {
		return nil, fmt.Errorf("%s: not found (--against_pahole=PATH names one)", program)
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	version := strings.TrimPrefix(strings.TrimSpace(string(out)), "v")
	major, minor, ok := strings.Cut(version, ".")
	n, numErr := strconv.Atoi(minor)
	if err != nil || !ok || major != "1" || numErr != nil {
		return nil, fmt.Errorf("%s: --version says %q, which is no pahole's", path, version)
	}
	if n < 22 {
		return nil, fmt.Errorf("%s: pahole %s writes no BTF into a file of its own; 1.22 and later do", path, version)
	}
	self, err := exec.LookPath(os.Args[0]) // under the name that it was called by
	if err != nil {
		if self, err = os.Executable(); err != nil {
			return nil, err
		}
	}
	if self, err = filepath.Abs(self); err != nil {
		return nil, err
	}
	tmp, err := os.MkdirTemp("", "gobtf-against-")
	if err != nil {
		return nil, err
	}
	set := encoder.DefaultFeatures & encoder.KnownTo(n)
	return &against{Schema: againstSchema, Pahole: path, Version: version, Flags: strings.Join(paholeFlags(set, n), " "), self: self, set: set, older: n < 32, tmp: tmp,
		Files: []againstFile{}, inputs: newInputs(), cmp: new(diff.Comparer)}, nil
}

// paholeFlags says features to a pahole 1.minor.
func paholeFlags(set encoder.Features, minor int) []string {
	if minor >= 26 {
		return []string{"--btf_features=" + set.String()}
	}
	var flags []string
	for _, f := range []struct {
		bit  encoder.Features
		flag string
	}{{encoder.EncodeForce, "--btf_encode_force"}, {encoder.Float, "--btf_gen_floats"}, {encoder.OptimizedFunc, "--btf_gen_optimized"},
		{encoder.ConsistentFunc, "--skip_encoding_btf_inconsistent_proto"}} {
		if set.Has(f.bit) {
			flags = append(flags, f.flag)
		}
	}
	return flags
}

// measured runs a program and says what it took.
func measured(ctx context.Context, args ...string) (c cost, said string, err error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	begin := time.Now()
	err = cmd.Run()
	c.Seconds = time.Since(begin).Seconds()
	if s := cmd.ProcessState; s != nil {
		c.CPU = (s.UserTime() + s.SystemTime()).Seconds()
		if ru, ok := s.SysUsage().(*syscall.Rusage); ok {
			c.Peak = int64(ru.Maxrss)
		}
	}
	first, _, _ := strings.Cut(strings.TrimSpace(out.String()), "\n")
	return c, first, err
}

// one encodes a file with both, and compares.
func (a *against) one(ctx context.Context, path, base string, abi bool) againstFile {
	f := againstFile{Path: path, State: report.Failed, Why: []string{}}
	fail := func(format string, args ...any) againstFile {
		f.Error = fmt.Sprintf(format, args...)
		return f
	}
	var on *btf.Types
	m, err := module.Open(path)
	if err != nil {
		return fail("%v", at(err, path))
	}
	split := m.Relocatable()
	if split && base == "" {
		base, on = a.inputs.baseOf(m)
	}
	m.Close()
	if split && base != "" && on == nil {
		if on, err = a.inputs.base(base); err != nil {
			return fail("%v", err)
		}
	}
	theirs, ours := filepath.Join(a.tmp, "theirs"), filepath.Join(a.tmp, "ours")
	os.Remove(theirs)
	os.Remove(ours)
	file, err := filepath.Abs(path)
	if err != nil {
		return fail("%v", err)
	}
	args := []string{"-J", "-j1"}
	if on != nil {
		args = append(args, "--btf_base="+base)
	}
	var said string
	if f.Theirs, said, err = measured(ctx, append(append(append([]string{a.Pahole}, args...), strings.Fields(a.Flags)...), "--btf_encode_detached="+theirs, file)...); err != nil {
		return fail("%s: pahole: %v: %s", path, err, said)
	}
	args = append(args, "--btf_features="+a.set.String(), "--btf_encode_detached="+ours)
	if !a.older {
		args = append(args, "--pahole_quirks") // of 1.32: others have their own
	}
	if f.Ours, said, err = measured(ctx, append(append([]string{a.self}, args...), file)...); err != nil {
		return fail("%s: %v: %s", path, err, said)
	}
	want, err := os.ReadFile(theirs)
	if err != nil {
		return fail("%s: pahole wrote nothing", path)
	}
	got, err := os.ReadFile(ours)
	if err != nil {
		return fail("%s: gobtf wrote nothing: %s", path, said)
	}
	if f.Bytes = len(want); bytes.Equal(want, got) {
		f.State = "identical"
		return f
	}
	x, err := btf.Parse(want, on)
	if err != nil {
		return fail("%s: pahole's BTF: %v", path, err)
	}
	y, err := btf.Parse(got, on)
	if err != nil {
		return fail("%s: gobtf's BTF: %v", path, err)
	}
	f.Result = a.cmp.Compare(x, y, diff.Options{ABI: abi, NameA: "pahole " + a.Version, NameB: "gobtf"})
	f.State = "same_meaning"
	if !f.Result.Same {
		f.State = report.Different
	}
	if a.older {
		f.Why = append(f.Why, fmt.Sprintf("gobtf writes the bytes of pahole 1.32, and this is %s", a.Version))
	}
	f.Why = append(f.Why, f.Result.Notes...)
	f.Why = append(f.Why, a.functionCauses(ctx, path, on, f.Result)...)
	return f
}

func (a *against) count(f againstFile) {
	switch f.State {
	case "identical":
		a.Same++
	case "same_meaning":
		a.Meaning++
	case report.Different:
		a.Differ++
	default:
		a.Failed++
	}
	a.Theirs.add(f.Theirs)
	a.Ours.add(f.Ours)
	a.Files = append(a.Files, f)
}

func (f *againstFile) text(w io.Writer, brief bool) {
	if f.State == report.Failed {
		fmt.Fprintf(w, "! %s\n", f.Error)
		return
	}
	word := map[string]string{"identical": "= identical", "same_meaning": "~ same meaning", report.Different: "! different"}[f.State]
	fmt.Fprintf(w, "%-15s %9d bytes  pahole %7.3f s %5d MB, gobtf %7.3f s %5d MB  %s\n", word, f.Bytes, f.Theirs.Seconds, f.Theirs.Peak>>10, f.Ours.Seconds, f.Ours.Peak>>10, f.Path)
	if f.State == "identical" || brief {
		return
	}
	for _, why := range f.Why {
		fmt.Fprintf(w, "    %s\n", why)
	}
	if f.State == report.Different {
		r := &report.Report{A: f.Result.A.Name, B: f.Result.B.Name}
		r.Add("", f.Result, nil)
		r.Finish()
		_ = r.Text(w, report.TextOptions{})
	}
}

func (a *against) summary(w io.Writer) {
	fmt.Fprintf(w, "\n%d files: %d identical, %d of the same meaning, %d different, %d not compared\n", len(a.Files), a.Same, a.Meaning, a.Differ, a.Failed)
	if a.Ours.Seconds > 0 && a.Theirs.Seconds > 0 {
		fmt.Fprintf(w, "pahole %s: %.2f s, cpu %.2f s, at most %d MB\ngobtf %s: %.2f s, cpu %.2f s, at most %d MB (%.1f times as fast, %.1f times less cpu)\n",
			a.Version, a.Theirs.Seconds, a.Theirs.CPU, a.Theirs.Peak>>10, ownVersion, a.Ours.Seconds, a.Ours.CPU, a.Ours.Peak>>10,
			a.Theirs.Seconds/a.Ours.Seconds, a.Theirs.CPU/max(0.001, a.Ours.CPU))
	}
}
