package elfx

import (
	"encoding/binary"
	"errors"
	"fmt"
)

var errXZ = errors.New("damaged xz container")

// checkXZ walks index and block headers of an xz file with one stream, as the kernel takes it:
// the decoder allocates whatever dictionary a block asks for, so that has to be looked at before.
func checkXZ(b []byte) error {
	for len(b) >= 4 && binary.LittleEndian.Uint32(b[len(b)-4:]) == 0 {
		b = b[:len(b)-4] // stream padding
	}
	const header, footer = 12, 12
	if len(b) < header+footer || string(b[len(b)-2:]) != "YZ" {
		return fmt.Errorf("%w: no footer (truncated?)", errXZ)
	}
	indexSize := (uint64(binary.LittleEndian.Uint32(b[len(b)-8:])) + 1) * 4
	if indexSize > uint64(len(b)-header-footer) {
		return fmt.Errorf("%w: index size %#x", errXZ, indexSize)
	}
	indexOff := uint64(len(b)) - footer - indexSize
	idx := b[indexOff : indexOff+indexSize]
	if idx[0] != 0 {
		return fmt.Errorf("%w: no index at %#x", errXZ, indexOff)
	}
	idx = idx[1:]
	n, idx, ok := xzVLI(idx)
	if !ok {
		return fmt.Errorf("%w: index at %#x", errXZ, indexOff)
	}
	off, total := uint64(header), uint64(0)
	for ; n > 0; n-- {
		var unpadded, plain uint64
		if unpadded, idx, ok = xzVLI(idx); ok {
			plain, idx, ok = xzVLI(idx)
		}
		if !ok || unpadded > indexOff || off >= indexOff {
			return fmt.Errorf("%w: index at %#x", errXZ, indexOff)
		}
		if total += plain; plain > maxWhole || total > maxWhole {
			return errTooLarge
		}
		if err := checkXZBlock(b[off:indexOff]); err != nil {
			return fmt.Errorf("block at %#x: %w", off, err)
		}
		off += (unpadded + 3) &^ 3
	}
	if off != indexOff {
		return fmt.Errorf("%w: more than one stream, or blocks that do not fit the index", errXZ)
	}
	return nil
}

func checkXZBlock(b []byte) error {
	size := (int(b[0]) + 1) * 4
	if b[0] == 0 || size > len(b) {
		return errXZ
	}
	flags, h := b[1], b[2:size]
	ok := true
	for _, bit := range []byte{0x40, 0x80} { // compressed, uncompressed size
		if flags&bit != 0 && ok {
			_, h, ok = xzVLI(h)
		}
	}
	if !ok {
		return errXZ
	}
	if flags&3 != 0 {
		return errors.New("a filter before lzma2 is not supported")
	}
	id, h, ok := xzVLI(h)
	if !ok || len(h) < 2 || id != 0x21 || h[0] != 1 {
		return errors.New("only the lzma2 filter is supported")
	}
	bits := h[1]
	if bits > 40 {
		return errXZ
	}
	dict := uint64(2|bits&1) << (bits/2 + 11)
	if dict > maxDict {
		return fmt.Errorf("dictionary of %d MiB is %w", dict>>20, errTooLarge)
	}
	return nil
}

// xzVLI reads a number of 7-bit groups, lowest first.
func xzVLI(b []byte) (v uint64, rest []byte, ok bool) {
	for i := 0; i < len(b) && i < 9; i++ {
		v |= uint64(b[i]&0x7f) << (7 * i)
		if b[i]&0x80 == 0 {
			return v, b[i+1:], true
		}
	}
	return 0, nil, false
}
