package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// shim is what csmith's programs take from csmith.h, without any header: they are compiled for every machine and never run.
// The linker's script names .data, hence anchor; LTO would leave nothing of a program without a start, hence main.
const shim = `typedef signed char int8_t; typedef unsigned char uint8_t; typedef short int16_t; typedef unsigned short uint16_t;
typedef int int32_t; typedef unsigned int uint32_t; typedef long long int64_t; typedef unsigned long long uint64_t;
typedef __SIZE_TYPE__ size_t;
static __attribute__((used)) int anchor = 1;
__attribute__((used)) int main(int, char *[]);
#define NULL ((void *)0)
int printf(const char *, ...);
int strcmp(const char *, const char *);
static uint32_t crc32_context = 0xFFFFFFFFUL;
static void crc32_gentab(void) { crc32_context = 1; }
static void transparent_crc(uint64_t val, char *vname, int flag) { crc32_context += val; if (flag) printf("%s", vname); }
static void transparent_crc_bytes(char *ptr, int n, char *vname, int flag) { while (n--) transparent_crc(ptr[n], vname, flag); }
static void platform_main_begin(void) { }
static void platform_main_end(uint32_t crc, int flag) { printf("%x %d", crc, flag); }
`

// csmith makes a set of two programs, of a seed and of another one far from it.
func (b *bench) csmith(seed uint64) (set, error) {
	root, ok := b.root("csmith")
	if !ok {
		return set{}, fmt.Errorf("no csmith: see scripts/generate")
	}
	s := set{Name: fmt.Sprintf("csmith %d", seed)}
	for i := range 2 {
		// Without the safe functions there is no need for their headers; the programs are only compiled.
		args := []string{"--seed", fmt.Sprint(seed + uint64(i)*1000000), "--no-safe-math", "--max-funcs", "6", "--max-block-depth", "3", "--bitfields",
			"--packed-struct", "-o", "c.c"}
		if err := b.run(root, "csmith", args...); err != nil {
			return set{}, err
		}
		text, err := os.ReadFile(filepath.Join(b.dirs[root], "c.c"))
		if err != nil {
			return set{}, err
		}
		t := strings.ReplaceAll(string(text), "#include \"csmith.h\"\n", shim)
		u := unit{}
		for line := range strings.Lines(t) {
			u.Chunks = append(u.Chunks, chunk{Head: strings.TrimSuffix(line, "\n")})
		}
		s.Units = append(s.Units, u)
	}
	return s, nil
}
