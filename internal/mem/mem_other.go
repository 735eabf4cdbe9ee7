//go:build !linux

package mem

import "unsafe"

func populate(unsafe.Pointer, uintptr) {}
func release(unsafe.Pointer, uintptr)  {}
