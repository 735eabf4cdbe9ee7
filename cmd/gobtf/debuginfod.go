package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/gobtf/gobtf/internal/argp"
	"github.com/gobtf/gobtf/internal/debuginfod"
)

// debuginfodOption is one of -J, add, rebase, batch and explain.
var debuginfodOption = argp.Option{
	Long: "debuginfod", Arg: argp.Optional, Value: "URLS", Help: "fetch debug information that is missing by build id from the servers `URLS` (default: DEBUGINFOD_URLS), and keep it in the user's cache folder",
}

// fetchDebug makes what --debuginfod asks for; nil without that option.
func fetchDebug(c asked, stderr io.Writer) (func(context.Context, []byte) (string, error), error) {
	if !c.Has("debuginfod") {
		return nil, nil
	}
	list := c.String("debuginfod")
	if list == "" {
		if list = os.Getenv("DEBUGINFOD_URLS"); list == "" {
			return nil, usagef("--debuginfod: no server: neither a value nor DEBUGINFOD_URLS names one")
		}
	}
	urls, err := debuginfod.ParseURLs(list)
	if err != nil {
		return nil, usagef("--debuginfod: %v", err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, errors.New("--debuginfod: no cache folder: neither XDG_CACHE_HOME nor HOME is set")
	}
	show := &fetchShow{w: stderr}
	client := &debuginfod.Client{URLs: urls, Cache: filepath.Join(cache, "gobtf", "debuginfod"), Progress: show.progress}
	if s := os.Getenv("DEBUGINFOD_TIMEOUT"); s != "" {
		d, err := time.ParseDuration(s + "s")
		if err != nil || d < 0 {
			return nil, usagef("DEBUGINFOD_TIMEOUT: %q is no number of seconds", s)
		}
		client.Stalled = d
	}
	return func(ctx context.Context, id []byte) (string, error) {
		path, err := client.Fetch(ctx, id)
		show.end()
		return path, err
	}, nil
}

// fetchShow tells how a fetch goes on: a bar on a terminal, elsewhere a line now and then.
type fetchShow struct {
	w    io.Writer
	mu   sync.Mutex
	bar  *progressbar.ProgressBar
	told time.Time
}

func (s *fetchShow) progress(server string, n, of int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := terminal(s.w); f != nil {
		if s.bar == nil {
			if of == 0 {
				of = -1
			}
			s.bar = progressbar.NewOptions64(of, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(server), progressbar.OptionShowBytes(true), progressbar.OptionClearOnFinish())
		}
		_ = s.bar.Set64(n)
		return
	}
	if s.told.IsZero() {
		s.told = time.Now()
	}
	if time.Since(s.told) > 10*time.Second {
		s.told = time.Now()
		fmt.Fprintf(s.w, "gobtf: %s: %d of %d MB\n", server, n>>20, of>>20)
	}
}

func (s *fetchShow) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar != nil {
		_ = s.bar.Clear()
		s.bar = nil
	}
	s.told = time.Time{}
}
