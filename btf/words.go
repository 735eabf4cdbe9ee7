package btf

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unsafe"
)

// wordsOf returns data, whose length is a multiple of 4, as words of this machine.
// Foreign data is copied, and so is data that does not lie at a multiple of 4;
// otherwise the words are a view. This file has the package's only uses of unsafe.
func wordsOf(data []byte, order binary.ByteOrder) []uint32 {
	n := len(data) / 4
	if n == 0 {
		return nil
	}
	if !foreign(order) && uintptr(unsafe.Pointer(&data[0]))%4 == 0 {
		return unsafe.Slice((*uint32)(unsafe.Pointer(&data[0])), n)
	}
	w := make([]uint32, n)
	if foreign(order) {
		for i := range w {
			w[i] = bits.ReverseBytes32(binary.NativeEndian.Uint32(data[4*i:]))
		}
	} else {
		for i := range w {
			w[i] = binary.NativeEndian.Uint32(data[4*i:])
		}
	}
	return w
}

// appendWords appends words of this machine in the given byte order.
func appendWords(dst []byte, words []uint32, order binary.ByteOrder) []byte {
	from := len(dst)
	dst = grow(dst, 4*len(words))
	out := dst[from:]
	if foreign(order) {
		for i, w := range words {
			binary.NativeEndian.PutUint32(out[4*i:], bits.ReverseBytes32(w))
		}
		return dst
	}
	if len(words) > 0 {
		copy(out, unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), len(out)))
	}
	return dst
}

func foreign(order binary.ByteOrder) bool {
	one := []byte{1, 0}
	return order.Uint16(one) != binary.NativeEndian.Uint16(one)
}

// grow makes dst n bytes longer. The new bytes have any value.
func grow[T byte | uint32](dst []T, n int) []T {
	if cap(dst)-len(dst) < n {
		dst = slices.Grow(dst, n)
	}
	return dst[:len(dst)+n]
}
