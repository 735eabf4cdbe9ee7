package elfx

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// content is what a file shall hold: the first keep bytes of src with patches, then tail.
type content struct {
	src     *os.File // nil when keep is 0
	keep    int64
	patches []patch
	tail    []byte
}

// writeTo fills an empty file.
func (c *content) writeTo(dst *os.File) error {
	if c.src != nil && c.keep > 0 {
		if _, err := c.src.Seek(0, io.SeekStart); err != nil {
			return err
		}
		// The kernel copies, and shares blocks where the file system can.
		n, err := io.Copy(dst, &io.LimitedReader{R: c.src, N: c.keep})
		if err != nil {
			return err
		}
		if n != c.keep {
			return fmt.Errorf("the file became shorter meanwhile")
		}
	}
	return c.change(dst)
}

// change makes the file that has the kept bytes already the new one.
func (c *content) change(dst *os.File) error {
	if _, err := dst.WriteAt(c.tail, c.keep); err != nil {
		return err
	}
	for _, p := range c.patches {
		if _, err := dst.WriteAt(p.data, int64(p.off)); err != nil {
			return err
		}
	}
	return dst.Truncate(c.keep + int64(len(c.tail)))
}

// WriteFileAtomic writes data to path, whole or not at all: an existing file is replaced and keeps
// mode, owner and extended attributes; a new one gets 0640 less the umask. Devices, pipes and the
// standard streams are written directly. It refuses with ErrSameFile when path is one of inputs.
// note is one line when the file had to be written over instead of replaced.
func WriteFileAtomic(path string, data []byte, inputs ...string) (note string, err error) {
	if fd, ok := streamNumber(path); ok {
		return "", wrap(path, writeStream(fd, data))
	}
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", wrap(path, createFile(followLink(path), data))
	case err != nil:
		return "", wrap(path, err)
	case st.IsDir():
		return "", wrap(path, unix.EISDIR)
	case !st.Mode().IsRegular():
		return "", wrap(path, writeDirect(path, data))
	}
	for _, in := range inputs {
		if is, err := os.Stat(in); err == nil && os.SameFile(st, is) {
			return "", &Error{path, "", ErrSameFile}
		}
	}
	if err := unix.Access(path, unix.W_OK); err != nil {
		return "", wrap(path, err)
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", wrap(path, err)
	}
	note, err = replaceFile(real, content{tail: data})
	return note, wrap(path, err)
}

func wrap(path string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{path, "", cause(err)}
}

var streamPath = regexp.MustCompile(`^(?:/dev/fd/|/proc/self/fd/)(\d{1,6})$`)

// streamNumber recognizes the names of open files: opening them again would lose their position.
func streamNumber(path string) (int, bool) {
	switch path {
	case "/dev/stdout":
		return 1, true
	case "/dev/stderr":
		return 2, true
	}
	if m := streamPath.FindStringSubmatch(path); m != nil {
		n, err := strconv.Atoi(m[1])
		return n, err == nil
	}
	return 0, false
}

func writeStream(fd int, data []byte) error {
	d, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(d), "stream")
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

func writeDirect(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// followLink returns what a link to a file that does not exist yet points to.
func followLink(path string) string {
	for range 40 { // as many as Linux follows
		to, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return path
}

func createFile(path string, data []byte) error {
	cleanFolder(filepath.Dir(path))
	tmp, err := createTemp(path, 0o640)
	if err != nil {
		return err
	}
	defer tmp.Close()
	c := content{tail: data}
	if err := c.writeTo(tmp); err != nil {
		os.Remove(tmp.Name())
		return err
	}
	return install(tmp, path)
}

// replaceFile gives the existing file path new contents, by way of a temporary file in the same
// folder. Where that cannot keep hard links, owner or the like, or the folder takes no new files,
// the contents are written over the old; note says so.
func replaceFile(path string, c content) (note string, err error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return "", err
	}
	if st.Nlink > 1 {
		return overwrite(path, c, fmt.Sprintf("it has %d hard links", st.Nlink))
	}
	cleanFolder(filepath.Dir(path))
	tmp, err := createTemp(path, 0o600)
	if err != nil {
		if errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EROFS) {
			return overwrite(path, c, "its folder takes no new files")
		}
		return "", err
	}
	defer tmp.Close()
	if err := adopt(tmp, path, &st); err != nil {
		os.Remove(tmp.Name())
		if errors.Is(err, fs.ErrPermission) {
			return overwrite(path, c, "a new file could not have its owner and attributes")
		}
		return "", err
	}
	if err := c.writeTo(tmp); err != nil {
		os.Remove(tmp.Name())
		return "", err
	}
	err = install(tmp, path)
	// A file that is a mount point, and one of another user in a sticky folder, cannot be replaced.
	if errors.Is(err, unix.EBUSY) || errors.Is(err, fs.ErrPermission) {
		return overwrite(path, c, "it cannot be replaced")
	}
	return "", err
}

func overwrite(path string, c content, why string) (note string, err error) {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return "", err
	}
	err = c.change(f)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return "", err
	}
	return "written over the old contents, because " + why, nil
}

// install puts a finished temporary file in the place of path.
func install(tmp *os.File, path string) error {
	err := tmp.Sync()
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		os.Remove(tmp.Name())
		return err
	}
	// The rename is done; only whether it survives a power cut is still open.
	if dir, err := os.Open(filepath.Dir(path)); err == nil {
		_ = dir.Sync() // not all file systems can
		dir.Close()
	}
	return nil
}

// adopt gives tmp owner, mode and extended attributes of the file it will replace.
func adopt(tmp *os.File, path string, st *unix.Stat_t) error {
	fd := int(tmp.Fd())
	var now unix.Stat_t
	if err := unix.Fstat(fd, &now); err != nil {
		return err
	}
	if now.Uid != st.Uid || now.Gid != st.Gid {
		if err := unix.Fchown(fd, int(st.Uid), int(st.Gid)); err != nil {
			return err
		}
	}
	// A folder's default ACL would come on top of the mode.
	_ = unix.Fremovexattr(fd, "system.posix_acl_access")
	if err := unix.Fchmod(fd, st.Mode&0o7777); err != nil {
		return err
	}
	for _, name := range xattrNames(path) {
		value := make([]byte, 64<<10) // the most Linux allows
		n, err := unix.Getxattr(path, name, value)
		if err != nil {
			continue
		}
		err = unix.Fsetxattr(fd, name, value[:n], 0)
		// Labels of security modules are the system's to give: a new file has what policy says.
		if err != nil && !strings.HasPrefix(name, "security.") && !strings.HasPrefix(name, "trusted.") {
			return fs.ErrPermission
		}
	}
	return nil
}

func xattrNames(path string) []string {
	n, err := unix.Listxattr(path, nil)
	if err != nil || n == 0 {
		return nil
	}
	b := make([]byte, n+1024)
	if n, err = unix.Listxattr(path, b); err != nil {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(b[:n]), "\x00"), "\x00")
}

// createTemp creates and locks .NAME.gobtf-PID next to path. The lock, which ends with the process,
// tells a later run that the file is still in use.
func createTemp(path string, mode os.FileMode) (*os.File, error) {
	dir, base := filepath.Split(path)
	suffix := ".gobtf-" + strconv.Itoa(os.Getpid())
	for try := range 100 {
		end := suffix
		if try > 0 { // another goroutine, or a process of another namespace, has the name
			end += "-" + strconv.Itoa(try)
		}
		const maxName = 255
		name := dir + "." + base[:min(len(base), maxName-1-len(end))] + end
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		// Someone who cleans up may have been quicker: then the name is gone. File systems without
		// locks only lose the cleaning.
		var st unix.Stat_t
		if unix.Flock(int(f.Fd()), unix.LOCK_EX) == nil && unix.Fstat(int(f.Fd()), &st) == nil && st.Nlink == 0 {
			f.Close()
			continue
		}
		return f, nil
	}
	return nil, fmt.Errorf("too many temporary files in its folder")
}

var (
	cleaned  sync.Map // folders that this process has looked through
	tempName = regexp.MustCompile(`^\..+\.gobtf-\d+(-\d+)?$`)
)

// cleanFolder removes temporary files that a killed run has left: those whose lock is free.
func cleanFolder(dir string) {
	if _, done := cleaned.LoadOrStore(dir, true); done {
		return
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !tempName.MatchString(e.Name()) {
			continue
		}
		removeStale(filepath.Join(dir, e.Name()))
	}
}

func removeStale(name string) {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer f.Close()
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		return
	}
	a, err := f.Stat()
	if err != nil {
		return
	}
	if b, err := os.Lstat(name); err == nil && os.SameFile(a, b) {
		os.Remove(name)
	}
}
