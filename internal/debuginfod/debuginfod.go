// Package debuginfod fetches debug information by build id from servers that speak elfutils' protocol: GET URL/buildid/ID/debuginfo.
//
// In: servers, a cache folder, a build id. Out: the path of a file in the cache, whose build id is that.
//
// Before it: module, which reads build ids. After it: cmd/gobtf, which hands Client.Fetch to the encoder.
package debuginfod

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gobtf/gobtf/module"
)

// Client fetches from servers into a folder.
type Client struct {
	URLs    []string      // servers, asked in order; http or https
	Cache   string        // ID/debuginfo lies here; it is made with mode 0700
	Stalled time.Duration // how long no byte may come before a server is given up; 0 is 90 s, as for elfutils' client
	MaxSize int64         // bytes of one file; 0 is 8 GiB

	// Progress is told how far a file has come; of is 0 when the server does not say its size. nil: nobody listens.
	Progress func(server string, n, of int64)
}

// ErrNotFound: no server has debug information of a build id.
var ErrNotFound = errors.New("no server has debug information")

const (
	stalled  = 90 * time.Second
	maxSize  = 8 << 30
	attempts = 4 // at one file of one server, each of which must bring more of it
)

// ParseURLs takes a list of servers apart, which are separated by white space as in DEBUGINFOD_URLS.
func ParseURLs(list string) ([]string, error) {
	var urls []string
	for _, s := range strings.Fields(list) {
		u, err := url.Parse(s)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, fmt.Errorf("%q is no http or https address of a server", s)
		}
		urls = append(urls, strings.TrimSuffix(s, "/"))
	}
	if len(urls) == 0 {
		return nil, errors.New("no server is named")
	}
	return urls, nil
}

// Fetch returns the path of the file with the debug information of a build id, from the cache or from the first server that has it.
// What was cut short, now or in an earlier run, is gone on with where a server can do that. ErrNotFound means that all servers answered
// and none has it; any other error says what each of those that failed did.
func (c *Client) Fetch(ctx context.Context, id []byte) (path string, err error) {
	if len(id) < 2 || len(id) > 64 {
		return "", fmt.Errorf("build id %x has %d bytes", id, len(id))
	}
	dir := filepath.Join(c.Cache, hex.EncodeToString(id))
	path = filepath.Join(dir, "debuginfo")
	if sameID(path, id) == nil {
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	// Several gobtf that want the same file wait for the first.
	part, err := lock(ctx, path+".part")
	if err != nil {
		return "", err
	}
	defer part.Close()
	if sameID(path, id) == nil {
		return path, nil
	}
	var failed []error
	for _, server := range c.URLs {
		switch err := c.from(ctx, server, id, part); {
		case err == nil:
			return path, keep(part, path)
		case ctx.Err() != nil:
			return "", ctx.Err()
		case !errors.Is(err, ErrNotFound):
			failed = append(failed, fmt.Errorf("%s: %w", server, err))
		}
	}
	if len(failed) > 0 {
		return "", errors.Join(failed...)
	}
	_ = os.Remove(part.Name()) // nothing came
	_ = os.Remove(dir)
	return "", fmt.Errorf("%s: %w of build id %x", strings.Join(c.URLs, ", "), ErrNotFound, id)
}

// keep gives the finished file its name.
func keep(part *os.File, path string) error {
	if err := part.Sync(); err != nil {
		return err
	}
	return os.Rename(part.Name(), path)
}

// lock opens a file that only one process has at a time.
func lock(ctx context.Context, path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, err
		}
		switch err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
		case err == nil:
			// Whoever had it may have renamed or removed it.
			now, e := os.Lstat(path)
			if mine, e2 := f.Stat(); e == nil && e2 == nil && os.SameFile(now, mine) {
				return f, nil
			}
			err = nil
		case errors.Is(err, unix.EWOULDBLOCK):
			err = nil
		}
		f.Close()
		if err != nil {
			return nil, &os.PathError{Op: "flock", Path: path, Err: err}
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// sameID tells whether a file is there and has that build id.
func sameID(path string, id []byte) error {
	f, err := module.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if got := f.BuildID(); string(got) != string(id) {
		return fmt.Errorf("it sent a file with build id %x", got)
	}
	return nil
}

// from fetches from one server.
func (c *Client) from(ctx context.Context, server string, id []byte, part *os.File) error {
	var last error
	for range attempts {
		before, err := part.Seek(0, io.SeekEnd)
		if err != nil {
			return err
		}
		if last = c.once(ctx, server, id, part, before); last == nil {
			break
		}
		var cut *cutError
		if now, err := part.Seek(0, io.SeekEnd); err != nil || !errors.As(last, &cut) || now <= before {
			break // nothing more came
		}
	}
	if last != nil {
		return last
	}
	f, err := module.OpenFile(part, server)
	if err == nil {
		if got := f.BuildID(); string(got) != string(id) {
			err = fmt.Errorf("sent a file with build id %x, and not %x", got, id)
		}
		f.Close()
	} else {
		err = fmt.Errorf("what it sent is no debug information: %w", err)
	}
	if err != nil {
		return errors.Join(err, part.Truncate(0))
	}
	return nil
}

// cutError is a transfer that ended too early. What has come stays.
type cutError struct {
	n, of int64
	err   error
}

func (e *cutError) Error() string {
	if e.of > 0 {
		return fmt.Sprintf("cut short after %d of %d bytes: %v", e.n, e.of, e.err)
	}
	return fmt.Sprintf("cut short after %d bytes: %v", e.n, e.err)
}

func (e *cutError) Unwrap() error { return e.err }

// errStalled: a server that sends nothing any more.
var errStalled = errors.New("nothing came")

// once asks once for what is missing behind the first have bytes.
func (c *Client) once(ctx context.Context, server string, id []byte, part *os.File, have int64) error {
	wait := cmp.Or(c.Stalled, stalled)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(wait, func() { cancel(fmt.Errorf("%w for %v", errStalled, wait)) })
	defer watch.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/buildid/%x/debuginfo", server, id), nil)
	if err != nil {
		return err
	}
	if have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	res, err := client.Do(req)
	if err != nil {
		return reason(ctx, err)
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusOK:
		if have > 0 { // it does not know ranges, and begins again
			have = 0
			if err := part.Truncate(0); err != nil {
				return err
			}
		}
	case http.StatusPartialContent:
		if from := rangeStart(res.Header.Get("Content-Range")); from != have {
			return errors.Join(fmt.Errorf("was asked for bytes from %d on, and sent others (%q)", have, res.Header.Get("Content-Range")), part.Truncate(0))
		}
	case http.StatusRequestedRangeNotSatisfiable:
		if have == 0 {
			return fmt.Errorf("answers %q", res.Status)
		}
		if err := part.Truncate(0); err != nil { // the file there is a shorter one
			return err
		}
		return c.once(ctx, server, id, part, 0)
	case http.StatusNotFound:
		return ErrNotFound
	default:
		return fmt.Errorf("answers %q", res.Status)
	}
	of := int64(0)
	if res.ContentLength >= 0 {
		of = have + res.ContentLength
	}
	limit := cmp.Or(c.MaxSize, maxSize)
	if of > limit {
		return fmt.Errorf("has a file of %d bytes, which is more than %d", of, limit)
	}
	if _, err := part.Seek(have, io.SeekStart); err != nil {
		return err
	}
	b := make([]byte, 1<<18)
	for n := have; ; {
		k, err := res.Body.Read(b)
		watch.Reset(wait)
		if _, err := part.Write(b[:k]); err != nil {
			return err
		}
		if n += int64(k); c.Progress != nil {
			c.Progress(server, n, of)
		}
		switch {
		case n > limit:
			return errors.Join(fmt.Errorf("sends more than %d bytes", limit), part.Truncate(0))
		case err == io.EOF && (of == 0 || n == of):
			return nil
		case err == io.EOF:
			return &cutError{n, of, io.ErrUnexpectedEOF}
		case err != nil:
			return &cutError{n, of, reason(ctx, err)}
		}
	}
}

// rangeStart reads the N of "bytes N-M/SIZE", -1 when it is something else.
func rangeStart(s string) int64 {
	s, ok := strings.CutPrefix(s, "bytes ")
	first, _, ok2 := strings.Cut(s, "-")
	n, err := strconv.ParseInt(first, 10, 64)
	if !ok || !ok2 || err != nil {
		return -1
	}
	return n
}

// reason is why a request failed, without its address, which stands in front already.
func reason(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	var ue *url.Error
	if errors.As(err, &ue) {
		return ue.Err
	}
	return err
}

// client is for all requests. It never unpacks by itself, since bytes are counted, and follows redirects only where they stay as safe.
var client = &http.Client{
	Transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:   15 * time.Second,
		DisableCompression:    true,
		ResponseHeaderTimeout: 0, // a server may have to unpack a package first; Stalled bounds it
	},
	CheckRedirect: func(req *http.Request, via []*http.Request) error {
		from := via[len(via)-1].URL
		switch to := req.URL; {
		case to.Scheme != "http" && to.Scheme != "https", from.Scheme == "https" && to.Scheme != "https":
			return fmt.Errorf("wants to send on from %s to %s, which is refused", from.Scheme, to.Scheme)
		case len(via) >= 5:
			return errors.New("sends on more than 5 times")
		}
		return nil
	},
}
