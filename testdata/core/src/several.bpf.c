/* Several programs in one object, which ask for the same things. */
#include "core.h"
struct dentry { struct dentry *d_parent; struct { const unsigned char *name; unsigned int len; } d_name; struct inode *d_inode; } CORE;
struct inode { unsigned short i_mode; unsigned long i_ino; struct super_block *i_sb; } CORE;
struct super_block { unsigned int s_dev; unsigned long s_magic; } CORE;
SEC("kprobe/a") long a(struct dentry *d) { struct inode *i; unsigned long n; READ(&i, &d->d_inode); READ(&n, &i->i_ino); return n; }
SEC("kprobe/b") long b(struct inode *i) { struct super_block *s; unsigned long m; READ(&s, &i->i_sb); READ(&m, &s->s_magic); return m; }
SEC("fentry/c") long c(struct dentry *d) { const unsigned char *n; READ(&n, &d->d_name.name); return HAS_FIELD(d->d_name.len) + (n == 0); }
