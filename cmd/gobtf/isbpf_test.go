package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestIsBPF: the machine is read in the byte order that the file says it has.
func TestIsBPF(t *testing.T) {
	header := func(order, low, high byte) string {
		b := make([]byte, 20)
		copy(b, "\x7fELF")
		b[4], b[5], b[18], b[19] = 2, order, low, high
		return string(b)
	}
	for name, c := range map[string]struct {
		file string
		want bool
	}{
		"little endian BPF":       {header(1, 247, 0), true},
		"big endian BPF":          {header(2, 0, 247), true},
		"in the other order":      {header(1, 0, 247), false},
		"big endian, other order": {header(2, 247, 0), false},
		"another high byte":       {header(1, 247, 1), false},
		"big endian, high byte":   {header(2, 1, 247), false},
		"no ELF":                  {"\x7fELG" + header(1, 247, 0)[4:], false},
		"short":                   {header(1, 247, 0)[:19], false},
	} {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, []byte(c.file), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := isBPF(path); got != c.want || err != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}
