package dump

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/testinput"
)

// TestStats: the figures are those of the file, and split BTF says how much of its base it uses.
func TestStats(t *testing.T) {
	base, _ := vmlinux(t)
	data := testinput.Read(t, "gobtf_demo.split.btf")
	ts := parse(t, data, base)
	s := StatsOf(ts, "m", 3)
	h, err := btf.ParseHeader(data)
	if err != nil {
		t.Fatal(err)
	}
	if s.TypeBytes != int(h.TypeLen) || s.StringBytes != int(h.StrLen) || s.Types != ts.Len()-base.Len() || s.BaseTypes != base.Len()-1 {
		t.Errorf("%+v", s)
	}
	count, bytes_, used := 0, 0, 0
	for _, k := range s.Kinds {
		count, bytes_, used = count+k.Count, bytes_+k.Bytes, used+k.Used
	}
	if count != s.Types || bytes_ != s.TypeBytes || used != s.Used || s.Used == 0 || s.UsedBytes == 0 {
		t.Errorf("kinds %+v", s.Kinds)
	}
	if len(s.Largest) != 3 || s.Largest[0].Bytes < s.Largest[1].Bytes || s.Largest[0].Decl == "" {
		t.Errorf("largest %+v", s.Largest)
	}
	var b bytes.Buffer
	if err := s.Text(&b); err != nil || !strings.Contains(b.String(), "; on a base of ") || !strings.Contains(b.String(), "\nlargest\n") {
		t.Errorf("%v\n%s", err, b.String())
	}
}
