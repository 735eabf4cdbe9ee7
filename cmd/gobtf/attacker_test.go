package main

import (
	"bytes"
	"errors"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// attacks is how often TestAttacker tries; make torture asks for more.
var attacks = flag.Int("attacks", 200, "tries of TestAttacker")

// TestAttacker has gobtf write BTF into a file of a folder whose owner, all the time, exchanges that file with a symbolic link to a
// setuid program of somebody else (and root's, if root runs the test). The program stays as it is, and the folder gets
// neither a setuid file, nor the program's contents, nor half a file.
func TestAttacker(t *testing.T) {
	tries := *attacks
	if testing.Short() {
		tries = min(tries, 40)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "gobtf")
	if err := os.Symlink(self, link); err != nil {
		t.Fatal(err)
	}
	object, err := os.ReadFile("../../testdata/obj/types.elf")
	if err != nil {
		t.Fatal(err)
	}
	secret := bytes.Repeat([]byte("nobody reads this\n"), 1000)
	const nobody = 65534
	for name, links := range map[string]int{"one name": 1, "two hard links": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			victim := filepath.Join(t.TempDir(), "su")
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			must(os.WriteFile(victim, secret, 0o755))
			must(os.Chmod(victim, 0o755|fs.ModeSetuid))
			if links == 2 {
				must(os.Link(victim, victim+".link"))
			}
			before, err := os.Stat(victim)
			must(err)
			target, evil := filepath.Join(dir, "m.ko"), filepath.Join(dir, "evil.ko")
			own := func(path string) {
				if os.Getuid() == 0 {
					must(os.Lchown(path, nobody, nobody))
				}
			}
			own(dir)
			lay := func() {
				list, err := os.ReadDir(dir)
				must(err)
				for _, e := range list {
					must(os.Remove(filepath.Join(dir, e.Name())))
				}
				must(os.WriteFile(target, object, 0o644))
				own(target)
				if links == 2 {
					must(os.Link(target, filepath.Join(dir, "n.ko")))
				}
				must(os.Symlink(victim, evil))
				own(evil)
			}

			// The attacker: as fast as it can, or with pauses in which gobtf gets further.
			var pause, exchanges atomic.Int64
			stop, stopped := make(chan struct{}), make(chan struct{})
			hold := make(chan chan struct{})
			go func() {
				defer close(stopped)
				runtime.LockOSThread()
				for {
					select {
					case <-stop:
						return
					case resume := <-hold:
						select {
						case <-resume:
						case <-stop:
						}
					default:
					}
					if unix.Renameat2(unix.AT_FDCWD, target, unix.AT_FDCWD, evil, unix.RENAME_EXCHANGE) == nil {
						exchanges.Add(1)
					}
					if us := pause.Load(); us > 0 {
						time.Sleep(time.Duration(us) * time.Microsecond)
					}
				}
			}()
			defer func() { close(stop); <-stopped }()

			written := 0
			for i := range tries / 2 {
				resume := make(chan struct{})
				hold <- resume
				lay()
				pause.Store(int64(i % 16 * 200))
				close(resume)
				out, err := exec.Command(link, "-J", "--btf_features=default", target).CombinedOutput()
				if exit := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != exitFailure) {
					t.Fatalf("try %d: %v: %s", i, err, out)
				}
				if err == nil {
					written++
				}

				resume = make(chan struct{})
				hold <- resume
				after, err := os.Stat(victim)
				must(err)
				got, err := os.ReadFile(victim)
				must(err)
				if !bytes.Equal(got, secret) || after.Mode() != before.Mode() || !os.SameFile(before, after) {
					t.Fatalf("try %d: the victim was changed: %v, %d bytes: %s", i, after.Mode(), len(got), out)
				}
				list, err := os.ReadDir(dir)
				must(err)
				for _, e := range list {
					st, err := e.Info()
					must(err)
					if !st.Mode().IsRegular() {
						continue
					}
					got, err := os.ReadFile(filepath.Join(dir, e.Name()))
					must(err)
					if st.Mode()&(fs.ModeSetuid|fs.ModeSetgid) != 0 || bytes.Contains(got, secret[:32]) || len(got) < len(object) {
						t.Fatalf("try %d: %s: %v, %d bytes: %s", i, e.Name(), st.Mode(), len(got), out)
					}
				}
				close(resume)
			}
			t.Logf("%d tries, BTF was written in %d of them, %d exchanges", tries/2, written, exchanges.Load())
			if written == 0 || written == tries/2 || exchanges.Load() < int64(tries) {
				t.Errorf("of %d tries, %d wrote BTF, with %d exchanges: the attacker did not meet gobtf", tries/2, written, exchanges.Load())
			}
		})
	}
}
