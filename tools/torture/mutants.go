package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gobtf/gobtf/internal/dwarfgen"
)

// pool is what mutants are made of.
type pool struct {
	elf    [][]byte // objects and modules
	btf    [][]byte // raw BTF
	module []byte   // one that split BTF can be made for
	base   string   // a path: the vmlinux BTF that belongs to it
}

// readPool reads the committed test files.
func readPool(program, tmp string) (*pool, error) {
	p := &pool{base: filepath.Join(tmp, "vmlinux.btf")}
	objects, err := filepath.Glob("testdata/obj/*.elf")
	if err != nil {
		return nil, err
	}
	for _, path := range objects {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if len(b) < 1<<20 {
			p.elf = append(p.elf, b)
		}
	}
	// This process stays small: the peak memory of a child begins with its parent's.
	unpack := func(name, to string) error {
		out, err := exec.Command("zstd", "-dqf", filepath.Join("testdata", "module", name), "-o", to).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w: %s", name, err, out)
		}
		return nil
	}
	demo := filepath.Join(tmp, "demo.ko")
	if err := errors.Join(unpack("gobtf_demo.ko.zst", demo), unpack("vmlinux.btf.zst", p.base)); err != nil {
		return nil, err
	}
	if p.module, err = os.ReadFile(demo); err != nil {
		return nil, err
	}
	p.elf = append(p.elf, p.module)
	standalone, err := os.ReadFile("testdata/module/gobtf_demo.standalone.btf")
	if err != nil {
		return nil, err
	}
	p.btf = append(p.btf, standalone)
	for _, c := range dwarfgen.Cases() {
		b, err := c.Make(max(20, c.N/100)).Bytes()
		if err != nil {
			return nil, err
		}
		p.elf = append(p.elf, b)
	}
	if len(p.elf) < 20 {
		return nil, errors.New("testdata is not here: run it in the repository")
	}
	// Modules that have BTF, for the commands that read it.
	dir := filepath.Join(tmp, "pool")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	for _, with := range [][]string{{"--btf_base=" + p.base}, {"--btf_features=distilled_base", "--btf_base=" + p.base}, {"--standalone=portable"}} {
		path := filepath.Join(dir, "demo.ko")
		if err := os.WriteFile(path, p.module, 0o644); err != nil {
			return nil, err
		}
		args := append([]string{"-J", "--btf_features=default"}, append(with, path)...)
		if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("gobtf %s: %w: %s", strings.Join(args, " "), err, out)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		p.elf = append(p.elf, b)
	}
	return p, os.RemoveAll(dir)
}

// mutants runs commands on damaged files in a folder of its own.
type mutants struct {
	program string
	dir     string
	pool    *pool
	t       *tally
}

// command is what is run: args stand before the file. inPlace says that it may change the file.
type command struct {
	args     []string
	inPlace  bool
	detached bool
	btf      bool // it takes BTF, too
}

func (m *mutants) commands() []command {
	base, out := "--btf_base="+m.pool.base, "--btf_encode_detached="+filepath.Join(m.dir, "out")
	return []command{
		{args: []string{"-J", "--btf_features=all"}, inPlace: true},
		{args: []string{"--btf_features=all", "-j2", out}, detached: true},
		{args: []string{"--btf_features=default", base, out}, detached: true},
		{args: []string{"-J", "--btf_features=default,distilled_base", base}, inPlace: true},
		{args: []string{"add", "--btf_base=" + m.pool.base}, inPlace: true},
		{args: []string{"rebase", "--onto=" + m.pool.base}, inPlace: true},
		{args: []string{"verify"}, btf: true},
		{args: []string{"verify", base}, btf: true},
		{args: []string{"dump"}, btf: true},
		{args: []string{"dump", "--format=c", base}, btf: true},
		{args: []string{"stats"}, btf: true},
		{args: []string{"diff", m.pool.base}, btf: true},
		{args: []string{"explain", "f"}},
		{args: []string{"explain", "--skipped"}},
		{args: []string{"resolve_btfids", "--btf_base", m.pool.base}, inPlace: true},
	}
}

// one makes a mutant and runs one command on it.
func (m *mutants) one(ctx context.Context, r *rand.Rand, number uint64) error {
	if err := os.RemoveAll(m.dir); err != nil {
		return err
	}
	if err := os.Mkdir(m.dir, 0o755); err != nil {
		return err
	}
	commands := m.commands()
	c := commands[r.IntN(len(commands))]
	in, err := m.input(r, number, c.btf)
	if err != nil {
		return err
	}
	path := filepath.Join(m.dir, "file.ko")
	if err := os.WriteFile(path, in, 0o644); err != nil {
		return err
	}
	args := append(slices.Clone(c.args), path)
	res := start(ctx, m.program, args, 20*time.Second)
	what := m.judge(&c, path, in, res)
	m.t.mu.Lock()
	m.t.runs++
	if res.status == 0 {
		m.t.good++
	}
	m.t.mu.Unlock()
	if what == "" && res.status == 0 && (c.inPlace || c.detached) {
		what = m.verify(ctx, &c, path)
	}
	if what != "" {
		m.t.loss(fmt.Sprintf("mutant %d: gobtf %s: %s", number, strings.Join(args, " "), what), in)
	}
	return nil
}

// input is a file of the pool, or a senseless one, damaged most of the time.
func (m *mutants) input(r *rand.Rand, number uint64, btf bool) ([]byte, error) {
	var b []byte
	switch {
	case r.IntN(3) == 0:
		made, err := dwarfgen.Random(number).Bytes()
		if err != nil || r.IntN(2) == 0 {
			return made, err
		}
		b = made
	case btf && r.IntN(2) == 0:
		b = bytes.Clone(m.pool.btf[r.IntN(len(m.pool.btf))])
	default:
		b = bytes.Clone(m.pool.elf[r.IntN(len(m.pool.elf))])
	}
	damage(r, b)
	if r.IntN(10) == 0 {
		b = b[:r.IntN(len(b)+1)]
	}
	return b, nil
}

// damage changes some bytes, words and stretches; often near each other, and in headers more than elsewhere.
func damage(r *rand.Rand, b []byte) {
	if len(b) == 0 {
		return
	}
	special := []uint64{0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1<<63 - 1, 1 << 63, 1<<64 - 1}
	at := r.IntN(len(b))
	for range 1 + r.IntN(8) {
		switch r.IntN(6) {
		case 0:
			at = r.IntN(min(len(b), 64))
		case 1:
			at = max(0, len(b)-1-r.IntN(4096))
		case 2, 3:
			at = min(len(b)-1, at+r.IntN(64))
		default:
			at = r.IntN(len(b))
		}
		switch r.IntN(5) {
		case 0:
			b[at] ^= 1 << r.IntN(8)
		case 1:
			b[at] = byte(r.IntN(256))
		case 2:
			if at+8 <= len(b) {
				binary.LittleEndian.PutUint64(b[at:], special[r.IntN(len(special))])
			}
		case 3:
			if at+4 <= len(b) {
				binary.LittleEndian.PutUint32(b[at:], uint32(special[r.IntN(len(special))]))
			}
		case 4:
			from := r.IntN(len(b))
			copy(b[at:min(len(b), at+r.IntN(32))], b[from:])
		}
	}
}

// result is what a process did.
type result struct {
	status int // -1: it was ended by a signal, or took too long
	signal string
	stdout []byte
	stderr []byte
	took   time.Duration
	peak   int64 // bytes
}

func start(ctx context.Context, program string, args []string, limit time.Duration) result {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	var stdout, stderr head
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	begin := time.Now()
	err := cmd.Run()
	res := result{stdout: stdout, stderr: stderr, took: time.Since(begin)}
	if cmd.ProcessState == nil {
		res.status, res.signal = -1, err.Error()
		return res
	}
	res.status = cmd.ProcessState.ExitCode()
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		res.signal = ws.Signal().String()
	}
	if ctx.Err() != nil {
		res.signal = "no end after " + limit.String()
	}
	if ru, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		res.peak = int64(ru.Maxrss) << 10
	}
	// The kernel hands a child its parent's peak: up to there the figure says nothing about the child.
	if res.peak <= ownPeak() {
		res.peak = 0
	}
	return res
}

// ownPeak is the most memory that this process has had, in bytes.
func ownPeak() int64 {
	var ru syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &ru) != nil {
		return 0
	}
	return int64(ru.Maxrss) << 10
}

// head is the beginning of what a process wrote. A whole dump of vmlinux's BTF would make this process large.
type head []byte

// maxHead is far more than is looked at.
const maxHead = 256 << 10

func (h *head) Write(b []byte) (int, error) {
	*h = append(*h, b[:min(len(b), maxHead-len(*h))]...)
	return len(b), nil
}

// maxLines is how many lines of complaint a file may cause; notes of a conversion are ten at most, and a line for each function and type
// that is left out of it.
const maxLines = 60

// said looks at what was written to the terminal.
func said(res result) string {
	text := res.stderr
	for _, bad := range []string{"panic:", "goroutine ", "fatal error:", "runtime error", "SIGSEGV"} {
		if bytes.Contains(text, []byte(bad)) {
			return "it crashed: " + firstLine(text)
		}
	}
	for _, c := range text {
		if c < 0x20 && c != '\n' && c != '\t' && c != '\r' || c == 0x7f {
			return fmt.Sprintf("a control character %#x is in its message", c)
		}
	}
	if n := bytes.Count(text, []byte("\n")); n > maxLines {
		return fmt.Sprintf("it said %d lines", n)
	}
	return ""
}

func firstLine(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\n")
	return s
}

// memoryFloor is what any run may take, in bytes.
const memoryFloor = 64 << 20

// judge says what was wrong with a run, "" when nothing was.
func (m *mutants) judge(c *command, path string, in []byte, res result) string {
	if res.signal != "" {
		return res.signal
	}
	if what := said(res); what != "" {
		return what
	}
	// diff(1) and the kernel's resolve_btfids have numbers of their own.
	if res.status != 0 && res.status != 1 && !(c.args[0] == "diff" && res.status == 2) && !(c.args[0] == "resolve_btfids" && res.status == 255) {
		return fmt.Sprintf("status %d: %s", res.status, firstLine(res.stderr))
	}
	if res.status == 1 && len(res.stderr)+len(res.stdout) == 0 {
		return "status 1 without a word"
	}
	names, err := entries(m.dir)
	if err != nil {
		return err.Error()
	}
	written := int64(len(in))
	for _, n := range names {
		switch {
		case n == "file.ko":
		case n == "out" && res.status == 0:
			if fi, err := os.Stat(filepath.Join(m.dir, n)); err == nil {
				written += fi.Size()
			}
		default:
			return "it left behind " + n
		}
	}
	now, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	if !bytes.Equal(now, in) && (res.status != 0 || !c.inPlace) {
		return fmt.Sprintf("status %d, and the file is changed", res.status)
	}
	base := int64(0)
	if slices.ContainsFunc(c.args, func(a string) bool { return strings.Contains(a, m.pool.base) }) {
		base = 10 << 20
	}
	if limit := memoryFloor + 8*(written+base); res.peak > limit {
		return fmt.Sprintf("it took %d MB of memory for %d bytes", res.peak>>20, written)
	}
	return ""
}

// verify asks gobtf whether what it wrote is good.
func (m *mutants) verify(ctx context.Context, c *command, path string) string {
	if c.detached {
		path = filepath.Join(m.dir, "out")
		if _, err := os.Stat(path); err != nil {
			return "" // no types: nothing is written, and a line says so
		}
	}
	args := []string{"verify"}
	for _, a := range c.args {
		if _, base, ok := strings.Cut(a, "="); ok && base == m.pool.base {
			args = append(args, "--btf_base="+base)
		}
	}
	res := start(ctx, m.program, append(args, path), 20*time.Second)
	if bytes.Contains(res.stderr, []byte("no .BTF section")) {
		return "" // no types: nothing was written
	}
	if len(args) == 1 && bytes.Contains(res.stdout, []byte("this stands alone")) {
		return "" // a module without a base, as it was asked for
	}
	// What the reference writes and no kernel takes is written, with a note that says so.
	if res.status != 0 && c.args[0] != "resolve_btfids" {
		if aboutIDs(res.stdout) {
			return "" // what asks for ids was damaged: -J does not write .BTF_ids, and symbols on top of each other cannot all be obeyed
		}
		return m.noted(ctx, c, res)
	}
	return ""
}

// aboutIDs tells that all of verify's findings are about .BTF_ids.
func aboutIDs(stdout []byte) bool {
	lines := bytes.Split(bytes.TrimSpace(stdout), []byte("\n"))
	return !slices.ContainsFunc(lines, func(l []byte) bool { return !bytes.Contains(l, []byte(": section .BTF_ids: ")) })
}

// noted is the loss, if bad BTF was written without a word about it.
func (m *mutants) noted(ctx context.Context, c *command, verdict result) string {
	again := start(ctx, m.program, append(slices.Clone(c.args), filepath.Join(m.dir, "file.ko")), 20*time.Second)
	if bytes.Contains(again.stderr, []byte("does not take this BTF")) {
		return ""
	}
	return "what it wrote is not good: " + firstLine(append(verdict.stdout, verdict.stderr...))
}

func entries(dir string) ([]string, error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(list))
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names, nil
}
