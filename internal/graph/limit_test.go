package graph

import (
	"strings"
	"testing"
)

// TestLimit fills a table to its limit and beyond.
func TestLimit(t *testing.T) {
	s := NewStrings()
	s.Limit(10)
	a := s.InternString("aaaa")
	b := s.InternString("bbbbbb")
	if s.Full() || a == 0 || b == 0 {
		t.Fatalf("full at the limit: %v, %d, %d", s.Full(), a, b)
	}
	if again := s.InternString("aaaa"); again != a || s.Full() {
		t.Errorf("a known name is %d, want %d; full: %v", again, a, s.Full())
	}
	s.InternString("c")
	if !s.Full() {
		t.Error("one byte more, and it is not full")
	}
	if id := s.InternString("aaaa"); id != 0 {
		t.Errorf("a full table gives %d", id)
	}
	// Looking at one long name again and again is bounded, too.
	s = NewStrings()
	s.Limit(2 * longName)
	long := strings.Repeat("x", longName+1)
	for range maxAgain + 1 {
		s.InternString(long)
	}
	if s.Full() {
		t.Error("full after a few looks")
	}
	for range 2 * maxAgain {
		s.InternString(long)
	}
	if !s.Full() {
		t.Error("looked at without end")
	}
	// Without a limit there is none.
	s = NewStrings()
	for range 100 * maxAgain {
		s.InternString(long)
	}
	if s.Full() {
		t.Error("full without a limit")
	}
}
