// Package elfx reads and rewrites ELF files of both classes and byte orders.
//
// In goes a path, plain or compressed as a whole (.ko.gz, .ko.xz, .ko.zst); out come sections
// (decompressed, and for relocatable files relocated), symbols and notes, as bytes of the mapped
// file wherever that is possible. Sections can be added, replaced and removed again with
// SetSections; whatever does not have to move keeps its place.
//
// Before me: nothing but the file. After me: dwarfscan and dwarf2btf (sections), encoder (symbols,
// notes, writing), btfids and refit.
//
// Every offset, size and count of a file is a claim and is checked before it is used.
package elfx
