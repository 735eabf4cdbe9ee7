package elfx

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// TestShrunk makes a mapped file shorter and reads behind its new end.
func TestShrunk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := Map(path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	sum := 0
	err = Guard(func() error {
		for _, b := range m.Data {
			sum += int(b)
		}
		return nil
	})
	if !errors.Is(err, ErrShrunk) || !strings.Contains(err.Error(), path) {
		t.Errorf("%v, want the file's name and %v", err, ErrShrunk)
	}
}

// TestGuardElse lets panics that are no fault of a mapped file go on.
func TestGuardElse(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("the panic was swallowed")
		}
	}()
	_ = Guard(func() error {
		var p *int
		*p = 1
		return nil
	})
}

func zstdOf(t *testing.T, b []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll(b, nil)
}

// TestUnpackLimit opens compressed files that unpack to much more than a module does.
func TestUnpackLimit(t *testing.T) {
	elfZeros := func(n int) []byte { return append([]byte("\x7fELF"), make([]byte, n-4)...) }
	for _, c := range []struct {
		name  string
		plain []byte
		max   uint64
		want  error
	}{
		{"short", elfZeros(minUnpacked), 0, nil},
		{"dense", elfZeros(minUnpacked + 1), 0, errTooDense},
		{"wanted", elfZeros(minUnpacked + 1), minUnpacked + 1, nil},
		{"more than wanted", elfZeros(minUnpacked + 2), minUnpacked + 1, errors.New("unpacks to more than --max_unpacked=1048577")},
		{"BTF", append([]byte{0x9f, 0xeb}, make([]byte, 100)...), 0, nil},
		{"BTF, big endian", append([]byte{0xeb, 0x9f}, make([]byte, 100)...), 0, nil},
		{"zeros", make([]byte, 100), 0, errNeither},
		{"nothing", nil, 0, errNeither},
	} {
		t.Run(c.name, func(t *testing.T) {
			SetMaxUnpacked(c.max)
			defer SetMaxUnpacked(0)
			out, err := Decompress(zstdOf(t, c.plain))
			switch {
			case c.want == nil && (err != nil || len(out) != len(c.plain)):
				t.Errorf("%d bytes, %v; want %d", len(out), err, len(c.plain))
			case c.want != nil && (err == nil || err.Error() != c.want.Error()):
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
	t.Run("sections", func(t *testing.T) {
		plain := make([]byte, minUnpacked+1)
		if _, err := unzstd(zstdOf(t, plain), uint64(len(plain))); !errors.Is(err, errTooDense) {
			t.Errorf("zstd: %v", err)
		}
		if _, err := inflate(make([]byte, 2000), 2000*maxRatio); errors.Is(err, errTooDense) || err == nil {
			t.Errorf("zlib of ratio 100 in little: %v, want a fault of the data", err)
		}
		if _, err := inflate(make([]byte, 20000), 20000*maxRatio+1); !errors.Is(err, errTooDense) {
			t.Errorf("zlib: %v", err)
		}
	})
}

// TestShrunkClosed is TestShrunk where a deferred call closes the file before the fault is looked at.
func TestShrunkClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	err := Guard(func() error {
		m, err := Map(path)
		if err != nil {
			return err
		}
		defer m.Close()
		if err := os.Truncate(path, 0); err != nil {
			return err
		}
		if m.Data[len(m.Data)-1] == 1 {
			t.Log("read it")
		}
		return nil
	})
	if !errors.Is(err, ErrShrunk) || !strings.Contains(err.Error(), path) {
		t.Errorf("%v, want the file's name and %v", err, ErrShrunk)
	}
}
