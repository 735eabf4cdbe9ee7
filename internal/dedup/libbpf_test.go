package dedup

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/gobtf/gobtf/btf"
)

// file is a BTF file of these records and strings.
func file(recs [][]uint32, strs []byte) []byte {
	var words []uint32
	for _, r := range recs {
		words = append(words, r...)
	}
	ne := binary.NativeEndian
	h := ne.AppendUint16(nil, 0xeb9f)
	h = append(h, 1, 0)
	for _, w := range []int{24, 0, 4 * len(words), 4 * len(words), len(strs)} {
		h = ne.AppendUint32(h, uint32(w))
	}
	for _, w := range words {
		h = ne.AppendUint32(h, w)
	}
	return append(h, strs...)
}

// libbpf is a running testdata/libbpf/server.c.
type libbpf struct {
	args []string
	cmd  *exec.Cmd
	in   io.Writer
	out  io.Reader
}

func (l *libbpf) start(t *testing.T) {
	l.cmd = exec.Command(l.args[0], l.args[1:]...)
	l.in, _ = l.cmd.StdinPipe()
	l.out, _ = l.cmd.StdoutPipe()
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
}

// dedup returns libbpf's error number and result. ok is false when there is no answer.
func (l *libbpf) dedup(base, own []byte) (code int32, res []byte, ok bool) {
	var msg []byte
	for _, b := range [][]byte{base, own} {
		msg = append(binary.NativeEndian.AppendUint32(msg, uint32(len(b))), b...)
	}
	proc := l.cmd.Process
	kill := time.AfterFunc(5*time.Second, func() { proc.Kill() })
	defer kill.Stop()
	var head [8]byte
	l.in.Write(msg)
	if _, err := io.ReadFull(l.out, head[:]); err != nil {
		return 0, nil, false
	}
	res = make([]byte, binary.NativeEndian.Uint32(head[4:]))
	_, err := io.ReadFull(l.out, res)
	return int32(binary.NativeEndian.Uint32(head[:])), res, err == nil
}

func namesAt(r []uint32) []int {
	at := []int{0}
	step := 0
	switch mKind(r) {
	case btf.Struct, btf.Union, btf.Enum64:
		step = 3
	case btf.Enum, btf.FuncProto:
		step = 2
	}
	for i := 3; step > 0 && i < len(r); i += step {
		at = append(at, i)
	}
	return at
}

// TestLibbpf compares the model with the reference's own code. GOBTF_LIBBPF is a
// folder with libbpf.so.1 and the loader and libraries that it needs (as
// scripts/fetch/reference makes one); GOBTF_DEDUP_CASES says how many inputs, and
// GOBTF_DEDUP_SEED from which seed on. It needs a C compiler.
func TestLibbpf(t *testing.T) {
	dir := os.Getenv("GOBTF_LIBBPF")
	if dir == "" {
		t.Skip("GOBTF_LIBBPF is not set")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	server := filepath.Join(t.TempDir(), "server")
	cc := exec.Command("cc", "-O1", "-o", server, "testdata/libbpf/server.c", filepath.Join(dir, "libbpf.so.1"), "-Wl,--allow-shlib-undefined")
	if out, err := cc.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	loader, err := filepath.Glob(filepath.Join(dir, "ld-linux*.so*"))
	if err != nil || len(loader) == 0 {
		t.Fatalf("no loader in %s", dir)
	}
	l := &libbpf{args: []string{loader[0], "--library-path", dir, server}}
	l.start(t)
	defer func() { l.cmd.Process.Kill(); l.cmd.Wait() }()

	n, _ := strconv.ParseUint(os.Getenv("GOBTF_DEDUP_CASES"), 10, 64)
	first, _ := strconv.ParseUint(os.Getenv("GOBTF_DEDUP_SEED"), 10, 64)
	var refused, split, asked, silent int
	for seed := first; seed < first+max(n, 5000); seed++ {
		in := newGen(seed).input()
		in.quirks = true
		raw, d := in.model(""), in.model("")
		want := d.run()
		tab := newStrTab(in.strs)
		for _, ty := range in.own {
			ty.record(tab.off)
		}
		var base []byte
		if in.base != nil {
			base = file(raw.rec[1:in.start()], in.strs)
		}
		code, res, ok := l.dedup(base, file(raw.rec[max(in.start(), 1):], tab.sect[len(in.strs):]))
		switch {
		case !ok:
			if !d.endless {
				t.Fatalf("seed %d: no answer from libbpf\n%s", seed, in)
			}
			silent++
			l.cmd.Process.Kill()
			l.cmd.Wait()
			l.start(t)
			continue
		case code <= -1000:
			refused++
			continue
		case code != 0 || want != nil:
			if want == nil || fmt.Sprint(code) != want.Error() {
				t.Fatalf("seed %d: libbpf says %d, model %v\n%s", seed, code, want, in)
			}
			continue
		}
		if in.base != nil {
			split++
		}
		if d.asked > 0 {
			asked++
		}
		if err := sameAs(d, res, in.strs, tab.sect); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, in)
		}
		if err := sameBytes(base, file(raw.rec[max(in.start(), 1):], tab.sect[len(in.strs):]), res); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, in)
		}
	}
	t.Logf("%d inputs compared, of them %d split, %d that ask for identical types; %d refused at load, %d never end",
		max(n, 5000)-uint64(refused+silent), split, asked, refused, silent)
}

// sameAs compares the model's result with the file res; strs is the base's strings,
// own the model's.
func sameAs(d *model, res, strs, own []byte) error {
	typeLen := binary.NativeEndian.Uint32(res[12:])
	var words []uint32
	for i := uint32(24); i < 24+typeLen; i += 4 {
		words = append(words, binary.NativeEndian.Uint32(res[i:]))
	}
	sect := append(append([]byte{}, strs...), res[24+typeLen:]...)
	keep, now := d.keep()
	for _, id := range keep {
		r := append([]uint32{}, d.rec[id]...)
		for _, at := range refsAt(r) {
			r[at] = now[r[at]]
		}
		if len(words) < len(r) {
			return fmt.Errorf("libbpf has fewer types")
		}
		got := append([]uint32{}, words[:len(r)]...)
		words = words[len(r):]
		for _, at := range namesAt(r) {
			if int(got[at]) >= len(sect) || cstr(own[r[at]:]) != cstr(sect[got[at]:]) {
				return fmt.Errorf("type %d: word %d is another name", id, at)
			}
			r[at], got[at] = 0, 0
		}
		if !equalRec(r, got) {
			return fmt.Errorf("type %d: %v, libbpf has %v", id, r, got)
		}
	}
	if len(words) > 0 {
		return fmt.Errorf("libbpf has more types")
	}
	return nil
}

// sameBytes compares what Merge makes of a file with the file res.
func sameBytes(base, own, res []byte) error {
	var on *btf.Base
	var small *btf.Types
	if base != nil {
		t, err := btf.Parse(base, nil)
		if err != nil {
			return err
		}
		on, small = btf.NewBase(t), t
	}
	t, err := btf.Parse(own, small)
	if err != nil {
		return err
	}
	got, err := Merge([]*btf.Types{t}, on, Options{Quirks: true}, false)
	if err != nil {
		return err
	}
	if got := got.Append(nil); !bytes.Equal(got, res) {
		return fmt.Errorf("Merge gives\n%x, libbpf\n%x", got, res)
	}
	return nil
}
