package btf_test

import (
	"encoding/binary"
	"testing"

	. "github.com/gobtf/gobtf/btf"
)

// The lowest of several equal strings counts, the base's before the own.
func TestOffset(t *testing.T) {
	base, err := New(nil, []byte("\x00x\x00y\x00x\x00\x00"), nil, binary.LittleEndian)
	if err != nil {
		t.Fatal(err)
	}
	split, err := New(nil, []byte("y\x00z\x00"), base, binary.LittleEndian)
	if err != nil {
		t.Fatal(err)
	}
	for s, want := range map[string]uint32{"": 0, "x": 1, "y": 3, "z": 10} {
		if off, ok := split.Offset([]byte(s)); !ok || off != want {
			t.Errorf("%q is at %d, %v, want %d", s, off, ok, want)
		}
	}
	for _, s := range []string{"w", "xx", "y\x00x"} {
		if off, ok := split.Offset([]byte(s)); ok && s != "y\x00x" {
			t.Errorf("%q is at %d", s, off)
		}
	}
}
