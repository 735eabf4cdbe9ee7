package elfx

import (
	"bytes"
	"os/exec"
	"syscall"
)

// xzProgram compresses with xz, as the kernel's modules_install calls it. What the Go library makes is correct, and a fifth larger. It
// returns nil where there is no xz or it fails, and where what it wrote does not unpack to b: nothing rests on that program.
func xzProgram(b []byte) []byte {
	path, err := exec.LookPath("xz")
	if err != nil {
		return nil
	}
	cmd := exec.Command(path, "--check=crc32", "--lzma2=dict=1MiB", "--stdout")
	cmd.Env = []string{"LC_ALL=C"} // without XZ_OPT and XZ_DEFAULTS
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stdin = bytes.NewReader(b)
	out, err := cmd.Output()
	if err != nil {
		return nil
	}
	if plain, err := decompressWhole("xz", out); err != nil || !bytes.Equal(plain, b) {
		return nil
	}
	return out
}
