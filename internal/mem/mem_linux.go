package mem

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// large asks for large pages where the range is, up to whole ones: what lies beside it is of the same heap.
func large(p unsafe.Pointer, n uintptr) {
	const size = 2 << 20 // of most machines; where they are larger, such ranges get none
	from := uintptr(p) &^ (size - 1)
	to := (uintptr(p) + n + size - 1) &^ (size - 1)
	// An error means that the kernel was built without them, or has memory of nobody beside the range.
	_, _, _ = unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_HUGEPAGE)
}

// populate asks for the whole pages inside the range (Linux 5.14 and later).
func populate(p unsafe.Pointer, n uintptr) {
	page := uintptr(unix.Getpagesize())
	skip := (page - uintptr(p)%page) % page
	if skip >= n {
		return
	}
	n = (n - skip) / page * page
	if n > 0 {
		// An error means an older kernel or too little memory: the pages come one by one then.
		_ = unix.Madvise(unsafe.Slice((*byte)(unsafe.Add(p, skip)), n), unix.MADV_POPULATE_WRITE)
	}
}
