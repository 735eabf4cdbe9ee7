// Package parallel does pieces of work on several workers, with a result that does not depend on how many there are.
package parallel

import (
	"runtime"
	"runtime/debug"
	"slices"
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

// sortAlone is how many elements one worker sorts as fast as several do.
const sortAlone = 1 << 11

// Sort sorts s on so many workers. Elements that are equal may come in any order.
func Sort[T any](jobs int, s []T, compare func(a, b T) int) {
	pieces := 1
	for n := Workers(jobs, len(s)/sortAlone); 2*pieces <= n; pieces *= 2 {
	}
	bound := make([]int, pieces+1)
	for i := range pieces {
		_, bound[i+1] = Piece(i, pieces, len(s))
	}
	Must(jobs, pieces, func(_, i int) { slices.SortFunc(s[bound[i]:bound[i+1]], compare) })
	from, to := s, []T(nil)
	if pieces > 1 {
		to = make([]T, len(s))
	}
	for step := 1; step < pieces; step *= 2 {
		Must(jobs, pieces/step/2, func(_, i int) {
			lo, mid, hi := bound[2*i*step], bound[(2*i+1)*step], bound[(2*i+2)*step]
			merge(to[lo:hi], from[lo:mid], from[mid:hi], compare)
		})
		from, to = to, from
	}
	if pieces > 1 && &from[0] != &s[0] {
		copy(s, from)
	}
}

func merge[T any](to, a, b []T, compare func(a, b T) int) {
	for len(a) > 0 && len(b) > 0 {
		if compare(b[0], a[0]) < 0 {
			to[0], b = b[0], b[1:]
		} else {
			to[0], a = a[0], a[1:]
		}
		to = to[1:]
	}
	copy(to, a)
	copy(to[len(a):], b)
}
