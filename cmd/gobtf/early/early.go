// Package early answers `gobtf --version` before the rest of the program is initialized, because kernel builds before
// 6.7 ask for it a hundred times. It may import nothing but syscall: Go initializes it as soon as its imports are, so
// that comes before nearly all else. In: the process's command line. Out: the answer and the end of the process, or
// nothing, and then package main gives the same answer later.
//
// Without it --version took 1.8 times pahole's wall time, with it 1.2 times (hello world in Go: 1.05; 150 runs in
// turn, 24 November 2026).
package early

import "syscall"

// paholeVersion is the version of the pahole that gobtf stands in for.
const paholeVersion = "1.32"

// Version returns the pahole version to answer with: GOBTF_PAHOLE_VERSION if it is one. Kernel builds cut the dot out
// and compare numbers, so anything but a digit, a dot and two digits would be read wrongly and is not taken.
func Version() string {
	v, _ := syscall.Getenv("GOBTF_PAHOLE_VERSION")
	if len(v) > 0 && v[0] == 'v' {
		v = v[1:]
	}
	if len(v) == 4 && digit(v[0]) && v[1] == '.' && digit(v[2]) && digit(v[3]) {
		return v
	}
	return paholeVersion
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

func init() {
	if !asksVersion() {
		return
	}
	if _, err := syscall.Write(1, []byte("v"+Version()+"\n")); err == nil {
		syscall.Exit(0)
	}
}

// asksVersion tells whether the command line is a program's name and --version, no more.
func asksVersion() bool {
	fd, err := syscall.Open("/proc/self/cmdline", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer syscall.Close(fd)
	const word = "\x00--version\x00"
	var buf [512]byte
	n, err := syscall.Read(fd, buf[:])
	if err != nil || n < len(word) || n == len(buf) || string(buf[n-len(word):n]) != word {
		return false
	}
	for _, c := range buf[:n-len(word)] {
		if c == 0 {
			return false
		}
	}
	return true
}
