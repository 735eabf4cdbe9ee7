package encoder

import (
	"fmt"

	"github.com/gobtf/gobtf/internal/convert"
)

// alternate adds the sections of the alternate file to s, where dwz made one. A file
// that is not found is a warning, as it is to the reference: what is in it is void.
// Rule units/imported.
func (j *job) alternate(f *input, s *convert.Sections) error {
	alt, name, err := f.debug.FindAlternate(j.opt.DebugDirs)
	if err != nil || name == "" {
		return err
	}
	if alt == nil {
		if j.opt.Strict {
			return fmt.Errorf("%s: alternate debug file %s: not found, or of another build", f.path, name)
		}
		j.note("%s: alternate debug file %s: not found, or of another build: the types in it are void", f.path, name)
		return nil
	}
	f.alt = alt
	s.Alt = &convert.Sections{BigEndian: alt.BigEndian}
	for _, x := range []struct {
		name string
		to   *[]byte
	}{
		{".debug_info", &s.Alt.InfoBytes}, {".debug_abbrev", &s.Alt.Abbrev}, {".debug_str", &s.Alt.Str}, {".debug_line_str", &s.Alt.LineStr},
		{".debug_str_offsets", &s.Alt.StrOffsets},
	} {
		if sec := alt.Section(x.name); sec != nil {
			if *x.to, err = alt.Data(sec); err != nil {
				return err
			}
		}
	}
	return nil
}
