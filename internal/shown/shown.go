// Package shown makes names fit for messages.
package shown

import "unicode/utf8"

// maxName is how many bytes of a name a message shows. Names of kernels fit; what a crafted file calls something may be a book.
const maxName = 80

// Name cuts a name for a message: its first 80 bytes, or some fewer where a character would be cut, and three dots.
func Name(name string) string {
	if len(name) <= maxName {
		return name
	}
	n := maxName
	for n > maxName-4 && !utf8.RuneStart(name[n]) {
		n--
	}
	return name[:n] + "..."
}
