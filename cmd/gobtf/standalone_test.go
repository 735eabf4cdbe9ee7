package main

import (
	"testing"

	"github.com/gobtf/gobtf/encoder"
)

// TestEmptyInMakeflags has MAKEFLAGS as make 4.3 hands them on.
func TestEmptyInMakeflags(t *testing.T) {
	for flags, want := range map[string]bool{
		"": false,
		"rR --no-print-directory -- PAHOLE=gobtf M=/src/m BTF_BASE=":              true,
		"rR --no-print-directory -- BTF_BASE= PAHOLE=gobtf M=/src/m":              true,
		"rR -j4 --jobserver-auth=3,4 --no-print-directory -- BTF_BASE:= M=/src/m": true,
		" -- BTF_BASE=": true,
		"rR -- PAHOLE=gobtf\\ --standalone BTF_BASE=":      true,
		"rR --no-print-directory -- PAHOLE=gobtf M=/src/m": false,
		"rR -- BTF_BASE=--btf_base\\ other":                false,
		"rR -- MY_BTF_BASE=":                               false,
		"rR -- Y=--\\ BTF_BASE=\\ z":                       false,
		"rR -- Y=a\\ BTF_BASE= M=/src/m":                   false,
		"rR -- Y=a\\\\ BTF_BASE=":                          true, // the backslash is the value's last character
		"BTF_BASE=":                                        false,
		"rR --eval=x\\ --\\ BTF_BASE= -- M=/m":             false,
		"rR -- BTF_BASE=\\":                                false,
	} {
		if got := emptyInMakeflags(flags, "BTF_BASE"); got != want {
			t.Errorf("%q: %v, want %v", flags, got, want)
		}
	}
}

func TestParseRelease(t *testing.T) {
	for s, want := range map[string]release{
		"6.12.117+deb13-cloud-amd64": {6, 12}, "7.2.13": {7, 2}, "6.12": {6, 12}, "6.11-rc3": {6, 11}, "5.10.0": {5, 10},
		"": {}, ".": {}, "6": {}, "x.y": {}, "6.": {}, "6.x": {},
	} {
		if got := parseRelease(s); got != want {
			t.Errorf("%q: %v, want %v", s, got, want)
		}
	}
}

// TestChoose has the rows of rule forms/choice.
func TestChoose(t *testing.T) {
	for _, tc := range []struct {
		name  string
		c     circumstances
		form  encoder.Form
		share bool
	}{
		{"the RFC's Makefile", circumstances{kernel: release{6, 12}}, encoder.Raw, false},
		{"the RFC's Makefile, with distilled_base", circumstances{distilled: true, kernel: release{6, 12}}, encoder.Raw, false},
		{"6.1", circumstances{base: true, kernel: release{6, 1}}, encoder.Shifted, false},
		{"6.10", circumstances{base: true, kernel: release{6, 10}}, encoder.Shifted, false},
		{"6.12, distilled_base among the flags", circumstances{base: true, distilled: true}, encoder.Portable, false},
		{"6.12 that was configured with pahole 1.24", circumstances{base: true, kernel: release{6, 12}}, encoder.Portable, false},
		{"7.2", circumstances{base: true, detached: true, files: true, kernel: release{7, 2}}, encoder.Shifted, true},
		{"by hand, detached, 6.12", circumstances{base: true, detached: true, kernel: release{6, 12}}, encoder.Shifted, false},
		{"by hand, in place, 7.2", circumstances{base: true, kernel: release{7, 2}}, encoder.Portable, false},
		{"nothing is known", circumstances{base: true}, encoder.Shifted, false},
	} {
		form, share, why := choose(tc.c)
		if form != tc.form || share != tc.share || why == "" {
			t.Errorf("%s: %v, share %v (%s); want %v, %v", tc.name, form, share, why, tc.form, tc.share)
		}
	}
}
