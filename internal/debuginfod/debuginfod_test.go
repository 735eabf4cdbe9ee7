package debuginfod

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobtf/gobtf/internal/testinput"
	"github.com/gobtf/gobtf/module"
)

// debugFile is a file with a build id.
func debugFile(t testing.TB) (data, id []byte) {
	t.Helper()
	f, err := module.Open(testinput.File(t, "gobtf_demo.ko"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if id = bytes.Clone(f.BuildID()); len(id) != 20 {
		t.Fatalf("build id %x", id)
	}
	return testinput.Read(t, "gobtf_demo.ko"), id
}

func serve(t testing.TB, h http.HandlerFunc) (url string, asked *atomic.Int32) {
	asked = new(atomic.Int32)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked.Add(1); h(w, r) }))
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s.URL, asked
}

// TestFetch: the file of the protocol's address is fetched once, and then taken from the cache; one with another build id there is not taken.
func TestFetch(t *testing.T) {
	data, id := debugFile(t)
	url, asked := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if want := fmt.Sprintf("/buildid/%x/debuginfo", id); r.URL.Path != want || r.Method != http.MethodGet {
			t.Errorf("%s %s, want %s", r.Method, r.URL.Path, want)
		}
		w.Write(data)
	})
	var last, of int64
	c := &Client{URLs: []string{url}, Cache: filepath.Join(t.TempDir(), "a", "b"), Progress: func(_ string, n, total int64) { last, of = n, total }}
	var path string
	for range 2 {
		var err error
		if path, err = c.Fetch(context.Background(), id); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
	}
	if asked.Load() != 1 || last != int64(len(data)) || of != 0 && of != last {
		t.Errorf("asked %d times, %d of %d bytes", asked.Load(), last, of)
	}
	if st, err := os.Stat(c.Cache); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("cache: %v, %v", st, err)
	}
	if left, err := filepath.Glob(filepath.Join(c.Cache, "*", "*")); err != nil || !slices.Equal(left, []string{path}) {
		t.Errorf("%v, %v", left, err)
	}
	if err := os.WriteFile(path, []byte("somebody's"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Fetch(context.Background(), id); err != nil || asked.Load() != 2 {
		t.Errorf("%v, asked %d times", err, asked.Load())
	}
}

// TestServers: the next server is asked when one does not have the file or fails.
func TestServers(t *testing.T) {
	data, id := debugFile(t)
	none, _ := serve(t, http.NotFound)
	broken, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	good, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Write(data) })
	for _, c := range []struct {
		urls []string
		want string
	}{
		{[]string{none, broken, good}, ""},
		{[]string{none}, none + ": no server has debug information of build id "},
		{[]string{none, none}, none + ", " + none + ": no server has"},
		{[]string{broken, none}, broken + `: answers "502 Bad Gateway"`},
		{[]string{"http://127.0.0.1:1"}, "http://127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused"},
	} {
		cache := t.TempDir()
		_, err := (&Client{URLs: c.urls, Cache: cache}).Fetch(context.Background(), id)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
			t.Errorf("%v: %v, want %q", c.urls, err, c.want)
		}
		if c.want != "" && errors.Is(err, ErrNotFound) != strings.Contains(c.want, "no server") {
			t.Errorf("%v: %v", c.urls, err)
		}
	}
}

// TestFaults: each fault of a server is one clear line, soon, and what it sent is not taken.
func TestFaults(t *testing.T) {
	data, id := debugFile(t)
	other := bytes.Replace(data, id, bytes.Repeat([]byte{7}, len(id)), 1)
	for name, c := range map[string]struct {
		serve http.HandlerFunc
		want  string
	}{
		"another build id": {func(w http.ResponseWriter, _ *http.Request) { w.Write(other) }, "sent a file with build id 0707070707070707070707070707070707070707, and not "},
		"no ELF":           {func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) }, "what it sent is no debug information: "},
		"nothing":          {func(w http.ResponseWriter, _ *http.Request) {}, "what it sent is no debug information: "},
		"cut short": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(data)))
			w.Write(data[:100])
		}, fmt.Sprintf("cut short after 100 of %d bytes: unexpected EOF", len(data))},
		"silent": {func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "nothing came for 200ms"},
		"slow": {func(w http.ResponseWriter, r *http.Request) {
			w.Write(data[:1000])
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, "cut short after 1000 bytes: nothing came for 200ms"},
		"other scheme": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "ftp://example.org/x", http.StatusFound)
		}, "wants to send on from http to ftp, which is refused"},
		"file": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		}, "wants to send on from http to file, which is refused"},
		"in circles": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, "sends on more than 5 times"},
		"too big": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(1<<30))
			w.Write(data)
		}, "has a file of 1073741824 bytes, which is more than 1048576"},
		"endless": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				w.Write(data)
			}
		}, "sends more than 1048576 bytes"},
		"wrong range": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Range", "bytes 5-9/10")
			w.WriteHeader(http.StatusPartialContent)
		}, "was asked for bytes from 0 on, and sent others"},
	} {
		t.Run(name, func(t *testing.T) {
			url, _ := serve(t, c.serve)
			client := &Client{URLs: []string{url}, Cache: t.TempDir(), Stalled: 200 * time.Millisecond, MaxSize: 1 << 20}
			begin := time.Now()
			_, err := client.Fetch(context.Background(), id)
			if err == nil || !strings.HasPrefix(err.Error(), url+": "+c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want %q", err, c.want)
			}
			if d := time.Since(begin); d > 5*time.Second {
				t.Errorf("took %v", d)
			}
			if files, err := filepath.Glob(filepath.Join(client.Cache, "*", "debuginfo")); err != nil || len(files) > 0 {
				t.Errorf("%v, %v", files, err)
			}
		})
	}
}

// TestResume: what was cut short is gone on with, in the same run and in the next; by a server that knows no ranges it is begun again.
func TestResume(t *testing.T) {
	data, id := debugFile(t)
	for _, ranges := range []bool{true, false} {
		var cuts atomic.Int32
		var sent atomic.Int64
		url, asked := serve(t, func(w http.ResponseWriter, r *http.Request) {
			from := 0
			if ranges && r.Header.Get("Range") != "" {
				if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); err != nil {
					t.Error(err)
				}
				w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(data)-1, len(data)))
			}
			w.Header().Set("Content-Length", strconv.Itoa(len(data)-from))
			if from > 0 {
				w.WriteHeader(http.StatusPartialContent)
			}
			part := data[from:]
			if cuts.Add(1) <= 2 {
				part = part[:len(part)/2]
			}
			n, _ := w.Write(part)
			sent.Add(int64(n))
		})
		c := &Client{URLs: []string{url}, Cache: t.TempDir()}
		path, err := c.Fetch(context.Background(), id)
		if !ranges { // the second try brought no more than the first
			if err == nil || !strings.Contains(err.Error(), "cut short") {
				t.Errorf("without ranges: %v", err)
			}
			path, err = c.Fetch(context.Background(), id)
		}
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if ranges && (sent.Load() != int64(len(data)) || asked.Load() != 3) {
			t.Errorf("%d bytes in %d requests, want %d in 3", sent.Load(), asked.Load(), len(data))
		}
	}
}

// TestLonger: what an earlier run left is longer than the file there: it is begun again.
func TestLonger(t *testing.T) {
	data, id := debugFile(t)
	url, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "x", time.Unix(1, 0), bytes.NewReader(data))
	})
	c := &Client{URLs: []string{url}, Cache: t.TempDir()}
	dir := filepath.Join(c.Cache, fmt.Sprintf("%x", id))
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, "debuginfo.part"), make([]byte, len(data)+10), 0o600)); err != nil {
		t.Fatal(err)
	}
	path, err := c.Fetch(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// TestTogether: of many that want the same file one fetches it.
func TestTogether(t *testing.T) {
	data, id := debugFile(t)
	url, asked := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(100 * time.Millisecond)
		w.Write(data)
	})
	cache := t.TempDir()
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if _, err := (&Client{URLs: []string{url}, Cache: cache}).Fetch(context.Background(), id); err != nil {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
	if asked.Load() != 1 {
		t.Errorf("asked %d times", asked.Load())
	}
}

// TestInterrupt: an interrupted fetch ends, and so does one that waits for another.
func TestInterrupt(t *testing.T) {
	_, id := debugFile(t)
	url, _ := serve(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	cache := t.TempDir()
	for range 2 {
		go func() { _, _ = (&Client{URLs: []string{url}, Cache: cache}).Fetch(t.Context(), id) }()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if _, err := (&Client{URLs: []string{url}, Cache: cache}).Fetch(ctx, id); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if d := time.Since(begin); d > 2*time.Second {
		t.Errorf("took %v", d)
	}
}

// TestLink: a link where the file would be written is not followed.
func TestLink(t *testing.T) {
	data, id := debugFile(t)
	url, asked := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Write(data) })
	c := &Client{URLs: []string{url}, Cache: t.TempDir()}
	dir, victim := filepath.Join(c.Cache, fmt.Sprintf("%x", id)), filepath.Join(t.TempDir(), "victim")
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(victim, []byte("mine"), 0o600), os.Symlink(victim, filepath.Join(dir, "debuginfo.part"))); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Fetch(context.Background(), id); err == nil {
		t.Error("followed")
	}
	if b, err := os.ReadFile(victim); err != nil || string(b) != "mine" || asked.Load() != 0 {
		t.Errorf("%q, %v", b, err)
	}
}

func TestParseURLs(t *testing.T) {
	got, err := ParseURLs(" https://a.example/  http://b:8002/x/ ")
	if err != nil || !slices.Equal(got, []string{"https://a.example", "http://b:8002/x"}) {
		t.Errorf("%v, %v", got, err)
	}
	for _, s := range []string{"", "ftp://x", "x", "http://", "https://a file:///etc"} {
		if got, err := ParseURLs(s); err == nil {
			t.Errorf("%q: %v", s, got)
		}
	}
	if _, err := (&Client{}).Fetch(context.Background(), []byte{1}); err == nil {
		t.Error("a build id of one byte")
	}
}
