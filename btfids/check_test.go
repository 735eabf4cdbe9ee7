package btfids

import (
	"encoding/binary"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	ts := types(t)
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		for _, tc := range []struct {
			damage []int // places, and the words that come there
			want   string
		}{
			{nil, ""},
			{[]int{24, 6}, "list k at 0x0 has not 5, which is func g"},
			{[]int{8, 4, 16, 5, 24, 6}, "list k at 0x0 has to have 0 for func none, which there is not"}, // two types are called f
			{[]int{0, 4}, "list k at 0x0 says that it has 4 entries, and has 3"},
			{[]int{16, 5, 24, 4}, "list k at 0x0 does not ascend: 4 stands behind 5, where a kernel searches by bisection"},
			{[]int{16, 3}, "list k at 0x0 has not 4, which is func f"},
			{[]int{44, 5}, "list l at 0x20 has not 7, which is typedef s"},
			{[]int{48, 1}, "the word at 0x30 is 1 (INT int), and struct s is 2"},
			{[]int{48, 99}, "the word at 0x30 is 99, and struct s is 2"},
			{[]int{48, 0}, "the word at 0x30 is 0, and struct s is 2"},
			{[]int{52, 5}, "the word at 0x34 is 5 (FUNC g), and there is no func nowhere"},
			{[]int{0, 9, 52, 5}, "list k at 0x0 says that it has 9 entries, and has 3|the word at 0x34 is 5 (FUNC g), and there is no func nowhere"},
		} {
			s := &Section{Data: make([]byte, 64), Order: order, path: "x.ko"}
			for _, y := range []struct {
				name      string
				off, size uint64
			}{
				{"__BTF_ID__set8__k", 0, 32}, {"__BTF_ID__func__g__1", 8, 4}, {"__BTF_ID__func__f__2", 16, 4}, {"__BTF_ID__func__none__3", 24, 4},
				{"__BTF_ID__set__l", 32, 16}, {"__BTF_ID__typedef__s__4", 36, 4}, {"__BTF_ID__struct__s__5", 40, 4}, {"__BTF_ID__func__f__6", 44, 4},
				{"__BTF_ID__struct__s__7", 48, 4}, {"__BTF_ID__func__nowhere__8", 52, 4},
			} {
				if err := s.add(y.name, y.off, y.size); err != nil {
					t.Fatal(err)
				}
			}
			if got := s.Check(ts); !s.Empty() || got != nil {
				t.Errorf("before: %q", got)
			}
			s.Resolve(ts)
			if s.Empty() {
				t.Error("still empty")
			}
			for i := 0; i < len(tc.damage); i += 2 {
				s.put(tc.damage[i], uint32(tc.damage[i+1]))
			}
			if got := strings.Join(s.Check(ts), "|"); got != tc.want {
				t.Errorf("%v:\n got %s\nwant %s\n%v", tc.damage, got, tc.want, s.Data)
			}
		}
	}
}
