package elfx

import (
	"debug/elf"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
)

func TestFindDebug(t *testing.T) {
	forEachForm(t, func(t *testing.T, e testELF) {
		debug := module(e).build()
		other := append([]byte(nil), debug...)
		other[len(other)-1] ^= 1 // alignment of the last section
		stripped := func(id, link bool) []byte {
			s := module(e)
			s.sections[1].name = ".other"
			if !id {
				s.sections[3].typ = elf.SHT_PROGBITS
			}
			if link {
				s.sections = append(s.sections, testSection{name: ".gnu_debuglink", typ: elf.SHT_PROGBITS,
					data: s.words([]byte("m.debug\x00"), crc32.ChecksumIEEE(debug))})
			}
			return s.build()
		}
		for _, tc := range []struct {
			name     string
			id, link bool
			at       string
			data     []byte
			found    bool
		}{
			{"build id", true, false, "dbg/.build-id/01/0203.debug", debug, true},
			{"build id of another", true, false, "dbg/.build-id/01/0203.debug", stripped(false, false), false},
			{"no file", true, true, "elsewhere", debug, false},
			{"not ELF", true, false, "dbg/.build-id/01/0203.debug", []byte("text"), false},
			{"link, beside", false, true, "bin/m.debug", debug, true},
			{"link, .debug", false, true, "bin/.debug/m.debug", debug, true},
			{"link, under a folder", false, true, "dbg/ROOT/bin/m.debug", debug, true},
			{"link, in the folder", false, true, "dbg/m.debug", debug, true},
			{"link, checksum", false, true, "bin/m.debug", other, false},
			{"neither", false, false, "bin/m.debug", debug, false},
		} {
			t.Run(tc.name, func(t *testing.T) {
				root, err := filepath.EvalSymlinks(t.TempDir())
				if err != nil {
					t.Fatal(err)
				}
				put := func(name string, b []byte) string {
					t.Helper()
					dir, base := filepath.Split(name)
					if dir == "dbg/ROOT/bin/" {
						dir = "dbg" + root + "/bin"
					}
					path := filepath.Join(root, dir, base)
					if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(path, b, 0o600); err != nil {
						t.Fatal(err)
					}
					return path
				}
				want := put(tc.at, tc.data)
				f, err := Open(put("bin/m.ko", stripped(tc.id, tc.link)))
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				d, err := f.FindDebug([]string{filepath.Join(root, "dbg")})
				if err != nil {
					t.Fatal(err)
				}
				if (d != nil) != tc.found {
					t.Fatalf("found %v", d)
				}
				if d != nil {
					if d.Path != want {
						t.Errorf("found %s, want %s", d.Path, want)
					}
					d.Close()
				}
			})
		}
	})
}
