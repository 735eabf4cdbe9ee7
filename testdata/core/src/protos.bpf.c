/* Prototypes behind pointers and typedefs. */
#include "core.h"
struct file; struct inode; struct kiocb; struct iov_iter;
struct callback_head;
typedef void (*rcu_callback_t)(struct callback_head *head);
typedef int (*dev_page_fault_t)(void *, unsigned long);
struct file_operations { int (*open)(struct inode *, struct file *); long (*read_iter)(struct kiocb *, struct iov_iter *); } CORE;
struct callback_head { struct callback_head *next; void (*func)(struct callback_head *head); } CORE;
SEC("kprobe/a") long a(struct file_operations *f)
{
	void *p, *q; struct callback_head *h = (void *)f;
	READ(&p, &f->open); READ(&q, &h->func);
	return (p == q) + HAS_TYPE(rcu_callback_t) + TYPE_MATCHES(rcu_callback_t) + HAS_TYPE(dev_page_fault_t) + HAS_FIELD(f->read_iter);
}
