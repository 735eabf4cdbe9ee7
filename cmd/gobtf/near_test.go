package main

import "testing"

func TestNear(t *testing.T) {
	for typed, want := range map[string]string{"verfy": "verify", "rebse": "rebase", "ad": "", "adds": "add", "vmlinux": "", "hepl": "help", "resolve-btfids": "resolve_btfids"} {
		if got := near(typed, commandNames()); got != want {
			t.Errorf("%s: %q, want %q", typed, got, want)
		}
	}
	for typed, want := range map[string]string{"btf_encode_detahced": "btf_encode_detached", "debugdir": "debug_dir", "strct": "strict", "nonsense": ""} {
		if got := near(typed, optionNames()); got != want {
			t.Errorf("--%s: %q, want %q", typed, got, want)
		}
	}
}
