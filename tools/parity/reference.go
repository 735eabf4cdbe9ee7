package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// cacheDir holds what the reference wrote, over all runs.
const cacheDir = "build/cache"

// reference is the pahole that gobtf is compared with.
type reference struct {
	path    string
	version string // what it says of itself, and the libbpf that stands beside it
}

// outcome says what became of one run of the reference.
type outcome int

const (
	wrote  outcome = iota // a BTF, in encoded.path
	empty                 // status 0, and no output: it found nothing to encode
	gaveUp                // no output, and "Error while encoding BTF.", with status 0: one entry is fatal to it; encoded.why says which
	failed                // another status; encoded.why is its last line
)

// encoded is the reference's output for one file, kept in the cache.
type encoded struct {
	outcome outcome
	path    string
	why     string
}

var versionLine = regexp.MustCompile(`^v\d+\.\d+$`)

// proof is an object of testdata and what the reference must make of it: a program that does not is not the reference.
const (
	proofObject = "testdata/obj/types.elf"
	proofGolden = "testdata/golden/types.default.btf"
)

// newReference makes sure that path is a pahole that works. One that calls itself the version of the goldens must write the goldens.
func newReference(path, work string) (*reference, error) {
	out, err := exec.Command(path, "--version").Output()
	if err != nil {
		return nil, fmt.Errorf("the reference %s does not start: %w", path, err)
	}
	v := strings.TrimSpace(string(out))
	if !versionLine.MatchString(v) {
		return nil, fmt.Errorf("the reference %s says %q, which is no version of pahole", path, v)
	}
	r := &reference{path: path, version: v}
	marks, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".libbpf-*"))
	for _, m := range marks {
		r.version += " with libbpf " + strings.TrimPrefix(filepath.Base(m), ".libbpf-")
	}
	to := filepath.Join(work, "proof.btf")
	cmd := exec.Command(path, "--btf_features=default", "--btf_encode_detached="+to, proofObject)
	if said, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("the reference %s does not encode %s: %w: %s", path, proofObject, err, said)
	}
	got, err := os.ReadFile(to)
	if err != nil {
		return nil, fmt.Errorf("the reference %s wrote nothing for %s", path, proofObject)
	}
	want, err := os.ReadFile(proofGolden)
	if err != nil {
		return nil, err
	}
	if v == "v1.32" && !bytes.Equal(got, want) {
		return nil, fmt.Errorf("the reference %s says that it is %s, and does not write %s", path, v, proofGolden)
	}
	return r, nil
}

// encode returns what the reference writes for a file on a base ("" for none), from the cache where that has it.
func (r *reference) encode(file, base string, flags []string) encoded {
	e, err := r.cached(file, base, flags)
	if err != nil {
		return encoded{outcome: failed, why: "cache: " + err.Error()}
	}
	return e
}

func (r *reference) cached(file, base string, flags []string) (encoded, error) {
	flags = slices.Clone(flags)
	for i, f := range flags {
		if strings.HasPrefix(f, "-j") {
			flags[i] = "-j" // its bytes do not depend on how many workers it has
		}
	}
	key, err := sum(file)
	if err != nil {
		return encoded{}, err
	}
	if base != "" {
		b, err := sum(base)
		if err != nil {
			return encoded{}, err
		}
		key += "-" + b
	}
	key += fmt.Sprintf("-%.16x", sha256.Sum256([]byte(r.version+" "+strings.Join(flags, " "))))
	path, err := filepath.Abs(filepath.Join(cacheDir, "reference", key[:2], key+".btf"))
	if err != nil {
		return encoded{}, err
	}
	if e, ok := known(path); ok {
		return e, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return encoded{}, err
	}
	tmp := fmt.Sprintf("%s.%d", path, os.Getpid())
	args := append(flags, "--btf_encode_detached="+tmp)
	if base != "" {
		args = append(args, "--btf_base="+base)
	}
	said, err := exec.Command(r.path, append(args, file)...).CombinedOutput()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.Exited():
		os.Remove(tmp)
		err = os.WriteFile(path+".failed", lastLine(said), 0o644)
	case err != nil: // a signal, or no such program: nothing that may be kept
		os.Remove(tmp)
		return encoded{outcome: failed, why: err.Error()}, nil
	default:
		if err = os.Rename(tmp, path); errors.Is(err, os.ErrNotExist) {
			if string(lastLine(said)) == "Error while encoding BTF." {
				err = os.WriteFile(path+".gaveup", fatalEntry(said), 0o644)
			} else {
				err = os.WriteFile(path, nil, 0o644)
			}
		}
	}
	if err != nil {
		return encoded{}, err
	}
	e, _ := known(path)
	return e, nil
}

// known reads the cache: an empty file says that the reference had nothing to encode, PATH.gaveup and PATH.failed why it did not.
func known(path string) (encoded, bool) {
	if why, err := os.ReadFile(path + ".gaveup"); err == nil {
		return encoded{outcome: gaveUp, why: string(why)}, true
	}
	if why, err := os.ReadFile(path + ".failed"); err == nil {
		return encoded{outcome: failed, why: string(why)}, true
	}
	fi, err := os.Stat(path)
	switch {
	case err != nil:
		return encoded{}, false
	case fi.Size() == 0:
		return encoded{outcome: empty}, true
	}
	return encoded{outcome: wrote, path: path}, true
}

// fatalEntry finds what the reference says of the entry that it cannot encode: the line before that which names the entry.
func fatalEntry(said []byte) []byte {
	before, _, _ := bytes.Cut(said, []byte("\nbtf_encoder__encode_cu: error encoding"))
	return lastLine(before)
}

func lastLine(said []byte) []byte {
	said = bytes.TrimSpace(said)
	return said[bytes.LastIndexByte(said, '\n')+1:]
}

// sums is held while a hash is made: cases that share a base ask for it at once.
var sums sync.Mutex

// sum returns a file's hash, remembered by name, size, time and inode: a vmlinux takes a second each time.
func sum(file string) (string, error) {
	sums.Lock()
	defer sums.Unlock()
	file, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	fi, err := os.Stat(file)
	if err != nil {
		return "", err
	}
	id := fmt.Sprint(file, fi.Size(), fi.ModTime().UnixNano())
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		id += fmt.Sprint(" ", st.Ino)
	}
	memo := filepath.Join(cacheDir, "sums", fmt.Sprintf("%.16x", sha256.Sum256([]byte(id))))
	if b, err := os.ReadFile(memo); err == nil && len(b) == 32 {
		return string(b), nil
	}
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	s := fmt.Sprintf("%.16x", h.Sum(nil))
	if err := os.MkdirAll(filepath.Dir(memo), 0o755); err != nil {
		return "", err
	}
	tmp := fmt.Sprintf("%s.%d", memo, os.Getpid())
	if err := os.WriteFile(tmp, []byte(s), 0o644); err != nil {
		return "", err
	}
	return s, os.Rename(tmp, memo)
}
