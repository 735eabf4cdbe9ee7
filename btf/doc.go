// Package btf is BTF: its wire format, and the form in which the other packages
// hold it.
//
// In: bytes of a .BTF section, in either byte order, whole or split. Out: Types,
// which views the type section as native-order words with an index, and back to
// bytes again. Parse checks whatever a reader relies on: sections lie inside the
// data, records inside the section, kinds are known, and every reference and name
// leads to something. It does not ask whether a kernel would accept the types:
// that is btf/verify's question.
//
// Types is the form at the borders of packages. While types are being made by the
// millions they are kept more compactly, in internal/graph.
//
// The table in kind.go is the only description of the kinds. Readers, writers and
// walks go by it, and so does the codec, which takes a record apart into its
// content and its references and puts it together again (codec.go).
//
// A record is given and taken as words of 4 bytes in this machine's order, as
// Type.Record returns it; sizes are in bytes, and offsets and widths of members in
// bits, unless a comment says otherwise.
//
// Before it: nothing, it is a leaf and knows of ELF in file.go only. After it: all.
//
// # Vocabulary
//
// These words mean the same in every package:
//
//   - identical types have the same id in the same BTF.
//   - equal types have the same kind, name and layout, and equal references.
//   - compatible types may stand for each other although they are not equal: a FWD
//     and a struct of its name, an enum without values and an enum of its name.
//   - canonical is the one type of several equal ones that is kept.
//
// A base is the BTF, usually vmlinux's, whose ids and strings a split BTF continues.
package btf
