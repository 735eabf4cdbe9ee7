package main

import (
	"bytes"
	"testing"
)

func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"plain\tand\n":        "plain\tand\n",
		"\x1b[2J\r\x00\x7f":   `\x1b[2J\x0d\x00\x7f`,
		"Grüße \xff \u0085 日": `Grüße \xff \xc2\x85 日`,
		"\u2028":              "\u2028",
	} {
		var b bytes.Buffer
		if n, err := (visible{&b}).Write([]byte(in)); n != len(in) || err != nil || b.String() != want {
			t.Errorf("%q: %q, %d, %v; want %q", in, b.String(), n, err, want)
		}
	}
	// A character that comes in two pieces.
	var b bytes.Buffer
	v := visible{&b}
	_, _ = v.Write([]byte("a\xc3"))
	_, _ = v.Write([]byte("\xbcb"))
	if got := b.String(); got != `a`+"\xc3"+`\xbcb` && got != "aüb" {
		t.Errorf("%q", got)
	}
}

func TestParseSize(t *testing.T) {
	for s, want := range map[string]uint64{"1": 1, "4096": 4096, "2K": 2048, "3M": 3 << 20, "16G": 16 << 30, "0": 0, "K": 0, "-1": 0, "1T": 0, "9999999999G": 0, "1.5M": 0} {
		if n, ok := parseSize(s); n != want || ok != (want != 0) {
			t.Errorf("%s: %d, %v; want %d", s, n, ok, want)
		}
	}
}
