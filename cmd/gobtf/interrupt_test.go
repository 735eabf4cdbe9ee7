package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestInterrupted sends signals to a run that waits for a pipe nobody writes to: it ends within a second, with one line, status 1 and
// no file left behind.
func TestInterrupted(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			dir := t.TempDir()
			fifo := filepath.Join(dir, "fifo")
			if err := unix.Mkfifo(fifo, 0o600); err != nil {
				t.Fatal(err)
			}
			// testscript makes the test binary the program when it is called by the program's name.
			link := filepath.Join(t.TempDir(), "gobtf")
			if err := os.Symlink(self, link); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(link, "--btf_encode_detached="+filepath.Join(dir, "o"), fifo)
			var out bytes.Buffer
			cmd.Stderr = &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			select {
			case err := <-ended:
				t.Fatalf("ended before the signal: %v: %s", err, &out)
			case <-time.After(300 * time.Millisecond):
			}
			begin := time.Now()
			_ = cmd.Process.Signal(sig)
			select {
			case <-ended:
			case <-time.After(5 * time.Second):
				_ = cmd.Process.Kill()
				t.Fatal("still running 5 s after the signal")
			}
			if d := time.Since(begin); d > time.Second {
				t.Errorf("took %v", d)
			}
			if cmd.ProcessState.ExitCode() != exitFailure || out.String() != "gobtf: interrupted\n" {
				t.Errorf("status %d, %q", cmd.ProcessState.ExitCode(), &out)
			}
			if names, _ := os.ReadDir(dir); len(names) != 1 {
				t.Errorf("left behind: %v", names)
			}
		})
	}
}
