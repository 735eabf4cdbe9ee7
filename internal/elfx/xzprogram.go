package elfx

import (
	"bytes"
	"context"
	"os/exec"
	"syscall"
)

// xzCommand is a run of the program xz on b, nil where there is none.
func xzCommand(ctx context.Context, b []byte, args ...string) *exec.Cmd {
	path, err := exec.LookPath("xz")
	if err != nil {
		return nil
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = []string{"LC_ALL=C"} // without XZ_OPT and XZ_DEFAULTS
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stdin = bytes.NewReader(b)
	return cmd
}

// xzProgram compresses with xz, as the kernel's modules_install calls it. What the Go library makes is correct, and a fifth larger. It
// returns nil where there is no xz or it fails, and where what it wrote does not unpack to b: nothing rests on that program.
func xzProgram(b []byte) []byte {
	cmd := xzCommand(context.Background(), b, "--check=crc32", "--lzma2=dict=1MiB", "--stdout")
	if cmd == nil {
		return nil
	}
	out, err := cmd.Output()
	if err != nil {
		return nil
	}
	if plain, err := decompressWhole("xz", out); err != nil || !bytes.Equal(plain, b) {
		return nil
	}
	return out
}
