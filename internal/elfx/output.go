package elfx

import (
	"errors"
	"io/fs"
	"os"
	"regexp"
	"strconv"

	"golang.org/x/sys/unix"
)

// Output is one file to write.
type Output struct {
	Path string
	Data []byte
}

// WriteFileAtomic writes data to path, whole or not at all: an existing file is replaced by a new one, which has its owner, its mode less
// setuid and setgid, and its extended attributes; where none was, the new one has 0640 less the umask. Devices, pipes and the standard
// streams are written directly. It refuses with ErrSameFile when path is one of inputs. note is one line about what could not be kept.
func WriteFileAtomic(path string, data []byte, inputs ...string) (note string, err error) {
	return WriteFilesAtomic([]Output{{path, data}}, inputs...)
}

// WriteFilesAtomic is WriteFileAtomic for several files: all are written, or none.
func WriteFilesAtomic(list []Output, inputs ...string) (note string, err error) {
	var files []*pending
	defer func() {
		for _, p := range files {
			p.drop()
			p.entry.close()
		}
	}()
	var direct []func() error
	for _, o := range list {
		if fd, ok := streamNumber(o.Path); ok {
			direct = append(direct, func() error { return wrap(o.Path, writeStream(fd, o.Data)) })
			continue
		}
		st, err := os.Stat(o.Path)
		if err == nil && !st.IsDir() && !st.Mode().IsRegular() {
			direct = append(direct, func() error { return wrap(o.Path, writeDirect(o.Path, o.Data)) })
			continue
		}
		p, err := beside(o, st, err, inputs)
		if err != nil {
			return "", wrap(o.Path, err)
		}
		files = append(files, p)
		for _, n := range p.notes {
			note = joinNotes(note, n)
		}
	}
	switch len(files) {
	case 0:
	case 1:
		err = files[0].install()
	default:
		err = installAll(files)
	}
	if err != nil {
		return "", wrap(files[0].entry.path, err)
	}
	for _, write := range direct {
		if err := write(); err != nil {
			return "", err
		}
	}
	return note, nil
}

// beside writes the new file for one output. st and statErr are what is there now.
func beside(o Output, st os.FileInfo, statErr error, inputs []string) (p *pending, err error) {
	if statErr != nil && !errors.Is(statErr, fs.ErrNotExist) {
		return nil, statErr
	}
	if statErr == nil && st.IsDir() {
		return nil, unix.EISDIR
	}
	for _, in := range inputs {
		if is, err := os.Stat(in); statErr == nil && err == nil && os.SameFile(st, is) {
			return nil, ErrSameFile
		}
	}
	e, err := openEntry(o.Path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			e.close()
		}
	}()
	var old *origin
	if statErr == nil {
		// Replacing would succeed where writing is forbidden.
		if err := unix.Faccessat(e.dir, e.name, unix.W_OK, 0); err != nil {
			return nil, err
		}
		f, err := e.open()
		if err != nil {
			return nil, err
		}
		defer f.Close()
		old = &origin{entry: e, file: f}
		if err := unix.Fstat(int(f.Fd()), &old.st); err != nil {
			return nil, err
		}
	}
	return prepare(e, old, content{tail: o.Data})
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
