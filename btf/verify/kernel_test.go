package verify

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/gobtf/gobtf/btf"
)

// bpfBTFLoad is the command of bpf(2).
const bpfBTFLoad = 18

// kernelLoad hands a BTF to the running kernel. message is the last line of its log, "" when it takes it.
func kernelLoad(data, log []byte) (err error, message string) {
	attr := struct {
		data, log                    uint64
		size, logSize, level, actual uint32
		flags, token                 uint32
	}{
		data: uint64(uintptr(unsafe.Pointer(unsafe.SliceData(data)))), size: uint32(len(data)),
		log: uint64(uintptr(unsafe.Pointer(unsafe.SliceData(log)))), logSize: uint32(len(log)), level: 1,
	}
	log[0] = 0
	fd, _, errno := unix.Syscall(unix.SYS_BPF, bpfBTFLoad, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	runtime.KeepAlive(data)
	if errno == 0 {
		unix.Close(int(fd))
		return nil, ""
	}
	n := bytes.IndexByte(log, 0)
	text := strings.TrimRight(string(log[:max(n, 0)]), "\n")
	return errno, text[strings.LastIndexByte(text, '\n')+1:]
}

// running returns the rules of the kernel that runs, and skips where it cannot be asked.
func running(t *testing.T) Kernel {
	t.Helper()
	k, err := ParseKernel("running")
	if err != nil {
		t.Skip(err)
	}
	if err, _ := kernelLoad([]byte("no BTF, but longer than a header is"), make([]byte, 1<<16)); !errors.Is(err, unix.EINVAL) {
		t.Skipf("the running kernel cannot be asked (root?): %v", err)
	}
	return k
}

// samples are the goldens that a little-endian kernel of 64 bits may be given.
func samples(t *testing.T) map[string][]byte {
	t.Helper()
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 || unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("the goldens are for little-endian machines of 64 bits")
	}
	paths, err := filepath.Glob("../../testdata/golden/*.btf")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	list := map[string][]byte{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(path)
		if strings.Contains(name, ".on.") || data[0] != 0x9f {
			continue // split, big endian
		}
		list[name] = data
	}
	return list
}

// agree compares the first finding with what the kernel says. It returns what differs.
func agree(data, log []byte, k Kernel) (differs, message, first string) {
	err, message := kernelLoad(data, log)
	found := Check(data, nil, Options{Kernel: k, Full: true})
	var of []Finding
	for _, f := range found {
		if f.Message != "" { // else a relation that no kernel looks at
			of = append(of, f)
		}
	}
	switch {
	case err == nil && len(of) > 0:
		return fmt.Sprintf("the kernel takes it, verify says: %v", of[0]), "", of[0].Message
	case err != nil && len(of) == 0:
		return fmt.Sprintf("the kernel says %v: %q, verify finds nothing", err, message), message, ""
	case err != nil:
		return "", message, of[0].Message
	}
	return "", "", ""
}

// TestKernelGoldens compares verify with the running kernel on every golden.
func TestKernelGoldens(t *testing.T) {
	k := running(t)
	log := make([]byte, 1<<24)
	refused := 0
	for name, data := range samples(t) {
		differs, message, first := agree(data, log, k)
		if differs != "" {
			t.Errorf("%s: %s", name, differs)
		} else if message != "" {
			refused++
			if !strings.Contains(message, first) {
				t.Errorf("%s: the kernel's words are %q, verify gives %q", name, message, first)
			}
		}
	}
	if refused == 0 {
		t.Error("the kernel refuses none of them, and it does refuse some: is it asked at all?")
	}
}

// TestKernelFiles does the same for the files of the pattern that GOBTF_VERIFY gives (BTF of a vmlinux, standalone BTF of modules).
func TestKernelFiles(t *testing.T) {
	pattern := os.Getenv("GOBTF_VERIFY")
	if pattern == "" {
		t.Skip("GOBTF_VERIFY is not set: no files to compare on")
	}
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: no files (%v)", pattern, err)
	}
	k, log, refused := running(t), make([]byte, 1<<28), 0
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		differs, message, first := agree(data, log, k)
		switch {
		case differs != "" || !strings.Contains(message, first):
			t.Errorf("%s: %s; kernel %q, verify %q", path, differs, message, first)
		case message != "":
			refused++
			t.Logf("%s: refused by both: %s", path, message)
		}
	}
	t.Logf("%d files, %d refused by both", len(paths), refused)
}

// TestKernelMutations changes good BTF in many ways, GOBTF_MUTATIONS (default 2000), and wants verify and the kernel to agree
// whether it is good, and where they say why, on the words.
func TestKernelMutations(t *testing.T) {
	k := running(t)
	n := 2000
	if s := os.Getenv("GOBTF_MUTATIONS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	var good [][]byte
	log := make([]byte, 1<<20)
	for _, data := range samples(t) {
		if err, _ := kernelLoad(data, log); err == nil && len(data) > 200 && len(data) < 8000 {
			good = append(good, data)
		}
	}
	slices.SortFunc(good, bytes.Compare)
	rng := rand.New(rand.NewPCG(1, 2))
	refused, words, shown := 0, 0, 0
	for i := range n {
		data := mutate(bytes.Clone(good[rng.IntN(len(good))]), rng)
		differs, message, first := agree(data, log, k)
		if differs != "" {
			if shown++; shown <= 20 {
				t.Errorf("mutation %d: %s", i, differs)
			}
			continue
		}
		if message != "" {
			refused++
			if strings.Contains(message, first) {
				words++
			} else if testing.Verbose() && refused-words < 40 {
				t.Logf("mutation %d: the kernel's words are %q, verify gives %q", i, message, first)
			}
		}
	}
	t.Logf("%d mutations of %d goldens: %d refused by both, in the same words %d; %d differ", n, len(good), refused, words, shown)
	if refused < n/10 || refused > n*99/100 {
		t.Errorf("%d of %d refused: the mutations say little", refused, n)
	}
	if words < refused*95/100 {
		t.Errorf("only %d of %d refusals in the kernel's words", words, refused)
	}
}

// mutate changes a BTF in place where it can, and returns it.
func mutate(b []byte, rng *rand.Rand) []byte {
	u32 := func(at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
	put := func(at int, v uint32) { binary.LittleEndian.PutUint32(b[at:], v) }
	types, typeLen, strs := 24, int(u32(12)), 24+int(u32(16))
	var recs []int
	for at := types; at < types+typeLen; {
		recs = append(recs, at)
		info := u32(at + 4)
		at += 4 * btf.RecordWords(info)
	}
	count := 1 + rng.IntN(2)
	for range count {
		at := recs[rng.IntN(len(recs))]
		info := u32(at + 4)
		words := min(btf.RecordWords(info), (types+typeLen-at)/4) // a change before may have made it longer
		word := at + 4*rng.IntN(words)
		switch rng.IntN(12) {
		case 0, 1: // another type, or size, or offset
			put(word, uint32(rng.IntN(len(recs)+2)))
		case 2:
			put(word, u32(word)^1<<rng.IntN(32))
		case 3: // kind
			put(at+4, info&^0x1f000000|uint32(rng.IntN(21))<<24)
		case 4: // kind_flag, vlen, reserved
			put(at+4, info^[]uint32{1 << 31, 1, 2, 1 << 16, 1 << 29}[rng.IntN(5)])
		case 5: // name: another's, or none
			put(at, u32(recs[rng.IntN(len(recs))]))
		case 6: // a character of a name
			if strs < len(b) {
				b[strs+rng.IntN(len(b)-strs)] = []byte{0, ' ', '.', '$', 'a', '0', 0xe9, 0x7f, '<'}[rng.IntN(9)]
			}
		case 7: // the third word
			put(at+8, uint32(rng.IntN(20)))
		case 8: // element
			if words > 3 {
				put(at+12+4*rng.IntN(words-3), uint32(rng.IntN(256)))
			}
		case 9: // bits of a member
			if words > 5 {
				put(at+12+4*(2+3*rng.IntN((words-3)/3)), uint32(rng.IntN(1<<9))|uint32(rng.IntN(2)*rng.IntN(64))<<24)
			}
		case 10: // header
			h := 4 * rng.IntN(6)
			put(h, u32(h)+uint32(rng.IntN(9))-4)
			return b
		case 11:
			if rng.IntN(4) == 0 {
				return b[:rng.IntN(len(b))]
			}
			other := recs[rng.IntN(len(recs))]
			put(at+8, u32(other+8))
		}
	}
	return b
}

// BenchmarkCheck measures level 1 on the file that GOBTF_VERIFY names.
func BenchmarkCheck(b *testing.B) {
	data, err := os.ReadFile(os.Getenv("GOBTF_VERIFY"))
	if err != nil {
		b.Skip("GOBTF_VERIFY names no file")
	}
	for b.Loop() {
		if found := Check(data, nil, Options{}); len(found) > 0 {
			b.Fatal(found[0])
		}
	}
}
