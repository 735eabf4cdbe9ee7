package encoder

// Result is what Encode made.
type Result struct {
	BTF      []byte // the whole file: header, types, strings
	BTFBase  []byte // .BTF.base, when the BTF is distilled
	NumTypes int    // types in BTF, void and the base's not counted
	Empty    bool   // there was nothing to encode: BTF is nil
	Reason   string // why it is empty
	Stats    Stats
}
