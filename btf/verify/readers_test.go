package verify

import (
	"slices"
	"testing"

	"github.com/gobtf/gobtf/btf"
)

// What the table says of the BTFs that make readers gives to the libraries themselves.
func TestReaders(t *testing.T) {
	types := func(on *btf.Types, form btf.HeaderForm, make func(b *btf.Builder)) *btf.Types {
		t.Helper()
		b := btf.NewBuilder(on)
		make(b)
		made, err := b.Types()
		if err != nil {
			t.Fatal(err)
		}
		back, err := btf.Parse(made.AppendForm(nil, form), on)
		if err != nil {
			t.Fatal(err)
		}
		return back
	}
	plain := func(b *btf.Builder) { b.AddInt("int", 4, btf.Signed) }
	base := types(nil, btf.Header24, plain)
	for _, c := range []struct {
		name   string
		t      *btf.Types
		before []string
	}{
		{"plain", base, nil},
		{"header of 32 bytes", types(nil, btf.Header32, plain), nil},
		{"layout", types(nil, btf.HeaderLayout, plain), []string{"0.22"}},
		{"split", types(base, btf.Header24, func(b *btf.Builder) { b.AddStruct("s", 0) }), nil},
		{"split without names", types(base, btf.Header24, func(b *btf.Builder) { b.AddPtr(1) }), []string{"0.20"}},
		{"tag", types(nil, btf.Header24, func(b *btf.Builder) { b.AddPtr(b.AddTypeTag("t", 0, false)) }), []string{"0.11"}},
		{"all", types(base, btf.HeaderLayout, func(b *btf.Builder) { b.AddDeclTag("int", 1, -1, false) }), []string{"0.22", "0.20", "0.11"}},
	} {
		var got []string
		for _, r := range Readers(c.t) {
			got = append(got, r.Before)
		}
		if !slices.Equal(got, c.before) {
			t.Errorf("%s: %v, want %v", c.name, got, c.before)
		}
	}
}
