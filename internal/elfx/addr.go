package elfx

import "unsafe"

// addr is only compared, never turned back into a pointer.
func addr(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }
