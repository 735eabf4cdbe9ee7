package shown

import (
	"strings"
	"testing"
)

func TestName(t *testing.T) {
	long := strings.Repeat("n", maxName)
	for in, want := range map[string]string{
		"":                        "",
		long:                      long,
		long + "n":                long + "...",
		long[1:] + "ü":            long[1:] + "...",
		strings.Repeat("日", 1000): strings.Repeat("日", 26) + "...",
	} {
		if got := Name(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
