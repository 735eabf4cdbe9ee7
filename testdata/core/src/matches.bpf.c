/* Whole types that match a kernel's, and some that do not. */
#include "core.h"
struct list_head { struct list_head *next, *prev; };
struct hlist_node { struct hlist_node *next; int pprev; };
struct hlist_head { struct hlist_node *first; };
typedef struct { int counter; } atomic_t;
struct path { struct vfsmount *mnt; struct dentry *dentry; };
struct qstr { unsigned int hash; };
enum pid_type { PIDTYPE_PID };
typedef unsigned long long u64;
SEC("kprobe/a") long a(void *c)
{
	return TYPE_MATCHES(struct list_head) + TYPE_MATCHES(struct hlist_node) + TYPE_MATCHES(struct hlist_head) + TYPE_MATCHES(atomic_t) + TYPE_MATCHES(struct path) +
		TYPE_MATCHES(struct qstr) + TYPE_MATCHES(enum pid_type) + TYPE_MATCHES(u64);
}
