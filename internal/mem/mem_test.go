package mem

import "testing"

// Populating changes no contents, whatever the slice's place and size.
func TestPopulate(t *testing.T) {
	for _, n := range []int{0, 1, 4095, worth, worth + 1, 3*worth + 17} {
		s := make([]byte, n+3)
		for i := range s {
			s[i] = byte(i * 7)
		}
		Populate(s[1 : 1+n])
		for i := range s {
			if s[i] != byte(i*7) {
				t.Fatalf("%d bytes: byte %d changed", n, i)
			}
		}
	}
}

func TestGrower(t *testing.T) {
	var g Grower[uint32]
	s := make([]uint32, 0, 3<<20)
	for len(s) < 5<<20 { // grows past its capacity once
		Populate(g.Ahead(s, 1000))
		for i := 0; i < 1000; i++ {
			s = append(s, uint32(len(s)))
		}
	}
	for i, v := range s {
		if v != uint32(i) {
			t.Fatalf("element %d is %d", i, v)
		}
	}
}

// What was released is zero, or as it was; what is beside it does not change.
func TestRelease(t *testing.T) {
	for _, n := range []int{0, 1, worth - 1, worth, 3*worth + 17} {
		s := make([]byte, n+2)
		for i := range s {
			s[i] = 7
		}
		Release(s[1 : 1+n])
		if s[0] != 7 || s[n+1] != 7 {
			t.Errorf("%d bytes: what is beside them changed", n)
		}
		for i, b := range s[1 : 1+n] {
			if b != 7 && b != 0 {
				t.Fatalf("%d bytes: byte %d is %d", n, i, b)
			}
		}
	}
}
