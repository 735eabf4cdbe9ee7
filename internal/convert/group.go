package convert

import (
	"fmt"

	"github.com/gobtf/gobtf/internal/dwarfscan"
)

// part is one unit to walk: Off counts in the buffer that its group is read from.
type part struct {
	dwarfscan.Unit
	sec  *Sections // that its attributes refer to
	info uint64    // where sec's .debug_info starts in the buffer
}

// group divides the file's units into those that are converted at once. As a rule that
// is each for itself; units that refer to each other are taken as one: gcc's LTO and dwz
// do so (DW_FORM_ref_addr), and types that are named by a signature.
func (c *Converter) group(units []dwarfscan.Unit) error {
	c.survey = dwarfscan.Abbreviations(c.sec.Abbrev)
	c.bySig = c.survey.Has(dwarfscan.FormRefSig8)
	c.linked = c.bySig || c.sec.Alt != nil || c.survey.Linked()
	c.copies = c.linked && (c.sec.Alt != nil || c.survey.Imports())
	switch {
	case c.bySig || c.sec.Alt != nil:
		c.merged = true
		return c.join(units)
	case len(units) > 0 && (c.opt.ForceMerging || c.linked):
		if c.sec.InfoSize >= 1<<31 {
			return tooLarge(c.sec.InfoSize)
		}
		c.merged = true
		c.merge = appendParts(make([]part, 0, len(units)), units, &c.sec, 0)
		return nil
	}
	c.units = units
	for i := range units {
		if units[i].Size >= 1<<31 {
			return fmt.Errorf(".debug_info+%#x: unit has %d bytes: at most %d can be read", units[i].Off, units[i].Size, uint64(1<<31))
		}
		c.largest = max(c.largest, units[i].Size)
	}
	return nil
}

// groupOf returns the units that are converted together as number i; one is memory for it.
func (c *Converter) groupOf(i int, one *[1]part) []part {
	if c.merged {
		return c.merge
	}
	one[0] = part{c.units[i], &c.sec, 0}
	return one[:]
}

func tooLarge(size uint64) error {
	return fmt.Errorf(".debug_info: units refer to each other and have %d bytes: at most %d can be taken as one unit", size, uint64(1<<31))
}

// appendParts places units whose section starts at a position of the buffer.
func appendParts(all []part, units []dwarfscan.Unit, sec *Sections, at uint64) []part {
	for i := range units {
		p := part{units[i], sec, at}
		p.Off += at
		all = append(all, p)
	}
	return all
}

// join makes one group of the units of all sections: .debug_types (DWARF 4), .debug_info
// and the alternate file's.
// Rule units/merged.
func (c *Converter) join(units []dwarfscan.Unit) error {
	s, alt := &c.sec, c.sec.Alt
	types, err := dwarfscan.Units(bytesAt(s.Types), uint64(len(s.Types)), s.BigEndian, true)
	if err != nil {
		return fmt.Errorf(".debug_types%w", err)
	}
	more, err := dwarfscan.Units(bytesAt(s.MoreInfo), uint64(len(s.MoreInfo)), s.BigEndian, false)
	if err != nil {
		return fmt.Errorf(".debug_info%w", err)
	}
	size := uint64(len(s.Types)) + s.InfoSize + uint64(len(s.MoreInfo))
	c.infoAt = uint64(len(s.Types))
	var altUnits []dwarfscan.Unit
	if alt != nil {
		if altUnits, err = dwarfscan.Units(bytesAt(alt.InfoBytes), uint64(len(alt.InfoBytes)), alt.BigEndian, false); err != nil {
			return fmt.Errorf("alternate file: .debug_info%w", err)
		}
		c.altAt = size
		size += uint64(len(alt.InfoBytes))
	}
	if size >= 1<<31 {
		return tooLarge(size)
	}
	c.joined = make([]byte, 0, size)
	c.joined = append(c.joined, s.Types...)
	if s.InfoBytes != nil {
		c.joined = append(c.joined, s.InfoBytes...)
	} else {
		n := uint64(len(c.joined))
		c.joined = c.joined[:n+s.InfoSize]
		if _, err := s.Info.ReadAt(c.joined[n:], 0); err != nil {
			return fmt.Errorf(".debug_info: %w", err)
		}
	}
	all := make([]part, 0, len(types)+len(units)+len(more)+len(altUnits))
	all = appendParts(all, types, s, 0)
	for i := range all {
		all[i].info = c.infoAt // what .debug_types refers to by offset is in .debug_info
	}
	all = appendParts(all, units, s, c.infoAt)
	all = appendParts(all, more, s, uint64(len(c.joined)))
	c.joined = append(c.joined, s.MoreInfo...)
	if alt != nil {
		c.joined = append(c.joined, alt.InfoBytes...)
		all = appendParts(all, altUnits, alt, c.altAt)
	}
	c.sigs = make(map[uint64]uint32)
	for i := range all {
		if p := &all[i]; p.Kind == dwarfscan.UnitType && p.TypeOff < p.Size {
			if _, ok := c.sigs[p.Signature]; !ok { // copies that no linker removed: the first counts
				c.sigs[p.Signature] = uint32(p.Off + p.TypeOff)
			}
		}
	}
	c.merge = all
	return nil
}

// bytesAt reads from memory.
type bytesAt []byte

func (b bytesAt) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off > int64(len(b)) {
		return 0, fmt.Errorf("offset %#x lies outside", off)
	}
	return copy(p, b[off:]), nil
}
