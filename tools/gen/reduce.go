package main

import "slices"

// reduce leaves out units, declarations and parts of them while differs holds, until nothing more can go or stop says so.
// keep is the unit that the difference is in (-1: any); it is never removed, and its new index is returned.
func reduce(s set, keep int, differs func(s set, keep int) bool, stop func() bool) (set, int) {
	for {
		before := s.size()
		for i := len(s.Units) - 1; i >= 0 && len(s.Units) > 1 && !stop(); i-- {
			if i == keep {
				continue
			}
			t, k := s.clone(), keep
			t.Units = slices.Delete(t.Units, i, i+1)
			if k > i {
				k--
			}
			if differs(t, k) {
				s, keep = t, k
			}
		}
		for i := range s.Units {
			s.Units[i].Chunks = shrink(s.Units[i].Chunks, stop, func(c []chunk) bool {
				t := s.clone()
				t.Units[i].Chunks = c
				return differs(t, keep)
			})
		}
		for i := range s.Units {
			for j := range s.Units[i].Chunks {
				s.Units[i].Chunks[j].Parts = shrink(s.Units[i].Chunks[j].Parts, stop, func(p []string) bool {
					t := s.clone()
					t.Units[i].Chunks[j].Parts = p
					return differs(t, keep)
				})
			}
		}
		if s.size() == before || stop() {
			return s, keep
		}
	}
}

// shrink removes runs of a, long ones first and from the end, while ok holds.
func shrink[T any](a []T, stop func() bool, ok func([]T) bool) []T {
	for n := len(a); n >= 1; n /= 2 {
		for end := len(a); end > 0 && !stop(); end -= n {
			at := max(end-n, 0)
			if b := slices.Delete(slices.Clone(a), at, min(end, len(a))); ok(b) {
				a = b
			}
		}
	}
	return a
}
