package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// faults are runs whose n-th system call of a kind fails.
type faults struct {
	program, strace, tmp string
	pool                 *pool
	t                    *tally
}

// injection is a kind of fault.
type injection struct {
	calls     string // strace's names of them
	what      string // error=... or signal=KILL
	quietFrom int    // from the n-th on a run may ignore it: nothing is lost by that
	far       bool   // only calls that have to do with the file's folder
}

// The system calls by which a run reads its input and writes its output.
var injections = []injection{
	{calls: "pwrite64", what: "error=ENOSPC"},
	{calls: "pwrite64", what: "error=EIO"},
	{calls: "pwrite64", what: "signal=KILL"},
	{calls: "copy_file_range,sendfile", what: "error=EIO", quietFrom: 1}, // what they copy is written then
	{calls: "copy_file_range,sendfile", what: "signal=KILL"},
	{calls: "write,writev", what: "error=EIO", quietFrom: 1},                    // messages
	{calls: "fsync,fdatasync,sync_file_range", what: "error=EIO", quietFrom: 2}, // the second is the folder's: old or new, the file is whole
	{calls: "fsync,fdatasync", what: "signal=KILL"},
	{calls: "rename,renameat,renameat2,linkat", what: "error=EIO"},
	{calls: "rename,renameat,renameat2,linkat", what: "error=EXDEV"},
	{calls: "rename,renameat,renameat2,linkat", what: "signal=KILL"},
	{calls: "read,pread64", what: "error=EIO", far: true, quietFrom: 1},
	{calls: "mmap", what: "error=ENOMEM", far: true, quietFrom: 1},
	{calls: "openat", what: "error=EMFILE", far: true, quietFrom: 1},
	{calls: "openat", what: "error=EACCES", far: true, quietFrom: 1},
	{calls: "fallocate,ftruncate", what: "error=ENOSPC"},
	{calls: "fallocate,ftruncate", what: "signal=KILL"},
	{calls: "fchmod,fchmodat,fchown,fchownat,fsetxattr,flistxattr,fgetxattr", what: "error=EPERM", quietFrom: 1},
	{calls: "flock,fcntl", what: "error=ENOLCK", far: true, quietFrom: 1},
	{calls: "fstat,newfstatat,statx", what: "error=EIO", far: true, quietFrom: 1},
	{calls: "unlink,unlinkat", what: "error=EIO", quietFrom: 1},
	{calls: "close", what: "error=EIO", far: true, quietFrom: 1},
}

// job is a command that writes.
type job struct {
	name string
	args []string
	out  string // what it writes beside the file, "" when it writes into it
}

// eachFault runs every job with every fault, for each n until the call does not happen so often.
func eachFault(ctx context.Context, f *faults, jobs int) error {
	if err := os.WriteFile(filepath.Join(f.tmp, "module.ko"), f.pool.module, 0o644); err != nil {
		return err
	}
	with := f.pool.elf[len(f.pool.elf)-3] // the module with split BTF
	if err := os.WriteFile(filepath.Join(f.tmp, "split.ko"), with, 0o644); err != nil {
		return err
	}
	base := "--btf_base=" + f.pool.base
	list := []job{
		{"module.ko", []string{"-J", "--btf_features=default", base}, ""},
		{"module.ko", []string{"--btf_features=default", base, "--btf_encode_detached=OUT"}, "out"},
		{"module.ko", []string{"add", base}, ""},
		{"split.ko", []string{"rebase", "--onto=" + f.pool.base}, ""},
		{"split.ko", []string{"resolve_btfids", "--btf_base", f.pool.base}, ""},
	}
	type task struct {
		job
		injection
	}
	tasks := make(chan task)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var first error
	for i := range max(1, jobs) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for t := range tasks {
				if err := f.kind(ctx, filepath.Join(f.tmp, fmt.Sprintf("f%d", i)), &t.job, &t.injection); err != nil {
					mu.Lock()
					if first == nil {
						first = err
					}
					mu.Unlock()
				}
			}
		}()
	}
	for _, j := range list {
		for _, in := range injections {
			tasks <- task{j, in}
		}
	}
	close(tasks)
	wg.Wait()
	return first
}

// kind injects one kind of fault into a job, at the first such call, the second, and so on.
func (f *faults) kind(ctx context.Context, dir string, j *job, in *injection) error {
	before, err := os.ReadFile(filepath.Join(f.tmp, j.name))
	if err != nil {
		return err
	}
	after, _, err := f.once(ctx, dir, j, nil, 0, before)
	if err != nil {
		return err
	}
	for n := 1; n <= 60; n++ {
		got, hit, err := f.once(ctx, dir, j, in, n, before)
		if err != nil {
			return err
		}
		if !hit {
			return nil
		}
		killed := strings.HasPrefix(in.what, "signal=")
		f.t.mu.Lock()
		f.t.faults++
		if killed {
			f.t.kills++
		}
		f.t.mu.Unlock()
		if what := f.judge(dir, j, in, n, before, after, got, killed); what != "" {
			f.t.loss(fmt.Sprintf("gobtf %s %s, %s number %d of %s: %s", strings.Join(j.args, " "), j.name, in.what, n, in.calls, what), nil)
		}
		if killed {
			// A later run cleans up what the killed one could not.
			if _, _, err := f.again(ctx, dir, j); err != nil {
				return err
			}
			if left := f.left(dir, j); left != "" {
				f.t.loss(fmt.Sprintf("gobtf %s, killed at number %d of %s: a later run leaves %s", strings.Join(j.args, " "), n, in.calls, left), nil)
			}
		}
	}
	return nil
}

// outcome is what a run left.
type outcome struct {
	result
	file, linked, out []byte
}

// once runs a job in a fresh folder, with a fault or without one.
func (f *faults) once(ctx context.Context, dir string, j *job, in *injection, n int, contents []byte) (o outcome, hit bool, err error) {
	if err := os.RemoveAll(dir); err != nil {
		return o, false, err
	}
	if err := os.MkdirAll(filepath.Join(dir, "d"), 0o755); err != nil {
		return o, false, err
	}
	path := filepath.Join(dir, "d", j.name)
	if err := os.WriteFile(path, contents, 0o644); err != nil {
		return o, false, err
	}
	if err := os.Link(path, filepath.Join(dir, "linked")); err != nil {
		return o, false, err
	}
	return f.run(ctx, dir, j, in, n)
}

// again runs a job without a fault in the folder as it is.
func (f *faults) again(ctx context.Context, dir string, j *job) (outcome, bool, error) {
	return f.run(ctx, dir, j, nil, 0)
}

func (f *faults) run(ctx context.Context, dir string, j *job, in *injection, n int) (o outcome, hit bool, err error) {
	path, out := filepath.Join(dir, "d", j.name), filepath.Join(dir, "d", "out")
	args := []string{f.program}
	for _, a := range j.args {
		args = append(args, strings.ReplaceAll(a, "OUT", out))
	}
	args = append(args, path)
	trace := filepath.Join(dir, "trace")
	if in != nil {
		s := []string{f.strace, "-f", "-qq", "-o", trace, "-e", "trace=" + in.calls, "-e", fmt.Sprintf("inject=%s:%s:when=%d", in.calls, in.what, n)}
		if in.far {
			s = append(s, "-P", path, "-P", filepath.Join(dir, "d"), "-P", out, "-P", f.pool.base)
		}
		args = append(s, args...)
	}
	o.result = start(ctx, args[0], args[1:], 60*time.Second)
	if in != nil {
		b, err := os.ReadFile(trace)
		if err != nil {
			return o, false, fmt.Errorf("strace: %w: %s", err, o.stderr)
		}
		hit = bytes.Contains(b, []byte("INJECTED")) || bytes.Contains(b, []byte("killed by SIGKILL"))
	}
	read := func(name string) []byte {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil
		}
		return b
	}
	o.file, o.linked, o.out = read(path), read(filepath.Join(dir, "linked")), read(out)
	return o, hit, nil
}

// left names what is in the folder and should not be.
func (f *faults) left(dir string, j *job) string {
	names, err := entries(filepath.Join(dir, "d"))
	if err != nil {
		return err.Error()
	}
	for _, n := range names {
		if n != j.name && n != j.out {
			return n
		}
	}
	return ""
}

// judge says what was lost.
func (f *faults) judge(dir string, j *job, in *injection, n int, before []byte, after, got outcome, killed bool) string {
	if !bytes.Equal(got.linked, before) {
		return "the file's other name has lost its contents"
	}
	isNew := bytes.Equal(got.file, after.file)
	if !isNew && !bytes.Equal(got.file, before) {
		return fmt.Sprintf("the file has neither its old contents nor its new ones (%d bytes; %d, %d)", len(got.file), len(before), len(after.file))
	}
	if got.out != nil && !bytes.Equal(got.out, after.out) {
		return fmt.Sprintf("the output has %d bytes instead of %d", len(got.out), len(after.out))
	}
	if killed {
		return ""
	}
	if left := f.left(dir, j); left != "" {
		return "it left behind " + left
	}
	if what := said(got.result); what != "" {
		return what
	}
	done := isNew && bytes.Equal(got.out, after.out)
	switch {
	case got.signal != "":
		return got.signal
	case got.status == 0 && !done:
		return "status 0, and nothing is written"
	case got.status == 0 && (in.quietFrom == 0 || n < in.quietFrom):
		return "the fault was not noticed"
	case got.status != 0 && len(got.stderr) == 0:
		return fmt.Sprintf("status %d without a word", got.status)
	case got.status > 1 && !(j.args[0] == "resolve_btfids" && got.status == 255):
		return fmt.Sprintf("status %d", got.status)
	case got.status != 0 && bytes.Count(got.stderr, []byte("\n")) > 2:
		return "more than a line about it: " + string(got.stderr)
	}
	return ""
}
