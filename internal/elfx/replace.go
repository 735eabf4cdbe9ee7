package elfx

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
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

	begun *pending // a file that already has the first has bytes of src; nil: none
	has   int64
}

// reserve makes room for a file, so that a full disk shows before anything is written.
func reserve(dst *os.File, size int64) error {
	err := unix.Fallocate(int(dst.Fd()), 0, 0, size)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINVAL) {
		return nil
	}
	return err
}

// writeTo fills a file that is empty, or begun.
func (c *content) writeTo(dst *os.File) error {
	size := c.keep + int64(len(c.tail))
	if size > 0 {
		if err := reserve(dst, size); err != nil {
			return err
		}
	}
	if c.src != nil && c.keep > c.has {
		// The kernel copies, and shares blocks where the file system can.
		if _, err := c.src.Seek(c.has, io.SeekStart); err != nil {
			return err
		}
		n, err := io.Copy(dst, &io.LimitedReader{R: c.src, N: c.keep - c.has})
		if err != nil {
			return err
		}
		if n != c.keep-c.has {
			return errors.New("the file became shorter meanwhile")
		}
	}
	if _, err := dst.WriteAt(c.tail, c.keep); err != nil {
		return err
	}
	for _, p := range c.patches {
		if _, err := dst.WriteAt(p.data, int64(p.off)); err != nil {
			return err
		}
	}
	return dst.Truncate(size)
}

// ErrChanged: another file has come under the name since this one was opened.
var ErrChanged = errors.New("another file has taken its place meanwhile: nothing was written")

// pending is a new file that is complete, beside the name that it shall have.
type pending struct {
	entry *entry
	tmp   *os.File
	name  string       // of tmp, in the entry's folder
	old   *unix.Stat_t // the file that it replaces, nil for none
	notes []string

	exchanged, installed bool
}

// prepare writes a new file beside an entry. old, which may be nil, is the file that it will replace: owner, mode and extended
// attributes are taken from it, but for setuid and setgid, which were given to other contents.
//
// A file that replaces another belongs to the user who runs gobtf until it is complete, and no other may open it.
// Rule elf/whole.
func prepare(e *entry, old *origin, c content) (*pending, error) {
	p := c.begun
	if p == nil {
		e.removeStale()
		p = &pending{entry: e}
		mode := uint32(0o640) // less the umask
		if old != nil {
			mode = privateMode
		}
		if err := p.create(mode); err != nil {
			if errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EROFS) {
				err = fmt.Errorf("its folder takes no new file, and a file is never written over: %w", err)
			}
			return nil, err
		}
	}
	if err := p.fill(old, c); err != nil {
		p.drop()
		return nil, err
	}
	return p, nil
}

func (p *pending) fill(old *origin, c content) error {
	if err := c.writeTo(p.tmp); err != nil {
		return err
	}
	if old != nil {
		p.old = &old.st
		if old.link != nil {
			p.old = old.link
		}
		if err := p.adopt(old); err != nil {
			return err
		}
		if old.st.Nlink > 1 && old.link == nil {
			p.notes = append(p.notes, fmt.Sprintf("it had %d hard links: the new contents are under this name alone", old.st.Nlink))
		}
	}
	return p.tmp.Sync()
}

// tempName is what a temporary file of gobtf is called: 128 random bits, which nobody else's file has. What is found under such a name
// later was left by a run that was killed, unless it is locked.
var tempName = regexp.MustCompile(`^\.gobtf-[0-9a-f]{32}\.tmp$`)

// create makes and locks the temporary file. The lock ends with the process.
func (p *pending) create(mode uint32) error {
	for range 100 {
		var b [16]byte
		if _, err := rand.Read(b[:]); err != nil {
			return err
		}
		fd, err := p.openNew(".gobtf-"+hex.EncodeToString(b[:])+".tmp", mode)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return err
		}
		p.tmp = os.NewFile(uintptr(fd), p.entry.path)
		// Someone who cleans up may have been quicker: then the name is gone. File systems without locks only lose the cleaning.
		var st unix.Stat_t
		if unix.Flock(fd, unix.LOCK_EX) == nil && unix.Fstat(fd, &st) == nil && st.Nlink == 0 {
			p.tmp.Close()
			continue
		}
		return nil
	}
	return errors.New("no name for a temporary file is free in its folder")
}

func (p *pending) openNew(name string, mode uint32) (int, error) {
	live.Lock()
	defer live.Unlock()
	fd, err := unix.Openat(p.entry.dir, name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, mode)
	if err == nil {
		p.name = name
		live.temp[p] = true
	}
	return fd, err
}

// adopt gives the new file what the old one has beside its contents. The order matters: a change of owner takes capabilities away.
func (p *pending) adopt(old *origin) error {
	fd, st := int(p.tmp.Fd()), &old.st
	var now unix.Stat_t
	if err := unix.Fstat(fd, &now); err != nil {
		return err
	}
	if now.Uid != st.Uid || now.Gid != st.Gid {
		if err := unix.Fchown(fd, int(st.Uid), int(st.Gid)); err != nil {
			return fmt.Errorf("a new file cannot have its owner (%d:%d): %w", st.Uid, st.Gid, err)
		}
	}
	// A folder's default ACL would come on top of the mode.
	_ = unix.Fremovexattr(fd, "system.posix_acl_access")
	const special = unix.S_ISUID | unix.S_ISGID
	if st.Mode&special != 0 {
		p.notes = append(p.notes, "it was setuid or setgid, which is not carried over to new contents")
	}
	if err := unix.Fchmod(fd, uint32(st.Mode)&0o7777&^special); err != nil {
		return err
	}
	var lost []string
	from := int(old.file.Fd())
	for _, name := range xattrNames(from) {
		value := make([]byte, 64<<10) // the most Linux allows
		n, err := unix.Fgetxattr(from, name, value)
		if err != nil {
			continue // it went meanwhile, or is not ours to read
		}
		// Labels are the system's to give: a new file has what its policy says.
		if err := unix.Fsetxattr(fd, name, value[:n], 0); err != nil && name != "security.selinux" && name != "security.SMACK64" {
			lost = append(lost, name)
		}
	}
	if len(lost) > 0 {
		p.notes = append(p.notes, "the new file could not have its extended attributes "+strings.Join(lost, ", "))
	}
	return nil
}

func xattrNames(fd int) []string {
	n, err := unix.Flistxattr(fd, nil)
	if err != nil || n == 0 {
		return nil
	}
	b := make([]byte, n+1024)
	if n, err = unix.Flistxattr(fd, b); err != nil || n == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(b[:n]), "\x00"), "\x00")
}

// drop removes the temporary file, if it still has its name.
func (p *pending) drop() {
	if p.tmp != nil {
		live.Lock()
		_ = unix.Unlinkat(p.entry.dir, p.name, 0)
		delete(live.temp, p)
		live.Unlock()
		p.tmp.Close()
		p.tmp = nil
	}
}

// replaceOld puts the new file in the place of the file that was opened: the name must still mean that one.
// Rule elf/whole.
func (p *pending) replaceOld() error {
	switch st, err := p.entry.stat(); {
	case errors.Is(err, fs.ErrNotExist) || err == nil && !sameFile(&st, p.old):
		return ErrChanged
	case err != nil:
		return err
	}
	return p.install()
}

// install puts the new file under its name, whatever has it. A rename replaces a symbolic link, and does not follow it.
func (p *pending) install() error {
	live.Lock()
	err := unix.Renameat(p.entry.dir, p.name, p.entry.dir, p.entry.name)
	if err == nil {
		delete(live.temp, p)
	}
	live.Unlock()
	if err != nil {
		return whyNot(err)
	}
	p.entry.sync()
	p.tmp.Close() // it is on the disk: nothing that this says would be true of the file
	p.tmp = nil
	return nil
}

// whyNot explains why a file cannot be replaced.
func whyNot(err error) error {
	switch {
	case errors.Is(err, unix.EBUSY):
		return fmt.Errorf("it is a mount point, which cannot be replaced: %w", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("it cannot be replaced in its folder: %w", err)
	}
	return err
}

// installAll puts all files under their names, or none. Where a file is replaced the two change places, so that the old one can come
// back; on file systems that cannot exchange files, a failure of a later one leaves the earlier ones.
func installAll(list []*pending) (err error) {
	live.Lock()
	defer live.Unlock()
	for _, p := range list {
		if err = p.exchange(); err != nil {
			break
		}
	}
	if err != nil {
		for _, p := range list {
			switch {
			case p.exchanged:
				_ = unix.Renameat2(p.entry.dir, p.name, p.entry.dir, p.entry.name, unix.RENAME_EXCHANGE)
			case p.installed && p.old == nil:
				_ = unix.Unlinkat(p.entry.dir, p.entry.name, 0)
			}
		}
		return whyNot(err)
	}
	for _, p := range list {
		if p.exchanged {
			_ = unix.Unlinkat(p.entry.dir, p.name, 0)
		}
		delete(live.temp, p)
		p.entry.sync()
		p.tmp.Close()
		p.tmp = nil
	}
	return nil
}

func (p *pending) exchange() error {
	flag := uint(unix.RENAME_NOREPLACE)
	if p.old != nil {
		flag = unix.RENAME_EXCHANGE
	}
	err := unix.Renameat2(p.entry.dir, p.name, p.entry.dir, p.entry.name, flag)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		err, flag = unix.Renameat(p.entry.dir, p.name, p.entry.dir, p.entry.name), 0
	}
	p.installed = err == nil
	p.exchanged = p.installed && flag == unix.RENAME_EXCHANGE
	return err
}

// folder is a folder that this process has looked through. The path is there because a new folder may get an old one's number.
type folder struct {
	dev, ino uint64
	path     string
}

var cleaned sync.Map // of folder

// removeStale removes temporary files that a killed run of gobtf has left in the folder: those whose lock is free.
func (e *entry) removeStale() {
	var st unix.Stat_t
	if !e.readable || unix.Fstat(e.dir, &st) != nil {
		return
	}
	if _, done := cleaned.LoadOrStore(folder{uint64(st.Dev), st.Ino, filepath.Dir(e.path)}, true); done {
		return
	}
	fd, err := unix.Openat(e.dir, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	dir := os.NewFile(uintptr(fd), ".")
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	for _, name := range names {
		if tempName.MatchString(name) {
			removeUnlocked(e.dir, name)
		}
	}
}

func removeUnlocked(dir int, name string) {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	var a, b unix.Stat_t
	if unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) != nil || unix.Fstat(fd, &a) != nil || a.Mode&unix.S_IFMT != unix.S_IFREG {
		return
	}
	if unix.Fstatat(dir, name, &b, unix.AT_SYMLINK_NOFOLLOW) == nil && sameFile(&a, &b) {
		_ = unix.Unlinkat(dir, name, 0)
	}
}
