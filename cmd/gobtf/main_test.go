package main

import (
	"bytes"
	"crypto/x509"
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/smallstep/pkcs7"
)

func TestMain(m *testing.M) {
	if os.Getenv("GOBTF_BASE_CACHE") == "" {
		os.Setenv("GOBTF_BASE_CACHE", "no") // not the user's own
	}
	testscript.Main(m, map[string]func(){"gobtf": main, "pahole": main})
}

// TestScripts runs testdata/*.txtar. $OBJ and $GOLDEN are the fixtures of the repository.
func TestScripts(t *testing.T) {
	fixtures, err := filepath.Abs("../../testdata")
	if err != nil {
		t.Fatal(err)
	}
	vmlinux, err := unpacked(filepath.Join(fixtures, "module", "vmlinux.btf.zst"), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: false,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("OBJ", filepath.Join(fixtures, "obj"))
			e.Setenv("IMAGE", filepath.Join(fixtures, "image"))
			e.Setenv("GOLDEN", filepath.Join(fixtures, "golden"))
			e.Setenv("CORE", filepath.Join(fixtures, "core"))
			e.Setenv("PACKAGES", filepath.Join(fixtures, "packages"))
			e.Setenv("MODULE", filepath.Join(fixtures, "module", "gobtf_demo.ko.zst"))
			e.Setenv("VMLINUX", vmlinux)
			e.Setenv("SIGN", filepath.Join(fixtures, "..", "module", "testdata", "sign"))
			for _, name := range []string{"MAKEFLAGS", "PAHOLE_LANG_EXCLUDE", "GOBTF_PAHOLE_VERSION"} {
				e.Setenv(name, "")
			}
			return nil
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "root":
				return os.Getuid() == 0, nil
			case "devfull":
				_, err := os.Stat("/dev/full")
				return err == nil, nil
			case "tmpfs":
				return exec.Command("unshare", "-m", "mount", "-t", "tmpfs", "t", "/mnt").Run() == nil, nil
			}
			return false, fmt.Errorf("no such condition")
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": status, "cut": cut, "size": size, "lines": lines, "poke": poke, "pokeat": pokeat, "section": section, "unpack": unpack, "signed": signed, "serve": serve,
		},
	})
}

// unpacked writes a file of the fixtures into dir, decompressed.
func unpacked(path, dir string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	z, err := zstd.NewReader(nil)
	if err != nil {
		return "", err
	}
	defer z.Close()
	if data, err = z.DecodeAll(data, nil); err != nil {
		return "", err
	}
	out := filepath.Join(dir, strings.TrimSuffix(filepath.Base(path), ".zst"))
	return out, os.WriteFile(out, data, 0o666)
}

// status N PROGRAM ARG...: runs it and wants just this exit status. stdout and stderr are written to files of that name.
func status(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	ts.Check(os.WriteFile(ts.MkAbs("stdout"), []byte(ts.ReadFile("stdout")), 0o666))
	ts.Check(os.WriteFile(ts.MkAbs("stderr"), []byte(ts.ReadFile("stderr")), 0o666))
	got := 0
	if e, ok := err.(interface{ ExitCode() int }); ok {
		got = e.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%s: status %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// serve FILE: starts a debuginfod that has FILE for every build id, and none when FILE is gone. $DEBUGINFOD_URLS is where.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	path := ts.MkAbs(args[0])
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, path) }))
	ts.Defer(s.Close)
	ts.Setenv("DEBUGINFOD_URLS", s.URL)
}

// cut FILE N: leaves the first N bytes.
func cut(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), n))
}

// poke FILE OFFSET BYTES: writes bytes, in hexadecimal, over those that are there.
func poke(ts *testscript.TestScript, neg bool, args []string) {
	off, err := strconv.ParseInt(args[1], 0, 64)
	ts.Check(err)
	data, err := hex.DecodeString(args[2])
	ts.Check(err)
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_WRONLY, 0)
	ts.Check(err)
	_, err = f.WriteAt(data, off)
	ts.Check(err)
	ts.Check(f.Close())
}

// pokeat FILE SECTION OFFSET BYTES: as poke, counted from the beginning of a section.
func pokeat(ts *testscript.TestScript, neg bool, args []string) {
	f, err := elf.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	s := f.Section(args[1])
	f.Close()
	if s == nil {
		ts.Fatalf("%s: no section %s", args[0], args[1])
	}
	off, err := strconv.ParseUint(args[2], 0, 32)
	ts.Check(err)
	poke(ts, neg, []string{args[0], strconv.FormatUint(s.Offset+off, 10), args[3]})
}

// section FILE NAME OUT: writes a section's contents, as debug/elf finds them.
func section(ts *testscript.TestScript, neg bool, args []string) {
	f, err := elf.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	defer f.Close()
	s := f.Section(args[1])
	if s == nil {
		ts.Fatalf("%s: no section %s", args[0], args[1])
	}
	data, err := s.Data()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), data, 0o666))
}

// unpack FILE.zst TO decompresses a file.
func unpack(ts *testscript.TestScript, neg bool, args []string) {
	from, err := unpacked(ts.MkAbs(args[0]), ts.MkAbs("."))
	ts.Check(err)
	if to := ts.MkAbs(args[1]); from != to {
		ts.Check(os.Rename(from, to))
	}
}

// signed FILE: wants a signature that holds, by one of the keys in module/testdata/sign, at the module's end.
func signed(ts *testscript.TestScript, neg bool, args []string) {
	b, ok := bytes.CutSuffix([]byte(ts.ReadFile(args[0])), []byte("~Module signature appended~\n"))
	if !ok {
		ts.Fatalf("%s is not signed", args[0])
	}
	n := len(b) - 12 - int(binary.BigEndian.Uint32(b[len(b)-4:]))
	var err error
	for _, name := range []string{"rsa.pem", "ec.pem"} {
		data, e := os.ReadFile(filepath.Join("../../module/testdata/sign", name))
		ts.Check(e)
		block, _ := pem.Decode(data)
		cert, e := x509.ParseCertificate(block.Bytes)
		ts.Check(e)
		p, e := pkcs7.Parse(b[n : len(b)-12])
		ts.Check(e)
		p.Certificates, p.Content = []*x509.Certificate{cert}, b[:n]
		if err = p.Verify(); err == nil {
			return
		}
	}
	ts.Fatalf("%s: %v", args[0], err)
}

// size FILE N: wants this many bytes.
func size(ts *testscript.TestScript, neg bool, args []string) {
	fi, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := strconv.FormatInt(fi.Size(), 10); got != args[1] {
		ts.Fatalf("%s: %s bytes, want %s", args[0], got, args[1])
	}
}

// lines FILE N: wants this many lines.
func lines(ts *testscript.TestScript, neg bool, args []string) {
	if text := ts.ReadFile(args[0]); strconv.Itoa(strings.Count(text, "\n")) != args[1] {
		ts.Fatalf("%s: not %s lines:\n%s", args[0], args[1], text)
	}
}
