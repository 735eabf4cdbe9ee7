package mem

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// populate asks for the whole pages inside the range (Linux 5.14 and later).
func populate(p unsafe.Pointer, n uintptr) { advise(p, n, unix.MADV_POPULATE_WRITE) }

// release takes the whole pages inside the range away.
func release(p unsafe.Pointer, n uintptr) { advise(p, n, unix.MADV_DONTNEED) }

func advise(p unsafe.Pointer, n uintptr, advice int) {
	page := uintptr(unix.Getpagesize())
	skip := (page - uintptr(p)%page) % page
	if skip >= n {
		return
	}
	n = (n - skip) / page * page
	if n > 0 {
		// An error means an older kernel or too little memory: the pages come one by one then, or stay.
		_ = unix.Madvise(unsafe.Slice((*byte)(unsafe.Add(p, skip)), n), advice)
	}
}
