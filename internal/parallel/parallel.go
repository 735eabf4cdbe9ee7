// Package parallel does pieces of work on several workers, with a result that does not depend on how many there are.
package parallel

import (
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// Workers returns how many of so many workers are used for n pieces of work: more than there are processors would only share them.
func Workers(jobs, n int) int { return max(1, min(jobs, n, runtime.GOMAXPROCS(0))) }

// Do calls f for 0 to n-1, ascending, on so many workers; f gets the number of its worker, too. It stops when f returns false, and
// returns the first i for which it did, or n: f was called for all before it, and was true. A panic of f counts as false, as does a fault
// in mapped memory: they will happen again to who calls f(0, i) alone, and can tell.
func Do(jobs, n int, f func(worker, i int) bool) int {
	var next, failed atomic.Int64
	failed.Store(int64(n))
	work := func(w int) {
		i := int64(0)
		fail := func() {
			for old := failed.Load(); i < old && !failed.CompareAndSwap(old, i); old = failed.Load() {
			}
		}
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
		defer func() {
			if recover() != nil {
				fail()
			}
		}()
		for {
			if i = next.Add(1) - 1; i >= failed.Load() {
				return
			}
			if !f(w, int(i)) {
				fail()
				return
			}
		}
	}
	var wg sync.WaitGroup
	for w := range Workers(jobs, n) - 1 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			work(w + 1)
		}()
	}
	work(0)
	wg.Wait()
	return int(failed.Load())
}

// Must is Do for an f that has nothing to say. Its panics are the caller's.
func Must(jobs, n int, f func(worker, i int)) {
	if i := Do(jobs, n, func(w, i int) bool { f(w, i); return true }); i < n {
		f(0, i)
		panic("parallel: what failed on a worker did not when it was done again")
	}
}

// Piece returns the bounds of the i-th of so many equal pieces of n.
func Piece(i, pieces, n int) (lo, hi int) { return i * n / pieces, (i + 1) * n / pieces }
