package main

import (
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"github.com/gobtf/gobtf/cmd/gobtf/early"
)

// ownVersion is gobtf's. What pahole 1.32 prints for --devel_version is develVersion.
const (
	ownVersion   = "0.1.0"
	develVersion = "v1.32-tarball-gfa725d687ce3"
)

// printVersion answers --version and its sisters.
func printVersion(w io.Writer, option string) error {
	v := "v" + early.Version()
	switch {
	case option == "--numeric_version":
		v = strings.Replace(v[1:], ".", "", 1)
	case option == "--devel_version" && strings.HasPrefix(develVersion, v+"-"):
		v = develVersion
	}
	_, err := io.WriteString(w, v+"\n")
	return err
}

// printOwnVersion tells what this program is.
func printOwnVersion(w io.Writer) error {
	rev := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				rev += ", commit " + s.Value[:min(12, len(s.Value))]
			case "vcs.time":
				rev += " of " + s.Value[:min(len("2006-01-02"), len(s.Value))]
			case "vcs.modified":
				if s.Value == "true" {
					rev += ", changed since"
				}
			}
		}
	}
	_, err := fmt.Fprintf(w, "gobtf %s (stands in for pahole 1.32 with libbpf 1.7.0%s)\n", ownVersion, rev)
	return err
}
