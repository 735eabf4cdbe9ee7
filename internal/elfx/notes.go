package elfx

import (
	"bytes"
	"debug/elf"
)

// Notes calls fn for every note of all SHT_NOTE sections, in file order. A note that is cut off
// ends its section, as it does for elfutils.
func (f *File) Notes(fn func(owner string, typ uint32, desc []byte)) error {
	for i := range f.Sections {
		s := &f.Sections[i]
		if s.Type != uint32(elf.SHT_NOTE) {
			continue
		}
		b, err := f.Data(s)
		if err != nil {
			return err
		}
		align := uint64(4)
		if s.Align == 8 {
			align = 8
		}
		for len(b) >= 12 {
			nameSize, descSize, typ := uint64(f.u32(b)), uint64(f.u32(b[4:])), f.u32(b[8:])
			desc := alignUp(12+nameSize, align)
			end := desc + descSize
			if end > uint64(len(b)) {
				break
			}
			owner := b[12 : 12+nameSize]
			if n := bytes.IndexByte(owner, 0); n >= 0 {
				owner = owner[:n]
			}
			fn(string(owner), typ, b[desc:end:end])
			b = b[min(alignUp(end, align), uint64(len(b))):]
		}
	}
	return nil
}

// BuildID returns the build id (note "GNU", type 3), nil when there is none.
func (f *File) BuildID() []byte {
	var id []byte
	// An unreadable note section is as good as no build id.
	_ = f.Notes(func(owner string, typ uint32, desc []byte) {
		if id == nil && owner == "GNU" && typ == 3 && len(desc) > 0 {
			id = desc
		}
	})
	return id
}
