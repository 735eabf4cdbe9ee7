package parallel

import (
	"runtime"
	"sync/atomic"
	"testing"
)

// processors makes sure that there are several workers on any machine.
func processors(t *testing.T) {
	old := runtime.GOMAXPROCS(8)
	t.Cleanup(func() { runtime.GOMAXPROCS(old) })
}

// TestDo: each piece is done once, and the first that fails counts.
func TestDo(t *testing.T) {
	processors(t)
	for _, jobs := range []int{0, 1, 2, 8, 100} {
		for _, n := range []int{0, 1, 7, 1000} {
			done := make([]atomic.Int32, n)
			if got := Do(jobs, n, func(w, i int) bool {
				if w < 0 || w >= Workers(jobs, n) {
					t.Errorf("worker %d of %d", w, Workers(jobs, n))
				}
				return done[i].Add(1) == 1
			}); got != n {
				t.Errorf("%d workers, %d pieces: %d", jobs, n, got)
			}
			for i := range done {
				if done[i].Load() != 1 {
					t.Errorf("%d workers: piece %d was done %d times", jobs, i, done[i].Load())
				}
			}
		}
		var before atomic.Int32
		got := Do(jobs, 1000, func(_, i int) bool {
			if i < 500 {
				before.Add(1)
			}
			if i == 700 {
				panic("bad")
			}
			return i != 500 && i != 600
		})
		if got != 500 || before.Load() != 500 {
			t.Errorf("%d workers: stopped at %d, when %d before 500 were done", jobs, got, before.Load())
		}
	}
}

func TestMust(t *testing.T) {
	processors(t)
	defer func() {
		if r := recover(); r != "bad" {
			t.Errorf("recovered %v", r)
		}
	}()
	Must(4, 100, func(_, i int) {
		if i == 50 {
			panic("bad")
		}
	})
	t.Error("no panic")
}

func TestPiece(t *testing.T) {
	for _, n := range []int{0, 1, 5, 100} {
		at := 0
		for i := range 7 {
			lo, hi := Piece(i, 7, n)
			if lo != at || hi < lo || hi-lo > n/7+1 {
				t.Errorf("piece %d of %d: %d to %d", i, n, lo, hi)
			}
			at = hi
		}
		if at != n {
			t.Errorf("pieces end at %d of %d", at, n)
		}
	}
}

func TestWorkers(t *testing.T) {
	processors(t)
	for _, c := range [][3]int{{0, 0, 1}, {-1, 5, 1}, {4, 100, 4}, {100, 5, 5}, {100, 100, 8}} {
		if got := Workers(c[0], c[1]); got != c[2] {
			t.Errorf("%d workers for %d pieces: %d, want %d", c[0], c[1], got, c[2])
		}
	}
	if n := runtime.GOMAXPROCS(0); n != 8 {
		t.Errorf("there are %d processors now", n)
	}
}
