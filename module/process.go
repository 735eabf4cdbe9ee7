package module

import "github.com/gobtf/gobtf/internal/elfx"

// Guard calls f and makes an error of a memory fault that another process causes by making a mapped file shorter. Any other panic goes on.
// f must not read files in other goroutines that are not guarded themselves; package encoder guards its own.
func Guard(f func() error) error { return elfx.Guard(f) }

// Abandon removes all temporary files of this process, and lets none take another file's place any more. It is for programs that end now.
func Abandon() { elfx.Abandon() }

// SetMaxUnpacked lets any compressed file or section of one unpack to n bytes, whatever its own size. 0 is the default: 100 times its
// size, at least 1 MiB and at most 8 GiB. It holds for the whole process, and is set before files are opened.
func SetMaxUnpacked(n uint64) { elfx.SetMaxUnpacked(n) }
