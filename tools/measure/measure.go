// Package measure runs a program and says what it took, for the tools that compare and plot that.
package measure

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// Sample is one run of one program.
type Sample struct {
	Wall, CPU time.Duration // CPU is the user's and the system's
	Peak      int64         // KiB
}

// Run runs one command. The kernel hands a child its parent's peak memory, so the peak has this small program's own few MB as its
// floor. An error has what the command said.
func Run(argv []string) (Sample, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	if err != nil {
		return Sample{}, fmt.Errorf("%s: %w: %s", argv[0], err, bytes.TrimSpace(errs.Bytes()))
	}
	ru, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return Sample{}, errors.New("no resource usage on this system")
	}
	return Sample{wall, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), int64(ru.Maxrss)}, nil
}
