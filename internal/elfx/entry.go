package elfx

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// entry is a name in a folder. The folder is held open: whatever is done under the name later happens in this folder, also when
// somebody moves it or puts a link in its place.
type entry struct {
	path string // as it was given, for messages
	dir  int    // descriptor of the folder
	name string // in the folder

	readable bool // the folder may be read, and so brought to the disk
}

// openEntry opens the folder of a file. A symbolic link is followed here, once: the entry is that of the file it leads to, which need
// not exist yet.
func openEntry(path string) (*entry, error) {
	real := path
	if st, err := os.Lstat(path); err == nil && st.Mode().Type() == fs.ModeSymlink {
		if real, err = filepath.EvalSymlinks(path); errors.Is(err, fs.ErrNotExist) {
			real = followLink(path)
		} else if err != nil {
			return nil, cause(err)
		}
	}
	return openPlace(path, real)
}

// openPlace opens the folder of a name, which may be a link's. path is what messages call it.
func openPlace(path, real string) (*entry, error) {
	dir, name := filepath.Split(real)
	if dir == "" {
		dir = "."
	}
	if name == "" || name == "." || name == ".." {
		return nil, unix.EISDIR
	}
	e := &entry{path: path, name: name, readable: true}
	var err error
	if e.dir, err = unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); errors.Is(err, fs.ErrPermission) {
		e.readable = false // a folder that may be entered, not read
		e.dir, err = unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		return nil, err
	}
	return e, nil
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

func (e *entry) close() { unix.Close(e.dir) }

// open opens the file under the name. A symbolic link is no file: it was followed before, so this one is new. Nothing that is opened
// makes it wait.
func (e *entry) open() (*os.File, error) {
	fd, err := unix.Openat(e.dir, e.name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ELOOP) {
		return nil, fmt.Errorf("has become a symbolic link meanwhile")
	}
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, false); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), e.path), nil
}

// stat is about what the name means now.
func (e *entry) stat() (st unix.Stat_t, err error) {
	err = unix.Fstatat(e.dir, e.name, &st, unix.AT_SYMLINK_NOFOLLOW)
	return st, err
}

// sync brings a change of the folder to the disk. The change is done before: only whether it survives a power cut is open.
func (e *entry) sync() {
	if e.readable {
		_ = unix.Fsync(e.dir) // not all file systems can
	}
}

// origin is an open file and its entry.
type origin struct {
	*entry
	file *os.File
	st   unix.Stat_t
	link *unix.Stat_t // the link that the entry is instead of the file's (takeLink); nil: none
}

// takeLink makes the entry that of the symbolic link at path, by which the file was opened.
func (o *origin) takeLink(path string) error {
	e, err := openPlace(path, path)
	if err != nil {
		return err
	}
	st, err := e.stat()
	if err == nil && st.Mode&unix.S_IFMT != unix.S_IFLNK {
		err = errors.New("is no symbolic link")
	}
	if err != nil {
		e.close()
		return err
	}
	o.entry.close()
	o.entry, o.link = e, &st
	return nil
}

// openOrigin opens a regular file. Anything else is an error that says what it is.
func openOrigin(path string) (*origin, error) {
	e, err := openEntry(path)
	if err != nil {
		return nil, err
	}
	o := &origin{entry: e}
	if o.file, err = e.open(); err != nil {
		e.close()
		return nil, err
	}
	if err = unix.Fstat(int(o.file.Fd()), &o.st); err == nil && o.st.Mode&unix.S_IFMT != unix.S_IFREG {
		err = errors.New("not a regular file")
	}
	if err != nil {
		o.close()
		return nil, err
	}
	return o, nil
}

func (o *origin) close() error {
	o.entry.close()
	return o.file.Close()
}

// sameFile compares identities.
func sameFile(a, b *unix.Stat_t) bool { return a.Dev == b.Dev && a.Ino == b.Ino }
