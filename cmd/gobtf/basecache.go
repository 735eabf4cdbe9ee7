package main

import (
	"cmp"
	"os"

	"github.com/gobtf/gobtf/internal/argp"
	"github.com/gobtf/gobtf/internal/basecache"
)

// baseCacheOption is one of -J, add and rebase.
var baseCacheOption = argp.Option{
	Long: "base_cache", Arg: argp.Required, Value: "WHERE",
	Help: "keep what is found out about the base in the folder `WHERE` for the next run; no: nowhere (default: GOBTF_BASE_CACHE, else gobtf/base in the user's cache folder)",
}

// openBaseCache returns the cache that a line asks for.
func openBaseCache(c *argp.Line) *basecache.Cache {
	return basecache.Open(cmp.Or(c.String("base_cache"), os.Getenv("GOBTF_BASE_CACHE")))
}
