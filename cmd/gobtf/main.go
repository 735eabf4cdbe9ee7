// Command gobtf turns DWARF into BTF. It is called as pahole is (PAHOLE=gobtf in a kernel build).
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), os.Args, os.Stdout, os.Stderr))
}
